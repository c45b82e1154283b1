"""A store to test."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from gateway.store import Store
from tests.support.in_process_gateway import ManualClock, make_store

Open = Callable[[], Awaitable[Store]]


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
