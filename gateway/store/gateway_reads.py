"""Reads that the running gateway makes for itself: rules, keys, and the state in which it stopped."""

from functools import partial
from typing import NamedTuple

from gateway.audit.checkpoint import Checkpoint, is_signed
from gateway.ids import moment
from gateway.model import ChannelKey, OperatorSession, StoredOperator, StoredRuleSet
from gateway.store import Store
from gateway.store.statement import Write
from gateway.store.tables.accounts import SESSION

_NEWEST = 10
_SHARED = """
SELECT 'operator', name, role, token_hash, created_at, created_by, previous_hash, previous_until, removed_at FROM operator
UNION ALL
SELECT 'key', key_id, channel, api_hash, created_at, created_by, secret_hash, revoked_at, NULL FROM channel_key
UNION ALL
SELECT 'list', name, value, NULL, NULL, NULL, NULL, NULL, NULL FROM own_list
UNION ALL
SELECT 'rules', version, sha256, NULL, NULL, NULL, NULL, NULL, NULL FROM rule_set
WHERE version = (SELECT a.version FROM rule_activation AS a ORDER BY a.activation_id DESC LIMIT 1)
"""
_DUE = """
SELECT (SELECT 1 FROM achievement WHERE state = 'accepted' AND due_at <= ? ORDER BY due_at LIMIT 1),
(SELECT 1 FROM regrouping WHERE finished_at IS NULL AND failed_at IS NULL AND due_at <= ? LIMIT 1),
(SELECT 1 FROM job WHERE state = 'running' AND due_at <= ? LIMIT 1)
"""
_USED = "INSERT INTO operator_use VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET used_at = excluded.used_at"
_SEEN = "UPDATE operator_session SET seen_at = ? WHERE session_id = ?"


async def active_rules(store: Store) -> StoredRuleSet | None:
    """The rule set of the newest activation; None in a fresh database."""
    rows = await store.fetch(
        "SELECT s.version, s.sha256, s.text, s.author, s.stored_at FROM rule_activation AS a "
        "JOIN rule_set AS s ON s.version = a.version ORDER BY a.activation_id DESC LIMIT 1"
    )
    return StoredRuleSet(*rows[0]) if rows else None


class SharedState(NamedTuple):
    """What gateways of one database share besides the customers. Removed operators and revoked keys are among them. `rules` is the
    SHA-256 of the active rule set; "" in a fresh database."""

    operators: list[StoredOperator]
    keys: list[ChannelKey]
    lists: dict[str, frozenset[str]]
    """The operators' own lists by name."""
    rules: str


async def shared_state(store: Store) -> SharedState:
    """In one statement, because a gateway asks once a second."""
    state, lists = SharedState([], [], {}, ""), dict[str, set[str]]()
    for kind, one, other, *columns in await store.fetch(_SHARED):
        if kind == "operator":
            state.operators.append(StoredOperator(one, other, *columns))
        elif kind == "key":
            api_hash, created_at, created_by, secret_hash, revoked_at, _ = columns
            state.keys.append(
                ChannelKey(one, other, api_hash, secret_hash, created_at, created_by, revoked_at)
            )
        elif kind == "list":
            lists.setdefault(one, set()).add(other)
        else:
            state = state._replace(rules=other)
    return state._replace(lists={name: frozenset(values) for name, values in lists.items()})


async def stale_reviews(store: Store, before: int, limit: int) -> list[int]:
    """Open questions from before a moment, oldest first."""
    rows = await store.fetch(
        "SELECT review_id FROM review WHERE state = 'open' AND opened_at <= ? ORDER BY review_id LIMIT ?",
        (before, limit),
    )
    return [review_id for (review_id,) in rows]


async def ended_pins(store: Store, now: int, limit: int) -> list[tuple[int, int]]:
    """The pairs of records with a pin that has expired."""
    rows = await store.fetch(
        "SELECT record_a, record_b FROM pin WHERE expires_at <= ? ORDER BY expires_at LIMIT ?", (now, limit)
    )
    return [(record_a, record_b) for record_a, record_b in rows]


class Due(NamedTuple):
    """Which kinds of work wait."""

    grants: bool
    regroupings: bool
    jobs: bool


async def what_is_due(store: Store, now: int) -> Due:
    [found] = await store.fetch(_DUE, (now, now, now))
    return Due(*(one is not None for one in found))


async def ended_splits(store: Store, now: int, limit: int) -> list[int]:
    """The splits that keep their sides apart no longer."""
    rows = await store.fetch(
        "SELECT split_id FROM split WHERE expires_at <= ? ORDER BY expires_at LIMIT ?", (now, limit)
    )
    return [split_id for (split_id,) in rows]


async def operator_session(store: Store, session_id: str) -> OperatorSession | None:
    sql = f"SELECT {SESSION.select('s')} FROM operator_session AS s WHERE s.session_id = ?"
    rows = await store.fetch(sql, (session_id,))
    return SESSION.read(rows[0]) if rows else None


async def note_use(store: Store, name: str, now: int) -> None:
    """Store when an operator last used the admin listener."""
    await store.write(Write(_USED, [(name, now)]))


async def note_seen(store: Store, session: OperatorSession, now: int) -> None:
    """Store when a request last came in a session. That is a use by its operator, too."""
    await store.write(Write(_SEEN, [(now, session.session_id)]))
    await note_use(store, session.name, now)


async def is_signed_with(store: Store, checkpoint_key: bytes) -> bool:
    """Whether one of the newest checkpoints was signed with this key. One that was altered is for the log's check to find. A
    database without checkpoints has no owner yet, unless its log has events: then they were removed."""
    rows = await store.fetch(
        "SELECT checkpoint_id, at, heads, signature FROM audit_checkpoint ORDER BY checkpoint_id DESC LIMIT ?",
        (_NEWEST + 1,),
    )
    points = [Checkpoint(*row) for row in rows]
    previous = [point.signature for point in points[1:]] + [b""] * (len(points) <= _NEWEST)
    if not points:
        return not await store.fetch("SELECT 1 FROM audit LIMIT 1")
    return any(map(partial(is_signed, checkpoint_key), points, previous))


async def newest_moment(store: Store) -> int:
    """The latest time that this database has recorded (ms); 0 in a new one. If many ids are made at once, they run ahead of their
    time."""
    rows = await store.fetch("SELECT at, event_id FROM audit ORDER BY event_id DESC LIMIT 1")
    return max(rows[0][0], moment(rows[0][1])) if rows else 0


async def newest_signature(store: Store) -> int:
    """When the audit log was signed last (ms); 0 for never."""
    rows = await store.fetch("SELECT at FROM audit_checkpoint ORDER BY checkpoint_id DESC LIMIT 1")
    return rows[0][0] if rows else 0


async def open_reviews(store: Store) -> list[tuple[str, int]]:
    """How many questions wait for an operator, by reason."""
    rows = await store.fetch("SELECT reason, COUNT(*) FROM review WHERE state = 'open' GROUP BY reason")
    return [(reason, number) for reason, number in rows]


async def newest_link(store: Store) -> tuple[str, int, str] | None:
    """Chain, sequence number and hash of the newest audit event, for the next chain to point back to."""
    rows = await store.fetch("SELECT chain, seq, hash FROM audit ORDER BY event_id DESC LIMIT 1")
    return (rows[0][0], rows[0][1], rows[0][2].hex()) if rows else None
