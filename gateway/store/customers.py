"""Reads of one customer as the platform's API shows it: the profile behind a channel's customer id, and the data of its records
together. Always the newest committed state; nothing here decides."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.model.tags import distinct
from gateway.store import Store
from rules.identifier import Identifier
from rules.survivor import AttributeValue

_OF_PROFILE = "record_id IN (SELECT record_id FROM record WHERE profile_id = ?)"
_OF_RECORD = "record_id = ?"
_NUMBER = "(entry_id / 2097152 * 2048 + entry_id % 2048)"
"""`gateway.ids.api_number` of an entry, in SQL."""
_decode = msgspec.json.Decoder().decode


class Customer(NamedTuple):
    """A live profile: active while none of its records was deactivated, a guest while all of them are. `id_spaces` are by record.
    With `alone`, only that record counts, with its claims."""

    profile_id: int
    active: bool
    guest: bool
    id_spaces: dict[int, str]
    alone: int | None = None

    @property
    def records(self) -> tuple[str, int]:
        """A condition on `record_id`, and its parameter."""
        return (_OF_PROFILE, self.profile_id) if self.alone is None else (_OF_RECORD, self.alone)


class Earned(NamedTuple):
    """Sums over the ledger entries of a profile's records."""

    points: int
    score: int
    gained: int
    """Points, without those that were taken back."""


class Entry(NamedTuple):
    """One ledger entry."""

    entry_id: int
    campaign_id: int
    points: int
    score: int
    coupon_code: str
    entered_at: int


async def find_customer(
    store: Store, id_space: str, customer_id: str, *, alone: bool = False
) -> Customer | None:
    """The profile that the record of this customer id is on today; with `alone`, only that record of it."""
    condition = "id_space = ? AND customer_id = ?"
    if not alone:
        condition = f"profile_id = (SELECT profile_id FROM record WHERE {condition})"
    rows = await store.fetch(
        f"SELECT profile_id, record_id, id_space, active, guest FROM record WHERE {condition}",
        (id_space, customer_id),
    )
    if not rows:
        return None
    return Customer(
        rows[0][0],
        all(row[3] for row in rows),
        all(row[4] for row in rows),
        {row[1]: row[2] for row in rows},
        rows[0][1] if alone else None,
    )


async def attributes_of(store: Store, customer: Customer) -> list[AttributeValue]:
    """All values of its records, the winning ones among them."""
    condition, number = customer.records
    rows = await store.fetch(f"SELECT name, value, record_id, at FROM attribute WHERE {condition}", (number,))
    return [
        AttributeValue(name, _decode(value), record_id, customer.id_spaces.get(record_id, ""), at)
        for name, value, record_id, at in rows
    ]


async def claimed_attributes_of(store: Store, customer: Customer) -> dict[str, Any]:
    """The claims of the one record that is looked at."""
    rows = await store.fetch(
        "SELECT name, value FROM claimed_attribute WHERE record_id = ?", (customer.alone,)
    )
    return {name: _decode(value) for name, value in rows}


async def tags_of(store: Store, customer: Customer) -> list[str]:
    """Each once, however its records spell it."""
    condition, number = customer.records
    rows = await store.fetch(f"SELECT DISTINCT tag FROM tag WHERE {condition} ORDER BY tag", (number,))
    return distinct(tag for (tag,) in rows)


async def identifiers_of(store: Store, customer: Customer) -> list[Identifier]:
    """Identifiers that still count for the profile, verified before unverified, newest first."""
    condition, number = customer.records
    rows = await store.fetch(
        f"SELECT type, value FROM observation WHERE {condition} AND blocked = 0 AND retired = 0"
        " ORDER BY verified DESC, last_seen DESC, type, value",
        (number,),
    )
    return [Identifier(kind, value) for kind, value in rows]


async def earned_by(store: Store, customer: Customer) -> Earned:
    condition, number = customer.records
    rows = await store.fetch(
        "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT), CAST(COALESCE(SUM(score), 0) AS BIGINT),"
        " CAST(COALESCE(SUM(CASE WHEN points > 0 THEN points ELSE 0 END), 0) AS BIGINT)"
        f" FROM ledger WHERE {condition}",
        (number,),
    )
    return Earned(*rows[0])


async def grants_of(store: Store, customer: Customer) -> dict[int, list[int]]:
    """By campaign, when the granted achievements had been accepted (ms UTC)."""
    condition, number = customer.records
    grants: dict[int, list[int]] = {}
    rows = await store.fetch(
        "SELECT l.campaign_id, COALESCE(a.accepted_at, l.entered_at) FROM ledger AS l"
        " LEFT JOIN achievement AS a ON a.achievement_id = l.achievement_id"
        f" WHERE l.{condition} AND l.kind = 'reward'",
        (number,),
    )
    for campaign_id, accepted_at in rows:
        grants.setdefault(campaign_id, []).append(accepted_at)
    return grants


async def spent_on(store: Store) -> dict[int, int]:
    """The points that each campaign with a budget has given so far."""
    rows = await store.fetch("SELECT campaign_id, points FROM campaign_spend")
    return dict(rows)


async def entries_after(store: Store, customer: Customer, number: int, limit: int) -> Sequence[Entry]:
    """Entries whose API number is above `number`, lowest first."""
    condition, value = customer.records
    rows: Sequence[tuple[Any, ...]] = await store.fetch(
        "SELECT entry_id, campaign_id, points, score, coupon_code, entered_at FROM ledger"
        f" WHERE {condition} AND {_NUMBER} > ? ORDER BY {_NUMBER}, entry_id LIMIT ?",
        (value, number, limit),
    )
    return [Entry(*row) for row in rows]


async def count_entries(store: Store, customer: Customer) -> int:
    condition, number = customer.records
    rows = await store.fetch(f"SELECT COUNT(*) FROM ledger WHERE {condition}", (number,))
    return rows[0][0]
