"""Stores on one PostgreSQL database."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from gateway.store.postgres import PostgresStore
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    ManualClock,
)


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def opened(database_url: str, clock: ManualClock) -> AsyncGenerator[Callable[[], Any]]:
    """Stores on the test's one database, any number at once."""
    stores: list[PostgresStore] = []

    async def one_more(connections: int = 10) -> PostgresStore:
        store = PostgresStore(database_url, clock, checkpoint_key=CHECKPOINT_KEY, connections=connections)
        await store.open()
        stores.append(store)
        return store

    yield one_more
    for store in stores:
        await store.close()
