"""The outbox and events of the platform: how they are stored."""

from operator import attrgetter

from gateway.clock import MINUTE
from gateway.ids import later
from gateway.model import Delivery, PlatformEvent
from gateway.store.statement import Query
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, entities, fenced_rows
from gateway.workingset import WorkingSet

LONGEST_LEASE = 2 * MINUTE
"""A longer lease was taken by a clock that was ahead; the delivery is free."""

DELIVERY = Columns(
    "delivery",
    Delivery,
    "delivery_id bigint",
    fixed=("target", "kind", "subject", "created_at", "request_id", "trace", "about"),
)
_PLATFORM_EVENT = Columns("platform_event", PlatformEvent, "event_key text", renamed={"key": "event_key"})
_UPDATE = DELIVERY.update(fence="epoch")
_CLAIMABLE = f"""
SELECT {DELIVERY.select("d")} FROM delivery AS d
WHERE d.finished_at IS NULL AND d.target = ? AND d.due_at <= ?
AND (d.lease_until <= ? OR d.lease_until > ?)
ORDER BY d.due_at, d.delivery_id LIMIT ?
"""
_CLAIMABLE_IN_ORDER = _CLAIMABLE.replace(
    "ORDER BY",
    """AND NOT EXISTS (SELECT 1 FROM delivery AS e WHERE e.finished_at IS NULL AND e.target <> 'upstream'
AND e.target = d.target AND e.lane = d.lane AND e.delivery_id < d.delivery_id)
ORDER BY""",
)
_DELIVERIES_OF = f"""
SELECT k.achievement_id, {DELIVERY.select("d")} FROM keys(achievement_id bigint, until bigint) AS k
CROSS JOIN delivery AS d ON d.delivery_id = (
  SELECT e.delivery_id FROM delivery AS e WHERE e.delivery_id > k.achievement_id AND e.delivery_id < k.until
  AND e.target = 'upstream' AND e.subject = k.achievement_id ORDER BY e.delivery_id LIMIT 1)
"""


def _load_sendings(ws: WorkingSet, achievement_ids: list[int]) -> Loading:
    """A delivery's id is the next one after its achievement's, so no index is needed to find it."""
    for achievement_id in achievement_ids:
        ws.sendings.put(achievement_id, None)
    places = [(achievement_id, later(achievement_id, MINUTE)) for achievement_id in achievement_ids]
    [rows] = yield [Query(_DELIVERIES_OF, places)]
    for achievement_id, *row in rows:
        delivery = DELIVERY.read(row)
        ws.sendings.put(achievement_id, delivery.delivery_id)
        if delivery.delivery_id not in ws.deliveries:
            ws.deliveries.put(delivery.delivery_id, delivery)


def _load_claimable(ws: WorkingSet, wanted: list[tuple[str, int]]) -> Loading:
    for target, limit in wanted:
        sql = _CLAIMABLE if target == "upstream" else _CLAIMABLE_IN_ORDER
        [rows] = yield [Query(sql, parameters=(target, ws.now, ws.now, ws.now + LONGEST_LEASE, limit))]
        ws.claimable.put((target, limit), [DELIVERY.read(row) for row in rows])


TABLES = (
    entities("deliveries", DELIVERY, saves=fenced_rows(DELIVERY, _UPDATE, attrgetter("fence"))),
    Table("sendings", _load_sendings),
    Table("claimable", _load_claimable),
    entities("platform_events", _PLATFORM_EVENT),
)
