"""The operators' own lists, as they are shown."""

from typing import NamedTuple

from gateway.store import Store


class ListSize(NamedTuple):
    name: str
    size: int


class OnList(NamedTuple):
    value: str
    added_at: int
    added_by: str


async def lists(store: Store) -> list[ListSize]:
    rows = await store.fetch("SELECT name, COUNT(*) FROM own_list GROUP BY name ORDER BY name")
    return [ListSize(*row) for row in rows]


async def values(store: Store, name: str, after: str, limit: int) -> list[OnList]:
    """Sorted by text, after `after`."""
    rows = await store.fetch(
        "SELECT value, added_at, added_by FROM own_list WHERE name = ? AND value > ? ORDER BY value LIMIT ?",
        (name, after, limit),
    )
    return [OnList(*row) for row in rows]
