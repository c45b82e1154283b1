"""Splits for operators: those whose sides are kept apart."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.model import Split
from gateway.store import Store
from gateway.store.queries.profiles import placeholders
from gateway.store.tables.pins import SPLIT


class CountedSplit(NamedTuple):
    split: Split
    sides: int
    records: int


async def splits(store: Store, records: Sequence[int] | None, before: int, limit: int) -> list[CountedSplit]:
    """The newest first, before an id; only those of these records, or all."""
    of, values = "", list[Any]()
    if records is not None:
        of = f" AND x.split_id IN (SELECT s.split_id FROM split_side AS s WHERE s.record_id IN ({placeholders(records)}))"
        values = [*records]
    rows = await store.fetch(
        f"SELECT {SPLIT.select('x')}, (SELECT COUNT(DISTINCT s.side) FROM split_side AS s WHERE s.split_id = x.split_id),"
        " (SELECT COUNT(*) FROM split_side AS s WHERE s.split_id = x.split_id)"
        f" FROM split AS x WHERE x.split_id < ?{of} ORDER BY x.split_id DESC LIMIT ?",
        (before, *values, limit),
    )
    return [CountedSplit(SPLIT.read(row), sides, records_) for *row, sides, records_ in rows]


async def members(store: Store, split_id: int, limit: int) -> list[tuple[int, int, int]]:
    """Record, side and present profile of records of the split, by side."""
    rows = await store.fetch(
        "SELECT s.record_id, s.side, r.profile_id FROM split_side AS s JOIN record AS r ON r.record_id = s.record_id"
        " WHERE s.split_id = ? ORDER BY s.side, s.record_id LIMIT ?",
        (split_id, limit),
    )
    return [(record_id, side, profile_id) for record_id, side, profile_id in rows]
