"""A snapshot of a PostgreSQL database, over a read-only connection of its own."""

import asyncio
from collections.abc import Collection

import asyncpg

from gateway.store.snapshot import (
    ATTRIBUTES,
    BALANCES,
    NAMES,
    OWN_LISTS,
    PINS,
    PROFILES,
    RECORDS,
    Snapshot,
    own_lists,
    profiles,
    records,
    texts,
)
from rules.record import Pin


def snapshot(url: str, attributes: Collection[str]) -> Snapshot:
    """A consistent state. Only the named attributes are loaded."""
    return asyncio.run(_snapshot(url, attributes))


async def _snapshot(url: str, attributes: Collection[str]) -> Snapshot:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return Snapshot(
                records(await connection.fetch(RECORDS)),
                profiles(await connection.fetch(PROFILES)),
                dict(await connection.fetch(NAMES)),
                dict(await connection.fetch(BALANCES)),
                texts(await connection.fetch(ATTRIBUTES), attributes) if attributes else {},
                [Pin(*row) for row in await connection.fetch(PINS)],
                own_lists(await connection.fetch(OWN_LISTS)),
            )
    finally:
        await connection.close()
