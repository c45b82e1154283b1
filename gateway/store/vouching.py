"""Rows that the audit log vouches for: with each change of one, the next event's hash covers a digest of the row as it is from
then on. So the log says what the ledger, the balances (which are its sums), the partition, the names of profiles, merges,
questions, pins, keys and rules are. A coupon's code has a digest of its own, for an erasure takes it and leaves the entry. Where
a profile redirects is not in a digest: it leads to the record that it is named after, and that one's place is in one.

A digest is keyed, because what it stands for is short: without the master secret it cannot be made, nor tried out.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from gateway.model import LedgerEntry, MergeRow, ProfileRow, ReviewItem
from gateway.store import migrations
from gateway.workingset import Changes

_DIGEST_BYTES = 8
_encode = msgspec.json.Encoder().encode
Row = Sequence[Any]


UNCOVERED = (
    "observations, attributes, tags, claims, achievements, dedup windows, kept answers, deliveries, imports, operators' own lists"
    " and what operators wrote"
)
"""What no digest covers, said by `gateway audit verify --state` and docs/trust-model.md."""


class Vouched(NamedTuple):
    """Rows of one kind: the columns that a digest covers, those that name a row, the one that says when it was made ("": none
    does), and those of the primary key where they are others. `about` are columns whose values stand before the digest, as
    numbers or words that say nothing of anybody: by them it is known when a row is rightly gone. `source` is the table, where that
    has another name, and which rows of it."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    made: str = ""
    by: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    source: str = ""

    @property
    def scan(self) -> tuple[str, ...]:
        return self.by or self.key

    def key_of(self, row: Row) -> str:
        return " ".join(str(row[self.columns.index(name)]) for name in self.key)

    def about_of(self, row: Row) -> str:
        return " ".join(str(row[self.columns.index(name)]) for name in self.about)

    def made_at(self, row: Row) -> int:
        """In ms; 0 where the row does not say it."""
        return row[self.columns.index(self.made)] if self.made else 0


_RECORD = ("id_space", "customer_id", "record_id", "profile_id", "created_at", "active", "guest")
_LEDGER = (
    "record_id",
    "campaign_id",
    "entry_id",
    "kind",
    "achievement_id",
    "points",
    "score",
    "entered_at",
)
_PIN = ("record_a", "record_b", "kind", "actor", "reason", "created_at", "expires_at")
_CHANNEL_KEY = ("key_id", "channel", "api_hash", "secret_hash", "created_at", "created_by", "revoked_at")
_RULE_SET = ("version", "sha256", "text", "author", "stored_at")
_ACTIVATION = ("activation_id", "version", "actor", "activated_at")

_PROFILE = ("profile_id", "created_at", "canonical_id", "named_after")
_MERGE = (
    "merge_id",
    "survivor_id",
    "absorbed_id",
    "survivor_records",
    "absorbed_records",
    "rule",
    "rule_set",
    "actor",
    "request_id",
    "merged_at",
)
_REVIEW = (
    "review_id",
    "profile_a",
    "profile_b",
    "state",
    "reason",
    "rule",
    "types",
    "opened_at",
    "closed_at",
    "closed_by",
    "records",
    "evidence",
)
_COUPON = ("record_id", "campaign_id", "achievement_id", "coupon_code")

TABLES = {
    "record": Vouched(_RECORD, ("record_id",), "created_at", ("id_space", "customer_id")),
    "profile": Vouched(_PROFILE, ("profile_id",), about=("named_after",)),
    "merge": Vouched(_MERGE, ("merge_id",)),
    "merge_undone": Vouched(
        ("merge_id", "undone_at"), ("merge_id",), source="merge WHERE undone_at IS NOT NULL"
    ),
    "review": Vouched(_REVIEW, ("review_id",), about=("state", "profile_a", "profile_b")),
    "ledger": Vouched(_LEDGER, ("record_id", "campaign_id", "achievement_id"), "entered_at"),
    "coupon": Vouched(_COUPON, _COUPON[:3], source="ledger WHERE coupon_code <> ''"),
    "campaign_spend": Vouched(("campaign_id", "points"), ("campaign_id",)),
    "pin": Vouched(_PIN, ("record_a", "record_b"), "created_at"),
    "channel_key": Vouched(_CHANNEL_KEY, ("key_id",), "created_at"),
    "rule_set": Vouched(_RULE_SET, ("version",), "stored_at"),
    "rule_activation": Vouched(_ACTIVATION, ("activation_id",), "activated_at"),
}


def bound_by() -> dict[str, int]:
    """By table, the newest schema step that binds its rows; 0: none, they are bound since rows are at all."""
    found = dict.fromkeys(TABLES, 0)
    for step in migrations.all_migrations():
        found.update(dict.fromkeys(step.binds, step.version))
    return found


def newest_binding() -> int:
    """The schema step up to which this gateway has rows vouched for."""
    return max(bound_by().values())


def rows_of(name: str, after: Row, limit: int) -> tuple[str, tuple[Any, ...]]:
    """The statement, and its parameters, that reads the next rows behind a place in the order of `scan`."""
    shape = TABLES[name]
    names, order = ", ".join(shape.columns), ", ".join(shape.scan)
    where = f"({order}) > ({', '.join('?' * len(after))})" if after else ""
    table, _, which = (shape.source or name).partition(" WHERE ")
    conditions = " AND ".join(filter(None, (which, where))) or "1 = 1"
    sql = f"SELECT {names} FROM {table} WHERE {conditions} ORDER BY {order} LIMIT ?"
    return sql, (*after, limit)


def row_key(checkpoint_key: bytes) -> bytes:
    """The key of the digests."""
    return hmac.digest(checkpoint_key, b"rows", "sha256")


def vouched(name: str, key: bytes, row: Row) -> str:
    """What the log says of a row."""
    about = TABLES[name].about_of(row)
    return f"{about}.{row_digest(key, row)}" if about else row_digest(key, row)


def row_digest(key: bytes, row: Row) -> str:
    """Of the values as they are stored: what is true is 1."""
    stored = [int(value) if isinstance(value, bool) else value for value in row]
    return blake2b(_encode(stored), key=key, digest_size=_DIGEST_BYTES).hexdigest()


def digests(changes: Changes, profiles: Sequence[ProfileRow], key: bytes) -> dict[str, dict[str, str]]:
    """By table and row, the digests of what the batch leaves behind, of profiles those that it wrote; "" for a row that it took
    away."""
    found: dict[str, dict[str, str]] = {}
    for table, rows in _gone(changes):
        found.setdefault(table, {}).update({_shown(row): "" for row in rows})
    for table, rows in chain(_identity(changes, profiles), _loyalty(changes), _operations(changes)):
        shape = TABLES[table]
        found.setdefault(table, {}).update({shape.key_of(row): vouched(table, key, row) for row in rows})
    return found


def _gone(changes: Changes) -> Iterator[tuple[str, Iterable[Row]]]:
    if changes.dropped_pins:
        yield "pin", changes.dropped_pins
    if changes.erased:
        yield "record", [(record_id,) for profile in changes.erased for record_id in profile.records]
    if changes.removed:
        yield "record", [(record.record_id,) for record in changes.removed]
    if changes.freed:
        yield "profile", [(profile_id,) for profile_id in changes.freed]


def _identity(changes: Changes, profiles: Sequence[ProfileRow]) -> Iterator[tuple[str, Iterable[Row]]]:
    if changes.new_records or changes.records:
        records = (*changes.new_records, *changes.records.values())
        yield (
            "record",
            [
                (r.id_space, r.customer_id, r.record_id, r.profile_id, r.created_at, r.active, r.guest)
                for r in records
            ],
        )
    if profiles:
        yield "profile", [(p.profile_id, p.created_at, p.canonical_id, p.named_after) for p in profiles]
    if changes.merges:
        yield "merge", map(_merge, changes.merges)
    if changes.undone:
        yield "merge_undone", [(merge_id, changes.at) for merge_id in changes.undone]
    if changes.pins:
        yield (
            "pin",
            [
                (p.record_a, p.record_b, p.kind, p.actor, p.reason, p.created_at, p.until)
                for p in changes.pins.values()
            ],
        )
    if changes.reviews:
        yield "review", map(_review, changes.reviews.values())


def _merge(m: MergeRow) -> Row:
    survivors, absorbed = _encode(m.survivor_records).decode(), _encode(m.absorbed_records).decode()
    ids = (m.merge_id, m.survivor_id, m.absorbed_id)
    return (*ids, survivors, absorbed, m.rule, m.rule_set, m.actor, m.request_id, m.merged_at)


def _review(v: ReviewItem) -> Row:
    types, records, evidence = (
        _encode(values).decode() for values in (v.types, v.records, sorted(v.evidence))
    )
    head = (v.review_id, v.profile_a, v.profile_b, v.state, v.reason, v.rule, types)
    return (*head, v.opened_at, v.closed_at, v.closed_by, records, evidence)


def _loyalty(changes: Changes) -> Iterator[tuple[str, Iterable[Row]]]:
    if changes.ledger:
        yield "ledger", map(_entry, changes.ledger)
        coded = [entry for entry in changes.ledger if entry.coupon_code]
        if coded:
            yield "coupon", [(e.record_id, e.campaign_id, e.achievement_id, e.coupon_code) for e in coded]
    if changes.spends:
        yield "campaign_spend", list(changes.spends.items())


def _entry(e: LedgerEntry) -> Row:
    earned = (e.achievement_id, e.points, e.score, e.entered_at)
    return (e.record_id, e.campaign_id, e.entry_id, e.kind, *earned)


def _operations(changes: Changes) -> Iterator[tuple[str, Iterable[Row]]]:
    if changes.channel_keys:
        yield "channel_key", [msgspec.structs.astuple(one) for one in changes.channel_keys.values()]
    if changes.rule_sets:
        yield "rule_set", [msgspec.structs.astuple(one) for one in changes.rule_sets]
    if changes.activations:
        yield "rule_activation", changes.activations


def _shown(key: Row) -> str:
    return " ".join(map(str, key))
