"""Values that turned out to belong to too many profiles, and what they would join today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.ids import earliest
from gateway.model import Regrouping
from gateway.store import Store
from gateway.store.queries.profiles import placeholders
from gateway.store.queries.window import Filters, newest, within
from gateway.store.tables.regrouping import REGROUPING
from rules.identifier import Identifier

COUNTED = 1_000
"""The most records of one value that are counted."""
MEMBERS = 3
_AMONG = 20
"""Of so many records of a value, the profiles are named."""
_AT_ONCE = 100
_COUNTED_AT_ONCE = 1_000
_TOO_MANY = "{t}.scope = 'value' AND {t}.cause IN ('generic', 'shared')"
"""As the index has it."""


@dataclass(slots=True, kw_only=True)
class WantedValues:
    """`since` is inside, `until` is not."""

    type: str = ""
    since: int | None = None
    until: int | None = None


class ValueHolders(NamedTuple):
    """The state of a value now, and how many records and profiles hold it; at most `COUNTED` records are counted."""

    state: str
    records: int
    profiles: int


async def generic_values(
    store: Store, wanted: WantedValues, before: int, limit: int
) -> tuple[list[Regrouping], int | None]:
    """The regrouping of each value, newest first; and the id after which to continue."""
    filters = Filters()
    filters.indexed.add(_TOO_MANY)
    if wanted.type:
        filters.indexed.add("{t}.type = ?", wanted.type)
    bounds = within("regrouping_id", before, wanted.since, wanted.until)
    return await newest(store, REGROUPING, filters, bounds, limit)


async def values_of(store: Store, numbers: Sequence[int]) -> dict[int, Identifier]:
    """By the id of the regrouping."""
    rows = await store.fetch(
        f"SELECT g.regrouping_id, g.type, g.value FROM regrouping AS g WHERE g.regrouping_id IN ({placeholders(numbers)})"
        f" AND {_TOO_MANY.format(t='g')}",
        numbers,
    )
    return {number: Identifier(kind, value) for number, kind, value in rows}


async def count_since(store: Store, since: int) -> int:
    """How many values of this time still join no profiles; of the newest 1,000."""
    rows = await store.fetch(
        f"SELECT COUNT(*) FROM (SELECT g.type, g.value FROM regrouping AS g WHERE {_TOO_MANY.format(t='g')}"
        " AND g.regrouping_id >= ? ORDER BY g.regrouping_id DESC LIMIT ?) AS looked_at"
        " WHERE EXISTS (SELECT 1 FROM identifier_state AS s WHERE s.type = looked_at.type AND s.value = looked_at.value"
        " AND s.state IN ('generic', 'shared'))",
        (earliest(since), _COUNTED_AT_ONCE),
    )
    return rows[0][0]


_HELD = f"""(SELECT {{what}} FROM (SELECT o.record_id FROM observation AS o
WHERE o.type = wanted.type AND o.value = wanted.value LIMIT {COUNTED}) AS looked_at
CROSS JOIN record AS r ON r.record_id = looked_at.record_id)"""
_REACH = f"""
WITH wanted (type, value) AS (VALUES {{wanted}})
SELECT wanted.type, wanted.value, COALESCE(s.state, 'normal'), {_HELD.format(what="COUNT(*)")},
{_HELD.format(what="COUNT(DISTINCT r.profile_id)")}
FROM wanted LEFT JOIN identifier_state AS s ON s.type = wanted.type AND s.value = wanted.value
"""
_MEMBERS = f"""
SELECT * FROM (SELECT DISTINCT '{{number}}', r.profile_id FROM (SELECT o.record_id FROM observation AS o
WHERE o.type = ? AND o.value = ? ORDER BY o.record_id LIMIT {_AMONG}) AS looked_at
CROSS JOIN record AS r ON r.record_id = looked_at.record_id ORDER BY r.profile_id LIMIT {MEMBERS}) AS found{{number}}
"""


async def reach(store: Store, values: Sequence[Identifier]) -> dict[Identifier, ValueHolders]:
    if not values:
        return {}
    rows = await store.fetch(
        _REACH.format(wanted=",".join(["(?, ?)"] * len(values))), [part for value in values for part in value]
    )
    return {Identifier(kind, value): ValueHolders(*found) for kind, value, *found in rows}


async def members(store: Store, values: Sequence[Identifier]) -> Mapping[Identifier, list[int]]:
    """Some profiles that hold each value."""
    found: dict[Identifier, list[int]] = {value: [] for value in values}
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        asked = " UNION ALL ".join(_MEMBERS.format(number=number) for number in range(len(some)))
        for number, profile_id in await store.fetch(asked, [part for value in some for part in value]):
            found[some[int(number)]].append(profile_id)
    return found
