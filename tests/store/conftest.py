"""The engine under test. Each further engine parametrises `store_factory` and takes over every conformance case."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from manual import CHECKPOINT_KEY, ManualClock

from gateway.store import Store
from gateway.store.sqlite import SqliteStore

pytest.register_assert_rewrite("conformance")
Open = Callable[[], Awaitable[Store]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store_factory(tmp_path: Path, clock: ManualClock) -> AsyncGenerator[Open]:
    """Opens the test's one database; an engine that admits one process at a time wants the last one closed first."""
    opened: list[Store] = []

    async def open_store() -> Store:
        store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY)
        await store.open()
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        await store.close()


@pytest.fixture
async def store(store_factory: Open) -> Store:
    return await store_factory()
