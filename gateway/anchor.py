"""Anchors: each signed checkpoint, copied to where whoever owns the database cannot quietly reach. A line of JSON each."""

import os
from pathlib import Path

import msgspec
import structlog

from gateway.audit.anchored import Anchored
from gateway.audit.checkpoint import Checkpoint
from gateway.store import Store
from gateway.store.reports.audit import checkpoints_behind

_log = structlog.get_logger("anchor")

_SCHEME = "file:"
_POLL = 1.0
_AFTER_FAILURE = 30.0
_LONGEST_LINE = 1 << 22
_encode = msgspec.json.Encoder().encode


class Anchor:
    """Appends what the file does not have yet; `where` is the setting. Lines are only ever added, so of a database that was put
    back the file still has what it held."""

    def __init__(self, where: str, store: Store) -> None:
        self._path = Path(where.removeprefix(_SCHEME))
        self._store = store
        self._last: int | None = None
        self._failed = False

    async def step(self) -> float:
        """Seconds until the next step."""
        try:
            await self.catch_up()
        except OSError as error:
            if not self._failed:
                _log.error("anchor_not_written", path=str(self._path), error=error.strerror)
            self._failed = True
            return _AFTER_FAILURE
        self._failed = False
        return _POLL

    async def catch_up(self) -> None:
        """Raises OSError, and StoreUnavailable."""
        if self._last is None:
            self._last = await self._place()
        while points := await checkpoints_behind(self._store, self._last):
            self._append(points)
            self._last = points[-1].checkpoint_id

    async def _place(self) -> int:
        """The last checkpoint that the file and the database have alike; 0 when they part."""
        last = _last_line(self._path)
        if last is None:
            return 0
        there = await checkpoints_behind(self._store, last.checkpoint - 1, 1)
        if there and anchored(there[0]) == last:
            return last.checkpoint
        _log.error(
            "anchor_differs", path=str(self._path), hint="run gateway audit verify --anchors with this file"
        )
        return 0

    def _append(self, points: list[Checkpoint]) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(fd, "ab") as file:
            torn = b"\n" if file.tell() and not _ends_a_line(self._path) else b""
            file.write(torn + b"".join(_encode(anchored(point)) + b"\n" for point in points))
            file.flush()
            os.fsync(file.fileno())


def anchored(point: Checkpoint) -> Anchored:
    return Anchored(point.checkpoint_id, point.at, point.heads, point.signature.hex())


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _last_line(path: Path) -> Anchored | None:
    """None for a file that is not there or holds no line that can be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LONGEST_LINE))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        try:
            return msgspec.json.decode(line, type=Anchored)
        except msgspec.MsgspecError:
            continue
    return None
