"""Checkpoints on a connection of their own, so that no call waits until pages are in the file.

Such a checkpoint (PASSIVE) never waits, and stops at what the oldest reader still needs. SQLite restarts the log when a checkpoint
has reached its end and nothing reads from it. While calls are written without a break, this one never reaches the end. So from
`wal_autocheckpoint` on, the writer's commits move the little that is left (`SERVING`). If readers follow one another without a gap,
the log restarts only if the writer waits for them, which it seldom does. One long reader can make any log grow; SQLite has no
remedy for that, and the gateway reports it in its own log.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import aiosqlite
import structlog

from gateway.errors import StoreBroken, StoreUnavailable
from gateway.sqlite_library import MAY_CHECKPOINT_BESIDE, VERSION, sqlite3
from gateway.store.sqlite.connection import connection_to
from gateway.store.sqlite.connection_thread import run_on_thread

MOST_PAGES = 65_536
"""The writer waits for readers once the log is longer: 256 MiB."""
_AFTER_SECONDS = 0.2
_TRY_AGAIN_SECONDS = 5.0
_log = structlog.get_logger("store")


class Checkpoints:
    """`empty_log` runs on the writer's connection and says whether the log is empty. Other code that needs a whole checkpoint holds
    `others`, because SQLite does not wait for one that is under way."""

    def __init__(
        self,
        path: Path,
        empty_log: Callable[[], Awaitable[bool]],
        translated_errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.others = asyncio.Lock()
        self._path = path
        self._empty_log = empty_log
        self._translated_errors = translated_errors
        self._connection: aiosqlite.Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._run: asyncio.Task[None] | None = None
        self._wait_until = 0.0
        self._changes = 0

    async def open(self) -> None:
        if not MAY_CHECKPOINT_BESIDE:
            _log.warning("sqlite_outdated", engine=VERSION)
            return
        self._connection = await connection_to(self._path, cached_statements=1)
        await self._connection.execute("PRAGMA synchronous=FULL")

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        connection, self._connection = self._connection, None
        if self._run is not None:
            await self._run
        if connection is not None:
            await connection.close()

    def note_written(self, changes: int) -> None:
        """A checkpoint follows soon, if the writer has changed more rows than when this was called before."""
        if changes != self._changes and self._timer is None and self._connection is not None:
            self._changes = changes
            self._timer = asyncio.get_running_loop().call_later(_AFTER_SECONDS, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._run is None or self._run.done():
            self._run = asyncio.create_task(self.run())
        else:
            self._timer = asyncio.get_running_loop().call_later(_AFTER_SECONDS, self._begin)

    async def run(self) -> None:
        """Make one checkpoint. If it fails, the next one does its work too, and a broken file has already been reported."""
        if (connection := self._connection) is None:
            return
        async with self.others:
            try:
                with self._translated_errors():
                    await self._shorten(connection)
            except (StoreUnavailable, StoreBroken, sqlite3.DatabaseError) as error:
                _log.warning("checkpoint_failed", error=type(error).__name__)

    async def _shorten(self, connection: aiosqlite.Connection) -> None:
        pages = await run_on_thread(connection, _move)
        now = asyncio.get_running_loop().time()
        if pages > MOST_PAGES and now >= self._wait_until:
            self._wait_until = now + _TRY_AGAIN_SECONDS
            if not await self._empty_log():
                _log.warning("write_ahead_log_held", pages=pages)


def _move(connection: sqlite3.Connection) -> int:
    """Move what can be moved. Returns the pages of the log."""
    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return pages
