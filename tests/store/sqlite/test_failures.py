"""SQLite: a full disk, I/O errors and a broken file, in the gateway's terms."""

import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.audit.chain import Tip
from gateway.errors import StoreBroken, StoreUnavailable
from gateway.sqlite_library import sqlite3
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite.dialect import Saver
from gateway.store.tables.table import Loading
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import CHECKPOINT_KEY, ManualClock
from tests.support.store_batches import (
    Batch,
    Series,
    ask_for_ann,
    breaches,
    log,
    nothing,
    person,
    run,
)

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
            patched.setattr("gateway.store.sqlite.store.run_on_thread", broken)
            with pytest.raises(StoreBroken):
                await _EVERY_PATH[path](store)
        assert told == ["SQLite reports SQLITE_IOERR_FSYNC"]
        await run(store, log)
    finally:
        await store.close()


async def limit_pages(store: SqliteStore, pages: int) -> None:
    """SQLite's own way to a full database; it never goes below the present size."""
    await store._in_writer(lambda connection: connection.execute(f"PRAGMA max_page_count={pages}"))
