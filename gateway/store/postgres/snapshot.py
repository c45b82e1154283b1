"""A snapshot of a PostgreSQL database, over a read-only connection of its own."""

import asyncio
from collections.abc import Collection

import asyncpg

from gateway.store.snapshot import (
    ANSWERS,
    ASKED,
    ATTRIBUTES,
    BALANCES,
    NAMES,
    OWN_LISTS,
    PINS,
    PROFILES,
    RECORDS,
    SCORED,
    SIDES,
    Snapshot,
    answers,
    judgements,
    own_lists,
    profiles,
    records,
    texts,
)


def snapshot(url: str, attributes: Collection[str], *, with_profiles: bool = True) -> Snapshot:
    """A consistent state. Only the named attributes are loaded; `profiles` and `names` are empty unless they are wanted."""
    return asyncio.run(_snapshot(url, attributes, with_profiles=with_profiles))


async def _snapshot(url: str, attributes: Collection[str], *, with_profiles: bool) -> Snapshot:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return Snapshot(
                records(await connection.fetch(RECORDS)),
                profiles(await connection.fetch(PROFILES)) if with_profiles else {},
                dict(await connection.fetch(NAMES)) if with_profiles else {},
                dict(await connection.fetch(BALANCES)),
                texts(await connection.fetch(ATTRIBUTES), attributes) if attributes else {},
                judgements(await connection.fetch(PINS), await connection.fetch(SIDES)),
                own_lists(await connection.fetch(OWN_LISTS)),
                {(one, other): reason for one, other, reason in await connection.fetch(ASKED)},
                {(one, other) for one, other in await connection.fetch(SCORED)},
                answers(await connection.fetch(ANSWERS)),
            )
    finally:
        await connection.close()
