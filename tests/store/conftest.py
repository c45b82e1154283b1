"""The engine under test, SQLite unless a module says otherwise by a fixture `engine` of its own."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from manual import CHECKPOINT_KEY, ManualClock
from postgresql import PostgresServer

from gateway.store import Store
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore

pytest.register_assert_rewrite("conformance")
Open = Callable[[], Awaitable[Store]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
async def store_factory(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock, engine: str
) -> AsyncGenerator[Open]:
    """Opens the test's one database; an engine that admits one process at a time wants the last one closed first."""
    opened: list[Store] = []
    url = await _database(request, engine)

    async def open_store() -> Store:
        if url:
            store: Store = PostgresStore(url, clock, checkpoint_key=CHECKPOINT_KEY)
        else:
            store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY)
        await store.open()
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        await store.close()


async def _database(request: pytest.FixtureRequest, engine: str) -> str:
    if engine == "sqlite":
        return ""
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url(await server.empty())


@pytest.fixture
async def store(store_factory: Open) -> Store:
    return await store_factory()
