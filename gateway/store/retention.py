"""Removes old achievements and rewards, but never what a decision depends on. Each piece has an audit event; its hash covers the
removed rows that the log vouches for."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.audit.chain import Chain
from gateway.audit.event import Action
from gateway.clock import DAY, MINUTE
from gateway.ids import earliest, later
from gateway.store.maintenance import KeepFor, is_within
from gateway.store.signing import Part, own_event
from gateway.store.statement import Query, Step, Write
from gateway.store.tables.audit import audit_write

_OVER = frozenset({"ignored", "failed", "dead"})
_COUNTED = frozenset({"granted", "delivered"})
"""Granted ones count for limits. Delivered ones are needed to find out whether a later report has arrived."""
_OLD = """
SELECT a.achievement_id, a.record_id, a.campaign_id, a.state, a.decided_at, a.epoch,
CASE WHEN a.channel = '' THEN 0 ELSE 1 END, l.entered_at, CASE WHEN COALESCE(l.coupon_code, '') = '' THEN 0 ELSE 1 END
FROM achievement AS a LEFT JOIN ledger AS l ON l.record_id = a.record_id AND l.campaign_id = a.campaign_id
AND l.achievement_id = a.achievement_id
WHERE a.achievement_id > ? AND a.achievement_id < ? ORDER BY a.achievement_id LIMIT ?
"""
_NAMED = """
SELECT k.achievement_id FROM keys(achievement_id bigint, until bigint) AS k
CROSS JOIN answer_of AS n ON n.achievement_id = k.achievement_id
UNION SELECT k.achievement_id FROM keys(achievement_id bigint, until bigint) AS k
CROSS JOIN delivery AS d ON d.delivery_id > k.achievement_id AND d.delivery_id < k.until
AND d.target = 'upstream' AND d.subject = k.achievement_id
"""
"""Achievements by which an erasure finds something else: a kept answer, or a delivery with the upstream's answer."""
_DROP = "DELETE FROM achievement WHERE achievement_id = ? AND epoch = ?"
_FOUND_BY = "DELETE FROM lookup WHERE field = ? AND value = ? AND row_id = ?"
_UNTOLD = "UPDATE achievement SET channel = '', request_id = '' WHERE achievement_id = ? AND epoch = ?"
_NO_COUPON = (
    "UPDATE ledger SET coupon_code = '' WHERE record_id = ? AND campaign_id = ? AND achievement_id = ?"
)
_encode = msgspec.json.Encoder().encode


class _Old(NamedTuple):
    achievement_id: int
    record_id: int
    campaign_id: int
    state: str
    decided_at: int | None
    epoch: int
    is_told: int
    entered_at: int | None
    has_coupon: int

    @property
    def entry(self) -> tuple[int, int, int]:
        return self.record_id, self.campaign_id, self.achievement_id


class Retention:
    """Once a day, a walk over the achievements that are old enough, a bounded piece at a time. Those that ended otherwise are
    removed whole, unless an erasure needs them to find something else. Granted or delivered ones lose their channel and request,
    and the coupon's code. All state here can be lost."""

    def __init__(self, chain: Chain, kept: KeepFor) -> None:
        self._chain = chain
        self._kept = kept
        self._ages = [age for age in (kept.achievements, kept.ledger_details) if age]
        self._from = 0
        self._walked_at: int | None = None

    def is_due(self, now: int) -> bool:
        """Whether there is something to look at, and a chain of this process to record it in."""
        return bool(self._ages) and self._chain.is_kept and not is_within(DAY, self._walked_at, now)

    def step(self, now: int, stamp: int, new_id: Callable[[int], int], limit: int) -> Step:
        """How many achievements were looked at; fewer than `limit`: the walk is done for today."""
        if not self.is_due(now):
            return 0
        rows = yield Query(_OLD, parameters=(self._from, earliest(now - min(self._ages)), limit))
        old = [_Old(*row) for row in rows]
        done = yield from self._forget(old, now)
        if any(done.values()):
            detail = _encode(done).decode()
            event = own_event(new_id(stamp), stamp, Action.RETENTION_APPLIED, "gateway", detail=detail)
            yield audit_write([event], self._chain)
        if len(rows) < limit:
            self._from, self._walked_at = 0, now
        else:
            self._from = rows[-1][0]
        return len(rows)

    def _forget(self, old: Sequence[_Old], now: int) -> Part[dict[str, int]]:
        done = [
            one
            for one in old
            if self._kept.achievements and _ended(one.decided_at, now, self._kept.achievements)
        ]
        over = yield from _unnamed([one for one in done if one.state in _OVER])
        counted = [one for one in done if one.state in _COUNTED and one.is_told]
        coupons = [
            one
            for one in old
            if one.has_coupon
            and self._kept.ledger_details
            and _ended(one.entered_at, now, self._kept.ledger_details)
        ]
        yield Write(_DROP, [(one.achievement_id, one.epoch) for one in over])
        found = [("achievement.record", f"{one.record_id:016x}", one.achievement_id) for one in over]
        yield Write(_FOUND_BY, sorted(found))
        yield Write(_UNTOLD, [(one.achievement_id, one.epoch) for one in counted])
        yield Write(_NO_COUPON, [one.entry for one in coupons])
        if coupons:
            self._chain.cover({"coupon": {" ".join(map(str, one.entry)): "" for one in coupons}})
        return {"achievements": len(over), "reporters": len(counted), "coupons": len(coupons)}


def _ended(at: int | None, now: int, age: int) -> bool:
    return at is not None and at <= now - age


def _unnamed(over: Sequence[_Old]) -> Part[list[_Old]]:
    keys = [(one.achievement_id, later(one.achievement_id, MINUTE)) for one in over]
    named: Sequence[Sequence[Any]] = (yield Query(_NAMED, keys)) if keys else ()
    needed = {row[0] for row in named}
    return [one for one in over if one.achievement_id not in needed]
