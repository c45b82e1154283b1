"""A store to test."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.store import Store
from gateway.workers import archive as archiving
from tests.support.audit_history import ArchivedDatabase, Histories, LoggedDatabase
from tests.support.in_process_gateway import ManualClock, make_store
from tests.support.postgresql import PostgresServer
from tests.support.store_batches import Open


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


@pytest.fixture(scope="session")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    return Histories(tmp_path_factory.mktemp("histories"))


@pytest.fixture
async def database(
    request: pytest.FixtureRequest,
    histories: Histories,
    engine: str,
    database_url: str,
    store_factory: Open,
    clock: ManualClock,
    tmp_path: Path,
) -> LoggedDatabase:
    made = LoggedDatabase(database_url, store_factory, clock, tmp_path)
    await histories.bring(f"logged_{engine}", made, made.build, _server(request, engine))
    return made


@pytest.fixture
def unbuilt(
    database_url: str,
    store_factory: Open,
    clock: ManualClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ArchivedDatabase:
    """A segment is closed after a few events."""
    monkeypatch.setattr(archiving, "MOST_EVENTS", 5)
    monkeypatch.setattr("gateway.store.queries.audit._CHUNK", 3)
    return ArchivedDatabase(database_url, store_factory, clock, tmp_path)


@pytest.fixture
async def fresh(
    request: pytest.FixtureRequest, histories: Histories, engine: str, unbuilt: ArchivedDatabase
) -> ArchivedDatabase:
    """Some history, of which nothing is archived yet."""
    await histories.bring(f"fresh_{engine}", unbuilt, unbuilt.build, _server(request, engine))
    return unbuilt


@pytest.fixture
async def kept(
    request: pytest.FixtureRequest, histories: Histories, engine: str, unbuilt: ArchivedDatabase
) -> ArchivedDatabase:
    """And some more that is not archived."""
    await histories.bring(f"kept_{engine}", unbuilt, unbuilt.build_archived, _server(request, engine))
    return unbuilt


def _server(request: pytest.FixtureRequest, engine: str) -> PostgresServer | None:
    return None if engine == "sqlite" else request.getfixturevalue("postgres")
