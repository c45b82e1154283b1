"""Deliveries for operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.model import Delivery
from gateway.store import Store
from gateway.store.queries.profiles import placeholders
from gateway.store.queries.window import Conditions, Filters, newest, within
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


class Waiting(NamedTuple):
    """What one target did not get. `attempts` and `status` are of the oldest delivery that waits, `since` is when it was queued."""

    waiting: int = 0
    since: int | None = None
    attempts: int = 0
    status: int = 0
    held: int = 0
    dead: int = 0


@dataclass(slots=True, kw_only=True)
class WantedDeliveries:
    """Every filter that is given must hold. Queued at `since` or later, and before `until`."""

    state: str = ""
    target: str = ""
    since: int | None = None
    until: int | None = None


async def list_deliveries_of(store: Store, wanted: WantedDeliveries, before: int, limit: int) -> list[Listed]:
    """Newest first, with an id below `before`."""
    conditions = _bounds(wanted, before)
    if wanted.state in _FOR_A_PERSON:  # there are few of them, and an index finds them
        conditions.add("{t}.state IN ('dead', 'held')")
    for column, value in (("state", wanted.state), ("target", wanted.target)):
        if value:
            conditions.add(f"{{t}}.{column} = ?", value)
    where = " AND ".join(conditions.texts).format(t="d")
    rows = await store.fetch(
        f"{_SELECT} WHERE {where} ORDER BY d.delivery_id DESC LIMIT ?", (*conditions.values, limit)
    )
    return [_listed(row) for row in rows]


async def stuck_deliveries(
    store: Store, wanted: WantedDeliveries, before: int, limit: int
) -> tuple[list[Delivery], int | None]:
    """Those that wait for a person, newest first; and the id after which to continue."""
    filters = Filters()
    filters.indexed.add("{t}.state IN ('dead', 'held') AND {t}.state = ?", wanted.state)
    if wanted.target:
        filters.others.add("{t}.target = ?", wanted.target)
    return await newest(store, DELIVERY, filters, _bounds(wanted, before), limit)


def _bounds(wanted: WantedDeliveries, before: int) -> Conditions:
    """A delivery's id is drawn when it is queued."""
    return within("delivery_id", before, wanted.since, wanted.until)


_OPEN_AND_DEAD = """
SELECT c.target, c.state, c.number, d.created_at, d.attempts, d.status FROM (
  SELECT target, state, COUNT(*) AS number, MIN(delivery_id) AS oldest FROM delivery
  WHERE finished_at IS NULL AND target IN ({among}) GROUP BY target, state
  UNION ALL SELECT target, state, COUNT(*), MIN(delivery_id) FROM delivery
  WHERE state IN ('dead', 'held') AND state = 'dead' AND target IN ({among}) GROUP BY target, state
) AS c CROSS JOIN delivery AS d WHERE d.delivery_id = c.oldest ORDER BY c.oldest
"""


async def waiting_for(store: Store, targets: Sequence[str]) -> dict[str, Waiting]:
    found = dict.fromkeys(targets, Waiting())
    rows = await store.fetch(_OPEN_AND_DEAD.format(among=placeholders(targets)), (*targets, *targets))
    for target, state, number, since, attempts, status in rows:
        known = found[target]
        match state:
            case "held":
                known = known._replace(held=number)
            case "dead":
                known = known._replace(dead=number)
            case _ if known.waiting:
                known = known._replace(waiting=known.waiting + number)
            case _:
                known = known._replace(waiting=number, since=since, attempts=attempts, status=status)
        found[target] = known
    return found


async def delivery_of(store: Store, delivery_id: int) -> Listed | None:
    rows = await store.fetch(f"{_SELECT} WHERE d.delivery_id = ?", (delivery_id,))
    return _listed(rows[0]) if rows else None


def _listed(row: tuple[Any, ...]) -> Listed:
    return Listed(DELIVERY.read(row[:-2]), row[-2], row[-1])
