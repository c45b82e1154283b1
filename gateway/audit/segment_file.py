"""Segments as files of one directory. They are written completely or not at all, and readers do not trust their content."""

import os
import stat
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.audit.chain import Link
from gateway.audit.segment import (
    LONGEST_HEADER,
    MAGIC,
    Header,
    Unpacking,
    name_of,
    number_of,
    read_header,
    signature,
)
from gateway.new_file import write_new

_LONGEST_SIGNATURE = 100
_PIECE = 1 << 16
_DRAFT = ".partial"


class SegmentFile(NamedTuple):
    """A file with a readable header. Nothing else is checked yet."""

    path: Path
    text: str
    header: Header
    signature: str

    def links(self) -> Iterator[list[Link]]:
        """Its events, in pieces. Raises OSError, and ValueError for a body that was altered."""
        unpacking = Unpacking(self.header)
        try:
            with os.fdopen(open_file(self.path), "rb") as file:
                for _ in range(3):
                    file.readline(LONGEST_HEADER)
                yield from unpacking.read(iter(lambda: file.read(_PIECE), b""))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(str(error)) from None
        if not unpacking.is_whole:
            raise ValueError("the events do not match the digest in the header")


def listed(directory: Path) -> dict[int, Path]:
    """The segments of a directory by the numbers in their names. Raises OSError."""
    numbered = ((number_of(path.name), path) for path in directory.iterdir())
    return dict(sorted((number, path) for number, path in numbered if number is not None))


def read_segment(path: Path) -> SegmentFile:
    """Raises OSError, and ValueError for a file whose header cannot be read."""
    with os.fdopen(open_file(path), "rb") as file:
        magic = file.readline(len(MAGIC) + 1)
        if magic != MAGIC + b"\n":
            raise ValueError("it is not a segment of an audit log")
        text, signed = file.readline(LONGEST_HEADER), file.readline(_LONGEST_SIGNATURE)
    try:
        written = text.decode().removesuffix("\n")
        return SegmentFile(path, written, read_header(written), signed.decode().strip())
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ValueError("its header cannot be read") from None


def write_segment(directory: Path, header: Header, key: bytes, body: Iterable[bytes]) -> Path:
    """The file is on disk under its name when this returns. It never replaces an existing file. Raises OSError."""
    text, name = header.encoded(), name_of(header.number)
    path = directory / name
    head = b"%b\n%b\n%b\n" % (MAGIC, text.encode(), signature(key, text).encode())
    write_new(path, chain((head,), body), draft=_DRAFT)
    drop_drafts(directory, name)
    sync_directory(directory)
    return path


def secure_segment(file: SegmentFile) -> None:
    """Check a file that another process wrote, and flush it to disk (fsync). Raises OSError, and ValueError if its events are not
    those of the header."""
    for _ in file.links():
        pass
    opened = open_file(file.path)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
    drop_drafts(file.path.parent, file.path.name)
    sync_directory(file.path.parent)


def drop_drafts(directory: Path, name: str) -> None:
    """Delete drafts that killed runs left. None of them is needed any more, because the segment exists."""
    for draft in directory.glob(f"{name}.*{_DRAFT}"):
        draft.unlink(missing_ok=True)


def open_file(path: Path) -> int:
    """Raises OSError, and ValueError for anything but a regular file. Follows no symbolic link, and never blocks on a pipe."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise ValueError("it is not a file")
    return opened


def sync_directory(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
