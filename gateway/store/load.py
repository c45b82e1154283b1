"""Filling a working set: one statement for each kind of thing, whatever the size of the batch.

Every kind is a generator that yields the queries which it can ask at once and is sent their rows; the engine runs them.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from gateway.clock import MINUTE
from gateway.ids import later
from gateway.model import (
    Achievement,
    ChangedRecord,
    ChannelKey,
    Claim,
    ClaimedAttribute,
    Claims,
    CustomerRecord,
    Dedup,
    Delivery,
    Due,
    ImportChange,
    ImportPosition,
    ImportRun,
    MergeRow,
    PinRow,
    PlatformEvent,
    ProfileRow,
    Regrouping,
    ReviewItem,
    StoredAnswer,
    StoredRuleSet,
)
from gateway.store.statement import Query, Rows
from gateway.workingset import Needs, WorkingSet
from rules.identifier import Identifier
from rules.record import Key, Observation, Profile

LONGEST_LEASE = 2 * MINUTE
"""A delivery that is leased for longer was leased by a clock that was ahead, and is free."""

Loading = Generator[list[Query], list[Rows], None]

OWNER = "CASE WHEN s.holders IS NULL THEN o.owner_id ELSE s.owner_id END"
KEY = f"""COALESCE(s.state, 'normal'), {OWNER},
COALESCE(s.holders, (SELECT COUNT(*) FROM observation AS h WHERE h.type = o.type AND h.value = o.value))"""
OF_KEY = "LEFT JOIN identifier_state AS s ON s.type = o.type AND s.value = o.value"
"""State, owner and number of holders of an observation's key, with what is joined to the observation `o` for them."""
_RECORD_COLUMNS = f"""
SELECT r.id_space, r.customer_id, r.record_id, r.profile_id, r.created_at, r.active, r.guest,
       o.type, o.value, o.first_seen, o.last_seen, o.verified, o.blocked, o.retired, o.source,
       {KEY}
"""
_SEEN = f"LEFT JOIN observation AS o ON o.record_id = r.record_id {OF_KEY}"
_RECORDS = f"""{_RECORD_COLUMNS} FROM keys(id_space text, customer_id text) AS k
CROSS JOIN record AS r ON r.id_space = k.id_space AND r.customer_id = k.customer_id {_SEEN}"""
_PROFILE_RECORDS = f"""{_RECORD_COLUMNS} FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id {_SEEN}"""
_STATES = """SELECT s.type, s.value, s.state, s.owner_id, s.holders FROM keys(type text, value text) AS k
CROSS JOIN identifier_state AS s ON s.type = k.type AND s.value = k.value"""
_FEW_HOLDERS = """SELECT o.type, o.value, o.owner_id FROM keys(type text, value text) AS k
CROSS JOIN observation AS o ON o.type = k.type AND o.value = k.value"""
_HOLDERS = """
SELECT o.type, o.value, r.profile_id, o.last_seen FROM keys(type text, value text) AS k
CROSS JOIN observation AS o ON o.type = k.type AND o.value = k.value
CROSS JOIN record AS r ON r.record_id = o.record_id
"""
_WINDOW_COLUMNS = "SELECT d.profile_id, d.campaign_id, d.achievement_id, d.accepted_at, d.expires_at"
_WINDOWS = f"""{_WINDOW_COLUMNS} FROM keys(profile_id bigint, campaign_id bigint) AS k
CROSS JOIN dedup AS d ON d.profile_id = k.profile_id AND d.campaign_id = k.campaign_id"""
_PROFILE_WINDOWS = f"""{_WINDOW_COLUMNS} FROM keys(profile_id bigint) AS k
CROSS JOIN dedup AS d ON d.profile_id = k.profile_id"""
_PROFILES = """
SELECT p.profile_id, p.created_at, p.changes, p.redirect_to, p.canonical_id, p.named_after
FROM keys(profile_id bigint) AS k CROSS JOIN profile AS p ON p.profile_id = k.profile_id
"""
_BALANCES = """
SELECT r.profile_id, CAST(SUM(l.points) AS BIGINT) FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id
CROSS JOIN ledger AS l ON l.record_id = r.record_id GROUP BY r.profile_id
"""
_POINTS = """
SELECT r.record_id, CAST(SUM(l.points) AS BIGINT) FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id
CROSS JOIN ledger AS l ON l.record_id = r.record_id GROUP BY r.record_id
"""
_PINS_OF = """SELECT p.record_a, p.record_b, p.kind, p.expires_at, p.actor, p.reason, p.created_at
FROM keys(profile_id bigint) AS k CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN pin AS p"""
_PINS = f"{_PINS_OF} ON p.record_a = r.record_id UNION {_PINS_OF} ON p.record_b = r.record_id"
_REVIEWS_OF = """SELECT v.review_id, v.profile_a, v.profile_b, v.state, v.reason, v.rule, v.types, v.opened_at,
v.closed_at, v.closed_by, v.records, v.evidence FROM keys(id bigint) AS k CROSS JOIN review AS v"""
_REVIEWS = f"{_REVIEWS_OF} ON v.profile_a = k.id UNION {_REVIEWS_OF} ON v.profile_b = k.id"
_REVIEWS_BY_ID = f"{_REVIEWS_OF} ON v.review_id = k.id"
_MERGE_COLUMNS = """m.merge_id, m.survivor_id, m.absorbed_id, m.survivor_records, m.absorbed_records, m.rule,
m.rule_set, m.actor, m.request_id, m.merged_at, m.undone_at"""
_MERGES = f"""SELECT {_MERGE_COLUMNS} FROM keys(merge_id bigint) AS k
CROSS JOIN merge AS m ON m.merge_id = k.merge_id"""
_ABSORPTIONS = f"""
SELECT p.redirect_to, {_MERGE_COLUMNS} FROM keys(profile_id bigint) AS k
CROSS JOIN profile AS p ON p.redirect_to = k.profile_id
CROSS JOIN merge AS m ON m.merge_id = (SELECT MAX(n.merge_id) FROM merge AS n WHERE n.absorbed_id = p.profile_id)
ORDER BY m.merge_id
"""
_HOMES = """SELECT r.record_id, r.profile_id FROM keys(record_id bigint) AS k
CROSS JOIN record AS r ON r.record_id = k.record_id"""
_ANSWERS = """
SELECT a.channel, a.route, a.key, a.fingerprint, a.status, a.body, a.expires_at, a.headers
FROM keys(channel text, route text, key text) AS k
CROSS JOIN idempotency AS a ON a.channel = k.channel AND a.route = k.route AND a.key = k.key
"""
_ACHIEVEMENT_COLUMNS = """a.achievement_id, a.record_id, a.campaign_id, a.state, a.reason, a.channel, a.request_id,
a.accepted_at, a.due_at, a.decided_at, a.epoch, a.trace"""
_ACHIEVEMENTS = f"""SELECT {_ACHIEVEMENT_COLUMNS} FROM keys(achievement_id bigint) AS k
CROSS JOIN achievement AS a ON a.achievement_id = k.achievement_id"""
_DUE = f"""
SELECT {_ACHIEVEMENT_COLUMNS}, r.profile_id
FROM (SELECT * FROM achievement WHERE state = 'accepted' AND due_at <= ? ORDER BY due_at LIMIT ?) AS a
LEFT JOIN record AS r ON r.record_id = a.record_id ORDER BY a.due_at
"""
_DELIVERY_COLUMNS = """d.delivery_id, d.target, d.lane, d.kind, d.subject, d.payload, d.state, d.created_at, d.due_at,
d.expires_at, d.owner, d.lease_until, d.epoch, d.attempts, d.sent_at, d.finished_at, d.status, d.reason, d.answer,
d.request_id, d.trace"""
_DELIVERIES = f"""SELECT {_DELIVERY_COLUMNS} FROM keys(delivery_id bigint) AS k
CROSS JOIN delivery AS d ON d.delivery_id = k.delivery_id"""
_CLAIMABLE = f"""
SELECT {_DELIVERY_COLUMNS} FROM delivery AS d
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
SELECT k.achievement_id, {_DELIVERY_COLUMNS} FROM keys(achievement_id bigint, until bigint) AS k
CROSS JOIN delivery AS d ON d.delivery_id = (
  SELECT e.delivery_id FROM delivery AS e WHERE e.delivery_id > k.achievement_id AND e.delivery_id < k.until
  AND e.target = 'upstream' AND e.subject = k.achievement_id ORDER BY e.delivery_id LIMIT 1)
"""
_STANDINGS = """
SELECT k.position, r.record_id, r.active, r.guest, COALESCE(g.accepted_at, l.entered_at)
FROM keys(profile_id bigint, campaign_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id
LEFT JOIN ledger AS l ON l.record_id = r.record_id AND l.campaign_id = k.campaign_id
LEFT JOIN achievement AS g ON g.achievement_id = l.achievement_id
"""
_SCORES = _BALANCES.replace("l.points", "l.score")
_PROFILE_TAGS = """
SELECT r.profile_id, t.tag FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN tag AS t ON t.record_id = r.record_id
"""
_PROFILE_ATTRIBUTES = """
SELECT r.profile_id, a.name, a.value FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN attribute AS a ON a.record_id = r.record_id
ORDER BY a.at, a.record_id
"""
_DETAILS = {"score": _SCORES, "tags": _PROFILE_TAGS, "attributes": _PROFILE_ATTRIBUTES}
_ATTRIBUTES = """SELECT a.record_id, a.name, a.value FROM keys(record_id bigint) AS k
CROSS JOIN attribute AS a ON a.record_id = k.record_id"""
_CLAIMS = """SELECT c.record_id, c.type, c.value, c.source, c.claimed_at FROM keys(record_id bigint) AS k
CROSS JOIN claim AS c ON c.record_id = k.record_id ORDER BY c.claimed_at, c.type, c.value"""
_CLAIMED_ATTRIBUTES = """SELECT c.record_id, c.name, c.value, c.source, c.claimed_at FROM keys(record_id bigint) AS k
CROSS JOIN claimed_attribute AS c ON c.record_id = k.record_id ORDER BY c.claimed_at, c.name"""
_TAGS = """SELECT t.record_id, t.tag FROM keys(record_id bigint) AS k
CROSS JOIN tag AS t ON t.record_id = k.record_id"""
_SPENDS = """SELECT s.campaign_id, s.points FROM keys(campaign_id bigint) AS k
CROSS JOIN campaign_spend AS s ON s.campaign_id = k.campaign_id"""
_CHANNEL_KEYS = (
    "SELECT key_id, channel, api_hash, secret_hash, created_at, created_by, revoked_at FROM channel_key"
)
_CANONICAL_IDS = """SELECT p.canonical_id, p.profile_id FROM keys(canonical_id text) AS k
CROSS JOIN profile AS p ON p.canonical_id = k.canonical_id"""
_PLATFORM_EVENTS = """
SELECT e.event_key, e.topic, e.profile_id, e.heard_at FROM keys(event_key text) AS k
CROSS JOIN platform_event AS e ON e.event_key = k.event_key
"""
_RULE_SETS = """SELECT s.version, s.sha256, s.text, s.author, s.stored_at FROM keys(version text) AS k
CROSS JOIN rule_set AS s ON s.version = k.version"""
_ACTIVE_RULES = "SELECT version FROM rule_activation ORDER BY activation_id DESC LIMIT 1"
_REGROUPING = """g.regrouping_id, g.scope, g.cause, g.rule_set, g.type, g.value, g.profile_id, g.started_at, g.cursor, g.total,
g.looked, g.merged, g.split, g.asked, g.points, g.skipped, g.held_by, g.held_until, g.finished_at"""
_REGROUPINGS = f"""SELECT {_REGROUPING} FROM keys(regrouping_id bigint) AS k
CROSS JOIN regrouping AS g ON g.regrouping_id = k.regrouping_id"""
_WALKS = f"SELECT {_REGROUPING} FROM regrouping AS g WHERE g.scope = 'rules' AND g.finished_at IS NULL"
_LISTS = """SELECT l.name, l.value FROM keys(name text) AS k CROSS JOIN own_list AS l ON l.name = k.name"""
IMPORT_COLUMNS = """m.import_id, m.channel, m.started_at, m.next_line, COALESCE(b.ahead, 0), COALESCE(b.block, ''),
m.counts, m.unusable, m.finished_at, m.undo_after, m.undone_at"""
IMPORT_BLOCK = "LEFT JOIN import_block AS b ON b.import_id = m.import_id"
_IMPORTS = f"""SELECT {IMPORT_COLUMNS} FROM keys(import_id text) AS k
CROSS JOIN import_run AS m ON m.import_id = k.import_id {IMPORT_BLOCK}"""

CHANGED_RECORDS = """
SELECT c.import_id, c.record_id, c.change_id, c.at, c.created, c.before, r.profile_id, r.active,
  (SELECT COUNT(*) FROM record AS q WHERE q.profile_id = r.profile_id),
  (SELECT MAX(o.last_seen) FROM observation AS o WHERE o.record_id = c.record_id),
  (SELECT MAX(a.at) FROM attribute AS a WHERE a.record_id = c.record_id),
  (SELECT MAX(x.change_id) FROM import_change AS x WHERE x.record_id = c.record_id),
  (SELECT COUNT(*) FROM tag AS t WHERE t.record_id = c.record_id),
  (SELECT COUNT(*) FROM pin AS p WHERE p.record_a = c.record_id)
    + (SELECT COUNT(*) FROM pin AS p WHERE p.record_b = c.record_id),
  (SELECT COUNT(*) FROM ledger AS l WHERE l.record_id = c.record_id)
    + (SELECT COUNT(*) FROM dedup AS d JOIN achievement AS w ON w.achievement_id = d.achievement_id
       WHERE d.profile_id = r.profile_id AND w.record_id = c.record_id)
FROM (SELECT DISTINCT record_id FROM import_change WHERE import_id = ? AND record_id > ?
      ORDER BY record_id LIMIT ?) AS n
JOIN import_change AS c ON c.record_id = n.record_id AND c.import_id = ?
LEFT JOIN record AS r ON r.record_id = c.record_id
ORDER BY c.record_id, c.change_id
"""


def loads(ws: WorkingSet, needs: Needs) -> Iterator[Loading]:
    """What puts everything that is needed into the working set; what does not exist is noted as absent.

    They are run one after the other; a later one asks only for what an earlier one has not brought."""
    if needs.records:
        yield _load_records(ws, needs.records)
    if needs.keys:
        yield _load_keys(ws, needs.keys)
    if needs.holders:
        yield _load_holders(ws, needs.holders)
    if needs.profiles:
        yield _load_profiles(ws, needs.profiles)
    if needs.dedup:
        yield _load_windows(ws, needs.dedup)
    if needs.due:
        yield _load_due(ws, needs.due, needs.due_details)
    if needs.answers:
        yield _load_answers(ws, needs.answers)
    if needs.attributes:
        yield _load_attributes(ws, needs.attributes)
    if needs.claims:
        yield _load_claims(ws, needs.claims)
    if needs.redirects:
        yield _load_redirects(ws, needs.redirects)
    if needs.achievements:
        yield _load_achievements(ws, needs.achievements)
    if needs.deliveries:
        yield _load_deliveries(ws, needs.deliveries)
    if needs.sendings:
        yield _load_sendings(ws, needs.sendings)
    if needs.claim is not None:
        yield _load_claimable(ws, *needs.claim)
    if needs.merges:
        yield _load_merges(ws, needs.merges)
    if needs.absorptions:
        yield _load_absorptions(ws, needs.absorptions)
    if needs.record_ids:
        yield _load_homes(ws, needs.record_ids)
    if needs.reviews:
        yield _load_reviews(ws, needs.reviews)
    if needs.spends:
        yield _load_spends(ws, needs.spends)
    if needs.channel_keys:
        yield _load_channel_keys(ws, needs.channel_keys)
    if needs.rule_sets:
        yield _load_rule_sets(ws, needs.rule_sets)
    if needs.imports:
        yield _load_imports(ws, needs.imports)
    if needs.changed_records is not None:
        yield _load_changed_records(ws, *needs.changed_records)
    if needs.points:
        yield _load_points(ws, needs.points)
    if needs.regroupings:
        yield _load_regroupings(ws, needs.regroupings)
    if needs.lists:
        yield _load_lists(ws, needs.lists)
    if needs.canonical_ids:
        yield _load_canonical_ids(ws, needs.canonical_ids)
    if needs.platform_events:
        yield _load_platform_events(ws, needs.platform_events)


def _load_records(ws: WorkingSet, places: set[tuple[str, str]]) -> Loading:
    for place in places:
        ws.records[place] = None
    [rows] = yield [Query(_RECORDS, places, packed=True)]
    _add_records(ws, rows)


def _add_records(ws: WorkingSet, rows: Rows) -> list[CustomerRecord]:
    """Records from rows of one observation each; what the working set already holds is left as it is."""
    keys, by_record_id = ws.keys, ws.by_record_id
    found: list[CustomerRecord] = []
    new: dict[int, dict[Identifier, Observation]] = {}
    current, observations = 0, None
    for (
        id_space, customer_id, record_id, profile_id, created_at, active, guest,
        kind, value, first_seen, last_seen, verified, blocked, retired, source, state, owner, holders,
    ) in rows:  # fmt: skip
        if record_id != current:
            current = record_id
            record = by_record_id.get(record_id)
            if record is None:
                observations = new[record_id] = {}
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
            else:
                observations = new.get(record_id)
            ws.records[id_space, customer_id] = record
            found.append(record)
        if kind is None or observations is None:
            continue
        identifier = Identifier(kind, value)
        observations[identifier] = Observation(
            identifier, first_seen, last_seen, bool(verified), bool(blocked), bool(retired), source
        )
        if identifier not in keys:
            keys[identifier] = Key(identifier, state, owner, holders)
    return found


def _load_keys(ws: WorkingSet, keys: set[Identifier]) -> Loading:
    missing = [key for key in keys if key not in ws.keys]
    if not missing:
        return
    for identifier in missing:
        ws.keys[identifier] = Key(identifier)
    [stated] = yield [Query(_STATES, missing)]
    for kind, value, state, owner, holders in stated:
        identifier = Identifier(kind, value)
        ws.keys[identifier] = Key(identifier, state, owner, holders or 0)
    few = [identifier for identifier in missing if not ws.keys[identifier].holders]
    [rows] = yield [Query(_FEW_HOLDERS, few, packed=True)]
    for kind, value, owner in rows:
        key = ws.keys[Identifier(kind, value)]
        key.owner = owner
        key.holders += 1


def _load_holders(ws: WorkingSet, wanted: dict[Identifier, int]) -> Loading:
    ws.held.update(wanted)
    [rows] = yield [Query(_HOLDERS, wanted)]
    profiles: dict[Identifier, set[int]] = {}
    for kind, value, profile_id, last_seen in rows:
        identifier = Identifier(kind, value)
        profiles.setdefault(identifier, set()).add(profile_id)
        ws.keys[identifier].aged += last_seen < wanted[identifier]
    for identifier, found in profiles.items():
        ws.keys[identifier].profiles = tuple(sorted(found))


def _load_profiles(ws: WorkingSet, profile_ids: set[int]) -> Loading:
    rows, records, windows, balances, pins, reviews = yield [
        Query(_PROFILES, profile_ids),
        Query(_PROFILE_RECORDS, profile_ids, packed=True),
        Query(_PROFILE_WINDOWS, profile_ids),
        Query(_BALANCES, profile_ids),
        Query(_PINS, profile_ids),
        Query(_REVIEWS, profile_ids),
    ]
    for row in rows:
        ws.profile_rows[row[0]] = ProfileRow(*row)
        ws.profiles[row[0]] = Profile(row[0], row[1], row[2], row[3])
        ws.balances[row[0]] = 0
    for record in _add_records(ws, records):
        if record.profile_id in ws.profiles:
            ws.profiles[record.profile_id].records[record.record_id] = record
    for profile_id, *_ in rows:
        profile, row = ws.profiles[profile_id], ws.profile_rows[profile_id]
        profile.version += len(profile.records)
        if profile.records and not row.named_after:  # made by a gateway of the version before
            row.named_after = min(profile.records)
    for profile_id, campaign_id, *window in windows:
        ws.dedup.setdefault((profile_id, campaign_id), Dedup(*window))
    for profile_id, points in balances:
        ws.balances[profile_id] = points
    for row in pins:
        ws.know_pin(PinRow(*row))
    _add_reviews(ws, reviews)


def _load_windows(ws: WorkingSet, pairs: set[tuple[int, int]]) -> Loading:
    for pair in pairs:
        ws.dedup[pair] = None
    [rows] = yield [Query(_WINDOWS, pairs, packed=True)]
    for profile_id, campaign_id, *window in rows:
        ws.dedup[profile_id, campaign_id] = Dedup(*window)


def _load_due(ws: WorkingSet, limit: int, details: frozenset[str]) -> Loading:
    [rows] = yield [Query(_DUE, parameters=(ws.now, limit))]
    dues = [Due(_achievement(ws, row[:-1]), row[-1]) for row in rows]
    ws.due = dues
    of_profile: dict[int, list[Due]] = {}
    for due in dues:
        if due.profile_id is not None:
            of_profile.setdefault(due.profile_id, []).append(due)
    pairs = [(due.profile_id, due.achievement.campaign_id) for due in dues]
    detailed = {name: query for name, query in _DETAILS.items() if name in details}
    standings, *answers = yield [
        Query(_STANDINGS, pairs, packed=True),
        *(Query(sql, of_profile) for sql in detailed.values()),
    ]
    for position, record_id, active, guest, accepted_at in standings:
        due = dues[position]
        if not due.records or due.records[-1][0] != record_id:
            due.records.append((record_id, bool(active), bool(guest)))
        if accepted_at is not None:
            due.granted.append(accepted_at)
    for name, details_of in zip(detailed, answers, strict=True):
        for profile_id, *detail in details_of:
            for due in of_profile[profile_id]:
                _add_detail(due, name, detail)


def _add_detail(due: Due, name: str, detail: list[Any]) -> None:
    match name:
        case "score":
            [due.score] = detail
        case "tags":
            due.tags |= {*detail}
        case _:
            attribute, value = detail
            due.attributes[attribute] = value


def _load_answers(ws: WorkingSet, keys: set[tuple[str, str, str]]) -> Loading:
    for key in keys:
        ws.answers[key] = None
    [rows] = yield [Query(_ANSWERS, keys)]
    for channel, route, key, *answer in rows:
        ws.answers[channel, route, key] = StoredAnswer(*answer)


def _load_attributes(ws: WorkingSet, record_ids: set[int]) -> Loading:
    for record_id in record_ids:
        ws.attributes[record_id], ws.tags[record_id] = {}, set()
    attributes, tags = yield [Query(_ATTRIBUTES, record_ids), Query(_TAGS, record_ids)]
    for record_id, name, value in attributes:
        ws.attributes[record_id][name] = value
    for record_id, tag in tags:
        ws.tags[record_id].add(tag)


def _load_claims(ws: WorkingSet, record_ids: set[int]) -> Loading:
    for record_id in record_ids:
        ws.claims[record_id] = Claims()
    identifiers, attributes = yield [Query(_CLAIMS, record_ids), Query(_CLAIMED_ATTRIBUTES, record_ids)]
    for record_id, kind, value, *said in identifiers:
        ws.claims[record_id].identifiers[Identifier(kind, value)] = Claim(*said)
    for record_id, name, *said in attributes:
        ws.claims[record_id].attributes[name] = ClaimedAttribute(*said)


def _load_redirects(ws: WorkingSet, profile_ids: set[int]) -> Loading:
    for profile_id in profile_ids:
        ws.redirects[profile_id] = None
    [rows] = yield [Query(_PROFILES, profile_ids)]
    for row in rows:
        ws.redirects[row[0]] = row[0] if row[3] is None else row[3]


def _load_achievements(ws: WorkingSet, achievement_ids: set[int]) -> Loading:
    for achievement_id in achievement_ids:
        ws.achievements[achievement_id] = None
    [rows] = yield [Query(_ACHIEVEMENTS, achievement_ids)]
    for row in rows:
        ws.achievements[row[0]] = _achievement(ws, row)


def _achievement(ws: WorkingSet, row: Sequence[Any]) -> Achievement:
    """What comes of it later belongs to the trace of the call that reported it."""
    achievement = Achievement(*row)
    if achievement.trace:
        ws.traces[achievement.request_id] = achievement.trace
    return achievement


def _load_deliveries(ws: WorkingSet, delivery_ids: set[int]) -> Loading:
    for delivery_id in delivery_ids:
        ws.deliveries[delivery_id] = None
    [rows] = yield [Query(_DELIVERIES, delivery_ids)]
    for row in rows:
        ws.deliveries[row[0]] = Delivery(*row)


def _load_sendings(ws: WorkingSet, achievement_ids: set[int]) -> Loading:
    """A delivery's id is drawn right behind that of its achievement, so no index is needed to find it."""
    for achievement_id in achievement_ids:
        ws.sendings[achievement_id] = None
    places = [(achievement_id, later(achievement_id, MINUTE)) for achievement_id in achievement_ids]
    [rows] = yield [Query(_DELIVERIES_OF, places)]
    for achievement_id, *delivery in rows:
        ws.sendings[achievement_id] = delivery[0]
        if delivery[0] not in ws.deliveries:
            ws.deliveries[delivery[0]] = Delivery(*delivery)


def _load_claimable(ws: WorkingSet, target: str, limit: int) -> Loading:
    sql = _CLAIMABLE if target == "upstream" else _CLAIMABLE_IN_ORDER
    [rows] = yield [Query(sql, parameters=(target, ws.now, ws.now, ws.now + LONGEST_LEASE, limit))]
    ws.claimable = [Delivery(*row) for row in rows]


def _load_merges(ws: WorkingSet, merge_ids: set[int]) -> Loading:
    for merge_id in merge_ids:
        ws.merges[merge_id] = None
    [rows] = yield [Query(_MERGES, merge_ids)]
    for row in rows:
        ws.merges[row[0]] = _merge_row(row)


def _load_absorptions(ws: WorkingSet, profile_ids: set[int]) -> Loading:
    for profile_id in profile_ids:
        ws.absorptions[profile_id] = []
    [rows] = yield [Query(_ABSORPTIONS, profile_ids)]
    for target, *row in rows:
        ws.absorptions[target].append(_merge_row(row))


def _merge_row(row: Sequence[Any]) -> MergeRow:
    sides = (tuple(msgspec.json.decode(row[3])), tuple(msgspec.json.decode(row[4])))
    return MergeRow(row[0], row[1], row[2], *sides, *row[5:])


def _load_homes(ws: WorkingSet, record_ids: set[int]) -> Loading:
    for record_id in record_ids:
        ws.homes[record_id] = None
    [rows] = yield [Query(_HOMES, record_ids)]
    for record_id, profile_id in rows:
        ws.homes[record_id] = profile_id


def _load_reviews(ws: WorkingSet, review_ids: set[int]) -> Loading:
    for review_id in review_ids:
        ws.review_items[review_id] = None
    [rows] = yield [Query(_REVIEWS_BY_ID, review_ids)]
    _add_reviews(ws, rows)


def _add_reviews(ws: WorkingSet, rows: Rows) -> None:
    for row in rows:
        item = ReviewItem(*row)
        item.types = tuple(msgspec.json.decode(row[6]))
        item.records = tuple(msgspec.json.decode(row[10]))
        item.evidence = frozenset(msgspec.json.decode(row[11]))
        ws.know_review(item)


def _load_spends(ws: WorkingSet, campaign_ids: set[int]) -> Loading:
    for campaign_id in campaign_ids:
        ws.spends[campaign_id] = 0
    [rows] = yield [Query(_SPENDS, campaign_ids)]
    for campaign_id, points in rows:
        ws.spends[campaign_id] = points


def _load_channel_keys(ws: WorkingSet, channels: set[str]) -> Loading:
    [rows] = yield [Query(_CHANNEL_KEYS)]
    keys = [ChannelKey(*row) for row in rows]
    for channel in channels:
        ws.channel_keys[channel] = [key for key in keys if channel in ("*", key.channel)]


def _load_rule_sets(ws: WorkingSet, versions: set[str]) -> Loading:
    for version in versions:
        ws.rule_sets[version] = None
    rule_sets, active, walks = yield [Query(_RULE_SETS, versions), Query(_ACTIVE_RULES), Query(_WALKS)]
    for row in rule_sets:
        ws.rule_sets[row[0]] = StoredRuleSet(*row)
    ws.active_rules = active[0][0] if active else ""
    for row in walks:
        ws.regroupings.setdefault(row[0], Regrouping(*row))


def _load_imports(ws: WorkingSet, import_ids: set[str]) -> Loading:
    for import_id in import_ids:
        ws.imports[import_id] = None
    [rows] = yield [Query(_IMPORTS, import_ids)]
    for row in rows:
        run = import_run(row)
        ws.imports[run.import_id] = run


def import_run(row: Sequence[Any]) -> ImportRun:
    """From `IMPORT_COLUMNS`."""
    import_id, channel, started_at, next_line, ahead, block, counts, unusable, *ends = row
    return ImportRun(
        import_id,
        channel,
        started_at,
        ImportPosition(next_line, ahead, block),
        msgspec.json.decode(counts),
        msgspec.json.decode(unusable),
        *ends,
    )


def _load_changed_records(ws: WorkingSet, import_id: str, after: int, limit: int) -> Loading:
    [rows] = yield [Query(CHANGED_RECORDS, parameters=(import_id, after, limit, import_id))]
    ws.changed_records = changed_records(rows)


def changed_records(rows: Rows) -> list[ChangedRecord]:
    """From `CHANGED_RECORDS`."""
    found: list[ChangedRecord] = []
    for _, group in groupby(rows, key=itemgetter(1)):
        own = list(group)
        changes = tuple(ImportChange(row[0], row[1], row[2], row[3], bool(row[4]), row[5]) for row in own)
        profile_id, active, records, *later = own[-1][6:]
        touched = "" if profile_id is None else _touched(changes[-1], bool(active), *later)
        found.append(ChangedRecord(changes[-1].record_id, profile_id, records, changes, touched))
    return found


def _touched(
    last: ImportChange,
    active: bool,
    seen: int | None,
    set_: int | None,
    change: int,
    tags: int,
    pins: int,
    earned: int,
) -> str:
    """What happened to a record after the import."""
    said = {
        "earned": earned,
        "pinned": pins,
        "tagged": tags,
        "deactivated": not active,
        "imported_again": change > last.change_id,
        "seen_again": max(seen or 0, set_ or 0) > last.at,
    }
    return next((what for what, is_so in said.items() if is_so), "")


def _load_canonical_ids(ws: WorkingSet, wanted: set[str]) -> Loading:
    for text in wanted:
        ws.canonical_ids[text] = None
    [rows] = yield [Query(_CANONICAL_IDS, wanted)]
    for canonical_id, profile_id in rows:
        ws.canonical_ids[canonical_id] = profile_id


def _load_platform_events(ws: WorkingSet, wanted: set[str]) -> Loading:
    for key in wanted:
        ws.platform_events[key] = None
    [rows] = yield [Query(_PLATFORM_EVENTS, wanted)]
    for row in rows:
        ws.platform_events[row[0]] = PlatformEvent(*row)


def _load_points(ws: WorkingSet, profile_ids: set[int]) -> Loading:
    ws.counted |= profile_ids
    [rows] = yield [Query(_POINTS, profile_ids)]
    for record_id, points in rows:
        ws.points[record_id] = points


def _load_regroupings(ws: WorkingSet, regrouping_ids: set[int]) -> Loading:
    for regrouping_id in regrouping_ids:
        ws.regroupings[regrouping_id] = None
    [rows] = yield [Query(_REGROUPINGS, regrouping_ids)]
    for row in rows:
        ws.regroupings[row[0]] = Regrouping(*row)


def _load_lists(ws: WorkingSet, names: set[str]) -> Loading:
    held: dict[str, set[str]] = {name: set() for name in names}
    [rows] = yield [Query(_LISTS, names)]
    for name, value in rows:
        held[name].add(value)
    ws.lists.update((name, frozenset(values)) for name, values in held.items())
