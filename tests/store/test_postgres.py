"""What the PostgreSQL engine promises beyond the protocol: a constant number of round trips, look-ups that never scan, several
processes at once, and never a success for a commit whose outcome is unknown."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from structlog.testing import capture_logs

from gateway.audit.event import Action
from gateway.audit.verify import Verifier
from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.errors import SchemaMismatch, StoreBusy, StoreUnavailable
from gateway.ids import Ids
from gateway.store import Store
from gateway.store.batch import load_wanted
from gateway.store.migrations import all_migrations
from gateway.store.postgres import PostgresStore
from gateway.store.postgres.connection import Connection, Server
from gateway.store.postgres.dialect import statement_of
from gateway.store.postgres.schema import migrate, statements
from gateway.store.queries.audit import links
from gateway.store.signing import own_event
from gateway.store.statement import Step
from gateway.store.tables.audit import audit_write
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    NOON,
    InProcessGateway,
    ManualClock,
    achieve,
    customer,
)
from tests.support.postgresql import PostgresServer
from tests.support.store_batches import (
    Batch,
    everything_asked_for,
    log,
    look,
    nothing,
    person,
    run,
)
from tests.support.strict_portable import FORBIDDEN, NotPortable, StrictServer, lint, strict


@pytest.fixture
def engine() -> str:
    return "postgres"


_EXECUTE = asyncpg.Connection.execute


@pytest.fixture
async def opened(database_url: str, clock: ManualClock) -> AsyncGenerator[Callable[[], Any]]:
    """Stores on the test's one database, any number at once."""
    stores: list[PostgresStore] = []

    async def one_more() -> PostgresStore:
        store = PostgresStore(database_url, clock, checkpoint_key=CHECKPOINT_KEY)
        await store.open()
        stores.append(store)
        return store

    yield one_more
    for store in stores:
        await store.close()


class Counting(Server):
    """Counts what is sent: each is one round trip."""

    def __init__(self, url: str, size: int) -> None:
        super().__init__(url, size)
        self.sent: list[str] = []

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        def note(query: Any) -> None:
            self.sent.append(query.query)

        async with super().connection() as connection:
            with connection.query_logger(note):
                yield connection


# ---- round trips ----


async def test_a_batch_costs_as_many_round_trips_whatever_its_size(tmp_path: Any, database_url: str) -> None:
    core = InProcessGateway(tmp_path, url=database_url)
    async with core:
        server = Counting(database_url, 2)
        await server.open()
        store = core.store
        assert isinstance(store, PostgresStore)
        store._server, before = server, store._server
        await sent_for(core, server, 900, 1)  # the driver asks once for the types of arrays
        counted = [
            await sent_for(core, server, first, count) for first, count in ((0, 2), (100, 20), (200, 200))
        ]
        await server.close()
        store._server = before
    assert counted[0] == counted[1] == counted[2]
    assert [len(statements) for statements in counted[0]] == [14, 7]


async def sent_for(core: InProcessGateway, server: Counting, first: int, count: int) -> list[list[str]]:
    """The statements of one batch that makes `count` customers known, and of one that accepts an achievement of each."""
    people = range(first, first + count)
    known = [
        customer(f"web:{n}", {"firstName": "Ann"}, email=f"p{n}@x.eg", mobile=f"+2010{n:08d}") for n in people
    ]
    achieved = [achieve(f"web:{n}", email=f"p{n}@x.eg") for n in people]
    batches: list[list[str]] = []
    for commands in (known, achieved):
        server.sent.clear()
        done = core.pipeline.batches_done
        await asyncio.gather(*(core.send(command) for command in commands))
        assert core.pipeline.batches_done == done + 1
        batches.append(list(server.sent))
    return batches


# ---- look-ups that never scan ----

OPERATORS_ONLY = {"channel_key", "rule_activation", "search"}
"""A few rows, and never read on behalf of a call."""


class Planner:
    """Says what a statement reads from end to end: a table, or an index from another column than its first."""

    def __init__(self, connection: Connection, first_columns: dict[str, str]) -> None:
        self._connection = connection
        self._first_columns = first_columns

    async def walked(self, sql: str, *arguments: Any) -> set[str]:
        rows = await self._connection.fetch(f"EXPLAIN {sql}", *arguments)
        plan = "\n".join(row[0] for row in rows)
        found = set(re.findall(r"Seq Scan on (\w+)", plan))
        for index, condition in re.findall(r"Index (?:Only )?Scan(?: using| on) (\w+).*\n\s*(.*)", plan):
            first = self._first_columns[index]
            if first and not re.search(rf"Index Cond:.*\b{first}\b", condition):
                found.add(index)
        return found


@pytest.fixture
async def planner(postgres: PostgresServer) -> AsyncGenerator[Planner]:
    """Over tables that the planner has no figures of: of tables with two rows it walks any index."""
    store = PostgresStore(postgres.url(postgres.fresh()), ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    rows = await store.fetch(
        "SELECT indexname::text, indexdef::text FROM pg_indexes WHERE schemaname = 'public'"
    )
    first = {name: "" if " WHERE " in text else re.findall(r"\((\w+)", text)[0] for name, text in rows}
    async with store._server.connection() as connection:
        yield Planner(connection, first)
    await store.close()


async def test_nothing_that_loading_reads_for_a_call_is_read_from_end_to_end(planner: Planner) -> None:
    ws = WorkingSet(0, Ids(0))
    walked: dict[str, set[str]] = {}
    everything_asked_for(ws)
    loading = load_wanted(ws)
    queries = next(loading, None)
    while queries is not None:
        for query in queries:
            sql, arguments = statement_of(query)
            walked[query.sql] = await planner.walked(sql, *arguments) - OPERATORS_ONLY
        try:
            queries = loading.send([[] for _ in queries])
        except StopIteration:
            break
    assert len(walked) >= 20
    assert {sql: tables for sql, tables in walked.items() if tables} == {}


@pytest.mark.parametrize(
    ("sql", "walked"),
    [
        ("SELECT * FROM profile WHERE created_at = 1", "profile"),
        ("SELECT * FROM record WHERE guest = 1", "record_of_profile"),
    ],
)
async def test_a_walk_over_everything_would_be_noticed(planner: Planner, sql: str, walked: str) -> None:
    assert await planner.walked(sql) == {walked}


# ---- the schema ----


async def test_several_processes_can_start_at_once_on_an_empty_database(postgres: PostgresServer) -> None:
    url = postgres.url(postgres.fresh())
    stores = [PostgresStore(url, ManualClock(), checkpoint_key=CHECKPOINT_KEY) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    applied = await stores[0].fetch("SELECT version, sha256 FROM schema_version ORDER BY version")
    assert applied == [(step.version, step.sha256) for step in all_migrations()]
    await asyncio.gather(*(run(store, lambda ws: person(ws, f"web:{id(ws)}")) for store in stores))
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_step_that_was_cut_short_is_done_again(postgres: PostgresServer) -> None:
    name = postgres.fresh()
    postgres.sql(
        "CREATE TABLE profile (profile_id BIGINT PRIMARY KEY, created_at BIGINT NOT NULL, changes BIGINT NOT NULL,"
        " redirect_to BIGINT, canonical_id TEXT NOT NULL, named_after BIGINT NOT NULL DEFAULT 0)",
        name,
    )
    store = PostgresStore(postgres.url(name), ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    await run(store, lambda ws: person(ws, "web:ann"))
    await store.close()


async def test_every_step_can_be_cut_short_anywhere_and_done_again(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.url(postgres.fresh()))
    for step in all_migrations():
        done: list[str] = []
        for statement in statements(step.sql, ""):
            assert not re.search(r"\b(INTEGER|BLOB|STRICT|ROWID)\b", statement)
            done.append(statement)
            for again in done:
                await connection.execute(again)
    await connection.close()


async def _keys(url: str, *, hashes_keys: bool) -> set[str]:
    """Every index and primary key of the schema, made for an engine that hashes keys or for PostgreSQL."""
    connection = await asyncpg.connect(url)
    for step in all_migrations():
        for statement in statements(step.sql, "", hashes_keys=hashes_keys):
            if hashes_keys:
                assert ("KEY (" in statement or "INDEX" in statement) == (" ASC" in statement), statement
            await connection.execute(
                re.sub(r"PRIMARY KEY \([^)]*", lambda key: key[0].replace(" ASC", ""), statement)
            )
    found = {
        row[0]
        for row in await connection.fetch("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
    }
    await connection.close()
    return found


async def test_an_engine_that_hashes_keys_is_told_to_keep_each_in_order(postgres: PostgresServer) -> None:
    """PostgreSQL does not take `ASC` in a primary key, so this stands for such an engine without it: the keys are the same."""
    usual, told = [
        await _keys(postgres.url(postgres.fresh()), hashes_keys=hashes) for hashes in (False, True)
    ]
    assert told == usual
    assert len(usual) > 60


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ("INSERT INTO schema_version VALUES (9999, 'later', 'sha', 0)", "or a newer one"),
        ("UPDATE schema_version SET sha256 = 'other' WHERE version = 52", "Restore the backup"),
        ("UPDATE schema_version SET version = 51 WHERE version = 52", "Upgrade it first"),
    ],
    ids=["newer", "altered", "older"],
)
async def test_a_schema_that_is_newer_altered_or_too_old_is_refused_with_a_remedy(
    postgres: PostgresServer, change: str, remedy: str
) -> None:
    name = postgres.fresh()
    store = PostgresStore(postgres.url(name), ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    await store.close()
    postgres.sql(change, name)
    with pytest.raises(SchemaMismatch, match=remedy):
        await store.open()


async def test_text_is_ordered_by_its_bytes_also_where_the_database_orders_it_otherwise(
    postgres: PostgresServer,
) -> None:
    name = postgres.fresh("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'")
    store = PostgresStore(postgres.url(name), ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    try:
        await run(store, lambda ws: [person(ws, f"web:{name}") for name in ("a", "B", "b", "ä", "aa", "a b")])
        found = await store.fetch("SELECT customer_id FROM record ORDER BY customer_id")
        assert [name for (name,) in found] == ["B", "a", "a b", "aa", "b", "ä"]
        assert (await look(store, lambda ws: ws.records.want(("web", "ä")))).record("web", "ä")
    finally:
        await store.close()


# ---- several at once ----


async def test_two_processes_that_accept_the_same_achievement_accept_it_once(
    tmp_path: Any, database_url: str
) -> None:
    clock = ManualClock()
    async with (
        InProcessGateway(tmp_path, url=database_url, clock=clock) as one,
        InProcessGateway(tmp_path, url=database_url, clock=clock) as other,
    ):
        for n in range(10):
            await one.send(customer(f"web:{n}", email=f"p{n}@x.eg"))
        both = [
            core.send(achieve(f"web:{n}", email=f"p{n}@x.eg")) for n in range(10) for core in (one, other)
        ]
        outcomes = await asyncio.gather(*both)
        assert await one.column("SELECT COUNT(*) FROM achievement") == [10]
        kinds = [{type(outcome).__name__ for outcome in outcomes[n : n + 2]} for n in range(0, 20, 2)]
        assert kinds == [{"Accepted", "Duplicate"}] * 10


async def test_two_processes_that_meet_the_same_new_customer_make_one_profile(
    tmp_path: Any, database_url: str
) -> None:
    async with (
        InProcessGateway(tmp_path, url=database_url) as one,
        InProcessGateway(tmp_path, url=database_url) as other,
    ):
        await asyncio.gather(
            *(
                core.send(customer(f"{space}:{n}", email=f"p{n}@x.eg"))
                for n in range(20)
                for space, core in (("web", one), ("pos", other))
            )
        )
        assert await one.column("SELECT COUNT(*) FROM profile WHERE redirect_to IS NULL") == [20]
        verifier = Verifier()
        async for chunk in links(one.store):
            assert list(verifier.feed(chunk)) == []
        assert len(verifier.heads) == 2


async def test_one_process_does_the_housekeeping_and_another_takes_over_when_it_ends(
    opened: Callable[[], Any], clock: ManualClock
) -> None:
    one, other = await opened(), await opened()
    await run(one, log)
    clock.advance(2 * 60 * SECOND)
    assert await one.maintain(100) > 0
    await run(one, log)
    clock.advance(2 * 60 * SECOND)
    await one.maintain(1)
    assert await other.maintain(100) == 0
    clock.advance(25 * SECOND)
    assert await other.maintain(100) > 0


async def test_one_process_leads_until_it_closes_or_falls_silent(
    opened: Callable[[], Any], clock: ManualClock
) -> None:
    one, other, third = await opened(), await opened(), await opened()
    assert [await store.take_lead("grants") for store in (one, other, third)] == [True, False, False]
    await one.close()
    clock.advance(5 * SECOND)
    assert [await store.take_lead("grants") for store in (other, third)] == [True, False]
    clock.advance(20 * SECOND)
    assert [await store.take_lead("grants") for store in (third, other)] == [True, False]


async def test_stamps_never_fall_behind_what_another_process_has_stored(
    opened: Callable[[], Any], clock: ManualClock
) -> None:
    ahead: PostgresStore = await opened()
    running: PostgresStore = await opened()
    clock.ahead = 400 * DAY
    await run(ahead, log)
    clock.ahead = 0
    behind: PostgresStore = await opened()
    await running.maintain(1)
    for store in (behind, running):
        seen = await run(store, log)
        assert seen.now == clock.now()
        assert seen.stamp > NOON + 400 * DAY
    written = await ahead.fetch("SELECT at FROM audit ORDER BY event_id")
    assert written == sorted(written)


@pytest.mark.parametrize("wrong", [41 * SECOND, HOUR, 400 * DAY])
async def test_a_lease_taken_with_a_wrong_clock_blocks_no_other_process(
    opened: Callable[[], Any], clock: ManualClock, wrong: int
) -> None:
    ahead, other = await opened(), await opened()
    clock.ahead = wrong
    assert await ahead.take_lead("grants")
    await ahead.report_alive()
    assert await ahead.replicas() == 1
    clock.ahead = 0
    assert await other.take_lead("grants")
    await other.report_alive()
    assert await other.replicas() == 1


async def test_a_lease_is_renewed_at_the_pace_of_real_time_whatever_the_clock_says(
    opened: Callable[[], Any], clock: ManualClock
) -> None:
    one, other = await opened(), await opened()
    for clock.ahead in (0, 400 * DAY, 0, -400 * DAY, 0):
        assert await one.take_lead("grants")
        clock.advance(5 * SECOND)
    assert await one.take_lead("grants")
    assert not await other.take_lead("grants")


async def test_the_servers_time_is_asked_for(opened: Callable[[], Any]) -> None:
    store: PostgresStore = await opened()
    before, said = time.time_ns() // 1_000_000, await store.server_time()
    assert said is not None
    assert before - MINUTE < said < before + MINUTE


# ---- portable ----

SAMPLES = {
    "skip locked": "SELECT * FROM delivery FOR UPDATE SKIP LOCKED",
    "advisory lock": "SELECT pg_advisory_xact_lock(1)",
    "notification": "NOTIFY somebody",
    "sequence": "CREATE TABLE t (n BIGSERIAL)",
    "trigger or function": "CREATE TRIGGER t BEFORE INSERT ON record EXECUTE PROCEDURE f()",
    "foreign key": "CREATE TABLE t (n BIGINT REFERENCES record)",
    "deferred constraint": "SET CONSTRAINTS ALL DEFERRED",
    "temporary table": "CREATE TEMP TABLE t (n BIGINT)",
    "savepoint": "SAVEPOINT one",
    "truncate": "TRUNCATE record",
    "table lock": "LOCK TABLE record",
    "partition": "CREATE TABLE t PARTITION OF record DEFAULT",
    "covering index": "CREATE INDEX i ON record (record_id) INCLUDE (guest)",
    "change inside WITH": "WITH gone AS (DELETE FROM tag RETURNING *) SELECT * FROM gone",
    "several statements": "DELETE FROM tag; DELETE FROM pin",
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_what_is_not_portable_is_refused(name: str) -> None:
    with pytest.raises(NotPortable, match=name):
        lint(SAMPLES[name])


def test_words_in_literals_are_not_taken_for_statements() -> None:
    lint("SELECT 'LISTEN; TRUNCATE' FROM record WHERE guest = $1")


@pytest.fixture
async def colliding(database_url: str, clock: ManualClock) -> AsyncGenerator[tuple[Store, StrictServer]]:
    """A store where every other commit collides."""
    store = strict(database_url, clock, CHECKPOINT_KEY, share=0.5)
    await store.open()
    yield store, store._server  # pyright: ignore
    await store.close()


async def test_a_batch_that_collides_is_made_again_and_has_its_effect_once(
    colliding: tuple[Store, StrictServer],
) -> None:
    store, server = colliding
    done = 0
    for n in range(30):
        with contextlib.suppress(StoreBusy):
            await run(store, lambda ws, n=n: person(ws, f"web:{n}"))
            done += 1
    assert server.collisions > 5, "nothing collided"
    assert await store.fetch("SELECT COUNT(*), COUNT(DISTINCT customer_id) FROM record") == [(done, done)]


async def test_a_batch_is_tried_six_times_at_most(database_url: str, clock: ManualClock) -> None:
    store = strict(database_url, clock, CHECKPOINT_KEY, share=1.0)
    await store.open()
    tried = 0

    def count(_: WorkingSet) -> None:
        nonlocal tried
        tried += 1

    with pytest.raises(StoreBusy):
        await store.run(Batch(nothing, count))
    assert tried == 6
    assert await store.fetch("SELECT * FROM audit") == []
    await store.close()


# ---- a server that fails ----


async def test_a_connection_that_was_cut_between_batches_costs_one_refusal_at_most(
    opened: Callable[[], Any], postgres: PostgresServer
) -> None:
    store: PostgresStore = await opened()
    await run(store, lambda ws: person(ws, "web:ann"))
    postgres.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loyalty-gateway'"
    )
    with contextlib.suppress(StoreUnavailable):
        await run(store, lambda ws: person(ws, "web:bob"))
    await run(store, lambda ws: person(ws, "web:eve"))
    await store.probe()


async def _commit_and_say_nothing(self: Any, query: str, *arguments: Any, **options: Any) -> str:
    status = await _EXECUTE(self, query, *arguments, **options)
    if query == "COMMIT":
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    return status


async def test_a_connection_that_is_cut_during_the_commit_is_no_success_and_no_breach(
    opened: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store: PostgresStore = await opened()
    await run(store, log)
    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "execute", _commit_and_say_nothing)
        with pytest.raises(StoreUnavailable, match="not known"):
            await run(store, log)
    await run(store, log)
    assert await _lengths(store) == [3, 6]


async def test_an_event_of_the_logs_own_with_an_unknown_outcome_is_no_breach(
    opened: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store: PostgresStore = await opened()
    await run(store, log)
    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "execute", _commit_and_say_nothing)
        with pytest.raises(StoreUnavailable):
            await store._sign(partial(_note, store))
    await run(store, log)
    assert await _lengths(store) == [3, 4]


def _note(store: PostgresStore) -> Step:
    """What cut, rotate_secret and housekeeping do: an event that belongs to no batch."""
    event_id = store._ids.next(store._clock.now())
    yield audit_write([own_event(event_id, 1, Action.AUDIT_ARCHIVED, "operator:ann")], store.chain)
    return 1


async def _lengths(store: Store) -> list[int]:
    """Of the chains, which have to hold."""
    verifier = Verifier()
    async for chunk in links(store):
        assert list(verifier.feed(chunk)) == []
    return sorted(count for count, _ in verifier.heads.values())


async def test_a_commit_that_no_standby_confirmed_is_no_success(
    opened: Callable[[], Any], postgres: PostgresServer
) -> None:
    """The server waits for a standby that is not there until the wait is cancelled: then it says COMMIT, with a warning."""
    store: PostgresStore = await opened()
    postgres.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    postgres.sql("SELECT pg_reload_conf()")
    try:
        batch = asyncio.create_task(run(store, lambda ws: person(ws, "web:ann")))
        await asyncio.to_thread(cancel_the_wait, postgres)
        with pytest.raises(StoreUnavailable, match="standby"):
            await batch
    finally:
        postgres.sql("ALTER SYSTEM RESET synchronous_standby_names")
        postgres.sql("SELECT pg_reload_conf()")
    await run(store, lambda ws: person(ws, "web:bob"))
    assert await store.fetch("SELECT COUNT(*) FROM record") == [(2,)], "it was committed there all the same"


def cancel_the_wait(postgres: PostgresServer) -> None:
    cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    while not postgres.sql(cancel):
        pass


async def test_a_database_that_takes_no_writes_is_unavailable_and_left_behind(
    opened: Callable[[], Any], postgres: PostgresServer, database_url: str
) -> None:
    store: PostgresStore = await opened()
    name = await store.fetch("SELECT current_database()::text")
    postgres.sql(f"ALTER DATABASE {name[0][0]} SET default_transaction_read_only = on")
    await store._server.give_up_connections()
    try:
        for refused in (run(store, lambda ws: person(ws, "web:ann")), store.probe()):
            with pytest.raises(StoreUnavailable):
                await refused
    finally:
        postgres.sql(f"ALTER DATABASE {name[0][0]} RESET default_transaction_read_only")
    await run(store, lambda ws: person(ws, "web:ann"))
    await store.probe()


async def test_an_absent_server_is_reported(tmp_path: Any, clock: ManualClock) -> None:
    store = PostgresStore(f"postgresql://gateway@/x?host={tmp_path}", clock, checkpoint_key=CHECKPOINT_KEY)
    with pytest.raises(StoreUnavailable):
        await store.open()
    with pytest.raises(StoreUnavailable):
        await run(store)


async def test_another_password_is_read_from_its_file_without_a_restart(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    passwords.write_text("*:*:*:clerk:before\n")
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    postgres.sql("CREATE ROLE clerk LOGIN PASSWORD 'before'")
    access = postgres.data / "pg_hba.conf"
    access.write_text(f"local all clerk scram-sha-256\n{access.read_text()}")
    postgres.sql("SELECT pg_reload_conf()")
    server = Server(postgres.url("postgres").replace("gateway@", "clerk@"), 1)
    await server.open()
    try:
        async with server.connection() as connection:
            assert await connection.fetchval("SELECT current_user") == "clerk"
        postgres.sql("ALTER ROLE clerk PASSWORD 'after'")
        async with server.connection() as connection:
            assert await connection.fetchval("SELECT 1") == 1
        await server.give_up_connections()
        with pytest.raises(StoreUnavailable):
            async with server.connection():
                pass
        passwords.write_text("*:*:*:clerk:after\n")
        async with server.connection() as connection:
            assert await connection.fetchval("SELECT current_user") == "clerk"
    finally:
        await server.close()


async def test_the_start_warns_of_a_database_that_keeps_everything_in_one_place(
    postgres: PostgresServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a logger and settings of its own: what ran before may have left those of a command, which logs errors alone."""
    structlog.reset_defaults()
    monkeypatch.setattr("gateway.store.postgres.store._log", structlog.get_logger("store"))
    store = PostgresStore(database_url, ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    with capture_logs() as logs:
        await store.open()
    await store.close()
    assert [line["event"] for line in logs] == ["single_node_durability"]


async def test_joins_with_a_condition_and_without_one_are_understood(opened: Callable[[], Any]) -> None:
    store: PostgresStore = await opened()
    await run(store, lambda ws: person(ws, "web:ann", "pos:ann"))
    both = (
        "SELECT COUNT(*) FROM record AS a CROSS JOIN record AS b ON b.profile_id = a.profile_id"
        " CROSS JOIN profile p WHERE p.created_at >= ?"
    )
    assert await store.fetch(both, (NOON,)) == [(4,)]


async def test_an_internal_error_whose_message_tells_of_a_collision_is_one(postgres: PostgresServer) -> None:
    server = Server(postgres.url(postgres.fresh()), 1)
    await server.open()
    raising = "DO $$ BEGIN RAISE EXCEPTION '{}' USING ERRCODE = 'XX000'; END $$"
    try:
        with pytest.raises(asyncpg.SerializationError):
            async with server.connection() as connection:
                await connection.execute(
                    raising.format("Operation failed. Try again: conflicts with a transaction")
                )
        with pytest.raises(asyncpg.InternalServerError):
            async with server.connection() as connection:
                await connection.execute(raising.format("cache lookup failed"))
    finally:
        await server.close()


@pytest.mark.parametrize(
    ("method", "one_coordinator", "refused"),
    [
        ("h", False, "distributed"),
        ("h", True, "distributed"),
        ("n", False, "one_coordinator"),
        ("n", True, ""),
    ],
)
async def test_tables_that_are_spread_over_nodes_are_refused(
    postgres: PostgresServer, method: str, one_coordinator: bool, refused: str
) -> None:
    url = postgres.url(name := postgres.fresh())
    store = PostgresStore(url, ManualClock(), checkpoint_key=CHECKPOINT_KEY, one_coordinator=one_coordinator)
    await store.open()
    await store.close()
    postgres.sql("CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod char)", name)
    postgres.sql(f"INSERT INTO pg_dist_partition VALUES ('record', '{method}')", name)
    again = PostgresStore(url, ManualClock(), checkpoint_key=CHECKPOINT_KEY, one_coordinator=one_coordinator)
    if refused:
        with pytest.raises(SchemaMismatch, match=refused):
            await again.open()
    else:
        await again.open()
        await again.close()


async def test_a_replica_may_make_every_step_once_more_behind_one_that_made_them_all(
    postgres: PostgresServer,
) -> None:
    """Replicas that start at one moment on a new database do, as no lock keeps them apart."""
    connection = await asyncpg.connect(postgres.url(postgres.fresh()))
    schema = "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public'"
    try:
        await migrate(connection, NOON)
        made = sorted(await connection.fetch(schema))
        await connection.execute("DELETE FROM schema_version")
        await migrate(connection, NOON)
        assert sorted(await connection.fetch(schema)) == made
    finally:
        await connection.close()
