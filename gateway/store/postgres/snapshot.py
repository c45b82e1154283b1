"""A snapshot of a PostgreSQL database, over a read-only connection of its own."""

import asyncio
from collections.abc import Collection

import asyncpg

from gateway.store.snapshot import Snapshot, load


def snapshot(url: str, attributes: Collection[str], *, with_profiles: bool = True) -> Snapshot:
    """A consistent state, as `load` says."""
    return asyncio.run(_snapshot(url, attributes, with_profiles=with_profiles))


async def _snapshot(url: str, attributes: Collection[str], *, with_profiles: bool) -> Snapshot:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            loading = load(attributes, with_profiles=with_profiles)
            sql = next(loading)
            while True:
                rows = await connection.fetch(sql)
                try:
                    sql = loading.send(rows)
                except StopIteration as done:
                    return done.value
    finally:
        await connection.close()
