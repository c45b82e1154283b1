"""Writing a batch's changes: one statement for each kind of change, its rows in the order of the tree where their keys are
scattered, so that a large batch touches each page once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.audit.chain import Chain
from gateway.audit.event import AuditEvent
from gateway.model import FEW_HOLDERS, ProfileRow
from gateway.store.statement import Write
from gateway.store.vouching import digests
from gateway.workingset import Changes
from rules.identifier import Identifier
from rules.record import Key, Profile

_encode = msgspec.json.Encoder().encode

_OBSERVATION = """
INSERT INTO observation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record_id, type, value) DO UPDATE SET
last_seen = excluded.last_seen, verified = excluded.verified, blocked = excluded.blocked, retired = excluded.retired,
owner_id = excluded.owner_id
"""
_OWNER = "UPDATE observation SET owner_id = ? WHERE type = ? AND value = ?"
_STATE = """
INSERT INTO identifier_state VALUES (?, ?, ?, ?, ?) ON CONFLICT (type, value) DO UPDATE SET
state = excluded.state, owner_id = excluded.owner_id, holders = excluded.holders
"""
_PROFILE = """
INSERT INTO profile VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (profile_id) DO UPDATE SET
changes = excluded.changes, redirect_to = excluded.redirect_to, named_after = excluded.named_after
"""
_REDIRECT = """
UPDATE profile SET redirect_to = k.survivor_id FROM keys(absorbed_id bigint, survivor_id bigint) AS k
WHERE redirect_to = k.absorbed_id
"""
_REVIEW = """
INSERT INTO review VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (review_id) DO UPDATE SET
profile_a = excluded.profile_a, profile_b = excluded.profile_b, state = excluded.state, reason = excluded.reason,
rule = excluded.rule, types = excluded.types, opened_at = excluded.opened_at, closed_at = excluded.closed_at,
closed_by = excluded.closed_by, evidence = excluded.evidence
"""
_REGROUPING = """
INSERT INTO regrouping VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (regrouping_id) DO UPDATE SET
cursor = excluded.cursor, total = excluded.total, looked = excluded.looked, merged = excluded.merged,
split = excluded.split, asked = excluded.asked, points = excluded.points, skipped = excluded.skipped,
held_by = excluded.held_by, held_until = excluded.held_until, finished_at = excluded.finished_at
"""
_PIN = """
INSERT INTO pin VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record_a, record_b) DO UPDATE SET kind = excluded.kind,
actor = excluded.actor, reason = excluded.reason, created_at = excluded.created_at, expires_at = excluded.expires_at
"""
_ATTRIBUTE = """
INSERT INTO attribute VALUES (?, ?, ?, ?, ?) ON CONFLICT (record_id, name) DO UPDATE SET
value = excluded.value, at = excluded.at, source = excluded.source
"""
_CLAIM = "INSERT INTO claim VALUES (?, ?, ?, ?, ?) ON CONFLICT (record_id, type, value) DO NOTHING"
_CLAIMED_ATTRIBUTE = """
INSERT INTO claimed_attribute VALUES (?, ?, ?, ?, ?) ON CONFLICT (record_id, name) DO UPDATE SET
value = excluded.value, source = excluded.source, claimed_at = excluded.claimed_at
"""
_DECIDED = """
UPDATE achievement SET state = ?, reason = ?, due_at = ?, decided_at = ?, epoch = epoch + 1
WHERE achievement_id = ? AND epoch = ?
"""
_DELIVERY = """
UPDATE delivery SET lane = ?, payload = ?, state = ?, due_at = ?, expires_at = ?, owner = ?, lease_until = ?, epoch = ?,
attempts = ?, sent_at = ?, finished_at = ?, status = ?, reason = ?, answer = ? WHERE delivery_id = ? AND epoch = ?
"""
_FORGOTTEN = """
UPDATE delivery SET payload = '' WHERE delivery_id IN (
SELECT d.delivery_id FROM keys(profile_id bigint) AS k
CROSS JOIN profile AS p ON p.profile_id = k.profile_id OR p.redirect_to = k.profile_id
CROSS JOIN delivery AS d ON d.lane = p.profile_id AND d.finished_at IS NULL AND d.kind = 'platform')
"""
"""What the platform said of an erased person and nobody was told yet."""
_DEDUP = """
INSERT INTO dedup VALUES (?, ?, ?, ?, ?) ON CONFLICT (profile_id, campaign_id) DO UPDATE SET
achievement_id = excluded.achievement_id, accepted_at = excluded.accepted_at, expires_at = excluded.expires_at
"""
_ANSWER = """
INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel, route, key) DO UPDATE SET
fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, expires_at = excluded.expires_at,
headers = excluded.headers
"""
_CHANNEL_KEY = """
INSERT INTO channel_key VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key_id) DO UPDATE SET revoked_at = excluded.revoked_at
"""
_LISTED = "INSERT INTO own_list VALUES (?, ?, ?, ?) ON CONFLICT (name, value) DO NOTHING"
_IMPORT = """
INSERT INTO import_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (import_id) DO UPDATE SET
next_line = excluded.next_line, counts = excluded.counts, unusable = excluded.unusable,
finished_at = excluded.finished_at, undo_after = excluded.undo_after, undone_at = excluded.undone_at
"""
_IMPORT_BLOCK = """
INSERT INTO import_block VALUES (?, ?, ?) ON CONFLICT (import_id) DO UPDATE SET
block = excluded.block, ahead = excluded.ahead
"""
_REFUSED_LINE = """
INSERT INTO import_refusal VALUES (?, ?, ?) ON CONFLICT (import_id, line) DO UPDATE SET reason = excluded.reason
"""
_WARNED_LINE = "INSERT INTO import_warning VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PLAN = """
INSERT INTO rule_plan VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET
planned_at = excluded.planned_at, planned_by = excluded.planned_by, summary = excluded.summary
"""
_SPEND = "INSERT INTO campaign_spend VALUES (?, ?) ON CONFLICT (campaign_id) DO UPDATE SET points = excluded.points"
_NO_RECORD = "DELETE FROM record WHERE id_space = ? AND customer_id = ? AND record_id = ?"
_ANSWER_OF = """
INSERT INTO answer_of VALUES (?, ?, ?, ?, ?) ON CONFLICT (achievement_id) DO UPDATE SET
channel = excluded.channel, route = excluded.route, key = excluded.key, expires_at = excluded.expires_at
"""
_ACHIEVEMENTS_OF = """
SELECT l.row_id AS achievement_id FROM keys(name text, record_id bigint) AS k
CROSS JOIN lookup AS l ON l.field = 'achievement.record' AND l.value = k.name
UNION ALL SELECT a.achievement_id FROM keys(name text, record_id bigint) AS k
CROSS JOIN achievement AS a ON a.record_id = k.record_id AND a.achievement_id >
COALESCE((SELECT p.row_id FROM lookup_progress AS p WHERE p.source = 'achievement'), 0)
"""
_FORGOTTEN_ANSWERS = f"""
DELETE FROM idempotency WHERE (channel, route, key, expires_at) IN (
SELECT n.channel, n.route, n.key, n.expires_at FROM ({_ACHIEVEMENTS_OF}) AS e
CROSS JOIN answer_of AS n ON n.achievement_id = e.achievement_id)
"""
_FORGOTTEN_ANSWERS_OF = f"DELETE FROM answer_of WHERE achievement_id IN ({_ACHIEVEMENTS_OF})"
_FORGOTTEN_REFUSALS = f"""
UPDATE delivery SET answer = '' WHERE delivery_id IN (
SELECT d.delivery_id FROM ({_ACHIEVEMENTS_OF}) AS e
CROSS JOIN delivery AS d ON d.subject = e.achievement_id AND d.answer <> '' AND d.target = 'upstream')
"""
"""What the upstream said of a report that it refused."""
_FORGOTTEN_WORDS = """
DELETE FROM audit_words WHERE event_id IN (
SELECT w.event_id FROM keys(record_id bigint) AS k CROSS JOIN audit_words_of AS w ON w.record_id = k.record_id)
"""
_FORGOTTEN_REGROUPINGS = """
DELETE FROM regrouping WHERE regrouping_id IN (
SELECT r.regrouping_id FROM keys(type text, value text) AS k
CROSS JOIN regrouping AS r ON r.value = k.value AND r.type = k.type AND r.value <> '')
"""
_FORGOTTEN_COUPONS = "UPDATE ledger SET coupon_code = '' WHERE record_id = ? AND coupon_code <> ''"
_OF_RECORD = (
    "observation WHERE record_id",
    "attribute WHERE record_id",
    "claim WHERE record_id",
    "claimed_attribute WHERE record_id",
    "tag WHERE record_id",
    "audit_words_of WHERE record_id",
    "pin WHERE record_a",
    "pin WHERE record_b",
    "import_change WHERE record_id",
)
_OF_PROFILE = (
    "dedup WHERE profile_id",
    "review WHERE profile_a",
    "review WHERE profile_b",
    "profile WHERE profile_id",
    "profile WHERE redirect_to",
)
_AUDIT = "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class StaleEpoch(Exception):
    """An achievement was decided, or a delivery claimed, by somebody else since it was loaded."""


def writes(changes: Changes, chain: Chain) -> Iterator[Write]:
    """Everything that the batch changed, as statements in the order in which they have to be run."""
    if changes.erased:
        yield from _erase_records(changes.erased)
    if changes.removed:
        yield Write(_FORGOTTEN_WORDS, [(r.record_id,) for r in changes.removed])
        rows = [(r.id_space, r.customer_id, r.record_id) for r in changes.removed]
        yield Write(_NO_RECORD, rows)
        for place in _OF_RECORD:
            yield Write(f"DELETE FROM {place} = ?", [(r.record_id,) for r in changes.removed])
    if changes.dropped_observations:
        sql = "DELETE FROM observation WHERE record_id = ? AND type = ? AND value = ?"
        yield Write(sql, changes.dropped_observations)
    if changes.dropped_attributes:
        sql = "DELETE FROM attribute WHERE record_id = ? AND name = ?"
        yield Write(sql, changes.dropped_attributes)
    if changes.freed:
        yield Write("DELETE FROM profile WHERE profile_id = ?", [(freed,) for freed in changes.freed])
    profiles = list(_changed_rows(changes))
    yield from _save_identity(changes, profiles)
    yield from _save_customer(changes)
    yield from _save_achievements(changes)
    yield from _save_deliveries(changes)
    yield from _save_operations(changes)
    if changes.words:
        yield Write("INSERT INTO audit_words VALUES (?, ?)", changes.words)
        yield Write("INSERT INTO audit_words_of VALUES (?, ?)", changes.words_of)
    if changes.erased:
        yield from _erase(changes.erased, changes.keys)
    if changes.erasures:
        rows = [(e.erasure_id, e.profile_id, _encode(e.records).decode(), e.at) for e in changes.erasures]
        yield Write("INSERT INTO erasure VALUES (?, ?, ?, ?) ON CONFLICT (erasure_id) DO NOTHING", rows)
    if rows := digests(changes, profiles, chain.row_key):
        chain.vouch(rows)
    if changes.events:
        yield audit_write(changes.events, chain)


def audit_write(events: Iterable[AuditEvent], chain: Chain) -> Write:
    """The events as the next links of the chain."""
    rows: list[tuple[Any, ...]] = []
    for event in events:
        link = chain.link(event)
        event_id, *fields = msgspec.structs.astuple(event)
        rows.append((event_id, link.chain, link.seq, *fields, link.hash, link.bound))
    return Write(_AUDIT, rows)


def _by_identifier(entry: tuple[tuple[int, Identifier], Any]) -> Identifier:
    return entry[0][1]


def _changed_rows(changes: Changes) -> Iterator[ProfileRow]:
    """Brought to what is stored from here on; a later step of the batch compares with that."""
    for row, profile in changes.profiles.values():
        counted = profile.version - len(profile.records)
        if (row.changes, row.redirect_to) != (counted, profile.redirect_to):
            row.changes, row.redirect_to = counted, profile.redirect_to
            yield row


def _save_states(keys: list[Key]) -> Iterator[Write]:
    """What many holders' observations say of the owner may be old: there the key itself names it."""
    crowded = [(*k.identifier, k.state, k.owner, k.holders) for k in keys if k.holders > FEW_HOLDERS]
    others = [k for k in keys if k.holders <= FEW_HOLDERS]
    unusual = [(*k.identifier, k.state, None, None) for k in others if k.state != "normal" and k.holders > 0]
    if crowded or unusual:
        yield Write(_STATE, crowded + unusual)
    usual = [tuple(k.identifier) for k in others if k.state == "normal" or k.holders <= 0]
    if usual:
        yield Write("DELETE FROM identifier_state WHERE type = ? AND value = ?", usual)


def _save_identity(changes: Changes, profiles: list[ProfileRow]) -> Iterator[Write]:
    keys = changes.keys
    if changes.new_records:
        yield Write(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (r.id_space, r.customer_id, r.record_id, r.profile_id, r.created_at, r.active, r.guest)
                for r in changes.new_records
            ],
        )
    if changes.records:
        yield Write(
            "UPDATE record SET profile_id = ?, active = ?, guest = ? WHERE id_space = ? AND customer_id = ?",
            [(r.profile_id, r.active, r.guest, r.id_space, r.customer_id) for r in changes.records.values()],
        )
    if changes.observations:
        yield Write(
            _OBSERVATION,
            [
                (
                    record_id,
                    *identifier,
                    o.first_seen,
                    o.last_seen,
                    o.verified,
                    o.blocked,
                    o.retired,
                    keys[identifier].owner,
                    o.source,
                )
                for (record_id, identifier), o in sorted(changes.observations.items(), key=_by_identifier)
            ],
        )
    if changes.owners:
        named = Counter(identifier for _, identifier in changes.observations)
        behind = sorted(
            key.identifier
            for key in changes.owners.values()
            if named[key.identifier] < key.holders <= FEW_HOLDERS
        )
        if behind:
            yield Write(_OWNER, [(keys[identifier].owner, *identifier) for identifier in behind])
    if changes.states:
        yield from _save_states([key for _, key in sorted(changes.states.items())])
    if profiles:
        rows = [
            (p.profile_id, p.created_at, p.changes, p.redirect_to, p.canonical_id, p.named_after)
            for p in profiles
        ]
        yield Write(_PROFILE, rows)
    if changes.absorbed:
        yield Write(_REDIRECT, _in_one_step(changes.absorbed))
    if changes.merges:
        yield Write(
            "INSERT INTO merge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                    None,
                )
                for m in changes.merges
            ],
        )
    if changes.undone:
        rows = [(changes.at, merge_id) for merge_id in changes.undone]
        yield Write("UPDATE merge SET undone_at = ? WHERE merge_id = ?", rows)
    if changes.dropped_pins:
        yield Write("DELETE FROM pin WHERE record_a = ? AND record_b = ?", changes.dropped_pins)
    if changes.pins:
        rows = [
            (p.record_a, p.record_b, p.kind, p.actor, p.reason, p.created_at, p.until)
            for p in changes.pins.values()
        ]
        yield Write(_PIN, rows)
    if changes.reviews:
        yield Write(
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
                    _encode(v.records).decode(),
                    _encode(sorted(v.evidence)).decode(),
                )
                for v in changes.reviews.values()
            ],
        )


def _save_customer(changes: Changes) -> Iterator[Write]:
    if changes.attributes:
        yield Write(_ATTRIBUTE, [(*key, *value) for key, value in changes.attributes.items()])
    if changes.dropped_claims:
        rows = sorted((record_id, *identifier) for record_id, identifier in changes.dropped_claims)
        yield Write("DELETE FROM claim WHERE record_id = ? AND type = ? AND value = ?", rows)
    if changes.claims:
        yield Write(_CLAIM, [(number, *what, *claim) for (number, what), claim in changes.claims.items()])
    if changes.claimed_attributes:
        yield Write(
            _CLAIMED_ATTRIBUTE, [(*place, *given) for place, given in changes.claimed_attributes.items()]
        )
    if changes.dropped_tags:
        yield Write("DELETE FROM tag WHERE record_id = ? AND tag = ?", changes.dropped_tags)
    if changes.tags:
        rows = [(*key, at) for key, at in changes.tags.items()]
        yield Write("INSERT INTO tag VALUES (?, ?, ?) ON CONFLICT (record_id, tag) DO NOTHING", rows)


def _save_achievements(changes: Changes) -> Iterator[Write]:
    if changes.new_achievements:
        yield Write(
            "INSERT INTO achievement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                    a.trace,
                )
                for a in changes.new_achievements
            ],
        )
    if changes.dropped_dedup:
        yield Write("DELETE FROM dedup WHERE profile_id = ? AND campaign_id = ?", changes.dropped_dedup)
    if changes.dedup:
        rows = [(*pair, d.achievement_id, d.accepted_at, d.expires_at) for pair, d in changes.dedup.items()]
        yield Write(_DEDUP, rows)
    if changes.answers:
        rows = [
            (*key, a.fingerprint, a.status, a.body, a.expires_at, a.headers)
            for key, a in changes.answers.items()
        ]
        yield Write(_ANSWER, rows)
        yield Write(_ANSWER_OF, changes.answers_of)
    if changes.decided:
        decided = sorted(changes.decided, key=lambda one: one.achievement_id)
        rows = [(a.state, a.reason, a.due_at, a.decided_at, a.achievement_id, a.epoch) for a in decided]
        yield Write(_DECIDED, rows, fenced=True)
    if changes.ledger:
        rows = sorted(msgspec.structs.astuple(entry) for entry in changes.ledger)
        yield Write("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    if changes.spends:
        yield Write(_SPEND, list(changes.spends.items()))


def _save_deliveries(changes: Changes) -> Iterator[Write]:
    if changes.new_deliveries:
        yield Write(
            "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                    d.request_id,
                    d.trace,
                )
                for d in changes.new_deliveries
            ],
        )
    if changes.deliveries:
        rows = [
            (
                d.lane,
                d.payload,
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
        yield Write(_DELIVERY, rows, fenced=True)


def _save_operations(changes: Changes) -> Iterator[Write]:
    if changes.channel_keys:
        yield Write(_CHANNEL_KEY, [msgspec.structs.astuple(k) for k in changes.channel_keys.values()])
    if changes.rule_sets:
        rows = [msgspec.structs.astuple(rule_set) for rule_set in changes.rule_sets]
        yield Write("INSERT INTO rule_set VALUES (?, ?, ?, ?, ?)", rows)
    if changes.activations:
        yield Write("INSERT INTO rule_activation VALUES (?, ?, ?, ?)", changes.activations)
    if changes.plans:
        yield Write(_PLAN, changes.plans)
    if changes.imports:
        rows = [
            (
                m.import_id,
                m.channel,
                m.started_at,
                m.reached.next_line,
                _encode(m.counts).decode(),
                _encode(m.unusable).decode(),
                m.finished_at,
                m.undo_after,
                m.undone_at,
            )
            for m in changes.imports.values()
        ]
        yield Write(_IMPORT, rows)
        blocks = [(m.import_id, m.reached.block, m.reached.ahead) for m in changes.imports.values()]
        yield Write(_IMPORT_BLOCK, blocks)
    if changes.import_changes:
        rows = sorted(msgspec.structs.astuple(change) for change in changes.import_changes)
        yield Write("INSERT INTO import_change VALUES (?, ?, ?, ?, ?, ?)", rows)
    for import_id in changes.undone_imports:
        for table in ("import_refusal", "import_warning", "import_change"):
            yield Write(f"DELETE FROM {table} WHERE import_id = ?", [(import_id,)])
    if changes.platform_events:
        yield Write(
            "INSERT INTO platform_event VALUES (?, ?, ?, ?)",
            [msgspec.structs.astuple(event) for event in changes.platform_events],
        )
    if changes.regroupings:
        yield Write(_REGROUPING, [msgspec.structs.astuple(run) for run in changes.regroupings.values()])
    if changes.regrouped:
        rows = [(regrouping_id,) for regrouping_id in changes.regrouped]
        yield Write("DELETE FROM regrouping WHERE regrouping_id = ?", rows)
    if changes.unlisted:
        yield Write("DELETE FROM own_list WHERE name = ? AND value = ?", changes.unlisted)
    if changes.listed:
        yield Write(_LISTED, changes.listed)
    if changes.refused_lines:
        yield Write(_REFUSED_LINE, changes.refused_lines)
    if changes.warned_lines:
        yield Write(_WARNED_LINE, changes.warned_lines)


def _in_one_step(absorbed: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where what redirected to each absorbed profile ends up when one merge of the batch follows the other."""
    ends: dict[int, int] = {}
    for loser, winner in absorbed:
        for source, end in ends.items():
            if end == loser:
                ends[source] = winner
        ends.setdefault(loser, winner)
    return list(ends.items())


def _erase_records(profiles: list[Profile]) -> Iterator[Write]:
    """Before any record is inserted: the same customer may be created again in this batch."""
    rows = [
        (r.id_space, r.customer_id, r.record_id) for profile in profiles for r in profile.records.values()
    ]
    yield Write(_NO_RECORD, rows)
    yield Write(_FORGOTTEN, [(profile.profile_id,) for profile in profiles])


def _erase(profiles: list[Profile], keys: Mapping[Identifier, Key]) -> Iterator[Write]:
    """After everything else, so that nothing which the batch changed on the profiles stays."""
    records = [(record_id,) for profile in profiles for record_id in profile.records]
    own = [(profile.profile_id,) for profile in profiles]
    named = [(f"{record_id:016x}", record_id) for (record_id,) in records]
    for forgotten in (_FORGOTTEN_ANSWERS, _FORGOTTEN_ANSWERS_OF, _FORGOTTEN_REFUSALS):
        yield Write(forgotten, named)
    yield Write(_FORGOTTEN_COUPONS, records)
    yield Write(_FORGOTTEN_WORDS, records)
    held = {one for profile in profiles for record in profile.records.values() for one in record.observations}
    yield Write(_FORGOTTEN_REGROUPINGS, [tuple(one) for one in sorted(held) if keys[one].holders <= 0])
    for place in _OF_RECORD:
        yield Write(f"DELETE FROM {place} = ?", records)
    for place in _OF_PROFILE:
        yield Write(f"DELETE FROM {place} = ?", own)
