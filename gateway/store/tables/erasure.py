"""What an erasure removes besides the rows of the batch: everything that identifies the person, in every table."""

from collections.abc import Iterable, Iterator

import msgspec

from gateway.model import CustomerRecord, Erasure
from gateway.store.statement import Write
from gateway.workingset import WorkingSet
from rules.record import Profile

_encode = msgspec.json.Encoder().encode
COLLECTIONS = frozenset(("erased", "removed", "erasures"))
"""The collections in which a batch lists what it removes as a whole."""
_ERASURE = "INSERT INTO erasure VALUES (?, ?, ?, ?) ON CONFLICT (erasure_id) DO NOTHING"
_NO_RECORD = "DELETE FROM record WHERE id_space = ? AND customer_id = ? AND record_id = ?"
_FORGOTTEN = """
UPDATE delivery SET payload = '' WHERE delivery_id IN (
SELECT d.delivery_id FROM keys(profile_id bigint) AS k
CROSS JOIN profile AS p ON p.profile_id = k.profile_id OR p.redirect_to = k.profile_id
CROSS JOIN delivery AS d ON d.about = p.profile_id AND d.finished_at IS NULL AND d.kind = 'platform')
"""
"""Events of the platform about an erased person that are not passed on yet."""
_ACHIEVEMENTS_OF = """
SELECT l.row_id AS achievement_id FROM keys(name text, record_id bigint) AS k
CROSS JOIN lookup AS l ON l.field = 'achievement.record' AND l.value = k.name
UNION ALL SELECT a.achievement_id FROM keys(name text, record_id bigint) AS k
CROSS JOIN achievement AS a ON a.record_id = k.record_id AND a.achievement_id >
COALESCE((SELECT p.row_id FROM lookup_progress AS p WHERE p.source = 'achievement'), 0)
"""
_FORGOTTEN_ANSWERS = f"""
DELETE FROM idempotency WHERE (channel, route, key) IN (
SELECT i.channel, i.route, i.key FROM ({_ACHIEVEMENTS_OF}) AS e
CROSS JOIN answer_of AS n ON n.achievement_id = e.achievement_id
CROSS JOIN idempotency AS i ON i.channel = n.channel AND i.route = n.route AND i.key = n.key
AND i.expires_at = n.expires_at)
"""
_FORGOTTEN_ANSWERS_OF = f"DELETE FROM answer_of WHERE achievement_id IN ({_ACHIEVEMENTS_OF})"
_FORGOTTEN_REFUSALS = f"""
UPDATE delivery SET answer = '' WHERE delivery_id IN (
SELECT d.delivery_id FROM ({_ACHIEVEMENTS_OF}) AS e
CROSS JOIN delivery AS d ON d.subject = e.achievement_id AND d.answer <> '' AND d.target = 'upstream')
"""
"""The upstream's answers to refused reports."""
_FORGOTTEN_WORDS = """
DELETE FROM audit_words WHERE event_id IN (
SELECT w.event_id FROM keys(record_id bigint) AS k CROSS JOIN audit_words_of AS w ON w.record_id = k.record_id)
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
    "suggestion WHERE record_a",
    "suggestion WHERE record_b",
    "split_side WHERE record_id",
    "import_change WHERE record_id",
)
_OF_PROFILE = (
    "dedup WHERE profile_id",
    "review WHERE profile_a",
    "review WHERE profile_b",
    "profile WHERE profile_id",
    "profile WHERE redirect_to",
)


def before(ws: WorkingSet) -> Iterator[Write]:
    """Runs before anything is inserted: the same customer may be created again in this batch."""
    if erased := ws.erased.added:
        records = [record for profile in erased.values() for record in profile.records.values()]
        yield Write(_NO_RECORD, [(r.id_space, r.customer_id, r.record_id) for r in records])
        yield Write(_FORGOTTEN, [(profile_id,) for profile_id in erased])
    if removed := ws.removed.added:
        yield from _remove(removed.values())


def _remove(records: Iterable[CustomerRecord]) -> Iterator[Write]:
    own = [(record.record_id,) for record in records]
    yield Write(_FORGOTTEN_WORDS, own)
    yield Write(_NO_RECORD, [(r.id_space, r.customer_id, r.record_id) for r in records])
    for place in _OF_RECORD:
        yield Write(f"DELETE FROM {place} = ?", own)


def after(ws: WorkingSet) -> Iterator[Write]:
    """Runs after everything else, so that nothing stays that the batch changed on the profiles."""
    if ws.erased.added:
        yield from _erase(list(ws.erased.added.values()), ws)
    if ws.erasures.added:
        yield Write(_ERASURE, [_row(erasure) for erasure in ws.erasures.added.values()])


def _row(erasure: Erasure) -> tuple[int, int, str, int]:
    return erasure.erasure_id, erasure.profile_id, _encode(erasure.records).decode(), erasure.at


def _erase(profiles: list[Profile], ws: WorkingSet) -> Iterator[Write]:
    records = [(record_id,) for profile in profiles for record_id in profile.records]
    own = [(profile.profile_id,) for profile in profiles]
    named = [(f"{record_id:016x}", record_id) for (record_id,) in records]
    for forgotten in (_FORGOTTEN_ANSWERS, _FORGOTTEN_ANSWERS_OF, _FORGOTTEN_REFUSALS):
        yield Write(forgotten, named)
    yield Write(_FORGOTTEN_COUPONS, records)
    yield Write(_FORGOTTEN_WORDS, records)
    for place in _OF_RECORD:
        yield Write(f"DELETE FROM {place} = ?", records)
    for place in _OF_PROFILE:
        yield Write(f"DELETE FROM {place} = ?", own)
