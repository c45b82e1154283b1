"""Checkpoints in the archive: which may go there, and the form of their files.

A file has three parts: the line `MAGIC`; a line of JSON, the `CheckpointFileHeader`; and a gzip stream with a checkpoint on each
line, `[number, at, heads, signature in base64]`. A file needs no signature of its own: each checkpoint is signed over the signature
before it, and a checkpoint in the log names the last signature that was archived.
"""

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from gateway.audit.chain import Tip
from gateway.audit.checkpoint import (
    NONE_MOVED,
    VERSION_2,
    Checkpoint,
    Moved,
    is_signed,
    read_heads,
    read_state,
    standing,
)
from gateway.audit.segment_file import drop_drafts, open_file, sync_directory
from gateway.new_file import write_new

MAGIC = b"gateway-audit-checkpoints 1"
MOST_POINTS = 10_000
MOST_BYTES = 1 << 26
"""A file is closed once it has so many checkpoints, or so many bytes before compression."""
_LARGEST = 2 * MOST_BYTES
_LONGEST_HEADER = 1_000
_GZIP = 16 + zlib.MAX_WBITS
_DRAFT = ".partial"
_encode = msgspec.json.Encoder().encode
_decode_point = msgspec.json.Decoder(Checkpoint).decode


class CheckpointFileHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of the first and the last checkpoint in the file, and what came `before` the first one: "" for the first of a
    log, or else its signature."""

    first: int
    last: int
    before: str


def checkpoint_file_name(moved: Moved) -> str:
    """The name of the file with the last of these."""
    return f"audit-{moved.number:09d}-{moved.signature[:8]}.checkpoints"


def movable(
    points: Sequence[Checkpoint], held: Mapping[str, Tip], before: int, anchored: int | None = None
) -> list[Checkpoint]:
    """The oldest checkpoints from before a moment (ms) that no check of the remaining log needs: all events that they sign are in
    segments. `held` has the last event of each chain there; `anchored`, if there is an anchor, is the number of the last checkpoint
    that it has. At least the newest one stays, and the first that stays is of a kind that names all open chains. Chains that began
    before beginnings were signed must have ended."""
    stand, gone = standing(points)
    going: list[Checkpoint] = []
    for point in stand[:-1]:
        waits = anchored is not None and point.checkpoint_id > anchored
        if waits or point.at >= before or not _are_held(point, held):
            break
        going.append(point)
    while going and not stand[len(going)].heads.startswith(VERSION_2):
        going.pop()
    if gone == NONE_MOVED and going and _names_earlier_chains(stand, stand[len(going)]):
        return []
    return going


def _are_held(point: Checkpoint, held: Mapping[str, Tip]) -> bool:
    """Also the first event of a chain that begins: it names this checkpoint."""
    state = read_state(point.heads)
    if state is None:
        signed = {name: seq for name, (seq, _) in read_heads(point.heads).items()}
    else:
        signed = {name: reach.seq for name, reach in chain(state.open.items(), state.ends.items())}
    return all(held.get(name, (0, b""))[0] >= max(seq, 1) for name, seq in signed.items())


def _names_earlier_chains(stand: Sequence[Checkpoint], first_left: Checkpoint) -> bool:
    states = (read_state(point.heads) for point in stand)
    first = next(state for state in states if state is not None)
    left = read_state(first_left.heads)
    return left is not None and not (first.open.keys() - set(first.begins)).isdisjoint(left.open)


def files_of(going: Sequence[Checkpoint]) -> Iterator[list[Checkpoint]]:
    """The checkpoints of each file."""
    some, size = list[Checkpoint](), 0
    for point in going:
        some.append(point)
        size += len(point.heads)
        if len(some) == MOST_POINTS or size >= MOST_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def write_checkpoints(path: Path, points: Sequence[Checkpoint], before: bytes) -> None:
    """The file is on disk under its name when this returns. One that is there already, left by a run that was killed, must hold the
    same. Raises OSError, and ValueError for a file that holds something else."""
    header = CheckpointFileHeader(points[0].checkpoint_id, points[-1].checkpoint_id, before.hex())
    lines = b"".join(_encode(point) + b"\n" for point in points)
    body = zlib.compressobj(wbits=_GZIP)
    packed = body.compress(lines) + body.flush()
    try:
        write_new(path, (MAGIC, b"\n", _encode(header), b"\n", packed), draft=_DRAFT)
    except FileExistsError:
        if read_checkpoints(path) != (header, [*points]):
            raise ValueError("it is there already, and holds something else") from None
        with os.fdopen(open_file(path), "rb") as file:
            os.fsync(file.fileno())
    drop_drafts(path.parent, path.name)
    sync_directory(path.parent)


def moved_of(points: Sequence[Checkpoint]) -> Moved:
    """What a later checkpoint signs of them."""
    return Moved(points[-1].checkpoint_id, points[-1].signature.hex())


def read_checkpoints(path: Path) -> tuple[CheckpointFileHeader, list[Checkpoint]]:
    """Nothing of it is checked yet. Raises OSError, and ValueError for a file of another form."""
    with os.fdopen(open_file(path), "rb") as file:
        if file.readline(len(MAGIC) + 1) != MAGIC + b"\n":
            raise ValueError("it holds no checkpoints of an audit log")
        header, packed = file.readline(_LONGEST_HEADER), file.read(_LARGEST)
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        lines = unpacker.decompress(packed, _LARGEST)
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError("it was cut short, or is too large")
        return (
            msgspec.json.decode(header, type=CheckpointFileHeader),
            [_decode_point(line) for line in lines.splitlines()],
        )
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None


class ArchivedCheckpoints:
    """The archived checkpoints of a log, found backwards from those that `moved` names, file by file. `parts` reads them in order,
    as often as it is called, and yields none if one file is missing or does not hold; then `problem` says so of the file that ends
    with the checkpoint `number`."""

    def __init__(self, directory: Path, key: bytes, moved: Moved) -> None:
        self._directory, self._key = directory, key
        self._files: list[Moved] = []
        self.problem, self.number = "", 0
        while moved.signature and not self.problem:
            self._files.append(moved)
            moved, _ = self._read(moved)
        if self.problem:
            self._files.clear()
        self._files.reverse()

    def parts(self) -> Iterator[list[Checkpoint]]:
        for moved in self._files:
            _, points = self._read(moved)
            yield points

    def _read(self, moved: Moved) -> tuple[Moved, list[Checkpoint]]:
        """What came before the checkpoints of the file that ends as `moved` says, and these."""
        name = checkpoint_file_name(moved)
        try:
            return _checked(self._directory / name, self._key, moved)
        except OSError as error:
            self.problem = f"{name}: cannot be read in {self._directory} ({error.strerror})"
        except ValueError as error:
            self.problem = f"{name}: {error}"
        self.number = moved.number
        return NONE_MOVED, []


def check_files(directory: Path, key: bytes) -> tuple[int, list[tuple[int, str]]]:
    """How many checkpoints the files of a directory hold, and what is wrong with them by themselves: the number of a checkpoint,
    and a sentence."""
    ends, needed = {NONE_MOVED}, list[Moved]()
    count, wrong = 0, list[tuple[int, str]]()
    for path in sorted(directory.glob("audit-*.checkpoints")):
        try:
            _, points = read_checkpoints(path)
            before, points = _checked(path, key, moved_of(points))
        except (OSError, ValueError, IndexError) as error:
            wrong.append((0, f"{path.name}: {error}"))
            continue
        ends.add(moved_of(points))
        needed.append(before)
        count += len(points)
    lacking = {moved for moved in needed if moved not in ends and moved.signature}
    return count, wrong + [
        (moved.number, f"{checkpoint_file_name(moved)}: is missing in {directory}") for moved in lacking
    ]


def _checked(path: Path, key: bytes, moved: Moved) -> tuple[Moved, list[Checkpoint]]:
    """What came before a file's checkpoints, and these, which end as `moved` says. Raises OSError and ValueError."""
    header, points = read_checkpoints(path)
    numbers = [point.checkpoint_id for point in points]
    if not points or numbers != sorted(set(numbers)) or numbers[0] < 1 or moved_of(points) != moved:
        raise ValueError("it was edited, renamed, or belongs to another log")
    previous = before = _bytes(header.before)
    for point in points:
        if not is_signed(key, point, previous):
            raise ValueError(f"checkpoint {point.checkpoint_id} in it was edited")
        previous = point.signature
    return Moved(numbers[0] - 1, before.hex()), points


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("its header was edited") from None
