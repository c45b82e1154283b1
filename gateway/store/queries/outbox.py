"""Deliveries for operators."""

from typing import Any, NamedTuple

from gateway.model import Delivery
from gateway.store import Store
from gateway.store.tables.deliveries import DELIVERY

_SELECT = (
    f"SELECT {DELIVERY.select('d')}, a.campaign_id, a.channel FROM delivery d"
    " LEFT JOIN achievement a ON a.achievement_id = d.subject AND d.kind = 'achievement'"
)
_FOR_A_PERSON = frozenset({"dead", "held"})


class Listed(NamedTuple):
    """A delivery with the campaign and record of its achievement; None for other kinds."""

    delivery: Delivery
    campaign_id: int | None
    channel: str | None


async def list_deliveries_of(store: Store, state: str, target: str, before: int, limit: int) -> list[Listed]:
    """Newest first, with an id below `before`."""
    conditions, values = ["d.delivery_id < ?"], list[Any]([before])
    if state in _FOR_A_PERSON:  # there are few of them, and an index finds them
        conditions.append("d.state IN ('dead', 'held')")
    for column, value in (("state", state), ("target", target)):
        if value:
            conditions.append(f"d.{column} = ?")
            values.append(value)
    rows = await store.fetch(
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY d.delivery_id DESC LIMIT ?", (*values, limit)
    )
    return [_listed(row) for row in rows]


async def delivery_of(store: Store, delivery_id: int) -> Listed | None:
    rows = await store.fetch(f"{_SELECT} WHERE d.delivery_id = ?", (delivery_id,))
    return _listed(rows[0]) if rows else None


def _listed(row: tuple[Any, ...]) -> Listed:
    return Listed(DELIVERY.read(row[:-2]), row[-2], row[-1])
