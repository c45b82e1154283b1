"""Pins for operators: the decision, its author and reason, and the present profiles of the two records."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.model import PinRow
from gateway.store import Store
from gateway.store.queries.profiles import placeholders
from gateway.store.tables.pins import PIN

Place = tuple[int, int]


class PlacedPin(NamedTuple):
    """A pin with the profiles of its two records."""

    pin: PinRow
    profile_a: int
    profile_b: int


async def records_of(store: Store, profile_id: int) -> list[int]:
    rows = await store.fetch("SELECT record_id FROM record WHERE profile_id = ?", (profile_id,))
    return [record_id for (record_id,) in rows]


async def homes(store: Store, records: Sequence[int]) -> dict[int, int]:
    """The profiles that these records are on."""
    rows = await store.fetch(
        f"SELECT record_id, profile_id FROM record WHERE record_id IN ({placeholders(records)})", records
    )
    return dict(rows)


async def pins(store: Store, records: Sequence[int] | None, after: Place, limit: int) -> list[PlacedPin]:
    """By their records, after `after`; of every record if `records` is None."""
    source, values = "pin", list[Any]()
    if records is not None:
        among = placeholders(records)
        source = f"(SELECT * FROM pin WHERE record_a IN ({among}) UNION SELECT * FROM pin WHERE record_b IN ({among}))"
        values = [*records, *records]
    rows = await store.fetch(
        f"SELECT a.profile_id, b.profile_id, {PIN.select('p')} FROM {source} AS p"
        " JOIN record a ON a.record_id = p.record_a JOIN record b ON b.record_id = p.record_b"
        " WHERE p.record_a > ? OR (p.record_a = ? AND p.record_b > ?) ORDER BY p.record_a, p.record_b LIMIT ?",
        (*values, after[0], *after, limit),
    )
    return [PlacedPin(PIN.read(pin), a, b) for a, b, *pin in rows]
