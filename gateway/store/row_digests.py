"""Digests of stored rows. When such a row changes, the hash of the next audit event covers a digest of the row as it is then. So
the log proves what the ledger, the balances (its sums), the partition, the names of profiles, merges, questions, pins, splits,
keys, operators and rules are, and what jobs are to do. A coupon's code has a digest of its own, because an erasure removes the
code and leaves the entry. No digest covers where a profile redirects: it leads to the record that it is named after, and a digest
covers that record's place.

A digest is keyed, because the values are short: without the master secret it can be neither made nor guessed.
"""

import hmac
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import msgspec

from gateway.model import JOB_DIGESTED, LedgerEntry, MergeRow
from gateway.store.migrations import steps
from gateway.store.tables.accounts import OPERATOR
from gateway.store.tables.achievements import LEDGER
from gateway.store.tables.columns import Columns
from gateway.store.tables.identity import PROFILE, record_row
from gateway.store.tables.jobs import JOB
from gateway.store.tables.merges import MERGE
from gateway.store.tables.operators import ACTIVATION, CHANNEL_KEY, RULE_SET
from gateway.store.tables.pins import PIN, SIDE, SPLIT
from gateway.store.tables.reviews import REVIEW
from gateway.workingset import WorkingSet, Written

_DIGEST_BYTES = 8
_encode = msgspec.json.Encoder().encode
Row = Sequence[Any]


UNCOVERED = (
    "observations, attributes, tags, claims, achievements, dedup windows, kept answers, deliveries, imports, operators' own lists,"
    " browser sessions, suggestions and what operators wrote"
)
"""What no digest covers, as in `gateway audit verify --state` and docs/trust-model.md."""


@dataclass(frozen=True)
class DigestedRows:
    """Rows of one kind: the columns that a digest covers, the columns that name a row, the column with its time ("": none), and the
    columns of the primary key if they are others. `about` are columns with values that stand before the digest, as numbers or words
    without personal data. They show whether a row is rightly gone. `source` is the table, if it has another name, and its rows."""

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
        return " ".join([str(row[place]) for place in self._key_places])

    def about_of(self, row: Row) -> str:
        return " ".join([str(row[place]) for place in self._about_places])

    @cached_property
    def _key_places(self) -> list[int]:
        return [self.columns.index(name) for name in self.key]

    @cached_property
    def _about_places(self) -> list[int]:
        return [self.columns.index(name) for name in self.about]

    def made_at(self, row: Row) -> int:
        """In ms; 0 if the row does not say."""
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
_PIN_COLUMNS = ("record_a", "record_b", "kind", "actor", "reason", "created_at", "expires_at")
_SPLIT = ("split_id", "actor", "reason", "created_at", "expires_at")
_SIDE = ("record_id", "split_id", "side")
_CHANNEL_KEY = ("key_id", "channel", "api_hash", "secret_hash", "created_at", "created_by", "revoked_at")
_OPERATOR = (
    "name",
    "role",
    "token_hash",
    "created_at",
    "created_by",
    "previous_hash",
    "previous_until",
    "removed_at",
)
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
    "made",
    "pins",
    "merge_id",
)
_COUPON = ("record_id", "campaign_id", "achievement_id", "coupon_code")

TABLES = {
    "record": DigestedRows(_RECORD, ("record_id",), "created_at", ("id_space", "customer_id")),
    "profile": DigestedRows(_PROFILE, ("profile_id",), about=("named_after",)),
    "merge": DigestedRows(_MERGE, ("merge_id",)),
    "merge_undone": DigestedRows(
        ("merge_id", "undone_at"), ("merge_id",), source="merge WHERE undone_at IS NOT NULL"
    ),
    "review": DigestedRows(_REVIEW, ("review_id",), about=("state", "profile_a", "profile_b")),
    "ledger": DigestedRows(_LEDGER, ("record_id", "campaign_id", "achievement_id"), "entered_at"),
    "coupon": DigestedRows(_COUPON, _COUPON[:3], source="ledger WHERE coupon_code <> ''"),
    "campaign_spend": DigestedRows(("campaign_id", "points"), ("campaign_id",)),
    "pin": DigestedRows(_PIN_COLUMNS, ("record_a", "record_b"), "created_at"),
    "split": DigestedRows(_SPLIT, ("split_id",), "created_at"),
    "split_side": DigestedRows(_SIDE, ("record_id", "split_id")),
    "channel_key": DigestedRows(_CHANNEL_KEY, ("key_id",), "created_at"),
    "operator": DigestedRows(_OPERATOR, ("name",), "created_at"),
    "rule_set": DigestedRows(_RULE_SET, ("version",), "stored_at"),
    "rule_activation": DigestedRows(_ACTIVATION, ("activation_id",), "activated_at"),
    "job": DigestedRows(JOB_DIGESTED, ("job_id",), "created_at"),
}


def bound_by() -> dict[str, int]:
    """By table, the newest schema step that binds its rows. 0: none; the rows were always bound."""
    found = dict.fromkeys(TABLES, 0)
    for step in steps.all_migrations():
        found.update({table: number for number, table in step.binds})
    return found


def newest_binding() -> int:
    """The newest schema step that binds rows: this gateway's digests cover them up to that step."""
    return max(bound_by().values())


def rows_of(name: str, after: Row, limit: int) -> tuple[str, tuple[Any, ...]]:
    """The statement, and its parameters, that reads the next rows after a place in the order of `scan`."""
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


def logged_digest(name: str, key: bytes, row: Row) -> str:
    """The row's digest as the log has it, with the values of `about` before it."""
    shape, digest = TABLES[name], row_digest(key, row)
    return f"{shape.about_of(row)}.{digest}" if shape.about else digest


def row_digest(key: bytes, row: Row) -> str:
    """The digest of the values as they are stored: true is 1."""
    text = _encode(tuple(row))
    if b"true" in text or b"false" in text:  # as a value, or within one
        text = _encode([int(value) if isinstance(value, bool) else value for value in row])
    digest = _keyed(key).copy()
    digest.update(text)
    return digest.hexdigest()


@lru_cache(maxsize=2)
def _keyed(key: bytes) -> blake2b:
    """The state after the key, which is the same for each row."""
    return blake2b(key=key, digest_size=_DIGEST_BYTES)


def digests(ws: WorkingSet, changed: Collection[str], key: bytes) -> dict[str, dict[str, str]]:
    """By table and row, the digests of the rows that the batch wrote; "" for a row that it removed. `changed` are the collections
    that changed."""
    found: dict[str, dict[str, str]] = {}
    for collection, table, keys_of in GONE:
        if collection in changed and (keys := keys_of(ws.collections[collection])):
            found.setdefault(table, {}).update(dict.fromkeys(map(_shown, keys), ""))
    for collection, table, rows_of_ in KEPT:
        if collection in changed and (rows := rows_of_(ws.collections[collection])):
            shape = TABLES[table]
            found.setdefault(table, {}).update(
                {shape.key_of(row): logged_digest(table, key, row) for row in rows}
            )
    if "stored_profiles" in changed and ws.written_profiles:
        shape, rows = TABLES["profile"], _PROFILES(ws.written_profiles)
        found.setdefault("profile", {}).update(
            {shape.key_of(row): logged_digest("profile", key, row) for row in rows}
        )
    return found


def _chosen(table: str, columns: Columns[Any]) -> Callable[[Iterable[Any]], list[Row]]:
    """The columns of each entity that a digest covers, in its order, which must not change."""
    chosen = itemgetter(*(columns.all.index(name) for name in TABLES[table].columns))
    return lambda entities: [chosen(columns.row(one)) for one in entities]


def _left(written: Written[Any, Any]) -> list[Any]:
    return [*written.added.values(), *written.changed.values()]


def _undone(merges: Written[int, MergeRow]) -> list[Row]:
    return [(row.merge_id, row.undone_at) for row in _left(merges) if row.undone_at is not None]


def _coupons(entries: Written[int, LedgerEntry]) -> list[Row]:
    coded = [entry for entry in entries.added.values() if entry.coupon_code]
    return [(e.record_id, e.campaign_id, e.achievement_id, e.coupon_code) for e in coded]


_Rows = Callable[[Any], Collection[Row]]
_RULES = _chosen("rule_set", RULE_SET)
_ENTRIES = _chosen("ledger", LEDGER)
_MERGES, _REVIEWS = _chosen("merge", MERGE), _chosen("review", REVIEW)
_PROFILES = _chosen("profile", PROFILE)
_PINS, _KEYS = _chosen("pin", PIN), _chosen("channel_key", CHANNEL_KEY)
_SPLITS, _SIDES = _chosen("split", SPLIT), _chosen("split_side", SIDE)
_OPERATORS = _chosen("operator", OPERATOR)
_ACTIVATIONS = _chosen("rule_activation", ACTIVATION)
_JOBS = _chosen("job", JOB)

KEPT: tuple[tuple[str, str, _Rows], ...] = (
    ("records", "record", lambda records: [record_row(one) for one in _left(records)]),
    ("merges", "merge", lambda merges: _MERGES(merges.added.values())),
    ("merges", "merge_undone", _undone),
    ("all_pins", "pin", lambda pins: _PINS(_left(pins))),
    ("splits", "split", lambda splits: _SPLITS(_left(splits))),
    ("split_sides", "split_side", lambda sides: _SIDES(_left(sides))),
    ("review_items", "review", lambda reviews: _REVIEWS(_left(reviews))),
    ("ledger", "ledger", lambda entries: _ENTRIES(entries.added.values())),
    ("ledger", "coupon", _coupons),
    ("budgets", "campaign_spend", lambda budgets: budgets.changed.items()),
    ("channel_keys", "channel_key", lambda keys: _KEYS(_left(keys))),
    ("operators", "operator", lambda operators: _OPERATORS(_left(operators))),
    ("rule_sets", "rule_set", lambda rule_sets: _RULES(_left(rule_sets))),
    ("activations", "rule_activation", lambda activations: _ACTIVATIONS(_left(activations))),
    ("jobs", "job", lambda jobs: _JOBS(_left(jobs))),
)
"""The collections with covered rows, their table, and the rows of what was added or changed."""
GONE: tuple[tuple[str, str, _Rows], ...] = (
    ("all_pins", "pin", lambda pins: pins.dropped),
    ("splits", "split", lambda splits: [(split_id,) for split_id in splits.dropped]),
    ("split_sides", "split_side", lambda sides: sides.dropped),
    (
        "erased",
        "record",
        lambda erased: [(one,) for profile in erased.added.values() for one in profile.records],
    ),
    ("removed", "record", lambda removed: [(record_id,) for record_id in removed.added]),
    ("stored_profiles", "profile", lambda profiles: [(profile_id,) for profile_id in profiles.dropped]),
)
"""The collections that say which covered rows are gone, their table, and the keys of these rows."""


def _shown(key: Row) -> str:
    return " ".join(map(str, key))
