"""What the SQLite engine promises beyond the protocol: one process, a schema that it knows, look-ups that never scan, reads
that do not wait for the writer, and answers in the gateway's terms when the disk is full."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.audit.chain import Chain, Tip
from gateway.errors import AlreadyRunning, ReadFailed, SchemaMismatch, StoreBroken, StoreUnavailable
from gateway.ids import Ids
from gateway.model import PinRow
from gateway.sqlite_library import sqlite3
from gateway.store import Store
from gateway.store.batch import load_wanted
from gateway.store.deliveries import OutgoingReport, report_of
from gateway.store.migrations import all_migrations
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite.dialect import Saver, load
from gateway.store.tables.table import Loading
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from tests.support.in_process_gateway import CHECKPOINT_KEY, ManualClock
from tests.support.store_batches import (
    Batch,
    Open,
    Series,
    ask_for_ann,
    breaches,
    everything_asked_for,
    log,
    look,
    nothing,
    observe,
    person,
    run,
)

# ---- one process ----


async def test_a_second_store_on_the_same_file_is_refused(store_factory: Open, store: Store) -> None:
    with pytest.raises(AlreadyRunning, match=r"gateway\.db"):
        await store_factory()
    await run(store, lambda ws: person(ws, "web:ann"))


_OPEN = """
import asyncio, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.errors import AlreadyRunning
from gateway.store.sqlite import SqliteStore
try:
    asyncio.run(SqliteStore(Path(sys.argv[1]), SystemClock(), checkpoint_key=b"").open())
except AlreadyRunning:
    sys.exit(77)
"""


@pytest.mark.usefixtures("store")
async def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OPEN, str(tmp_path / "gateway.db"), stderr=subprocess.DEVNULL
    )
    assert await process.wait() == 77


def _link(path: Path) -> Path:
    other = path.with_name("other.db")
    other.symlink_to(path)
    return other


def _hard_link(path: Path) -> Path:
    other = path.with_name("other.db")
    other.hardlink_to(path)
    return other


def _without_side_file(path: Path) -> Path:
    path.with_name("gateway.db.lock").unlink()
    return path


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("way", [_link, _hard_link, _without_side_file])
async def test_no_other_name_leads_around_the_lock(way: Callable[[Path], Path], tmp_path: Path) -> None:
    other = way(tmp_path / "gateway.db")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OPEN, str(other), stderr=subprocess.DEVNULL
    )
    assert await process.wait() == 77


async def test_a_store_that_could_not_open_lets_go_of_the_file(tmp_path: Path, store_factory: Open) -> None:
    (tmp_path / "gateway.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        await store_factory()
    (tmp_path / "gateway.db").unlink()
    await run(await store_factory(), lambda ws: person(ws, "web:ann"))


async def test_only_the_owner_can_read_the_file(tmp_path: Path, store: Store) -> None:
    await run(store, lambda ws: person(ws, "web:ann"))
    modes = {entry.name: entry.stat().st_mode & 0o077 for entry in os.scandir(tmp_path)}
    assert modes == dict.fromkeys(modes, 0)
    assert {"gateway.db", "gateway.db-wal"} <= modes.keys()


async def test_a_store_that_is_not_open_takes_nothing(tmp_path: Path, clock: ManualClock) -> None:
    store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY)
    with pytest.raises(StoreUnavailable):
        await run(store)


# ---- a schema that it knows ----


async def closed_database(store_factory: Open) -> None:
    await (await store_factory()).close()


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
    store_factory: Open, tmp_path: Path, change: str, remedy: str
) -> None:
    await closed_database(store_factory)
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(SchemaMismatch, match=remedy):
        await store_factory()


async def test_each_schema_step_is_applied_once_with_its_checksum(store_factory: Open) -> None:
    await closed_database(store_factory)
    store = await store_factory()
    applied = await store.fetch("SELECT version, name, sha256 FROM schema_version ORDER BY version")
    assert applied == [(step.version, step.name, step.sha256) for step in all_migrations()]


# ---- look-ups that never scan ----

OPERATORS_ONLY = {"SCAN channel_key", "SCAN rule_activation", "SCAN s"}
"""A few rows, and never read on behalf of a call; `s` is the table of searches."""


@pytest.fixture
def schema() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for step in all_migrations():
        connection.executescript(step.sql)
    yield connection
    connection.close()


def statements_of_loading(connection: sqlite3.Connection, target: str = "upstream") -> list[str]:
    """Every statement that `load` runs when everything is asked for; deliveries are claimed for `target`."""
    ws = WorkingSet(0, Ids(0))
    everything_asked_for(ws, target)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    load(connection, load_wanted(ws))
    connection.set_trace_callback(None)
    return statements


def plan_of(connection: sqlite3.Connection, sql: str) -> list[str]:
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


def scanned(connection: sqlite3.Connection, sql: str) -> Iterator[str]:
    """What a statement reads from end to end, besides the JSON array of keys and the results of its own subqueries."""
    plan = plan_of(connection, sql)
    own = {found[1] for line in plan if (found := re.match(r"(?:CO-ROUTINE|MATERIALIZE) (\w+)", line))}
    for line in plan:
        found = re.match(r"SCAN (\w+)( VIRTUAL TABLE)?", line)
        if found and not found[2] and found[1] not in own:
            yield line


def test_nothing_that_loading_reads_for_a_call_is_read_from_end_to_end(schema: sqlite3.Connection) -> None:
    statements = statements_of_loading(schema)
    assert len(statements) >= 20
    found = {sql: set(scanned(schema, sql)) - OPERATORS_ONLY for sql in statements}
    assert {sql: lines for sql, lines in found.items() if lines} == {}


def test_a_scan_would_be_noticed(schema: sqlite3.Connection) -> None:
    by_table, by_index = "SELECT * FROM profile WHERE created_at = 1", "SELECT * FROM record WHERE guest = 1"
    assert list(scanned(schema, by_table)) == ["SCAN profile"]
    assert list(scanned(schema, by_index)) == ["SCAN record USING COVERING INDEX record_of_profile"]


def test_an_erasure_finds_what_names_a_person_without_reading_what_is_of_others(
    schema: sqlite3.Connection,
) -> None:
    ws = WorkingSet(0, Ids(0))
    profile, (record,) = person(ws, "web:ann")
    seen = observe(ws, record, Identifier("email", "ann@x.eg"), profile.profile_id)
    ws.keys[seen.identifier].holders = 0
    ws.forget(profile)
    statements: list[str] = []
    schema.set_trace_callback(statements.append)
    with ThreadPoolExecutor(1) as beside:
        Saver(schema, Chain("chain", b"key"), beside).save(ws)
    schema.set_trace_callback(None)
    assert len(statements) >= 20
    found = {
        sql: [*scanned(schema, sql), *(line for line in plan_of(schema, sql) if "AUTOMATIC" in line)]
        for sql in statements
    }
    assert {sql: lines for sql, lines in found.items() if lines} == {}


def test_due_achievements_are_read_in_the_order_of_their_index(schema: sqlite3.Connection) -> None:
    (due,) = (sql for sql in statements_of_loading(schema) if "'accepted' AND due_at <=" in sql)
    plan = plan_of(schema, due)
    assert any("achievement_due (due_at<?)" in line for line in plan)


@pytest.mark.parametrize(
    ("target", "indexes"),
    [("upstream", {"delivery_open"}), ("webhook:crm", {"delivery_open", "delivery_in_order"})],
)
def test_claimable_deliveries_are_read_in_the_order_of_their_index(
    schema: sqlite3.Connection, target: str, indexes: set[str]
) -> None:
    (claim,) = (sql for sql in statements_of_loading(schema, target) if "lease_until <=" in sql)
    plan = " ".join(plan_of(schema, claim))
    assert set(re.findall(r"INDEX (\w+)", plan)) == indexes
    assert "delivery_open (target=? AND due_at<?)" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


async def test_the_content_of_a_report_is_read_from_its_profile(schema: sqlite3.Connection) -> None:
    """SQLite by itself would begin with every e-mail address and mobile number there is."""
    schema.execute("INSERT INTO profile VALUES (1, 0, 1, NULL, 'ann', 1)")
    schema.execute("INSERT INTO record VALUES ('web', 'ann', 1, 1, 0, 1, 0)")
    schema.execute(
        "INSERT INTO achievement VALUES (1, 1, 11664, 'queued', '', 'web', 'req', 0, 0, NULL, 0, '')"
    )
    plans: list[list[str]] = []

    class Explained:
        async def fetch(self, sql: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
            plans.append([row[3] for row in schema.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)])
            return schema.execute(sql, parameters).fetchall()

    assert await report_of(Explained(), 1) == OutgoingReport(1, "ann", 11664)  # pyright: ignore
    found, keys = plans
    assert [line.split(" USING ")[0] for line in found] == ["SEARCH a", "SEARCH r", "SEARCH p"]
    assert [line.split(" USING ")[0] for line in keys if "SEARCH" in line] == [
        "SEARCH r",
        "SEARCH o",
        "SEARCH s",
    ]


# ---- pins ----


async def test_a_profile_comes_with_the_pins_of_its_records(store_factory: Open, tmp_path: Path) -> None:
    store = await store_factory()
    saved = await run(store, lambda ws: [person(ws, f"web:{n}") for n in range(3)])
    await store.close()
    (a, b, _), (profile, *_) = saved.by_record_id, saved.profiles
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute("INSERT INTO pin VALUES (?, ?, 'cannot', 'operator', '', 0, NULL)", (a, b))
    connection.close()
    ws = await look(await store_factory(), lambda ws: ws.profiles.want(profile))
    (pin,) = ws.pins([a])
    assert isinstance(pin, PinRow)
    assert (pin.record_a, pin.record_b, pin.kind) == (a, b, "cannot")


# ---- reading while the writer writes ----


async def test_a_read_during_a_batch_answers_at_once_and_sees_only_what_is_committed(store: Store) -> None:
    await run(store, lambda ws: person(ws, "web:ann"))
    inside, go_on = threading.Event(), threading.Event()

    def slow(ws: WorkingSet) -> None:
        person(ws, "web:bob")
        inside.set()
        assert go_on.wait(10)

    writing = asyncio.create_task(run(store, slow))
    await asyncio.to_thread(inside.wait, 10)
    assert await store.fetch("SELECT customer_id FROM record") == [("ann",)]
    go_on.set()
    await writing
    assert await store.fetch("SELECT customer_id FROM record") == [("ann",), ("bob",)]


async def test_a_caller_that_gives_up_does_not_undo_the_batch(store: Store) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(ws: WorkingSet) -> None:
        person(ws, "web:ann")
        inside.set()
        assert go_on.wait(10)

    writing = asyncio.create_task(run(store, slow))
    await asyncio.to_thread(inside.wait, 10)
    writing.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await run(store, lambda ws: person(ws, "web:bob"))
    assert await store.fetch("SELECT customer_id FROM record") == [("ann",), ("bob",)]


async def test_a_read_that_is_given_up_leaves_the_readers_usable(store: Store) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT MAX(i) FROM n"
    )
    for _ in range(5):
        reading = asyncio.create_task(store.fetch(endless))
        await asyncio.sleep(0)
        reading.cancel()
    assert await asyncio.gather(*(store.fetch("SELECT ?", (n,)) for n in range(8))) == [
        [(n,)] for n in range(8)
    ]


async def test_a_read_that_failed_holds_on_to_nothing(store: Store) -> None:
    await run(store, lambda ws: person(ws, "web:ann"))
    failures: list[Exception] = []
    for _ in range(2):
        try:
            await store.fetch("SELECT CAST(x'ff' AS TEXT) FROM record")
        except ReadFailed as error:
            failures.append(error)  # and with it the place where it failed
    await run(store, lambda ws: person(ws, "web:bob"))
    seen = [await store.fetch("SELECT COUNT(*) FROM record") for _ in range(2)]
    assert (len(failures), seen) == (2, [[(2,)]] * 2)


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(ReadFailed):
        await store.fetch("DELETE FROM record")


# ---- a full disk ----


async def test_a_disk_below_the_reserve_takes_nothing_but_is_read(tmp_path: Path, clock: ManualClock) -> None:
    store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY, min_free_disk=1 << 62)
    await store.open()
    try:
        for refused in (run(store, lambda ws: person(ws, "web:ann")), store.probe()):
            with pytest.raises(StoreUnavailable, match="disk"):
                await refused
        assert await store.fetch("SELECT * FROM record") == []
    finally:
        await store.close()


async def test_a_full_disk_refuses_the_batch_whole_and_recovers_by_itself(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    try:
        await limit_pages(store, 1)
        with pytest.raises(StoreUnavailable, match="full"):
            await run(store, lambda ws: [person(ws, f"web:{n}" * 20) for n in range(2_000)])
        assert await store.fetch("SELECT * FROM record") == []
        await limit_pages(store, 1 << 30)
        await run(store, lambda ws: person(ws, "web:ann"))
    finally:
        await store.close()


async def test_a_disk_that_fills_up_during_a_step_refuses_the_batch_whole(
    tmp_path: Path, clock: ManualClock
) -> None:
    def fill(ws: WorkingSet) -> None:
        for step in range(8):
            for n in range(500):
                person(ws, f"web:{step} {n}" * 20)
            ws.end_step()

    store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    try:
        await limit_pages(store, 300)
        with pytest.raises(StoreUnavailable, match="full"):
            await run(store, fill)
        assert await store.fetch("SELECT * FROM record") == []
        await limit_pages(store, 1 << 30)
        await run(store, fill)
        assert await store.fetch("SELECT COUNT(*) FROM record") == [(4_000,)]
    finally:
        await store.close()


async def test_a_commit_that_fails_beside_the_next_batch_takes_that_one_with_it(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    decided = threading.Event()
    failed: list[Tip] = []
    commit = Saver._commit

    def full(saver: Saver, tip: Tip, stored: Callable[[], None]) -> None:
        if tip[0] == 6 and not failed:  # the second batch's
            failed.append(tip)
            assert decided.wait(10)
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        commit(saver, tip, stored)

    def third(ws: WorkingSet) -> None:
        log(ws)
        decided.set()

    monkeypatch.setattr(Saver, "_commit", full)
    batches = [Batch(nothing, log), Batch(nothing, log), Batch(nothing, third), Batch(nothing, log)]
    series = Series(list(batches), [])
    try:
        with pytest.raises(StoreUnavailable, match="full"):
            await store.run_all(series)
        assert (series.done, series.waiting) == (batches[:1], batches[3:])
        await run(store, log)
        assert await store.fetch("SELECT COUNT(*), MAX(seq) FROM audit") == [(6, 6)]
        assert await breaches(store) == []
    finally:
        await store.close()


async def test_an_io_error_while_the_next_batch_is_loaded_breaks_the_store_and_stores_nothing(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(connection: sqlite3.Connection, loading: Loading) -> None:
        if next(loading, None) is None:
            return
        connection.execute("ROLLBACK")  # as SQLite does by itself
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR | 1 << 8
        raise error

    store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    monkeypatch.setattr("gateway.store.sqlite.store.load", unreadable)
    series = Series([Batch(nothing, log), Batch(ask_for_ann, log)], [])
    try:
        with pytest.raises(StoreBroken, match="SQLITE_IOERR_READ"):
            await store.run_all(series)
        assert series.done == []
        await run(store, log)
        assert await store.fetch("SELECT COUNT(*), MAX(seq) FROM audit") == [(3, 3)]
    finally:
        await store.close()


_EVERY_PATH: dict[str, Callable[[SqliteStore], Awaitable[object]]] = {
    "a batch": lambda store: run(store, log),
    "housekeeping": lambda store: store.maintain(10),
    "new signatures": lambda store: store.rotate_secret("operator"),
    "a probe": lambda store: store.probe(),
    "a read": lambda store: store.fetch("SELECT COUNT(*) FROM audit"),
}


@pytest.mark.parametrize("path", _EVERY_PATH)
async def test_a_broken_file_raises_the_same_error_on_every_path(
    path: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR | 4 << 8
        raise error

    told: list[str] = []
    store = SqliteStore(
        tmp_path / "gateway.db",
        clock,
        checkpoint_key=CHECKPOINT_KEY,
        on_broken=lambda error: told.append(str(error)),
    )
    await store.open()
    try:
        with monkeypatch.context() as patched:
            patched.setattr("gateway.store.sqlite.store.in_one_hop", broken)
            with pytest.raises(StoreBroken):
                await _EVERY_PATH[path](store)
        assert told == ["SQLite reports SQLITE_IOERR_FSYNC"]
        await run(store, log)
    finally:
        await store.close()


async def test_a_probe_waits_for_one_batch_and_not_for_the_series(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def first(_: WorkingSet) -> None:
        begun.set()
        assert go_on.wait(10)

    series = Series([Batch(nothing, first), *(Batch(nothing, log) for _ in range(20))], [])
    running = asyncio.create_task(store.run_all(series))
    await asyncio.to_thread(begun.wait, 10)
    probing = asyncio.create_task(store.probe())
    await asyncio.sleep(0)
    go_on.set()
    await probing
    await running
    assert (len(series.done), len(series.waiting)) == (1, 20)


async def limit_pages(store: SqliteStore, pages: int) -> None:
    """SQLite's own way to a full database; it never goes below the present size."""
    await store._in_writer(lambda connection: connection.execute(f"PRAGMA max_page_count={pages}"))
