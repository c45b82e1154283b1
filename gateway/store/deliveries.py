"""Reads of the outbox: what a delivery reports at the moment it is sent, what the upstream must know by now, and how much is
waiting."""

from typing import NamedTuple

from gateway.ids import earliest, moment
from gateway.store import Store
from gateway.store.queries.achievements import of_profile
from gateway.store.tables.deliveries import LONGEST_LEASE
from gateway.store.tables.identity import OF_KEY, OWNER

_IDENTIFIERS = ("email", "mobile")
_EVENTS_LOOKED_AT = 100_000
"""More than any quota lets through. If the database is ahead of the clock, every event is later than the moment."""


class OutgoingReport(NamedTuple):
    """An achievement as it is reported to the platform now: with the profile that it belongs to today, and that profile's canonical
    id and best identifiers."""

    profile_id: int
    canonical_id: str
    campaign_id: int
    email: str | None = None
    mobile: str | None = None


class Waiting(NamedTuple):
    """Open deliveries of one target in one state; `oldest_at` is when the oldest was queued (ms UTC)."""

    target: str
    state: str
    number: int
    oldest_at: int


async def targets_given_up(store: Store, now: int) -> list[str]:
    """The webhooks with open deliveries that are too old to be sent."""
    rows = await store.fetch(
        "SELECT DISTINCT target FROM delivery WHERE finished_at IS NULL AND target <> 'upstream'"
        " AND target > 'webhook:' AND target < 'webhook;' AND expires_at <= ?",
        (now,),
    )
    return [target for (target,) in rows]


async def sides_of(store: Store, merge_id: int) -> tuple[str, str] | None:
    """The canonical ids of a merge's survivor and absorbed profile; None if it was undone or they were erased."""
    rows = await store.fetch(
        "SELECT s.canonical_id, a.canonical_id FROM merge m JOIN profile s ON s.profile_id = m.survivor_id"
        " JOIN profile a ON a.profile_id = m.absorbed_id WHERE m.merge_id = ? AND m.undone_at IS NULL",
        (merge_id,),
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def report_of(store: Store, achievement_id: int) -> OutgoingReport | None:
    """None: the customer was erased."""
    rows = await store.fetch(
        "SELECT r.profile_id, p.canonical_id, a.campaign_id FROM achievement a"
        " JOIN record r ON r.record_id = a.record_id JOIN profile p ON p.profile_id = r.profile_id"
        " WHERE a.achievement_id = ?",
        (achievement_id,),
    )
    return OutgoingReport(*rows[0], **await _merge_keys(store, rows[0][0])) if rows else None


async def _merge_keys(store: Store, profile_id: int) -> dict[str, str]:
    """Only keys that the profile owns: the upstream merges by them, so a shared number would merge strangers there."""
    rows = await store.fetch(
        "SELECT o.type, o.value FROM record r CROSS JOIN observation o ON o.record_id = r.record_id"
        f" {OF_KEY} WHERE r.profile_id = ? AND {OWNER} = ? AND o.blocked = 0 AND o.retired = 0 AND o.type IN (?, ?)"
        " ORDER BY o.verified, o.last_seen, o.value DESC",
        (profile_id, profile_id, *_IDENTIFIERS),
    )
    return dict(rows)


class Reported(NamedTuple):
    """Achievements of one campaign on one profile: those that the upstream has, and the older ones that are on their way to it."""

    delivered: int
    before: int


async def reported(store: Store, report: OutgoingReport, achievement_id: int) -> Reported:
    belongs, records = await of_profile(store, report.profile_id)
    rows = await store.fetch(
        "SELECT a.state, a.achievement_id FROM achievement a"
        f" WHERE a.campaign_id = ? AND a.state IN ('delivered', 'queued') AND {belongs}",
        (report.campaign_id, *records),
    )
    return Reported(
        sum(state == "delivered" for state, _ in rows),
        sum(state == "queued" and number < achievement_id for state, number in rows),
    )


async def unanswered(store: Store, before: int, limit: int) -> list[tuple[int, int | None, int, str, str]]:
    """Direct reports that were accepted before a moment (ms UTC) and are still open: achievement, profile (if it was not erased),
    campaign, channel, request."""
    rows = await store.fetch(
        "SELECT a.achievement_id, r.profile_id, a.campaign_id, a.channel, a.request_id FROM achievement a"
        " LEFT JOIN record r ON r.record_id = a.record_id"
        " WHERE a.state = 'queued' AND a.reason = 'direct' AND a.accepted_at < ?"
        " ORDER BY a.achievement_id LIMIT ?",
        (before, limit),
    )
    return [
        (achievement, profile, campaign, channel, request)
        for achievement, profile, campaign, channel, request in rows
    ]


async def is_due(store: Store, target: str, now: int) -> bool:
    """Whether a claim would find anything. It costs the writer nothing."""
    rows = await store.fetch(
        "SELECT 1 FROM delivery WHERE finished_at IS NULL AND target = ? AND due_at <= ?"
        " AND (lease_until <= ? OR lease_until > ?) LIMIT 1",
        (target, now, now, now + LONGEST_LEASE),
    )
    return bool(rows)


async def told_since(store: Store, since: int) -> int:
    """About how many reports the upstream has finally answered since then (ms UTC), from any process."""
    rows = await store.fetch(
        "SELECT COUNT(*) FROM (SELECT action FROM audit WHERE event_id >= ? ORDER BY event_id DESC LIMIT ?) AS a"
        " WHERE a.action IN ('achievement.delivered', 'achievement.dead')",
        (earliest(since), _EVENTS_LOOKED_AT),
    )
    return rows[0][0]


async def backlog(store: Store) -> list[Waiting]:
    """All open deliveries; reads one index from end to end."""
    rows = await store.fetch(
        "SELECT target, state, COUNT(*), MIN(delivery_id) FROM delivery WHERE finished_at IS NULL"
        " GROUP BY target, state ORDER BY target, state"
    )
    return [Waiting(target, state, number, moment(oldest)) for target, state, number, oldest in rows]
