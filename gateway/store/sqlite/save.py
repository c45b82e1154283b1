"""Writing a batch's changes to SQLite, each kind in a few statements, in the order of the tree where its keys are scattered:
a large batch then touches each page once."""

import itertools
import re
import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from gateway.audit.chain import Chain
from gateway.workingset import Changes
from rules.identifier import Identifier
from rules.record import Profile

_encode = msgspec.json.Encoder().encode

_STEPS = (64, 16, 8, 4, 3, 2, 1)
"""Rows in one statement: few enough different ones to stay prepared."""
_VALUES = re.compile(r"VALUES (\([^)]*\))")

_OBSERVATION = """
INSERT INTO observation VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record_id, type, value) DO UPDATE SET
last_seen = excluded.last_seen, verified = excluded.verified, blocked = excluded.blocked, retired = excluded.retired
"""
_KEY = """
INSERT INTO identifier VALUES (?, ?, ?, ?, ?) ON CONFLICT (type, value) DO UPDATE SET
state = excluded.state, owner_id = excluded.owner_id, holders = excluded.holders
"""
_PROFILE = """
INSERT INTO profile VALUES (?, ?, ?, ?, ?) ON CONFLICT (profile_id) DO UPDATE SET
version = excluded.version, redirect_to = excluded.redirect_to
"""
_REVIEW = """
INSERT INTO review VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (review_id) DO UPDATE SET
state = excluded.state, closed_at = excluded.closed_at, closed_by = excluded.closed_by
"""
_PIN = """
INSERT INTO pin VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record_a, record_b) DO UPDATE SET kind = excluded.kind,
actor = excluded.actor, reason = excluded.reason, created_at = excluded.created_at, expires_at = excluded.expires_at
"""
_ATTRIBUTE = """
INSERT INTO attribute VALUES (?, ?, ?, ?) ON CONFLICT (record_id, name) DO UPDATE SET
value = excluded.value, at = excluded.at
"""
_DECIDED = """
UPDATE achievement SET state = ?, reason = ?, due_at = ?, decided_at = ?, epoch = epoch + 1
WHERE achievement_id = ? AND epoch = ?
"""
_DELIVERY = """
UPDATE delivery SET lane = ?, state = ?, due_at = ?, expires_at = ?, owner = ?, lease_until = ?, epoch = ?, attempts = ?,
sent_at = ?, finished_at = ?, status = ?, reason = ?, answer = ? WHERE delivery_id = ? AND epoch = ?
"""
_DEDUP = """
INSERT INTO dedup VALUES (?, ?, ?, ?, ?) ON CONFLICT (profile_id, campaign_id) DO UPDATE SET
achievement_id = excluded.achievement_id, accepted_at = excluded.accepted_at, expires_at = excluded.expires_at
"""
_ANSWER = """
INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel, route, key) DO UPDATE SET
fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, expires_at = excluded.expires_at
"""
_CHANNEL_KEY = """
INSERT INTO channel_key VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key_id) DO UPDATE SET revoked_at = excluded.revoked_at
"""
_IMPORT = """
INSERT INTO import_run VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (import_id) DO UPDATE SET next_line = excluded.next_line,
counts = excluded.counts, unusable = excluded.unusable, finished_at = excluded.finished_at
"""
_PLAN = """
INSERT INTO rule_plan VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET
planned_at = excluded.planned_at, planned_by = excluded.planned_by, summary = excluded.summary
"""
_SPEND = "INSERT INTO campaign_spend VALUES (?, ?) ON CONFLICT (campaign_id) DO UPDATE SET points = excluded.points"
_AUDIT = "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class StaleEpoch(Exception):
    """An achievement was decided, or a delivery claimed, by somebody else since it was loaded."""


def save(connection: sqlite3.Connection, changes: Changes, chain: Chain) -> None:
    """Write everything; the caller commits. Raises StaleEpoch before anything of a stale decision can be committed."""
    for profile in changes.erased:
        _erase_records(connection, profile)
    if changes.freed:
        _many(connection, "DELETE FROM profile WHERE profile_id = ?", [(freed,) for freed in changes.freed])
    _save_identity(connection, changes)
    _save_customer(connection, changes)
    _save_achievements(connection, changes)
    _save_deliveries(connection, changes)
    _save_operations(connection, changes)
    for profile in changes.erased:
        _erase(connection, profile)
    if changes.events:
        rows: list[tuple[Any, ...]] = []
        for event in changes.events:
            seq, digest = chain.link(event)
            event_id, *fields = msgspec.structs.astuple(event)
            rows.append((event_id, chain.name, seq, *fields, digest))
        _many(connection, _AUDIT, rows)


def _by_identifier(entry: tuple[tuple[int, Identifier], Any]) -> Identifier:
    return entry[0][1]


def _many(connection: sqlite3.Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """An INSERT takes several rows in one step: each step gives up the interpreter's lock and has to win it back from the
    thread that serves calls, which under load costs more than the row."""
    if not sql.lstrip().startswith("INSERT"):
        connection.executemany(sql, rows)
        return
    rows = list(rows)
    for size in _STEPS:
        while len(rows) >= size:
            connection.execute(_of_rows(sql, size), list(itertools.chain.from_iterable(rows[:size])))
            del rows[:size]


@lru_cache(maxsize=512)
def _of_rows(sql: str, count: int) -> str:
    return _VALUES.sub(lambda one: f"VALUES {', '.join([one[1]] * count)}", sql, count=1)


def _save_identity(connection: sqlite3.Connection, changes: Changes) -> None:
    if changes.new_records:
        _many(
            connection,
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (r.id_space, r.customer_id, r.record_id, r.profile_id, r.created_at, r.active, r.guest)
                for r in changes.new_records
            ],
        )
    if changes.records:
        _many(
            connection,
            "UPDATE record SET profile_id = ?, active = ?, guest = ? WHERE id_space = ? AND customer_id = ?",
            [(r.profile_id, r.active, r.guest, r.id_space, r.customer_id) for r in changes.records.values()],
        )
    if changes.observations:
        _many(
            connection,
            _OBSERVATION,
            [
                (record_id, *o.identifier, o.first_seen, o.last_seen, o.verified, o.blocked, o.retired)
                for (record_id, _), o in sorted(changes.observations.items(), key=_by_identifier)
            ],
        )
    if changes.keys:
        keys = [key for _, key in sorted(changes.keys.items())]
        _many(connection, _KEY, [(*k.identifier, k.state, k.owner, k.holders) for k in keys if k.holders > 0])
        gone = [tuple(k.identifier) for k in keys if k.holders <= 0]
        _many(connection, "DELETE FROM identifier WHERE type = ? AND value = ?", gone)
    if changes.profiles:
        _many(
            connection,
            _PROFILE,
            [
                (p.profile_id, p.created_at, p.version, p.redirect_to, p.canonical_id)
                for p in changes.profiles.values()
            ],
        )
    for absorbed, survivor in changes.absorbed:
        connection.execute("UPDATE profile SET redirect_to = ? WHERE redirect_to = ?", (survivor, absorbed))
    if changes.merges:
        _many(
            connection,
            "INSERT INTO merge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            [
                (
                    m.merge_id,
                    m.survivor_id,
                    m.absorbed_id,
                    _encode(m.survivor_records).decode(),
                    _encode(m.absorbed_records).decode(),
                    m.rule,
                    m.rule_set,
                    m.actor,
                    m.request_id,
                    m.merged_at,
                )
                for m in changes.merges
            ],
        )
    if changes.undone:
        rows = [(changes.at, merge_id) for merge_id in changes.undone]
        _many(connection, "UPDATE merge SET undone_at = ? WHERE merge_id = ?", rows)
    if changes.dropped_pins:
        _many(connection, "DELETE FROM pin WHERE record_a = ? AND record_b = ?", changes.dropped_pins)
    if changes.pins:
        rows = [
            (p.record_a, p.record_b, p.kind, p.actor, p.reason, p.created_at, p.until)
            for p in changes.pins.values()
        ]
        _many(connection, _PIN, rows)
    if changes.reviews:
        _many(
            connection,
            _REVIEW,
            [
                (
                    v.review_id,
                    v.profile_a,
                    v.profile_b,
                    v.state,
                    v.reason,
                    v.rule,
                    _encode(v.types).decode(),
                    v.opened_at,
                    v.closed_at,
                    v.closed_by,
                )
                for v in changes.reviews.values()
            ],
        )


def _save_customer(connection: sqlite3.Connection, changes: Changes) -> None:
    if changes.attributes:
        _many(connection, _ATTRIBUTE, [(*key, *value) for key, value in changes.attributes.items()])
    if changes.dropped_tags:
        _many(connection, "DELETE FROM tag WHERE record_id = ? AND tag = ?", changes.dropped_tags)
    if changes.tags:
        rows = [(*key, at) for key, at in changes.tags.items()]
        _many(connection, "INSERT INTO tag VALUES (?, ?, ?) ON CONFLICT (record_id, tag) DO NOTHING", rows)


def _save_achievements(connection: sqlite3.Connection, changes: Changes) -> None:
    if changes.new_achievements:
        _many(
            connection,
            "INSERT INTO achievement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    a.achievement_id,
                    a.record_id,
                    a.campaign_id,
                    a.state,
                    a.reason,
                    a.channel,
                    a.request_id,
                    a.accepted_at,
                    a.due_at,
                    a.decided_at,
                    a.epoch,
                )
                for a in changes.new_achievements
            ],
        )
    if changes.dropped_dedup:
        _many(connection, "DELETE FROM dedup WHERE profile_id = ? AND campaign_id = ?", changes.dropped_dedup)
    if changes.dedup:
        rows = [(*pair, d.achievement_id, d.accepted_at, d.expires_at) for pair, d in changes.dedup.items()]
        _many(connection, _DEDUP, rows)
    if changes.answers:
        rows = [(*key, a.fingerprint, a.status, a.body, a.expires_at) for key, a in changes.answers.items()]
        _many(connection, _ANSWER, rows)
    if changes.decided:
        decided = sorted(changes.decided, key=lambda one: one.achievement_id)
        rows = [(a.state, a.reason, a.due_at, a.decided_at, a.achievement_id, a.epoch) for a in decided]
        if connection.executemany(_DECIDED, rows).rowcount != len(rows):
            raise StaleEpoch
    if changes.ledger:
        rows = sorted(msgspec.structs.astuple(entry) for entry in changes.ledger)
        _many(connection, "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    if changes.spends:
        _many(connection, _SPEND, changes.spends.items())


def _save_deliveries(connection: sqlite3.Connection, changes: Changes) -> None:
    if changes.new_deliveries:
        _many(
            connection,
            "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    d.delivery_id,
                    d.target,
                    d.lane,
                    d.kind,
                    d.subject,
                    d.payload,
                    d.state,
                    d.created_at,
                    d.due_at,
                    d.expires_at,
                    d.owner,
                    d.lease_until,
                    d.epoch,
                    d.attempts,
                    d.sent_at,
                    d.finished_at,
                    d.status,
                    d.reason,
                    d.answer,
                )
                for d in changes.new_deliveries
            ],
        )
    if changes.deliveries:
        rows = [
            (
                d.lane,
                d.state,
                d.due_at,
                d.expires_at,
                d.owner,
                d.lease_until,
                d.epoch,
                d.attempts,
                d.sent_at,
                d.finished_at,
                d.status,
                d.reason,
                d.answer,
                delivery_id,
                d.fence,
            )
            for delivery_id, d in sorted(changes.deliveries.items())
        ]
        if connection.executemany(_DELIVERY, rows).rowcount != len(rows):
            raise StaleEpoch


def _save_operations(connection: sqlite3.Connection, changes: Changes) -> None:
    if changes.channel_keys:
        _many(connection, _CHANNEL_KEY, [msgspec.structs.astuple(k) for k in changes.channel_keys.values()])
    if changes.rule_sets:
        rows = [msgspec.structs.astuple(rule_set) for rule_set in changes.rule_sets]
        _many(connection, "INSERT INTO rule_set VALUES (?, ?, ?, ?, ?)", rows)
    if changes.activations:
        _many(connection, "INSERT INTO rule_activation VALUES (?, ?, ?, ?)", changes.activations)
    if changes.plans:
        _many(connection, _PLAN, changes.plans)
    if changes.imports:
        rows = [
            (
                m.import_id,
                m.channel,
                m.started_at,
                m.next_line,
                _encode(m.counts).decode(),
                _encode(m.unusable).decode(),
                m.finished_at,
            )
            for m in changes.imports.values()
        ]
        _many(connection, _IMPORT, rows)
    if changes.refused_lines:
        _many(connection, "INSERT OR REPLACE INTO import_refusal VALUES (?, ?, ?)", changes.refused_lines)


def _erase_records(connection: sqlite3.Connection, profile: Profile) -> None:
    """Before any record is inserted: the same customer may be created again in this batch."""
    _many(
        connection,
        "DELETE FROM record WHERE id_space = ? AND customer_id = ? AND record_id = ?",
        [(record.id_space, record.customer_id, record_id) for record_id, record in profile.records.items()],
    )


def _erase(connection: sqlite3.Connection, profile: Profile) -> None:
    """After everything else, so that nothing which the batch changed on the profile stays."""
    records = [(record_id,) for record_id in profile.records]
    for table in ("observation", "attribute", "tag"):
        connection.executemany(f"DELETE FROM {table} WHERE record_id = ?", records)
    connection.executemany("DELETE FROM pin WHERE record_a = ?1 OR record_b = ?1", records)
    own = (profile.profile_id,)
    connection.execute("DELETE FROM dedup WHERE profile_id = ?", own)
    connection.execute("DELETE FROM review WHERE profile_a = ?1 OR profile_b = ?1", own)
    connection.execute("DELETE FROM profile WHERE profile_id = ?1 OR redirect_to = ?1", own)
