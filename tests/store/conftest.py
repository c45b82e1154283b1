"""A store to test."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.clock import HOUR
from gateway.store import Store
from gateway.workers import archive as archiving
from tests.support.audit_history import ArchivedDatabase, LoggedDatabase, make_digested_rows
from tests.support.in_process_gateway import ManualClock, make_store
from tests.support.store_batches import Open, run


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store_factory(database_url: str, clock: ManualClock) -> AsyncGenerator[Open]:
    """Opens the test's one database; an engine that admits one process at a time wants the last one closed first."""
    opened: list[Store] = []

    async def open_store() -> Store:
        store = make_store(database_url, clock)
        await store.open()
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        await store.close()


@pytest.fixture
async def store(store_factory: Open) -> Store:
    return await store_factory()


@pytest.fixture
async def database(database_url: str, store_factory: Open, clock: ManualClock) -> LoggedDatabase:
    made = LoggedDatabase(database_url, store_factory, clock)
    await made.build()
    return made


@pytest.fixture
async def fresh(
    database_url: str,
    store_factory: Open,
    clock: ManualClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ArchivedDatabase:
    """Some history, of which nothing is archived yet. A segment is closed after a few events."""
    monkeypatch.setattr(archiving, "MOST_EVENTS", 5)
    monkeypatch.setattr("gateway.store.queries.audit._CHUNK", 3)
    made = ArchivedDatabase(database_url, store_factory, clock)
    made.directory = tmp_path / "archive"
    made.directory.mkdir()
    await made.build()
    store = await store_factory()
    await run(store, make_digested_rows)
    await store.close()
    clock.advance(3 * HOUR)
    return made


@pytest.fixture
async def kept(fresh: ArchivedDatabase) -> ArchivedDatabase:
    """And some more that is not archived."""
    await fresh.archive()
    fresh.clock.advance(HOUR)
    await (await fresh.run(maintained=True)).close()
    return fresh
