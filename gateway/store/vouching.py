"""Rows that the audit log vouches for: with each change of one, the next event's hash covers a digest of the row as it is from
then on. So the log says what the ledger, the balances (which are its sums), the partition, the pins, the keys and the rules are.
A coupon's code is not covered, for an erasure takes it away.

A digest is keyed, because what it stands for is short: without the master secret it cannot be made, nor tried out.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from gateway.workingset import Changes

_DIGEST_BYTES = 8
_encode = msgspec.json.Encoder().encode
Row = Sequence[Any]


class Vouched(NamedTuple):
    """A table: the columns that a digest covers, those that name a row, the one that says when it was made ("": none does), and
    those of the primary key where they are others."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    made: str
    by: tuple[str, ...] = ()

    @property
    def scan(self) -> tuple[str, ...]:
        return self.by or self.key

    def key_of(self, row: Row) -> str:
        return " ".join(str(row[self.columns.index(name)]) for name in self.key)

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

TABLES = {
    "record": Vouched(_RECORD, ("record_id",), "created_at", ("id_space", "customer_id")),
    "ledger": Vouched(_LEDGER, ("record_id", "campaign_id", "achievement_id"), "entered_at"),
    "campaign_spend": Vouched(("campaign_id", "points"), ("campaign_id",), ""),
    "pin": Vouched(_PIN, ("record_a", "record_b"), "created_at"),
    "channel_key": Vouched(_CHANNEL_KEY, ("key_id",), "created_at"),
    "rule_set": Vouched(_RULE_SET, ("version",), "stored_at"),
    "rule_activation": Vouched(_ACTIVATION, ("activation_id",), "activated_at"),
}


def row_key(checkpoint_key: bytes) -> bytes:
    """The key of the digests."""
    return hmac.digest(checkpoint_key, b"rows", "sha256")


def row_digest(key: bytes, row: Row) -> str:
    """Of the values as they are stored: what is true is 1."""
    stored = [int(value) if isinstance(value, bool) else value for value in row]
    return blake2b(_encode(stored), key=key, digest_size=_DIGEST_BYTES).hexdigest()


def digests(changes: Changes, key: bytes) -> dict[str, dict[str, str]]:
    """By table and row, the digests of what the batch leaves behind; "" for a row that it took away."""
    found: dict[str, dict[str, str]] = {}
    for table, rows in _gone(changes):
        found.setdefault(table, {}).update({_shown(row): "" for row in rows})
    for table, rows in _kept(changes):
        shape = TABLES[table]
        found.setdefault(table, {}).update({shape.key_of(row): row_digest(key, row) for row in rows})
    return found


def _gone(changes: Changes) -> Iterator[tuple[str, Iterable[Row]]]:
    if changes.dropped_pins:
        yield "pin", changes.dropped_pins
    if changes.erased:
        yield "record", [(record_id,) for profile in changes.erased for record_id in profile.records]
    if changes.removed:
        yield "record", [(record.record_id,) for record in changes.removed]


def _kept(changes: Changes) -> Iterator[tuple[str, Iterable[Row]]]:
    if changes.new_records or changes.records:
        records = (*changes.new_records, *changes.records.values())
        yield (
            "record",
            [
                (r.id_space, r.customer_id, r.record_id, r.profile_id, r.created_at, r.active, r.guest)
                for r in records
            ],
        )
    if changes.ledger:
        yield (
            "ledger",
            [
                (
                    e.record_id,
                    e.campaign_id,
                    e.entry_id,
                    e.kind,
                    e.achievement_id,
                    e.points,
                    e.score,
                    e.entered_at,
                )
                for e in changes.ledger
            ],
        )
    if changes.spends:
        yield "campaign_spend", list(changes.spends.items())
    if changes.pins:
        yield (
            "pin",
            [
                (p.record_a, p.record_b, p.kind, p.actor, p.reason, p.created_at, p.until)
                for p in changes.pins.values()
            ],
        )
    if changes.channel_keys:
        yield "channel_key", [msgspec.structs.astuple(one) for one in changes.channel_keys.values()]
    if changes.rule_sets:
        yield "rule_set", [msgspec.structs.astuple(one) for one in changes.rule_sets]
    if changes.activations:
        yield "rule_activation", changes.activations


def _shown(key: Row) -> str:
    return " ".join(map(str, key))
