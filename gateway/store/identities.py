"""Reads of identities for forwarded calls: which customer a call is about if it says nothing new, and the way back from the
upstream's customer ids. Always the newest committed state."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.model import SEEN_PRECISION, CustomerRecord, Identified, Resolution
from gateway.store import Store
from gateway.store.tables.identity import OF_KEY, OWNER, OWNERSHIP
from rules.identifier import Evidence, Identifier
from rules.online.evidence import teaches_nothing
from rules.policy import Policy
from rules.record import Observation, Ownership

_RECORD = f"""
SELECT r.record_id, r.profile_id, r.created_at, r.guest, p.canonical_id,
       o.type, o.value, o.first_seen, o.last_seen, o.verified, o.blocked, o.retired, o.source,
       {OWNERSHIP}
FROM record r JOIN profile p ON p.profile_id = r.profile_id
LEFT JOIN observation AS o ON o.record_id = r.record_id {OF_KEY}
WHERE r.id_space = ? AND r.customer_id = ?
"""
_OWNER = f"""
SELECT DISTINCT p.profile_id, p.canonical_id
FROM observation AS o {OF_KEY} JOIN profile own ON own.profile_id = {OWNER}
JOIN profile p ON p.profile_id = COALESCE(own.redirect_to, own.profile_id)
WHERE o.type = ? AND o.value = ? AND COALESCE(s.state, 'normal') = 'normal'
"""
_NAMES_AT_ONCE = 500


class Lookup(NamedTuple):
    """What a call says about its customer. `guest` is None if it does not say that."""

    id_space: str
    customer_id: str
    evidence: tuple[Evidence, ...] = ()
    guest: bool | None = None
    claims: tuple[Identifier, ...] = ()


async def known(store: Store, policy: Policy, lookup: Lookup, now: int) -> Identified | None:
    """The answer that `Identify` would give without changing anything; None: `Identify` has to run.

    Once a day `Identify` notes that an identifier was seen again, so this returns None then.
    """
    id_space, customer_id, evidence, guest, claims = lookup
    rows = await store.fetch(_RECORD, (id_space, customer_id))
    if not rows:
        return None
    record_id, profile_id, created_at, is_guest, canonical_id = rows[0][:5]
    if guest is not None and guest != bool(is_guest):
        return None
    record = CustomerRecord(record_id, id_space, customer_id, profile_id, created_at)
    ownerships: dict[Identifier, Ownership] = {}
    for row in rows:
        _add_observation(record, ownerships, row[5:])
    if not teaches_nothing(ownerships.__getitem__, policy, record, evidence):
        return None
    if _to_be_seen_again(record, evidence, now):
        return None
    fresh = [one for one in claims if one not in record.observations]
    if fresh and not await _all_claimed(store, record_id, fresh):
        return None
    return Identified(Resolution(profile_id, record_id, "attached", "known"), canonical_id)


async def _all_claimed(store: Store, record_id: int, identifiers: Sequence[Identifier]) -> bool:
    rows = await store.fetch("SELECT type, value FROM claim WHERE record_id = ?", (record_id,))
    return {Identifier(*row) for row in rows}.issuperset(identifiers)


def _add_observation(
    record: CustomerRecord, ownerships: dict[Identifier, Ownership], row: Sequence[Any]
) -> None:
    kind, value, first_seen, last_seen, verified, blocked, retired, source, state, owner = row
    if kind is None:
        return
    identifier = Identifier(kind, value)
    record.observations[identifier] = Observation(
        identifier, first_seen, last_seen, bool(verified), bool(blocked), bool(retired), source
    )
    ownerships[identifier] = Ownership(state, owner)


def _to_be_seen_again(record: CustomerRecord, evidence: Sequence[Evidence], now: int) -> bool:
    seen = (record.observations.get(item.identifier) for item in evidence)
    return any(one is not None and abs(now - one.last_seen) > SEEN_PRECISION for one in seen)


async def holder_of(store: Store, canonical_id: str) -> int | None:
    """The live profile that the upstream's customer id leads to, also through an absorbed one."""
    rows = await store.fetch(
        "SELECT COALESCE(redirect_to, profile_id) FROM profile WHERE canonical_id = ?", (canonical_id,)
    )
    return rows[0][0] if rows else None


async def owner_of(store: Store, identifier: Identifier) -> tuple[int, str] | None:
    """The one live profile that the identifier leads to, with the upstream's id for it; None for no profile or several."""
    rows = await store.fetch(_OWNER, identifier)
    return (rows[0][0], rows[0][1]) if len(rows) == 1 else None


async def are_taken(store: Store, id_space: str, customer_ids: Sequence[str]) -> bool:
    """Whether one of these is a customer id of the id space."""
    for start in range(0, len(customer_ids), _NAMES_AT_ONCE):
        some = customer_ids[start : start + _NAMES_AT_ONCE]
        marks = ",".join("?" * len(some))
        sql = f"SELECT 1 FROM record WHERE id_space = ? AND customer_id IN ({marks}) LIMIT 1"
        if await store.fetch(sql, (id_space, *some)):
            return True
    return False


async def names_in(store: Store, id_space: str, canonical_ids: Sequence[str]) -> dict[str, str]:
    """The id space's own customer id for each of the upstream's. Those that it does not know are left out. If there are several,
    the one that is spelled the same, else the oldest."""
    names: dict[str, str] = {}
    for start in range(0, len(canonical_ids), _NAMES_AT_ONCE):
        some = canonical_ids[start : start + _NAMES_AT_ONCE]
        rows = await store.fetch(
            "SELECT p.canonical_id, r.customer_id FROM profile p"
            " JOIN record r ON r.profile_id = COALESCE(p.redirect_to, p.profile_id)"
            f" WHERE p.canonical_id IN ({','.join('?' * len(some))}) AND r.id_space = ? ORDER BY r.record_id",
            (*some, id_space),
        )
        for canonical_id, customer_id in rows:
            if canonical_id == customer_id or canonical_id not in names:
                names[canonical_id] = customer_id
    return names
