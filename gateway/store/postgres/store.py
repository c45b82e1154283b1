"""The store of several gateways: PostgreSQL, or an engine that speaks its protocol.

Every batch is one SERIALIZABLE transaction in a constant number of round trips. A batch that collided with another replica's is run
again from its start, because nothing of it has left the process. A commit with an unknown outcome is never called a success.
"""

import asyncio
import contextlib
import os
import random
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import asyncpg
import structlog

from gateway.audit.chain import Chain
from gateway.audit.checkpoint import Moved
from gateway.audit.event import Action
from gateway.audit.segment import Header
from gateway.clock import MINUTE, Clock, Stamps
from gateway.errors import ReadFailed, StoreBusy, StoreUnavailable
from gateway.ids import Ids
from gateway.model import Erasure
from gateway.store import batch
from gateway.store.digest_backfill import DigestBackfill
from gateway.store.gateway_reads import newest_moment
from gateway.store.maintenance import KEPT_BY_DEFAULT, KeepFor, Maintenance
from gateway.store.postgres.connection import SILENT, Connection, Server
from gateway.store.postgres.dialect import Columns, load, readable, run_housekeeping, save
from gateway.store.postgres.engine import refuse_spread_tables
from gateway.store.postgres.erasures import ErasureTable
from gateway.store.postgres.leases import Leases
from gateway.store.postgres.schema import columns, migrate, refuse_unfinished_copy
from gateway.store.postgres.wiping import rewrite
from gateway.store.protocol import BatchSource, Work
from gateway.store.retention import Retention
from gateway.store.row_digests import row_key
from gateway.store.signing import MOST_EVENTS, Signing, archived_event, moved_event, own_event
from gateway.store.statement import Step, Write, together
from gateway.workingset import WorkingSet

_log = structlog.get_logger("store")

_BESIDE_READERS = 2
"""Connections that reads leave to the writer and to housekeeping."""
_BEGIN = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_RETRIES = 5
_FIRST_PAUSE = 0.005
_PROBE_SECONDS = 5
_LONGEST_BATCH_SECONDS = 20
_FINAL_AFTER = MINUTE
"""No batch commits ids older than this: it is given up before."""
_COLLIDED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError)
"""Another writer was faster, nothing was stored, and a second attempt may succeed. A unique violation too: another replica inserted
what this one had not found, or drew the same id."""
_SERVER_TIME = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


class PostgresStore:
    """`checkpoint_key` signs the audit log's checkpoints. `one_coordinator`: every gateway uses one coordinator of a Citus cluster.
    Call `open` first and `close` at the end."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        checkpoint_key: bytes,
        checkpoint_every: int = MINUTE,
        checkpoint_events: int = MOST_EVENTS,
        kept: KeepFor = KEPT_BY_DEFAULT,
        connections: int = 10,
        one_coordinator: bool = False,
    ) -> None:
        self._one_coordinator = one_coordinator
        self.chain = Chain(uuid.uuid4().hex, row_key(checkpoint_key))
        self._clock = clock
        self._stamps = Stamps()
        self._ids = Ids(_node())
        self._server = Server(url, connections)
        self._leases = Leases(lambda: self._server.connection(), clock)
        self._columns: Columns = {}
        self._maintenance = Maintenance(kept)
        self._retention = Retention(self.chain, kept)
        self._signing = Signing(self.chain, checkpoint_key, checkpoint_every, checkpoint_events, shared=True)
        self._backfill = DigestBackfill(self.chain, shared=True)
        self._is_sealed = False
        self._writing = asyncio.Lock()
        self._reading = asyncio.Semaphore(connections - _BESIDE_READERS)
        self._running: set[asyncio.Task[None]] = set()
        self._outside = ErasureTable(checkpoint_key)

    # ---- life ----

    async def open(self) -> None:
        await self._server.open()
        try:
            async with self._server.connection() as connection:
                await migrate(connection, self._clock.now())
                await refuse_unfinished_copy(connection)
                await refuse_spread_tables(connection, one_coordinator=self._one_coordinator)
                self._columns = await columns(connection)
                await self._outside.open(connection)
                await _warn_of_weak_durability(connection)
            self._stamps.raise_to(await newest_moment(self))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let running batches end, sign the end of the log, release this process's leases, close every connection. May be called
        again."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.seal()
        await self._leases.give_back()
        await self._server.close()

    async def seal(self) -> None:
        if self.chain.is_kept and not self._is_sealed:
            self._is_sealed = True
            with contextlib.suppress(StoreUnavailable, asyncpg.PostgresError, *SILENT):
                await self._sign(lambda: self._signing.end(*self._moment()))

    # ---- the one write path ----

    async def run(self, work: Work) -> None:
        await self._to_its_end(self._run(work))

    async def run_all(self, source: BatchSource) -> None:
        while (work := source.next()) is not None:
            await self.run(work)
            source.stored(work)

    async def _to_its_end(self, work: Coroutine[Any, Any, None]) -> None:
        """Cancelling the caller does not stop it."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.shield(task)

    async def _run(self, work: Work) -> None:
        async with self._writing:
            for again in range(_RETRIES + 1):
                try:
                    async with self._server.connection() as connection:
                        await self._transact(connection, work)
                    return
                except _COLLIDED as error:
                    if again == _RETRIES:
                        raise _given_up(error) from error
                    if isinstance(error, asyncpg.UniqueViolationError):
                        self._ids.move(_node())
                    await asyncio.sleep(random.uniform(0, _FIRST_PAUSE * 2**again))  # noqa: S311 - spreads retries

    async def _transact(self, connection: Connection, work: Work) -> None:
        started = asyncio.get_running_loop().time()
        now, stamp = self._moment()
        ws = WorkingSet(now, self._ids, stamp=stamp)
        if self._signing.must_restart(now):
            self.chain.restart(uuid.uuid4().hex)
        try:
            await connection.execute(_BEGIN)
            if self._signing.is_due(now):
                await run_housekeeping(connection, self._columns, self._signing.sign(now, stamp))
            await load(connection, batch.load(work, ws))
            work.process(ws)
            erased = ws.every_erasure()
            await save(connection, self._columns, ws, self.chain)
            if asyncio.get_running_loop().time() - started > _LONGEST_BATCH_SECONDS:
                raise StoreUnavailable("the database is too slow; nothing was stored")
        except BaseException as error:
            self._undo()
            await _roll_back(connection, error)
            raise
        await self._commit(connection)
        self.chain.keep(self.chain.tip)
        self._signing.done()
        if erased:
            with contextlib.suppress(
                asyncpg.PostgresError, *SILENT
            ):  # it is committed; the next erasure or start does it again
                await self._outside.keep(connection, erased)

    async def _commit(self, connection: Connection) -> None:
        """Raises a collision's error if nothing was stored, and StoreUnavailable if that is not known.

        It is not known either if the server stopped waiting for its standby: what is committed there can still be lost. The audit
        chain then continues under a new name, because its next number may be taken or not.
        """
        warnings: list[str] = []

        def listen(_: Any, message: asyncpg.PostgresLogMessage) -> None:
            if getattr(message, "sqlstate", "") == "01000" and "synchronous replication" in str(message):
                warnings.append(str(message))

        connection.add_log_listener(listen)
        try:
            status = await connection.execute("COMMIT")
        except _COLLIDED:
            self._undo()
            raise
        except BaseException as error:
            self._signing.undone()
            self.chain.restart(uuid.uuid4().hex)
            await self._server.give_up_connections()
            raise StoreUnavailable("the outcome of a commit is not known; send it again") from error
        finally:
            connection.remove_log_listener(listen)
        if warnings or status != "COMMIT":
            self.chain.restart(uuid.uuid4().hex)
            raise StoreUnavailable("the commit did not reach a standby server; send it again")

    def _undo(self) -> None:
        self.chain.rewind()
        self._signing.undone()

    def _moment(self) -> tuple[int, int]:
        """Now, and the stamp for it, which is never before a time that the database is known to hold."""
        now = self._clock.now()
        return now, self._stamps.at(now)

    # ---- housekeeping ----

    async def maintain(self, limit: int) -> int:
        self._stamps.raise_to(await newest_moment(self))
        now, stamp = self._moment()
        final_below = Ids(0).next(stamp - _FINAL_AFTER)
        done, leads = 0, False
        async with self._server.connection() as connection:
            with contextlib.suppress(*_COLLIDED):
                leads = await self._leases.take_by(connection, "housekeeping", now)
                if leads:
                    tidying = self._maintenance.tidy(now, final_below, limit)
                    done = await self._in_transaction(connection, tidying)
                    await self._in_transaction(connection, self._signing.adopt(now, stamp))
                    done = max(
                        done, await self._in_transaction(connection, self._signing.prune_checkpoints(limit))
                    )
                await self._in_transaction(connection, self._signing.checkpoint(now, stamp))
        if leads:
            with contextlib.suppress(*_COLLIDED):
                done += await self._bind(limit)
        return max(done, await self._forget(limit))

    async def _forget(self, limit: int) -> int:
        """While no batch adds to the chain, because the chain records what is removed."""
        if not self._retention.is_due(self._clock.now()) or not await self.take_lead("housekeeping"):
            return 0
        with contextlib.suppress(*_COLLIDED):
            return await self._sign(lambda: self._retention.step(*self._moment(), self._ids.next, limit))
        return 0

    async def _bind(self, limit: int) -> int:
        now, stamp = self._moment()
        if self._backfill.is_done or not self.chain.is_kept or self._signing.must_restart(now):
            return 0
        return await self._sign(lambda: self._backfill.run(now, stamp, self._ids.next, limit))

    def is_signature_due(self) -> bool:
        return self._signing.is_checkpoint_due(self._clock.now())

    async def write(self, *writes: Write) -> bool:
        try:
            async with self._server.connection() as connection:
                await self._in_transaction(connection, together(writes))
        except _COLLIDED:
            return False
        return True

    async def rotate_secret(self, actor: str) -> int:
        async with self._server.connection() as connection:
            await self._outside.rotate_secret(connection)
        now, stamp = self._moment()
        event = own_event(self._ids.next(stamp), stamp, Action.SECRET_REPLACED, actor)
        return await self._sign(lambda: self._signing.rotate_secret(now, stamp, event))

    async def sign_what_is_open(self) -> None:
        await self._sign(lambda: self._signing.sign_what_is_open(*self._moment()))

    async def cut(self, header: Header, actor: str) -> bool:
        now, stamp = self._moment()
        event = archived_event(self._ids.next(stamp), stamp, header, actor)
        return bool(await self._sign(lambda: self._signing.cut(now, stamp, header, event)))

    async def move_checkpoints(self, moved: Moved, name: str, actor: str) -> bool:
        now, stamp = self._moment()
        event = moved_event(self._ids.next(stamp), stamp, name, moved, actor)
        return bool(await self._sign(lambda: self._signing.move_checkpoints(now, stamp, moved, event)))

    async def prune(self, limit: int) -> int:
        async with self._server.connection() as connection:
            with contextlib.suppress(*_COLLIDED):
                done = await self._in_transaction(connection, self._maintenance.pruning.step(limit))
                return max(
                    done, await self._in_transaction(connection, self._signing.prune_checkpoints(limit))
                )
        return limit

    async def _sign(self, step: Callable[[], Step]) -> int:
        """While no batch adds to the chain. If the commit's outcome is not known, the chain continues under a new name: its next
        number may be taken or not."""
        async with self._writing:
            for again in range(_RETRIES + 1):
                try:
                    async with self._server.connection() as connection:
                        done = await self._in_transaction(connection, step())
                except BaseException as error:
                    self._undo()
                    if not isinstance(error, _COLLIDED):
                        self.chain.restart(uuid.uuid4().hex)
                        raise
                    if again == _RETRIES:
                        raise
                else:
                    self.chain.keep(self.chain.tip)
                    return done
        raise AssertionError("the last round returns or raises")

    async def _in_transaction(self, connection: Connection, step: Any) -> int:
        try:
            done = await run_housekeeping(connection, self._columns, step, _BEGIN)
            if connection.is_in_transaction():
                await connection.execute("COMMIT")
            self._signing.done()
        except BaseException as error:
            self._signing.undone()
            await _roll_back(connection, error)
            raise
        return done

    async def keep_erasures_outside(self) -> None:
        async with self._server.connection() as connection:
            await self._outside.keep_all(connection)

    async def erasures_lacking(self) -> list[Erasure]:
        async with self._server.connection() as connection:
            return await self._outside.lacking(connection)

    async def scrub(self) -> tuple[str, ...]:
        async with self._server.connection() as connection:
            return await rewrite(connection)

    async def take_lead(self, work: str) -> bool:
        return await self._leases.take(work)

    async def report_alive(self) -> None:
        await self._leases.report_alive()

    async def replicas(self) -> int:
        return await self._leases.replicas()

    async def server_time(self) -> int | None:
        async with self._server.connection() as connection:
            return await connection.fetchval(_SERVER_TIME, timeout=_PROBE_SECONDS)

    async def probe(self) -> None:
        await self._leases.probe(_PROBE_SECONDS)

    # ---- reading ----

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            async with self._reading, self._server.connection() as connection:
                return [tuple(row) for row in await connection.fetch(readable(sql), *parameters)]
        except asyncpg.PostgresError as error:
            raise ReadFailed(type(error).__name__) from error


def _node() -> int:
    return int.from_bytes(os.urandom(2))


def _given_up(error: asyncpg.PostgresError) -> Exception:
    """A unique violation that persists belongs to one command of the batch."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return error
    return StoreBusy("other gateways were faster again and again; nothing was stored")


async def _roll_back(connection: Connection, error: BaseException) -> None:
    """A server that did not answer the last statement will not answer this one either, so its connection is cut."""
    if isinstance(error, SILENT):
        return
    with contextlib.suppress(asyncpg.PostgresError, *SILENT):
        await connection.execute("ROLLBACK")


async def _warn_of_weak_durability(connection: Connection) -> None:
    """Once, at the start. An engine that does not know the setting replicates in its own way."""
    with contextlib.suppress(asyncpg.UndefinedObjectError):
        if not await connection.fetchval("SHOW synchronous_standby_names"):
            _log.warning(
                "single_node_durability",
                hint="synchronous_standby_names is empty: what was answered is lost with the database server's disk",
            )
        if (mode := await connection.fetchval("SHOW synchronous_commit")) in ("off", "local", "remote_write"):
            _log.warning("weak_durability", synchronous_commit=mode)
