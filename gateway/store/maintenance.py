"""Housekeeping, a bounded step at a time: look-up rows that only questions of operators need, and the removal of what has expired.
Engine-neutral: the steps yield statements and are sent rows, or the number of rows written."""

from typing import Any, NamedTuple

from gateway.clock import DAY, HOUR, JUMP, MINUTE
from gateway.ids import earliest
from gateway.model.names import NAMES, name_entries
from gateway.store.archiving import AUDIT_FIELDS, Pruning
from gateway.store.odd_profiles import OddWalk
from gateway.store.statement import Query, Step, Write
from gateway.store.tables.achievements import BALANCES

_SWEEP_EVERY = HOUR
_RECALL_EVERY = MINUTE
_LONGEST_PAUSE = 2 * HOUR
"""A right clock never postpones a delivery for so long."""
_PLATFORM_REPEATS = 7 * DAY
"""The platform stops repeating an event long before."""
_OVER = frozenset({"delivered", "discarded"})

_PROGRESS = "SELECT row_id FROM lookup_progress WHERE source = ?"
_PROGRESSED = """
INSERT INTO lookup_progress VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET row_id = excluded.row_id
"""
_FOUND_BY = "INSERT INTO lookup VALUES (?, ?, ?) ON CONFLICT (field, value, row_id) DO NOTHING"
_NEW_EVENTS = f"""
SELECT event_id, {", ".join(AUDIT_FIELDS)} FROM audit WHERE event_id > ? AND event_id < ? ORDER BY event_id LIMIT ?
"""
_NEW_ACHIEVEMENTS = """
SELECT achievement_id, record_id FROM achievement WHERE achievement_id > ? AND achievement_id < ?
ORDER BY achievement_id LIMIT ?
"""
_OLD_NAMES = f"""
SELECT record_id, name, value FROM attribute WHERE name IN ({", ".join("?" * len(NAMES))})
AND record_id > ? AND record_id <= ? ORDER BY record_id, name LIMIT ?
"""
_NAMED = "INSERT INTO person_name VALUES (?, ?) ON CONFLICT (name, record_id) DO NOTHING"
_EXPIRED_ANSWERS = """
SELECT channel, route, key, expires_at FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
"""
_DROP_ANSWER = "DELETE FROM idempotency WHERE channel = ? AND route = ? AND key = ? AND expires_at = ?"
_OLDEST_ANSWERS_OF = "SELECT achievement_id, expires_at FROM answer_of ORDER BY achievement_id LIMIT ?"
_OLD_PLATFORM_EVENTS = "SELECT event_key FROM platform_event WHERE heard_at <= ? ORDER BY heard_at LIMIT ?"
_WINDOWS = """
SELECT profile_id, campaign_id, expires_at FROM dedup WHERE (profile_id, campaign_id) > (?, ?)
ORDER BY profile_id, campaign_id LIMIT ?
"""
_OLD_DELIVERIES = """
SELECT delivery_id, state, finished_at FROM delivery WHERE delivery_id > ? AND delivery_id < ?
ORDER BY delivery_id LIMIT ?
"""
_OLD_REVIEWS = """
SELECT review_id, closed_at FROM review WHERE review_id > ? AND review_id < ? ORDER BY review_id LIMIT ?
"""
_OPEN_REVIEWS = """
SELECT review_id, profile_a, profile_b, points FROM review WHERE state = 'open' AND review_id > ? ORDER BY review_id LIMIT ?
"""
_COUNT_STAKE = "UPDATE review SET points = ? WHERE review_id = ? AND points = ?"
_IMPORT_LISTS = (
    (
        """SELECT l.import_id, l.line FROM import_run AS m CROSS JOIN import_refusal AS l ON l.import_id = m.import_id
WHERE m.finished_at <= ? LIMIT ?""",
        "DELETE FROM import_refusal WHERE import_id = ? AND line = ?",
    ),
    (
        """SELECT l.import_id, l.line, l.identifier, l.reason FROM import_run AS m
CROSS JOIN import_warning AS l ON l.import_id = m.import_id WHERE m.finished_at <= ? LIMIT ?""",
        "DELETE FROM import_warning WHERE import_id = ? AND line = ? AND identifier = ? AND reason = ?",
    ),
)
_OLD_ACTIVITY = (
    (
        "SELECT span, at, channel FROM activity WHERE span = ? AND at < ? ORDER BY at LIMIT ?",
        "DELETE FROM activity WHERE span = ? AND at = ? AND channel = ?",
        MINUTE,
    ),
    (
        "SELECT span, at, rule_set, rule, what FROM rule_activity WHERE span = ? AND at < ? ORDER BY at LIMIT ?",
        "DELETE FROM rule_activity WHERE span = ? AND at = ? AND rule_set = ? AND rule = ? AND what = ?",
        HOUR,
    ),
)
"""The tables of counts, each with its finest span. Only rows of that span are deleted."""
_PROMISED = """
SELECT achievement_id, accepted_at, due_at, epoch FROM achievement WHERE state = 'accepted' AND due_at > ?
ORDER BY due_at DESC LIMIT ?
"""
_KEEP_PROMISE = "UPDATE achievement SET due_at = ? WHERE achievement_id = ? AND epoch = ?"
_NEXT_TARGET = "SELECT MIN(target) FROM delivery WHERE finished_at IS NULL AND target > ?"
_PUT_OFF = """
SELECT delivery_id, created_at, due_at, epoch FROM delivery
WHERE finished_at IS NULL AND target = ? AND due_at > ? ORDER BY due_at DESC LIMIT ?
"""
_SEND_NOW = "UPDATE delivery SET due_at = ? WHERE delivery_id = ? AND epoch = ?"
_DROP_DELIVERY = "DELETE FROM delivery WHERE delivery_id = ? AND state = ? AND finished_at = ?"
_DROP_WINDOW = "DELETE FROM dedup WHERE profile_id = ? AND campaign_id = ? AND expires_at = ?"


class KeepFor(NamedTuple):
    """How long finished things are kept (ms), counted from their end; 0: forever."""

    deliveries: int = 30 * DAY
    import_lists: int = 0
    reviews: int = 0
    achievements: int = 0
    ledger_details: int = 0
    activity: int = 90 * DAY


KEPT_BY_DEFAULT = KeepFor()


class Maintenance:
    """The state of housekeeping between steps. It can be lost: correctness does not depend on it."""

    def __init__(self, kept: KeepFor) -> None:
        self._kept = kept
        self.pruning = Pruning()
        self._lists_at: int | None = None
        self._reviews_from = 0
        self._reviews_at: int | None = None
        self._activity_at: int | None = None
        self._odd_walk = OddWalk()
        self._stakes_from = 0
        self._staked_at: int | None = None
        self._sweep_from: tuple[int, int] = (0, 0)
        self._swept_at: int | None = None
        self._deliveries_from = 0
        self._deliveries_at: int | None = None
        self._recalled_at: int | None = None
        self._are_names_whole = False

    def tidy(self, now: int, final_below: int, limit: int) -> Step:
        """Work on at most about `limit` rows; returns how many there were. No id below `final_below` will appear any more."""
        done = yield from self._recall(now, limit)
        done += yield from _index_audit(final_below, limit)
        done += yield from _index_achievements(final_below, limit)
        done += yield from self._index_names(limit)
        if done < limit:
            done += yield from _drop_expired_answers(now, limit)
            done += yield from _drop_expired_answers_of(now, limit)
            done += yield from _drop_old_platform_events(now, limit)
            done += yield from self._sweep_windows(now, limit)
            done += yield from self._sweep_deliveries(now, limit)
            done += yield from self._sweep_import_lists(now, limit)
            done += yield from self._sweep_reviews(now, limit)
            done += yield from self._sweep_activity(now, limit)
            done += yield from self._count_stakes(now, limit)
            done += yield from self._odd_walk.step(now, limit)
            done += yield from self.pruning.step(limit)
        return done

    def _recall(self, now: int, limit: int) -> Step:
        """Bring back deliveries that a clock which was ahead postponed too far. They are the ones that are due last. Nothing else
        about them changes, and nothing ends sooner, because it may be this clock that is behind."""
        if is_within(_RECALL_EVERY, self._recalled_at, now):
            return 0
        rows = yield Query(_PROMISED, parameters=(now + JUMP, limit))
        early = [
            (now + due_at - accepted_at, achievement_id, epoch)
            for achievement_id, accepted_at, due_at, epoch in rows
            if due_at >= accepted_at > now + JUMP
        ]
        yield Write(_KEEP_PROMISE, early)
        done, target = len(early), ""
        while target is not None:
            done += yield from _recall_deliveries(target, now, limit)
            [[target]] = yield Query(_NEXT_TARGET, parameters=(target,))
        if done < limit:
            self._recalled_at = now
        return done

    def _index_names(self, limit: int) -> Step:
        """Add the names of records that are older than the table of names. They end at a stored mark."""
        if self._are_names_whole:
            return 0
        after, end = (yield from _progress("name")), (yield from _progress("name.end"))
        if after >= end:
            self._are_names_whole = True
            return 0
        rows = yield Query(_OLD_NAMES, parameters=(*NAMES, after, end, limit))
        reached = end if len(rows) < limit else rows[-1][0] - 1
        if reached <= after:  # one record alone has more than fit
            reached = rows[-1][0]
        values: dict[int, dict[str, str]] = {}
        for record_id, name, value in rows:
            if record_id <= reached:
                values.setdefault(record_id, {})[name] = value
        entries = [(entry, one) for one, attributes in values.items() for entry in name_entries(attributes)]
        yield Write(_NAMED, sorted(entries))
        yield Write(_PROGRESSED, [("name", reached)])
        return len(rows)

    def _sweep_windows(self, now: int, limit: int) -> Step:
        """Once an hour, walk over the dedup windows and drop the ended ones."""
        if is_within(_SWEEP_EVERY, self._swept_at, now):
            return 0
        rows = yield Query(_WINDOWS, parameters=(*self._sweep_from, limit))
        yield Write(_DROP_WINDOW, [tuple(row) for row in rows if row[2] <= now])
        if len(rows) < limit:
            self._sweep_from, self._swept_at = (0, 0), now
        else:
            self._sweep_from = tuple(rows[-1][:2])
        return len(rows)

    def _sweep_deliveries(self, now: int, limit: int) -> Step:
        """Once an hour, walk over the old deliveries and drop those that were delivered or discarded. Dead ones wait for an
        operator."""
        if not self._kept.deliveries or is_within(_SWEEP_EVERY, self._deliveries_at, now):
            return 0
        end = now - self._kept.deliveries
        rows = yield Query(_OLD_DELIVERIES, parameters=(self._deliveries_from, earliest(end), limit))
        yield Write(_DROP_DELIVERY, [tuple(row) for row in rows if row[1] in _OVER and row[2] <= end])
        if len(rows) < limit:
            self._deliveries_from, self._deliveries_at = 0, now
        else:
            self._deliveries_from = rows[-1][0]
        return len(rows)

    def _sweep_import_lists(self, now: int, limit: int) -> Step:
        """Once an hour, drop the refused lines and the warnings of imports that ended long ago."""
        if not self._kept.import_lists or is_within(_SWEEP_EVERY, self._lists_at, now):
            return 0
        end, done = now - self._kept.import_lists, 0
        for find, drop in _IMPORT_LISTS:
            rows = yield Query(find, parameters=(end, limit))
            yield Write(drop, [tuple(row) for row in rows])
            done = max(done, len(rows))
        if done < limit:
            self._lists_at = now
        return done

    def _sweep_activity(self, now: int, limit: int) -> Step:
        """Once an hour, drop the fine counts of long ago; the coarse ones have the same sums."""
        if not self._kept.activity or is_within(_SWEEP_EVERY, self._activity_at, now):
            return 0
        done = 0
        for find, drop, span in _OLD_ACTIVITY:
            rows = yield Query(find, parameters=(span, now - self._kept.activity, limit))
            yield Write(drop, [tuple(row) for row in rows])
            done = max(done, len(rows))
        if done < limit:
            self._activity_at = now
        return done

    def _count_stakes(self, now: int, limit: int) -> Step:
        """Once an hour, walk over the open questions and count the points of both sides again."""
        if is_within(_SWEEP_EVERY, self._staked_at, now):
            return 0
        rows = yield Query(_OPEN_REVIEWS, parameters=(self._stakes_from, limit))
        sides = {profile_id for _, a, b, _ in rows for profile_id in (a, b)}
        counted = dict((yield Query(BALANCES, sides)))
        sums = [
            (sum(counted.get(one, 0) for one in {a, b}), review_id, points)
            for review_id, a, b, points in rows
        ]
        yield Write(_COUNT_STAKE, [one for one in sums if one[0] != one[2]])
        if len(rows) < limit:
            self._stakes_from, self._staked_at = 0, now
        else:
            self._stakes_from = rows[-1][0]
        return len(rows)

    def _sweep_reviews(self, now: int, limit: int) -> Step:
        """Once an hour, walk over the old questions and drop those that were answered long ago."""
        if not self._kept.reviews or is_within(_SWEEP_EVERY, self._reviews_at, now):
            return 0
        end = now - self._kept.reviews
        rows = yield Query(_OLD_REVIEWS, parameters=(self._reviews_from, earliest(end), limit))
        over = [(review_id, closed_at) for review_id, closed_at in rows if (closed_at or now) <= end]
        yield Write("DELETE FROM suggestion WHERE review_id = ?", [(review_id,) for review_id, _ in over])
        yield Write("DELETE FROM review WHERE review_id = ? AND closed_at = ?", over)
        if len(rows) < limit:
            self._reviews_from, self._reviews_at = 0, now
        else:
            self._reviews_from = rows[-1][0]
        return len(rows)


def is_within(span: int, since: int | None, now: int) -> bool:
    """False if the clock went back since."""
    return since is not None and 0 <= now - since < span


def _recall_deliveries(target: str, now: int, limit: int) -> Step:
    rows = yield Query(_PUT_OFF, parameters=(target, now + JUMP, limit))
    early = [
        (now, delivery_id, epoch)
        for delivery_id, created_at, due_at, epoch in rows
        if due_at >= created_at > now + JUMP or due_at > now + _LONGEST_PAUSE
    ]
    yield Write(_SEND_NOW, early)
    return len(early)


def _index_audit(final_below: int, limit: int) -> Step:
    after = yield from _progress("audit")
    rows = yield Query(_NEW_EVENTS, parameters=(after, final_below, limit))
    entries = [
        (f"audit.{field}", value, row[0])
        for row in rows
        for field, value in zip(AUDIT_FIELDS, row[1:], strict=True)
        if value
    ]
    return (yield from _index("audit", rows, entries))


def _index_achievements(final_below: int, limit: int) -> Step:
    after = yield from _progress("achievement")
    rows = yield Query(_NEW_ACHIEVEMENTS, parameters=(after, final_below, limit))
    entries = [("achievement.record", f"{record_id:016x}", row_id) for row_id, record_id in rows]
    return (yield from _index("achievement", rows, entries))


def _progress(source: str) -> Step:
    rows = yield Query(_PROGRESS, parameters=(source,))
    return rows[0][0] if rows else 0


def _index(source: str, rows: list[Any], entries: list[tuple[str, str, int]]) -> Step:
    if rows:
        yield Write(_FOUND_BY, sorted(entries))
        yield Write(_PROGRESSED, [(source, rows[-1][0])])
    return len(rows)


def _drop_expired_answers(now: int, limit: int) -> Step:
    rows = yield Query(_EXPIRED_ANSWERS, parameters=(now, limit))
    yield Write(_DROP_ANSWER, [tuple(row) for row in rows])
    return len(rows)


def _drop_expired_answers_of(now: int, limit: int) -> Step:
    """They expire in the order of their ids, as long as the time for which they are kept does not change."""
    rows = yield Query(_OLDEST_ANSWERS_OF, parameters=(limit,))
    over = [(achievement_id, expires_at) for achievement_id, expires_at in rows if expires_at <= now]
    yield Write("DELETE FROM answer_of WHERE achievement_id = ? AND expires_at = ?", over)
    return len(over)


def _drop_old_platform_events(now: int, limit: int) -> Step:
    rows = yield Query(_OLD_PLATFORM_EVENTS, parameters=(now - _PLATFORM_REPEATS, limit))
    yield Write("DELETE FROM platform_event WHERE event_key = ?", [tuple(row) for row in rows])
    return len(rows)
