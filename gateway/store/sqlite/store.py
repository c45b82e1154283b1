"""The embedded store: one SQLite file, one connection that writes, two that read, and one that makes checkpoints.

Every batch is one hop to the writer's thread: begin, load, decide, save, commit with fsync. A lock on the file keeps a second
process out.
"""

import asyncio
import contextlib
import os
import uuid
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from gateway.audit.chain import Chain
from gateway.audit.checkpoint import Moved
from gateway.audit.event import Action
from gateway.audit.segment import Header
from gateway.clock import MINUTE, Clock, Stamps
from gateway.errors import AlreadyRunning, ReadFailed, StoreBroken, StoreUnavailable
from gateway.ids import Ids
from gateway.model import Erasure
from gateway.sqlite_library import sqlite3
from gateway.store import batch
from gateway.store.digest_backfill import DigestBackfill
from gateway.store.erasures import ERASURES
from gateway.store.gateway_reads import newest_moment
from gateway.store.maintenance import KEPT_BY_DEFAULT, KeepFor, Maintenance
from gateway.store.protocol import BatchSource, Work
from gateway.store.retention import Retention
from gateway.store.row_digests import row_key
from gateway.store.signing import MOST_EVENTS, Signing, archived_event, moved_event, own_event
from gateway.store.sqlite.checkpoints import Checkpoints
from gateway.store.sqlite.connection import (
    ALONE,
    PRAGMAS,
    SERVING,
    connection_to,
    prepare,
    probe,
    rows,
    translated,
)
from gateway.store.sqlite.connection_thread import run_on_thread
from gateway.store.sqlite.dialect import Saver, load, run_housekeeping
from gateway.store.sqlite.disk import FreeDisk
from gateway.store.sqlite.erasing import Erasing
from gateway.store.sqlite.lock import FileLock
from gateway.store.sqlite.wiping import clear_copies, empty_log
from gateway.store.statement import Step, Write, together
from gateway.workingset import WorkingSet

T = TypeVar("T")
_READERS = 2
_EVERY_ID = (1 << 63) - 1
_LOG = "the write-ahead log, until every reader of an earlier state of the file has ended"


class SqliteStore:
    """`checkpoint_key` signs the audit log's checkpoints. `on_broken` is called when SQLite reports an error after which no later
    call can be trusted, whatever was under way; it may end the process. `alone`: no calls are served meanwhile, so it may use more
    memory and make a batch wait now and then. Call `open` first and `close` at the end."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        checkpoint_key: bytes,
        on_broken: Callable[[StoreBroken], None] = lambda _: None,
        checkpoint_every: int = MINUTE,
        checkpoint_events: int = MOST_EVENTS,
        kept: KeepFor = KEPT_BY_DEFAULT,
        min_free_disk: int = 0,
        alone: bool = False,
    ) -> None:
        self.path = path
        self.chain = Chain(uuid.uuid4().hex, row_key(checkpoint_key))
        self._on_broken = on_broken
        self._clock = clock
        self._stamps = Stamps()
        self._ids = Ids(int.from_bytes(os.urandom(2)))
        self._maintenance = Maintenance(kept)
        self._retention = Retention(self.chain, kept)
        self._signing = Signing(self.chain, checkpoint_key, checkpoint_every, checkpoint_events, shared=False)
        self._backfill = DigestBackfill(self.chain, shared=False)
        self._disk = FreeDisk(path, min_free_disk)
        self._pragmas = (*PRAGMAS, *(ALONE if alone else SERVING))
        self._lock = FileLock(path)
        self._writer: aiosqlite.Connection | None = None
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._all_readers: list[aiosqlite.Connection] = []
        self._beside = ThreadPoolExecutor(1, "save")
        self._checkpoints = Checkpoints(path, partial(self._in_writer, empty_log), self._translated_errors)
        self._is_alone = alone
        self._asking = 0
        self._erasing = Erasing(path, checkpoint_key)
        self._is_sealed = False

    # ---- life ----

    async def open(self) -> None:
        if not self._lock.take():
            raise AlreadyRunning(
                f"Another gateway process holds {self.path}. Stop it first, or give this one its own store.url."
            )
        try:
            self._writer = await connection_to(self.path, cached_statements=2048)
            await self._in_writer(prepare, self._pragmas, self._clock.now())
            for _ in range(_READERS):
                reader = await connection_to(self.path, cached_statements=256, reads_only=True)
                self._all_readers.append(reader)
                await reader.execute("PRAGMA query_only=ON")
                self._readers.put_nowait(reader)
            if not self._is_alone:
                await self._checkpoints.open()
            self._stamps.raise_to(await newest_moment(self))
            clear_copies(self.path)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Sign the end of the log, close every connection, then release the file. May be called again."""
        await self.seal()
        await self._checkpoints.close()
        for reader in self._all_readers:
            await reader.close()
        self._all_readers.clear()
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        self._beside.shutdown()
        self._lock.release()

    async def seal(self) -> None:
        if self._writer is not None and self.chain.is_kept and not self._is_sealed:
            self._is_sealed = True
            with contextlib.suppress(StoreUnavailable, StoreBroken), self._translated_errors():
                await self._in_writer(self._run_housekeeping, self._signing.end(*self._moment()))

    # ---- the one write path ----

    async def run(self, work: Work) -> None:
        await self.run_all(_Alone(work))

    async def run_all(self, source: BatchSource) -> None:
        with self._translated_errors():
            await self._in_writer(self._transact, source)
            if self._erasing.has_new():
                await self._wipe()

    async def take_lead(self, work: str) -> bool:
        return True

    async def maintain(self, limit: int) -> int:
        now, stamp = self._moment()
        tidying = self._maintenance.tidy(now, _EVERY_ID, limit)
        signing = self._signing.checkpoint(now, stamp)
        forgetting = self._retention.step(now, stamp, self._ids.next, limit)
        with self._translated_errors():
            await self._wipe()
            pruning = self._signing.prune_checkpoints(limit)
            done = await self._in_writer(self._run_housekeeping, tidying, signing, forgetting, pruning)
            if not self._backfill.is_done:
                backfill = self._backfill.run(now, stamp, self._ids.next, limit)
                done += await self._in_writer(self._run_housekeeping, backfill)
            return done

    def is_signature_due(self) -> bool:
        return self._signing.is_checkpoint_due(self._clock.now())

    async def write(self, *writes: Write) -> bool:
        with self._translated_errors():
            await self._in_writer(self._run_housekeeping, together(writes))
            return True

    async def rotate_secret(self, actor: str) -> int:
        now, stamp = self._moment()
        event = own_event(self._ids.next(stamp), stamp, Action.SECRET_REPLACED, actor)
        self._erasing.rotate_secret()
        with self._translated_errors():
            return await self._in_writer(
                self._run_housekeeping, self._signing.rotate_secret(now, stamp, event)
            )

    async def sign_what_is_open(self) -> None:
        with self._translated_errors():
            await self._in_writer(self._run_housekeeping, self._signing.sign_what_is_open(*self._moment()))

    async def cut(self, header: Header, actor: str) -> bool:
        now, stamp = self._moment()
        event = archived_event(self._ids.next(stamp), stamp, header, actor)
        with self._translated_errors():
            step = self._signing.cut(now, stamp, header, event)
            return bool(await self._in_writer(self._run_housekeeping, step))

    async def move_checkpoints(self, moved: Moved, name: str, actor: str) -> bool:
        now, stamp = self._moment()
        event = moved_event(self._ids.next(stamp), stamp, name, moved, actor)
        with self._translated_errors():
            step = self._signing.move_checkpoints(now, stamp, moved, event)
            return bool(await self._in_writer(self._run_housekeeping, step))

    async def prune(self, limit: int) -> int:
        with self._translated_errors():
            steps = (self._maintenance.pruning.step(limit), self._signing.prune_checkpoints(limit))
            return await self._in_writer(self._run_housekeeping, *steps)

    def _run_housekeeping(self, connection: sqlite3.Connection, *steps: Step) -> int:
        """Run the steps in one transaction. Returns what the busiest of them did."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            done = max([run_housekeeping(connection, step) for step in steps])
            connection.execute("COMMIT")
        except BaseException:
            self._undo()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if self.chain.begun:
            self.chain.keep(self.chain.tip)
        return done

    def _undo(self) -> None:
        self.chain.rewind()
        self._signing.undone()

    async def scrub(self) -> tuple[str, ...]:
        async with self._checkpoints.others:
            with self._translated_errors():
                clean = await self._in_writer(self._erasing.scrub)
        return () if clean else (_LOG,)

    async def _wipe(self) -> None:
        """Erased data goes from the files too: now, or with housekeeping, once nothing reads an earlier state."""
        if self._erasing.is_left:
            async with self._checkpoints.others:
                await self._in_writer(self._erasing.finish)

    async def keep_erasures_outside(self) -> None:
        await self._in_writer(self._erasing.keep)

    async def erasures_lacking(self) -> list[Erasure]:
        return self._erasing.lacking(await self.fetch(ERASURES))

    def _moment(self) -> tuple[int, int]:
        """Now, and the stamp for it."""
        now = self._clock.now()
        return now, self._stamps.at(now)

    async def server_time(self) -> int | None:
        """There is no server: the file has this machine's time."""
        return None

    async def probe(self) -> None:
        self._disk.check()
        with self._translated_errors():
            await self._in_writer(probe)

    async def report_alive(self) -> None:
        """Nothing to do: the lock on the file shows it."""

    async def replicas(self) -> int:
        """One: the lock on the file keeps a second process out."""
        return 1

    async def _in_writer(self, function: Callable[..., T], *arguments: Any) -> T:
        if (writer := self._writer) is None:
            raise StoreUnavailable("the store is not open")
        self._asking += 1
        try:
            answer = await run_on_thread(writer, function, *arguments)
        finally:
            self._asking -= 1
        self._checkpoints.note_written(writer.total_changes)
        return answer

    def _transact(self, connection: sqlite3.Connection, source: BatchSource) -> None:
        """A batch is loaded in the transaction of the batch before it, so that it can be decided while that one is committed."""
        work, saver = source.next(), Saver(connection, self.chain, self._beside)
        if work is None:
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._sign_if_due(connection)
            ws = self._loaded(connection, work, saver)
            while True:
                work.process(ws)
                self._erasing.note(ws)
                saver.save(ws)
                stored, work = partial(source.stored, work), source.next() if self._asking <= 1 else None
                if work is None:
                    saver.commit(stored)
                    return
                ws = self._loaded_before_commit(connection, work, saver, stored)
        except BaseException:
            earlier = saver.give_up()
            self._undo()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if earlier is not None:
                raise earlier from None
            raise

    def _sign_if_due(self, connection: sqlite3.Connection) -> None:
        if self._signing.is_due(self._clock.now()):
            run_housekeeping(connection, self._signing.sign(*self._moment()))

    def _loaded_before_commit(
        self, connection: sqlite3.Connection, work: Work, saver: Saver, stored: Callable[[], None]
    ) -> WorkingSet:
        """Load for `work`, and commit the batch before it at the same time. If the load fails, that one is committed all the same,
        unless SQLite has rolled the transaction back, as after an I/O error."""
        try:
            ws = self._loaded(connection, work, saver)
        except Exception:
            if connection.in_transaction:
                saver.commit(stored)
            raise
        saver.commit_beside(stored)
        return ws

    def _loaded(self, connection: sqlite3.Connection, work: Work, saver: Saver) -> WorkingSet:
        self._disk.check()
        now, stamp = self._moment()
        ws = WorkingSet(now, self._ids, saver.save_beside, stamp=stamp)
        load(connection, batch.load(work, ws))
        return ws

    @contextlib.contextmanager
    def _translated_errors(self) -> Generator[None]:
        """Every path to the database goes through here, so that a broken file means the same on each."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            meaning = translated(error)
            if isinstance(meaning, StoreBroken):
                self._on_broken(meaning)
            if meaning is error:
                raise
            raise meaning from error

    # ---- reading ----

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        reader = await self._readers.get()
        try:
            with self._translated_errors():
                return await run_on_thread(reader, rows, sql, parameters)
        except sqlite3.DatabaseError as error:
            raise ReadFailed(type(error).__name__) from error
        finally:
            self._readers.put_nowait(reader)


class _Alone:
    """A source of one batch."""

    def __init__(self, work: Work) -> None:
        self._work: Work | None = work

    def next(self) -> Work | None:
        work, self._work = self._work, None
        return work

    def stored(self, work: Work) -> None:
        """Nothing to do: `run` returns when the batch is stored."""
