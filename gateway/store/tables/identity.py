"""Records with their observations, keys, and profiles: how they are stored.

If few records hold a key, its observations say who owns it and how many hold it. A key with more holders, or in an unusual state,
has a row of its own.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from gateway.model import FEW_HOLDERS, CustomerRecord, ProfileRow
from gateway.store.statement import Query, Rows, Write
from gateway.store.tables.achievements import BALANCES, WINDOW
from gateway.store.tables.columns import Columns
from gateway.store.tables.pins import PINS, add_pins
from gateway.store.tables.regrouping import FORGOTTEN
from gateway.store.tables.reviews import REVIEWS, add_reviews
from gateway.store.tables.table import Loading, Table
from gateway.workingset import WorkingSet, Written
from gateway.workingset.identity import RecordKey, StoredProfile
from rules.identifier import Identifier
from rules.record import Key, Observation, Ownership, Profile

OWNER = "CASE WHEN s.holders IS NULL THEN o.owner_id ELSE s.owner_id END"
OWNERSHIP = f"COALESCE(s.state, 'normal'), {OWNER}"
KEY = f"""{OWNERSHIP},
COALESCE(s.holders, (SELECT COUNT(*) FROM observation AS h WHERE h.type = o.type AND h.value = o.value))"""
OF_KEY = "LEFT JOIN identifier_state AS s ON s.type = o.type AND s.value = o.value"
"""State and owner of an observation's key, the same with the number of its holders, and what is joined to the observation `o` for
them. To count the holders is two more pages of a large database for each identifier of a call."""

PROFILE = Columns("profile", ProfileRow, "profile_id bigint", fixed=("created_at", "canonical_id"))
_RECORD_COLUMNS = """
SELECT r.id_space, r.customer_id, r.record_id, r.profile_id, r.created_at, r.active, r.guest,
       o.type, o.value, o.first_seen, o.last_seen, o.verified, o.blocked, o.retired, o.source,
"""
_SEEN = f"LEFT JOIN observation AS o ON o.record_id = r.record_id {OF_KEY}"
_RECORDS = f"""{_RECORD_COLUMNS} {OWNERSHIP}, NULL FROM keys(id_space text, customer_id text) AS k
CROSS JOIN record AS r ON r.id_space = k.id_space AND r.customer_id = k.customer_id {_SEEN}"""
_PROFILE_RECORDS = f"""{_RECORD_COLUMNS} {KEY} FROM keys(profile_id bigint) AS k
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
_PROFILE_WINDOWS = f"""SELECT {WINDOW.select("d")} FROM keys(profile_id bigint) AS k
CROSS JOIN dedup AS d ON d.profile_id = k.profile_id"""
_HOMES = """SELECT r.record_id, r.profile_id FROM keys(record_id bigint) AS k
CROSS JOIN record AS r ON r.record_id = k.record_id"""
_CANONICAL_IDS = """SELECT p.canonical_id, p.profile_id FROM keys(canonical_id text) AS k
CROSS JOIN profile AS p ON p.canonical_id = k.canonical_id"""

_NEW_RECORD = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)"
_RECORD = "UPDATE record SET profile_id = ?, active = ?, guest = ? WHERE id_space = ? AND customer_id = ?"
_OBSERVATION = """
INSERT INTO observation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record_id, type, value) DO UPDATE SET
last_seen = excluded.last_seen, verified = excluded.verified, blocked = excluded.blocked, retired = excluded.retired,
owner_id = excluded.owner_id
"""
_LAST_SEEN = """
UPDATE observation SET last_seen = k.last_seen FROM keys(record_id bigint, type text, value text, last_seen bigint) AS k
WHERE observation.record_id = k.record_id AND observation.type = k.type AND observation.value = k.value
"""
_NO_OBSERVATION = "DELETE FROM observation WHERE record_id = ? AND type = ? AND value = ?"
_OWNED = "UPDATE observation SET owner_id = ? WHERE type = ? AND value = ?"
_STATE = """
INSERT INTO identifier_state VALUES (?, ?, ?, ?, ?) ON CONFLICT (type, value) DO UPDATE SET
state = excluded.state, owner_id = excluded.owner_id, holders = excluded.holders
"""
_REDIRECT = """
UPDATE profile SET redirect_to = k.survivor_id FROM keys(absorbed_id bigint, survivor_id bigint) AS k
WHERE redirect_to = k.absorbed_id
"""


# ---- loading ----


def _load_records(ws: WorkingSet, places: list[RecordKey]) -> Loading:
    ws.records.held.update(dict.fromkeys(places))
    [rows] = yield [Query(_RECORDS, places, packed=True)]
    _add_records(ws, rows)


def _add_records(ws: WorkingSet, rows: Rows) -> list[CustomerRecord]:
    """Records from rows of one observation each. What the working set already holds does not change."""
    keys, ownerships, records, by_record_id = ws.keys.held, ws.ownerships, ws.records.held, ws.by_record_id
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
            records[id_space, customer_id] = record
            found.append(record)
        if kind is None:
            continue
        identifier = Identifier(kind, value)
        if observations is not None:
            observations[identifier] = Observation(
                identifier, first_seen, last_seen, bool(verified), bool(blocked), bool(retired), source
            )
        if holders is None:
            ownerships[identifier] = Ownership(state, owner)
        elif identifier not in keys:
            keys[identifier] = Key(identifier, state, owner, holders)
    return found


def _load_keys(ws: WorkingSet, missing: list[Identifier]) -> Loading:
    keys = ws.keys.held
    for identifier in missing:
        keys[identifier] = Key(identifier)
    [stated] = yield [Query(_STATES, missing)]
    for kind, value, state, owner, holders in stated:
        identifier = Identifier(kind, value)
        keys[identifier] = Key(identifier, state, owner, holders or 0)
    few = [identifier for identifier in missing if not keys[identifier].holders]
    [rows] = yield [Query(_FEW_HOLDERS, few, packed=True)]
    for kind, value, owner in rows:
        key = keys[Identifier(kind, value)]
        key.owner = owner
        key.holders += 1


def _load_holders(ws: WorkingSet, wanted: list[Identifier]) -> Loading:
    """Which profiles hold a key, and how many of its holders were last seen too long ago to count."""
    since = ws.holders.since
    for identifier in wanted:
        ws.holders.put(identifier, since[identifier])
    [rows] = yield [Query(_HOLDERS, wanted)]
    profiles: dict[Identifier, set[int]] = {}
    for kind, value, profile_id, last_seen in rows:
        identifier = Identifier(kind, value)
        profiles.setdefault(identifier, set()).add(profile_id)
        ws.keys[identifier].aged += last_seen < since[identifier]
    for identifier, found in profiles.items():
        ws.keys[identifier].profiles = tuple(sorted(found))


def _load_profiles(ws: WorkingSet, profile_ids: list[int]) -> Loading:
    rows, records, windows, balances, pins, reviews = yield [
        Query(PROFILE.by_key, profile_ids),
        Query(_PROFILE_RECORDS, profile_ids, packed=True),
        Query(_PROFILE_WINDOWS, profile_ids),
        Query(BALANCES, profile_ids),
        Query(PINS, profile_ids),
        Query(REVIEWS, profile_ids),
    ]
    profiles = ws.profiles.held
    for row in map(PROFILE.read, rows):
        ws.profile_rows[row.profile_id] = row
        profiles[row.profile_id] = Profile(row.profile_id, row.created_at, row.changes or 0, row.redirect_to)
        ws.balances.put(row.profile_id, 0)
    for record in _add_records(ws, records):
        if record.profile_id in profiles:
            profiles[record.profile_id].records[record.record_id] = record
    for profile_id, *_ in rows:
        profile, row = profiles[profile_id], ws.profile_rows[profile_id]
        profile.version += len(profile.records)
        if profile.records and not row.named_after:  # made by a gateway of an earlier version
            row.named_after = min(profile.records)
    for profile_id, campaign_id, *window in windows:
        if (profile_id, campaign_id) not in ws.windows:
            ws.windows.put((profile_id, campaign_id), WINDOW.read(window))
    for profile_id, points in balances:
        ws.balances.put(profile_id, points)
    add_pins(ws, pins)
    add_reviews(ws, reviews)
    ws.profiles.absent.update(one for one in profile_ids if one not in profiles)


def _load_redirects(ws: WorkingSet, profile_ids: list[int]) -> Loading:
    for profile_id in profile_ids:
        ws.redirects.put(profile_id, None)
    [rows] = yield [Query(PROFILE.by_key, profile_ids)]
    for row in map(PROFILE.read, rows):
        ws.redirects.put(row.profile_id, row.profile_id if row.redirect_to is None else row.redirect_to)


def _load_homes(ws: WorkingSet, record_ids: list[int]) -> Loading:
    for record_id in record_ids:
        ws.homes.put(record_id, None)
    [rows] = yield [Query(_HOMES, record_ids)]
    for record_id, profile_id in rows:
        ws.homes.put(record_id, profile_id)


def _load_canonical_ids(ws: WorkingSet, wanted: list[str]) -> Loading:
    for text in wanted:
        ws.canonical_ids.put(text, None)
    [rows] = yield [Query(_CANONICAL_IDS, wanted)]
    for canonical_id, profile_id in rows:
        ws.canonical_ids.put(canonical_id, profile_id)


# ---- saving ----


def record_row(record: CustomerRecord) -> tuple[Any, ...]:
    """As it is stored, so that its digest needs no conversion."""
    r = record
    return (r.id_space, r.customer_id, r.record_id, r.profile_id, r.created_at, int(r.active), int(r.guest))


def _save_records(ws: WorkingSet, records: Written[RecordKey, CustomerRecord]) -> Iterator[Write]:
    if records.added:
        yield Write(_NEW_RECORD, [record_row(record) for record in records.added.values()])
    if records.changed:
        rows = [(r.profile_id, r.active, r.guest, *place) for place, r in records.changed.items()]
        yield Write(_RECORD, rows)


def _save_observations(
    ws: WorkingSet, observations: Written[tuple[int, Identifier], Observation]
) -> Iterator[Write]:
    """Sorted like the tree that finds a key's holders, so that a large batch touches each page of it once."""
    if observations.dropped:
        yield Write(_NO_OBSERVATION, [(record_id, *what) for record_id, what in observations.dropped])
    if observations.changed:
        keys = ws.keys.held
        rows = [
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
            for (record_id, identifier), o in sorted(observations.changed.items(), key=_by_identifier)
        ]
        yield Write(_OBSERVATION, rows)


def _save_last_seen(ws: WorkingSet, seen: Written[tuple[int, Identifier], Observation]) -> Iterator[Write]:
    """An index with the owner would be written too if the statement named the owner, even to the same one."""
    yield Write(
        _LAST_SEEN, sorted((record_id, *what, o.last_seen) for (record_id, what), o in seen.changed.items())
    )


def _by_identifier(entry: tuple[tuple[int, Identifier], Any]) -> Identifier:
    return entry[0][1]


def _save_owned(ws: WorkingSet, owned: Written[Identifier, Key]) -> Iterator[Write]:
    """For keys with other observations than those written here."""
    named = Counter(identifier for _, identifier in ws.observations.changed)
    keys = ws.keys.held
    behind = sorted(
        key.identifier for key in owned.changed.values() if named[key.identifier] < key.holders <= FEW_HOLDERS
    )
    if behind:
        yield Write(_OWNED, [(keys[identifier].owner, *identifier) for identifier in behind])


def _save_states(ws: WorkingSet, states: Written[Identifier, Key]) -> Iterator[Write]:
    """If a key has many holders, the owner in their observations may be old, so the key's own row counts."""
    keys = [key for _, key in sorted(states.changed.items())]
    crowded = [(*k.identifier, k.state, k.owner, k.holders) for k in keys if k.holders > FEW_HOLDERS]
    others = [k for k in keys if k.holders <= FEW_HOLDERS]
    unusual = [(*k.identifier, k.state, None, None) for k in others if k.state != "normal" and k.holders > 0]
    if crowded or unusual:
        yield Write(_STATE, crowded + unusual)
    usual = [tuple(k.identifier) for k in others if k.state == "normal" or k.holders <= 0]
    if usual:
        yield Write("DELETE FROM identifier_state WHERE type = ? AND value = ?", usual)
    gone = [tuple(k.identifier) for k in others if k.holders <= 0]
    if gone:
        yield Write(FORGOTTEN, gone)


def _save_profiles(ws: WorkingSet, profiles: Written[int, StoredProfile]) -> Iterator[Write]:
    if profiles.dropped:
        yield Write("DELETE FROM profile WHERE profile_id = ?", [(one,) for one in profiles.dropped])
    ws.written_profiles = list(_changed_rows(profiles.changed))
    if ws.written_profiles:
        yield Write(PROFILE.upsert, [PROFILE.row(row) for row in ws.written_profiles])


def _changed_rows(profiles: dict[int, StoredProfile]) -> Iterator[ProfileRow]:
    """Updates what is known as stored, because a later step of the batch compares with it."""
    for row, profile in profiles.values():
        counted = profile.version - len(profile.records)
        if (row.changes, row.redirect_to) != (counted, profile.redirect_to):
            row.changes, row.redirect_to = counted, profile.redirect_to
            yield row


def _save_absorbed(ws: WorkingSet, absorbed: Written[int, tuple[int, int]]) -> Iterator[Write]:
    """The last target of redirects, if one merge of the batch follows another."""
    ends: dict[int, int] = {}
    for loser, winner in absorbed.added.values():
        for source, end in ends.items():
            if end == loser:
                ends[source] = winner
        ends.setdefault(loser, winner)
    yield Write(_REDIRECT, list(ends.items()))


TABLES = (
    Table("records", _load_records, _save_records),
    Table("keys", _load_keys),
    Table("holders", _load_holders),
    Table("profiles", _load_profiles),
    Table("observations", None, _save_observations),
    Table("last_seen", None, _save_last_seen),
    Table("owned", None, _save_owned),
    Table("states", None, _save_states),
    Table("stored_profiles", None, _save_profiles),
    Table("absorbed", None, _save_absorbed),
    Table("redirects", _load_redirects),
    Table("homes", _load_homes),
    Table("canonical_ids", _load_canonical_ids),
)
