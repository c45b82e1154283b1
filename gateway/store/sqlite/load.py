"""Filling a working set from SQLite: one statement for each kind of thing, whatever the size of the batch.

Keys travel as one JSON array through `json_each`; CROSS JOIN keeps the planner from turning the look-ups into scans.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from gateway.clock import MINUTE
from gateway.ids import later
from gateway.model import (
    Achievement,
    ChannelKey,
    CustomerRecord,
    Dedup,
    Delivery,
    Due,
    ImportRun,
    MergeRow,
    PinRow,
    ProfileRow,
    ReviewItem,
    StoredAnswer,
    StoredRuleSet,
)
from gateway.workingset import Needs, WorkingSet
from rules.identifier import Identifier
from rules.record import Key, Observation, Profile

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_RECORDS = """
SELECT r.id_space, r.customer_id, r.record_id, r.profile_id, r.created_at, r.active, r.guest,
       o.type, o.value, o.first_seen, o.last_seen, o.verified, o.blocked, o.retired,
       i.state, i.owner_id, i.holders
FROM json_each(?) AS j
CROSS JOIN record AS r ON r.id_space = j.value ->> 0 AND r.customer_id = j.value ->> 1
LEFT JOIN observation AS o ON o.record_id = r.record_id
LEFT JOIN identifier AS i ON i.type = o.type AND i.value = o.value
"""
_PROFILE_RECORDS = _RECORDS.replace(
    "ON r.id_space = j.value ->> 0 AND r.customer_id = j.value ->> 1", "ON r.profile_id = j.value"
)
_KEYS = """
SELECT i.type, i.value, i.state, i.owner_id, i.holders FROM json_each(?) AS j
CROSS JOIN identifier AS i ON i.type = j.value ->> 0 AND i.value = j.value ->> 1
"""
_HOLDERS = """
SELECT o.type, o.value, r.profile_id, o.last_seen FROM json_each(?) AS j
CROSS JOIN observation AS o ON o.type = j.value ->> 0 AND o.value = j.value ->> 1
CROSS JOIN record AS r ON r.record_id = o.record_id
"""
_WINDOWS = """
SELECT d.profile_id, d.campaign_id, d.achievement_id, d.accepted_at, d.expires_at FROM json_each(?) AS j
CROSS JOIN dedup AS d ON d.profile_id = j.value ->> 0 AND d.campaign_id = j.value ->> 1
"""
_PROFILE_WINDOWS = """
SELECT d.profile_id, d.campaign_id, d.achievement_id, d.accepted_at, d.expires_at FROM json_each(?) AS j
CROSS JOIN dedup AS d ON d.profile_id = j.value
"""
_PROFILES = """
SELECT p.profile_id, p.created_at, p.version, p.redirect_to, p.canonical_id
FROM json_each(?) AS j CROSS JOIN profile AS p ON p.profile_id = j.value
"""
_BALANCES = """
SELECT r.profile_id, SUM(l.points) FROM json_each(?) AS j
CROSS JOIN record AS r ON r.profile_id = j.value
CROSS JOIN ledger AS l ON l.record_id = r.record_id GROUP BY r.profile_id
"""
_PIN_COLUMNS = """SELECT p.record_a, p.record_b, p.kind, p.expires_at, p.actor, p.reason, p.created_at
FROM json_each(?) AS j CROSS JOIN pin AS p"""
_PINS = f"{_PIN_COLUMNS} ON p.record_a = j.value UNION {_PIN_COLUMNS} ON p.record_b = j.value"
_REVIEW_COLUMNS = """SELECT v.review_id, v.profile_a, v.profile_b, v.state, v.reason, v.rule, v.types, v.opened_at,
v.closed_at, v.closed_by FROM json_each(?) AS j CROSS JOIN review AS v"""
_REVIEWS = f"{_REVIEW_COLUMNS} ON v.profile_a = j.value UNION {_REVIEW_COLUMNS} ON v.profile_b = j.value"
_REVIEWS_BY_ID = f"{_REVIEW_COLUMNS} ON v.review_id = j.value"
_MERGE_COLUMNS = """m.merge_id, m.survivor_id, m.absorbed_id, m.survivor_records, m.absorbed_records, m.rule,
m.rule_set, m.actor, m.request_id, m.merged_at, m.undone_at"""
_MERGES = f"SELECT {_MERGE_COLUMNS} FROM json_each(?) AS j CROSS JOIN merge AS m ON m.merge_id = j.value"
_ABSORPTIONS = f"""
SELECT p.redirect_to, {_MERGE_COLUMNS} FROM json_each(?) AS j
CROSS JOIN profile AS p ON p.redirect_to = j.value
CROSS JOIN merge AS m ON m.absorbed_id = p.profile_id WHERE m.undone_at IS NULL ORDER BY m.merge_id
"""
_HOMES = """
SELECT r.record_id, r.profile_id FROM json_each(?) AS j CROSS JOIN record AS r ON r.record_id = j.value
"""
_ANSWERS = """
SELECT a.channel, a.route, a.key, a.fingerprint, a.status, a.body, a.expires_at FROM json_each(?) AS j
CROSS JOIN idempotency AS a ON a.channel = j.value ->> 0 AND a.route = j.value ->> 1 AND a.key = j.value ->> 2
"""
_ACHIEVEMENT_COLUMNS = """a.achievement_id, a.record_id, a.campaign_id, a.state, a.reason, a.channel, a.request_id,
a.accepted_at, a.due_at, a.decided_at, a.epoch"""
_ACHIEVEMENTS = f"SELECT {_ACHIEVEMENT_COLUMNS} FROM json_each(?) AS j CROSS JOIN achievement AS a ON a.achievement_id = j.value"
_DUE = f"""
SELECT {_ACHIEVEMENT_COLUMNS}, r.profile_id
FROM (SELECT * FROM achievement WHERE state = 'accepted' AND due_at <= ? ORDER BY due_at LIMIT ?) AS a
LEFT JOIN record AS r ON r.record_id = a.record_id ORDER BY a.due_at
"""
_DELIVERY_COLUMNS = """d.delivery_id, d.target, d.lane, d.kind, d.subject, d.payload, d.state, d.created_at, d.due_at,
d.expires_at, d.owner, d.lease_until, d.epoch, d.attempts, d.sent_at, d.finished_at, d.status, d.reason, d.answer"""
_DELIVERIES = f"""
SELECT {_DELIVERY_COLUMNS} FROM json_each(?) AS j CROSS JOIN delivery AS d ON d.delivery_id = j.value
"""
_CLAIMABLE = f"""
SELECT {_DELIVERY_COLUMNS} FROM delivery AS d
WHERE d.finished_at IS NULL AND d.target = ? AND d.due_at <= ? AND d.lease_until <= ?
ORDER BY d.due_at, d.delivery_id LIMIT ?
"""
_CLAIMABLE_IN_ORDER = _CLAIMABLE.replace(
    "ORDER BY",
    """AND NOT EXISTS (SELECT 1 FROM delivery AS e WHERE e.finished_at IS NULL AND e.target <> 'upstream'
AND e.target = d.target AND e.lane = d.lane AND e.delivery_id < d.delivery_id)
ORDER BY""",
)
_DELIVERY_OF = f"""
SELECT {_DELIVERY_COLUMNS} FROM delivery AS d
WHERE d.delivery_id > ? AND d.delivery_id < ? AND d.target = 'upstream' AND d.subject = ? ORDER BY d.delivery_id LIMIT 1
"""
_STANDINGS = """
SELECT j.key, r.record_id, r.active, r.guest, l.entered_at FROM json_each(?) AS j
CROSS JOIN record AS r ON r.profile_id = j.value ->> 0
LEFT JOIN ledger AS l ON l.record_id = r.record_id AND l.campaign_id = j.value ->> 1
"""
_SCORES = _BALANCES.replace("l.points", "l.score")
_PROFILE_TAGS = """
SELECT r.profile_id, t.tag FROM json_each(?) AS j
CROSS JOIN record AS r ON r.profile_id = j.value CROSS JOIN tag AS t ON t.record_id = r.record_id
"""
_PROFILE_ATTRIBUTES = """
SELECT r.profile_id, a.name, a.value FROM json_each(?) AS j
CROSS JOIN record AS r ON r.profile_id = j.value CROSS JOIN attribute AS a ON a.record_id = r.record_id
ORDER BY a.at, a.record_id
"""


def load(connection: sqlite3.Connection, ws: WorkingSet, needs: Needs) -> None:
    """Put everything that is needed into the working set; what does not exist is noted as absent."""
    if needs.records:
        _load_records(connection, ws, needs.records)
    if needs.keys:
        _load_keys(connection, ws, needs.keys)
    if needs.holders:
        _load_holders(connection, ws, needs.holders)
    if needs.profiles:
        _load_profiles(connection, ws, needs.profiles)
    if needs.dedup:
        _load_windows(connection, ws, needs.dedup)
    if needs.due:
        _load_due(connection, ws, needs.due, needs.due_details)
    if needs.answers:
        _load_answers(connection, ws, needs.answers)
    if needs.attributes:
        _load_attributes(connection, ws, needs.attributes)
    if needs.redirects:
        _load_redirects(connection, ws, needs.redirects)
    if needs.achievements:
        _load_achievements(connection, ws, needs.achievements)
    if needs.deliveries:
        _load_deliveries(connection, ws, needs.deliveries)
    if needs.sendings:
        _load_sendings(connection, ws, needs.sendings)
    if needs.claim is not None:
        _load_claimable(connection, ws, *needs.claim)
    if needs.merges:
        _load_merges(connection, ws, needs.merges)
    if needs.absorptions:
        _load_absorptions(connection, ws, needs.absorptions)
    if needs.record_ids:
        _load_homes(connection, ws, needs.record_ids)
    if needs.reviews:
        _load_reviews(connection, ws, needs.reviews)
    if needs.spends:
        _load_spends(connection, ws, needs.spends)
    if needs.channel_keys:
        _load_channel_keys(connection, ws, needs.channel_keys)
    if needs.rule_sets:
        _load_rule_sets(connection, ws, needs.rule_sets)
    if needs.imports:
        _load_imports(connection, ws, needs.imports)
    if needs.canonical_ids:
        _load_canonical_ids(connection, ws, needs.canonical_ids)


def _rows_in_one(connection: sqlite3.Connection, sql: str, keys: Iterable[Any]) -> list[list[Any]]:
    """Like `_rows`, in a single step for all of them; not for blobs. Each step gives up the interpreter's lock and has to win
    it back from the thread that serves calls."""
    return _decode(connection.execute(_in_one(sql), (_encode(list(keys)).decode(),)).fetchone()[0])


@cache
def _in_one(sql: str) -> str:
    columns, _, rest = sql.strip().removeprefix("SELECT").partition("FROM")
    return f"SELECT json_group_array(json_array({columns})) FROM {rest}"


def _rows(connection: sqlite3.Connection, sql: str, keys: Iterable[Any]) -> list[tuple[Any, ...]]:
    array = _encode(list(keys)).decode()
    return connection.execute(sql, (array,) * sql.count("?")).fetchall()


def _load_records(connection: sqlite3.Connection, ws: WorkingSet, places: set[tuple[str, str]]) -> None:
    for place in places:
        ws.records[place] = None
    _add_records(ws, _rows_in_one(connection, _RECORDS, places))


def _add_records(ws: WorkingSet, rows: Iterable[Sequence[Any]]) -> list[CustomerRecord]:
    """Records from rows of one observation each; what the working set already holds is left as it is."""
    keys, by_record_id = ws.keys, ws.by_record_id
    found: list[CustomerRecord] = []
    current, observations = 0, None
    for (
        id_space, customer_id, record_id, profile_id, created_at, active, guest,
        kind, value, first_seen, last_seen, verified, blocked, retired, state, owner, holders,
    ) in rows:  # fmt: skip
        if record_id != current:
            current = record_id
            record = by_record_id.get(record_id)
            if record is None:
                observations = {}
                record = CustomerRecord(
                    record_id,
                    id_space,
                    customer_id,
                    profile_id,
                    created_at,
                    observations,
                    bool(active),
                    bool(guest),
                )
                by_record_id[record_id] = record
                ws.records[id_space, customer_id] = record
            else:
                ws.records[id_space, customer_id] = record
                observations = None
            found.append(record)
        if kind is None or observations is None:
            continue
        identifier = Identifier(kind, value)
        observations[identifier] = Observation(
            identifier, first_seen, last_seen, bool(verified), bool(blocked), bool(retired)
        )
        if identifier not in keys:
            keys[identifier] = Key(identifier, state, owner, holders)
    return found


def _load_keys(connection: sqlite3.Connection, ws: WorkingSet, keys: set[Identifier]) -> None:
    missing = [key for key in keys if key not in ws.keys]
    if not missing:
        return
    for kind, value, state, owner, holders in _rows_in_one(connection, _KEYS, missing):
        identifier = Identifier(kind, value)
        ws.keys[identifier] = Key(identifier, state, owner, holders)
    for identifier in missing:
        if identifier not in ws.keys:
            ws.keys[identifier] = Key(identifier)


def _load_holders(connection: sqlite3.Connection, ws: WorkingSet, wanted: dict[Identifier, int]) -> None:
    ws.held.update(wanted)
    profiles: dict[Identifier, set[int]] = {}
    for kind, value, profile_id, last_seen in _rows(connection, _HOLDERS, wanted):
        identifier = Identifier(kind, value)
        profiles.setdefault(identifier, set()).add(profile_id)
        ws.keys[identifier].aged += last_seen < wanted[identifier]
    for identifier, found in profiles.items():
        ws.keys[identifier].profiles = tuple(sorted(found))


def _load_profiles(connection: sqlite3.Connection, ws: WorkingSet, profile_ids: set[int]) -> None:
    for row in _rows(connection, _PROFILES, profile_ids):
        ws.profile_rows[row[0]] = ProfileRow(*row)
        ws.profiles[row[0]] = Profile(row[0], row[1], row[2], row[3])
        ws.balances[row[0]] = 0
    for record in _add_records(ws, _rows_in_one(connection, _PROFILE_RECORDS, profile_ids)):
        if record.profile_id in ws.profiles:
            ws.profiles[record.profile_id].records[record.record_id] = record
    for profile_id, campaign_id, *window in _rows(connection, _PROFILE_WINDOWS, profile_ids):
        ws.dedup.setdefault((profile_id, campaign_id), Dedup(*window))
    for profile_id, points in _rows(connection, _BALANCES, profile_ids):
        ws.balances[profile_id] = points
    record_ids = [r for p in profile_ids if p in ws.profiles for r in ws.profiles[p].records]
    for row in _rows(connection, _PINS, record_ids):
        ws.all_pins.setdefault((row[0], row[1]), PinRow(*row))
    _add_reviews(ws, _rows(connection, _REVIEWS, profile_ids))


def _load_windows(connection: sqlite3.Connection, ws: WorkingSet, pairs: set[tuple[int, int]]) -> None:
    for pair in pairs:
        ws.dedup[pair] = None
    for profile_id, campaign_id, *window in _rows_in_one(connection, _WINDOWS, pairs):
        ws.dedup[profile_id, campaign_id] = Dedup(*window)


def _load_due(connection: sqlite3.Connection, ws: WorkingSet, limit: int, details: frozenset[str]) -> None:
    rows = connection.execute(_DUE, (ws.now, limit)).fetchall()
    dues = [Due(Achievement(*row[:-1]), row[-1]) for row in rows]
    ws.due = dues
    pairs = [(due.profile_id, due.achievement.campaign_id) for due in dues]
    for position, record_id, active, guest, entered_at in _rows_in_one(connection, _STANDINGS, pairs):
        due = dues[position]
        if not due.records or due.records[-1][0] != record_id:
            due.records.append((record_id, bool(active), bool(guest)))
        if entered_at is not None:
            due.granted_at.append(entered_at)
    of_profile: dict[int, list[Due]] = {}
    for due in dues:
        if due.profile_id is not None:
            of_profile.setdefault(due.profile_id, []).append(due)
    if "score" in details:
        for profile_id, score in _rows(connection, _SCORES, of_profile):
            for due in of_profile[profile_id]:
                due.score = score
    if "tags" in details:
        for profile_id, tag in _rows(connection, _PROFILE_TAGS, of_profile):
            for due in of_profile[profile_id]:
                due.tags |= {tag}
    if "attributes" in details:
        for profile_id, name, value in _rows(connection, _PROFILE_ATTRIBUTES, of_profile):
            for due in of_profile[profile_id]:
                due.attributes[name] = value


def _load_answers(connection: sqlite3.Connection, ws: WorkingSet, keys: set[tuple[str, str, str]]) -> None:
    for key in keys:
        ws.answers[key] = None
    for channel, route, key, *answer in _rows(connection, _ANSWERS, keys):
        ws.answers[channel, route, key] = StoredAnswer(*answer)


def _load_attributes(connection: sqlite3.Connection, ws: WorkingSet, record_ids: set[int]) -> None:
    for record_id in record_ids:
        ws.attributes[record_id], ws.tags[record_id] = {}, set()
    sql = "SELECT a.record_id, a.name, a.value FROM json_each(?) AS j CROSS JOIN attribute AS a ON a.record_id = j.value"
    for record_id, name, value in _rows(connection, sql, record_ids):
        ws.attributes[record_id][name] = value
    sql = "SELECT t.record_id, t.tag FROM json_each(?) AS j CROSS JOIN tag AS t ON t.record_id = j.value"
    for record_id, tag in _rows(connection, sql, record_ids):
        ws.tags[record_id].add(tag)


def _load_redirects(connection: sqlite3.Connection, ws: WorkingSet, profile_ids: set[int]) -> None:
    for profile_id in profile_ids:
        ws.redirects[profile_id] = None
    for row in _rows(connection, _PROFILES, profile_ids):
        ws.redirects[row[0]] = row[0] if row[3] is None else row[3]


def _load_achievements(connection: sqlite3.Connection, ws: WorkingSet, achievement_ids: set[int]) -> None:
    for achievement_id in achievement_ids:
        ws.achievements[achievement_id] = None
    for row in _rows(connection, _ACHIEVEMENTS, achievement_ids):
        ws.achievements[row[0]] = Achievement(*row)


def _load_deliveries(connection: sqlite3.Connection, ws: WorkingSet, delivery_ids: set[int]) -> None:
    for delivery_id in delivery_ids:
        ws.deliveries[delivery_id] = None
    for row in _rows(connection, _DELIVERIES, delivery_ids):
        ws.deliveries[row[0]] = Delivery(*row)


def _load_sendings(connection: sqlite3.Connection, ws: WorkingSet, achievement_ids: set[int]) -> None:
    """A delivery's id is drawn right behind that of its achievement, so no index is needed to find it."""
    for achievement_id in achievement_ids:
        places = (achievement_id, later(achievement_id, MINUTE), achievement_id)
        row = connection.execute(_DELIVERY_OF, places).fetchone()
        ws.sendings[achievement_id] = row[0] if row else None
        if row and row[0] not in ws.deliveries:
            ws.deliveries[row[0]] = Delivery(*row)


def _load_claimable(connection: sqlite3.Connection, ws: WorkingSet, target: str, limit: int) -> None:
    sql = _CLAIMABLE if target == "upstream" else _CLAIMABLE_IN_ORDER
    rows = connection.execute(sql, (target, ws.now, ws.now, limit)).fetchall()
    ws.claimable = [Delivery(*row) for row in rows]


def _load_merges(connection: sqlite3.Connection, ws: WorkingSet, merge_ids: set[int]) -> None:
    for merge_id in merge_ids:
        ws.merges[merge_id] = None
    for row in _rows(connection, _MERGES, merge_ids):
        ws.merges[row[0]] = _merge_row(row)


def _load_absorptions(connection: sqlite3.Connection, ws: WorkingSet, profile_ids: set[int]) -> None:
    for profile_id in profile_ids:
        ws.absorptions[profile_id] = []
    for target, *row in _rows(connection, _ABSORPTIONS, profile_ids):
        ws.absorptions[target].append(_merge_row(row))


def _merge_row(row: Sequence[Any]) -> MergeRow:
    sides = (tuple(msgspec.json.decode(row[3])), tuple(msgspec.json.decode(row[4])))
    return MergeRow(row[0], row[1], row[2], *sides, *row[5:])


def _load_homes(connection: sqlite3.Connection, ws: WorkingSet, record_ids: set[int]) -> None:
    for record_id in record_ids:
        ws.homes[record_id] = None
    ws.homes.update(_rows(connection, _HOMES, record_ids))


def _load_reviews(connection: sqlite3.Connection, ws: WorkingSet, review_ids: set[int]) -> None:
    for review_id in review_ids:
        ws.review_items[review_id] = None
    _add_reviews(ws, _rows(connection, _REVIEWS_BY_ID, review_ids))


def _add_reviews(ws: WorkingSet, rows: Iterable[Sequence[Any]]) -> None:
    for row in rows:
        item = ReviewItem(*row)
        item.types = tuple(msgspec.json.decode(row[6]))
        item = ws.reviews.setdefault((item.profile_a, item.profile_b), item)
        ws.review_items[item.review_id] = item


def _load_spends(connection: sqlite3.Connection, ws: WorkingSet, campaign_ids: set[int]) -> None:
    for campaign_id in campaign_ids:
        ws.spends[campaign_id] = 0
    sql = "SELECT s.campaign_id, s.points FROM json_each(?) AS j CROSS JOIN campaign_spend AS s ON s.campaign_id = j.value"
    ws.spends.update(_rows(connection, sql, campaign_ids))


def _load_channel_keys(connection: sqlite3.Connection, ws: WorkingSet, channels: set[str]) -> None:
    sql = "SELECT key_id, channel, api_hash, secret_hash, created_at, created_by, revoked_at FROM channel_key"
    keys = [ChannelKey(*row) for row in connection.execute(sql)]
    for channel in channels:
        ws.channel_keys[channel] = [key for key in keys if channel in ("*", key.channel)]


def _load_rule_sets(connection: sqlite3.Connection, ws: WorkingSet, versions: set[str]) -> None:
    for version in versions:
        ws.rule_sets[version] = None
    sql = """SELECT s.version, s.sha256, s.text, s.author, s.stored_at FROM json_each(?) AS j
    CROSS JOIN rule_set AS s ON s.version = j.value"""
    for row in _rows(connection, sql, versions):
        ws.rule_sets[row[0]] = StoredRuleSet(*row)
    active = connection.execute(
        "SELECT version FROM rule_activation ORDER BY activation_id DESC LIMIT 1"
    ).fetchone()
    ws.active_rules = active[0] if active else ""


def _load_imports(connection: sqlite3.Connection, ws: WorkingSet, import_ids: set[str]) -> None:
    for import_id in import_ids:
        ws.imports[import_id] = None
    sql = """SELECT m.import_id, m.channel, m.started_at, m.next_line, m.counts, m.unusable, m.finished_at
    FROM json_each(?) AS j CROSS JOIN import_run AS m ON m.import_id = j.value"""
    for import_id, channel, started_at, next_line, *counted, finished_at in _rows(
        connection, sql, import_ids
    ):
        counts, unusable = map(msgspec.json.decode, counted)
        ws.imports[import_id] = ImportRun(
            import_id, channel, started_at, next_line, counts, unusable, finished_at
        )


def _load_canonical_ids(connection: sqlite3.Connection, ws: WorkingSet, wanted: set[str]) -> None:
    for text in wanted:
        ws.canonical_ids[text] = None
    sql = """SELECT p.canonical_id, p.profile_id FROM json_each(?) AS j
    CROSS JOIN profile AS p ON p.canonical_id = j.value"""
    ws.canonical_ids.update(_rows(connection, sql, wanted))
