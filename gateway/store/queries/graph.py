"""What joins the records of a profile: the keys that they hold."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.store import Store
from gateway.store.queries.profiles import placeholders
from gateway.store.tables.identity import KEY, OF_KEY
from rules.identifier import Identifier


class HeldKey(NamedTuple):
    """A key with its state, the profile that owns it, and the number of records that hold it anywhere. `blocked`: its holders
    stated it as a blocked value."""

    identifier: Identifier
    state: str
    owner: int | None
    holders: int
    blocked: bool


async def keys(store: Store, records: Sequence[int]) -> list[HeldKey]:
    """Of these records, by type and value."""
    rows = await store.fetch(
        f"SELECT o.type, o.value, {KEY}, o.blocked FROM observation AS o {OF_KEY}"
        f" WHERE o.record_id IN ({placeholders(records)}) ORDER BY o.type, o.value, o.record_id",
        records,
    )
    found: dict[Identifier, HeldKey] = {}
    for kind, value, state, owner, holders, blocked in rows:
        identifier = Identifier(kind, value)
        known = found.get(identifier)
        is_blocked = bool(blocked) and (known is None or known.blocked)
        found[identifier] = HeldKey(identifier, state, owner, holders, is_blocked)
    return list(found.values())
