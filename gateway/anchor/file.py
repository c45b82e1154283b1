"""Anchors in a file. Lines are only added, so the file keeps the signatures even if the database is restored from a backup."""

import os
from collections.abc import Sequence
from pathlib import Path

from gateway.anchor.line import read, written
from gateway.anchor.sink import CheckpointRef, NotAccepted
from gateway.audit.checkpoint import Checkpoint
from gateway.clock import SECOND
from gateway.config.named_file import opened

_AFTER_FAILURE = 30 * SECOND
_LONGEST_LINE = 1 << 22


class AnchorFile:
    """Each gateway writes its own file, even if several gateways share a database."""

    is_shared = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"file:{path}"

    async def last(self) -> CheckpointRef | None:
        try:
            return _last_ref(self._path)
        except OSError as error:
            raise _not_accepted(error) from error

    async def take(self, points: Sequence[Checkpoint]) -> int:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(fd, "ab") as file:
                torn = b"" if _ends_a_line(fd) else b"\n"
                file.write(torn + b"".join(written(point) + b"\n" for point in points))
                file.flush()
                os.fsync(fd)
        except OSError as error:
            raise _not_accepted(error) from error
        return len(points)


def _not_accepted(error: OSError) -> NotAccepted:
    return NotAccepted(error.strerror or type(error).__name__, _AFTER_FAILURE)


def _ends_a_line(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return not size or os.pread(fd, 1, size - 1) == b"\n"


def _last_ref(path: Path) -> CheckpointRef | None:
    """The last anchor in the file; None if there is no file or no readable line in it."""
    try:
        with os.fdopen(opened(path), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LONGEST_LINE))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        if (found := read(line)) is not None:
            return CheckpointRef(found.checkpoint, found.signature)
    return None
