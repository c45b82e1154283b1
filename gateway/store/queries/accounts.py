"""Operators and their browser sessions, as lists show them."""

from typing import NamedTuple

from gateway.model import OperatorSession, StoredOperator
from gateway.store import Store
from gateway.store.tables.accounts import OPERATOR, SESSION


class KnownOperator(NamedTuple):
    operator: StoredOperator
    used_at: int | None


async def operators(store: Store, after: str, limit: int) -> list[KnownOperator]:
    """By name, behind `after`."""
    rows = await store.fetch(
        f"SELECT u.used_at, {OPERATOR.select('o')} FROM operator AS o"
        " LEFT JOIN operator_use AS u ON u.name = o.name WHERE o.name > ? ORDER BY o.name LIMIT ?",
        (after, limit),
    )
    return [KnownOperator(OPERATOR.read(stored), used_at) for used_at, *stored in rows]


async def sessions(
    store: Store, name: str, open_since: tuple[int, int], after: str, limit: int
) -> list[OperatorSession]:
    """By id, behind `after`, those that were opened and seen after the two moments; of every operator where `name` is empty."""
    condition, values = (" AND s.name = ?", [name]) if name else ("", [])
    rows = await store.fetch(
        f"SELECT {SESSION.select('s')} FROM operator_session AS s"
        f" WHERE s.opened_at > ? AND s.seen_at > ? AND s.session_id > ?{condition} ORDER BY s.session_id LIMIT ?",
        (*open_since, after, *values, limit),
    )
    return [SESSION.read(row) for row in rows]
