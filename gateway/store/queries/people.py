"""Names of people, for lists with many of them: their first records, and the attributes that hold names."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.model.names import NAMES
from gateway.store import Store
from gateway.store.queries.profiles import Attribute, placeholders

_AT_ONCE = 100
_EACH = 20
"""The most records of one profile that are looked at."""
_FIRST = """
SELECT * FROM (SELECT profile_id, record_id, id_space, customer_id FROM record WHERE profile_id = ?
ORDER BY record_id LIMIT {each}) AS first{place}
"""


class Known(NamedTuple):
    """A record by its customer id."""

    profile_id: int
    record_id: int
    id_space: str
    customer_id: str


async def homes(store: Store, profiles: Sequence[int]) -> dict[int, int]:
    """The live profiles that these ids lead to. Those of erased persons are missing."""
    sql = f"SELECT profile_id, COALESCE(redirect_to, profile_id) FROM profile WHERE profile_id IN ({placeholders(profiles)})"
    return {one: home for one, home, *_ in await store.fetch(sql, profiles)}


async def first_records(store: Store, profiles: Sequence[int]) -> list[Known]:
    """The oldest records of each profile. Absorbed and erased profiles have none."""
    found: list[Known] = []
    for start in range(0, len(profiles), _AT_ONCE):
        some = profiles[start : start + _AT_ONCE]
        selects = (_FIRST.format(each=_EACH, place=place) for place in range(len(some)))
        found += [Known(*row) for row in await store.fetch(" UNION ALL ".join(selects), some)]
    return found


async def names(store: Store, records: Sequence[int]) -> list[Attribute]:
    """The attributes of these records that hold names."""
    rows = await store.fetch(
        f"SELECT record_id, name, value, at, source FROM attribute WHERE record_id IN ({placeholders(records)})"
        f" AND name IN ({placeholders(NAMES)})",
        (*records, *NAMES),
    )
    return [Attribute(*row) for row in rows]
