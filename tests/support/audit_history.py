"""Databases whose audit log has a history, some of it archived, and the row of every kind that the log vouches for."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from gateway.audit.chain import Link
from gateway.audit.checkpoint import Checkpoint
from gateway.clock import HOUR, SECOND
from gateway.model import ChannelKey, Job, MergeRow, PinRow, ReviewItem, Split, StoredOperator, StoredRuleSet
from gateway.store import Store
from gateway.store.queries.audit import checkpoints, links
from gateway.store.queries.verification import Verdict, verify
from gateway.workers.archive import Archived, Archiver
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import CHECKPOINT_KEY, ManualClock, tamper
from tests.support.postgresql import PostgresServer
from tests.support.store_batches import Open, achievement, entry, log, person, run


class LoggedDatabase:
    """A database with a history: an orderly run, an offline command, and a run that ended in a crash."""

    def __init__(self, url: str, open_store: Open, clock: ManualClock, place: Path) -> None:
        self.url = url
        self.clock = clock
        self.place = place
        self._open = open_store

    async def build(self) -> None:
        served = await self.run(maintained=True)
        await served.close()
        await (await self.run()).close()
        await _crash(await self.run(maintained=True, more=2))
        links = await self.links()
        self.orderly, self.offline, self.crashed = dict.fromkeys(link.chain for link in links)

    async def run(self, *, maintained: bool = False, more: int = 1) -> Store:
        """Open, write, do the housekeeping where a gateway would, and write some more."""
        self.clock.advance(HOUR)
        store = await self._open()
        await run(store, log)
        if maintained:
            await store.maintain(100)
        for _ in range(more):
            self.clock.advance(10 * SECOND)
            await run(store, log)
        return store

    async def links(self, chain: str = "") -> list[Link]:
        store = await self._open()
        found = [link async for chunk in links(store) for link in chunk if chain in ("", link.chain)]
        await store.close()
        return found

    async def verified(self) -> Verdict:
        store = await self._open()
        verdict = await verify(store, CHECKPOINT_KEY)
        await store.close()
        return verdict

    async def tamper(self, statement: str) -> None:
        await tamper(self.url, statement)

    def blob(self, value: bytes) -> str:
        return f"X'{value.hex()}'" if self.url.startswith("sqlite") else f"'\\x{value.hex()}'::bytea"

    async def put(self, link: Link) -> None:
        event_id, *fields = msgspec.structs.astuple(link.event)
        told = ", ".join(str(one) if isinstance(one, int) else f"'{one}'" for one in fields)
        await self.tamper(
            f"INSERT INTO audit VALUES ({event_id}, '{link.chain}', {link.seq}, {told},"
            f" {self.blob(link.hash)}, '{link.bound}')"
        )


async def _crash(store: Store) -> None:
    """What a process that was killed leaves behind."""

    async def dead() -> None: ...

    store.seal = dead  # type: ignore[method-assign]
    await store.close()


class ArchivedDatabase(LoggedDatabase):
    """A log of which a part is in an archive of several segments, and a part is not."""

    @property
    def directory(self) -> Path:
        return self.place / "archive"

    async def build(self) -> None:
        self.directory.mkdir()
        await super().build()
        store = await self._open()
        await run(store, make_digested_rows)
        await store.close()
        self.clock.advance(3 * HOUR)

    async def build_archived(self) -> None:
        await self.build()
        await self.archive()
        self.clock.advance(HOUR)
        await (await self.run(maintained=True)).close()

    async def archive(self, before: int | None = None, *, key: bytes = CHECKPOINT_KEY) -> Archived:
        store = await self._open()
        try:
            archiver = Archiver(store, key, self.directory, "operator:ann", 7)
            return await archiver.archive(self.clock.now() - 2 * HOUR if before is None else before)
        finally:
            await store.close()

    async def checked(self, directory: Path | None = None, *, state: bool = False) -> Verdict:
        store = await self._open()
        verdict = await verify(store, CHECKPOINT_KEY, state=state, directory=directory)
        await store.close()
        return verdict

    async def points(self) -> list[Checkpoint]:
        store = await self._open()
        found = await checkpoints(store)
        await store.close()
        return found

    async def put_back(self, points: list[Checkpoint]) -> None:
        for point in points:
            values = f"{point.checkpoint_id}, {point.at}, '{point.heads}', {self.blob(point.signature)}"
            await self.tamper(f"INSERT INTO audit_checkpoint VALUES ({values})")


class Histories:
    """Histories that were built once: each test has a copy of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._built: dict[str, tuple[int, tuple[str, str, str], dict[str, bytes]]] = {}

    async def bring(
        self,
        name: str,
        database: LoggedDatabase,
        build: Callable[[], Awaitable[None]],
        server: PostgresServer | None,
    ) -> None:
        """Build it, or copy what was built under this name: the files in its place, and the rows on the server."""
        saved = self._directory / name
        if name not in self._built:
            await build()
            shutil.copytree(database.place, saved)
            chains = (database.orderly, database.offline, database.crashed)
            rows = {} if server is None else await server.rows()
            self._built[name] = (database.clock.time, chains, rows)
            return
        shutil.copytree(saved, database.place, dirs_exist_ok=True)
        database.clock.time, chains, rows = self._built[name]
        database.orderly, database.offline, database.crashed = chains
        if server is not None:
            await server.fill(rows)


async def put_in_a_chain(kept: ArchivedDatabase, event_id: int) -> None:
    await kept.tamper(
        f"INSERT INTO audit VALUES ({event_id}, '{'f' * 32}', 1, 1, 'pin.set', 'ok', '', 'x', '', '', '', '', '{{}}',"
        f" {kept.blob(b'hash')}, '')"
    )


def make_digested_rows(ws: WorkingSet) -> None:
    _, (ann,) = person(ws, "web:ann")
    _, (bob,) = person(ws, "web:bob")
    for record in (ann, bob):
        won = achievement(ws, record.record_id)
        ws.accept(won)
        ws.enter(msgspec.structs.replace(entry(ws, won), coupon_code="FB-1"))
    lone, (cid,) = person(ws, "web:cid")
    survivor, _ = person(ws, "web:dan")
    for one in (lone, survivor):
        ws.balances.put(one.profile_id, 0)
    sides = ((min(survivor.records),), (cid.record_id,))
    for _ in range(2):
        profiles = (survivor.profile_id, lone.profile_id)
        ws.add_merge(MergeRow(ws.next_id(), *profiles, *sides, "r", "v1", "ann", "req", ws.now))
    ws.undo(ws.merged[0])
    ws.move(cid, lone, survivor)
    ws.redirect(lone, survivor)
    profile_a, profile_b = sorted((ann.profile_id, bob.profile_id))
    for number, state in enumerate(("open", "accepted")):
        ws.keep_review(
            ReviewItem(
                ws.next_id(), profile_a + number, profile_b + number, state, "rule:r", "r", ("email",), ws.now
            )
        )
    ws.budgets.keep(7, 50)
    ws.set_pin(PinRow(ann.record_id, bob.record_id, "cannot", None, "operator:ann", "twins", ws.now))
    row = Split(9, None, "operator:ann", "a shared number", ws.now)
    ws.keep_apart(row, {ann.record_id: 0, bob.record_id: 1, cid.record_id: 2})
    key = ChannelKey("key_1", "web", b"hash", b"other", ws.now, "operator:ann")
    ws.keep_channel_key(key)
    ws.operators.add("bob", StoredOperator("bob", "viewer", b"hash", ws.now, "operator:ann"))
    job = Job(7, "undo_merges", {"rule": "r"}, "", 1, "ann", ws.now, 9, "ann", ws.now, 9)
    ws.jobs.add(job.job_id, job)
    ws.rule_sets.add("v1", StoredRuleSet("v1", "0" * 64, "text", "ann", ws.now))
    ws.activate("v1", "ann")
    log(ws)
