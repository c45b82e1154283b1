"""Rule sets, their plans, and channel keys."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.model import ChannelKey, RulePlan, StoredRuleSet
from gateway.store import Store
from gateway.store.queries.profiles import placeholders
from gateway.store.tables.operators import CHANNEL_KEY, PLAN, RULE_SET


class KnownRuleSet(NamedTuple):
    """A stored rule set and when it was last activated (None: never)."""

    rule_set: StoredRuleSet
    activated_at: int | None


async def rule_sets(
    store: Store, before: tuple[int, str] | None, limit: int, version: str = ""
) -> list[KnownRuleSet]:
    """Newest first, after the given (stored_at, version); only one version if it is named."""
    conditions, values = ["1 = 1"], list[object]()
    if before is not None:
        conditions.append("(s.stored_at < ? OR s.stored_at = ? AND s.version < ?)")
        values += [before[0], *before]
    if version:
        conditions.append("s.version = ?")
        values.append(version)
    rows = await store.fetch(
        "SELECT (SELECT MAX(a.activated_at) FROM rule_activation AS a WHERE a.version = s.version),"
        f" {RULE_SET.select('s')} FROM rule_set AS s"
        f" WHERE {' AND '.join(conditions)} ORDER BY s.stored_at DESC, s.version DESC LIMIT ?",
        (*values, limit),
    )
    return [KnownRuleSet(RULE_SET.read(stored), activated_at) for activated_at, *stored in rows]


async def rule_texts(store: Store, beginnings: Sequence[str]) -> dict[str, str]:
    """The texts of rule sets by the beginnings of their SHA-256, as audit events have them. The built-in one is not stored."""
    rows = await store.fetch(
        f"SELECT substr(sha256, 1, 16), text FROM rule_set WHERE substr(sha256, 1, 16) IN ({placeholders(beginnings)})",
        beginnings,
    )
    return dict(rows)


async def active_version(store: Store) -> str:
    """`""` if no rule set was ever activated."""
    rows = await store.fetch("SELECT version FROM rule_activation ORDER BY activation_id DESC LIMIT 1")
    return rows[0][0] if rows else ""


async def planned_at(store: Store, sha256: str) -> int | None:
    """When the newest plan of a rule file with this content was made."""
    rows = await store.fetch("SELECT planned_at FROM rule_plan WHERE sha256 = ?", (sha256,))
    return rows[0][0] if rows else None


async def plan_of(store: Store, sha256: str) -> RulePlan | None:
    """The newest plan of a rule file with this content."""
    rows = await store.fetch(f"SELECT {PLAN.select('p')} FROM rule_plan AS p WHERE p.sha256 = ?", (sha256,))
    return PLAN.read(rows[0]) if rows else None


class KnownKey(NamedTuple):
    """A key pair and when a call last used it."""

    key: ChannelKey
    used_at: int | None


async def channel_keys(store: Store, channel: str, after: str, limit: int) -> list[KnownKey]:
    """By key id, after `after`; of every channel if `channel` is empty."""
    condition, values = (" AND k.channel = ?", [channel]) if channel else ("", [])
    rows = await store.fetch(
        f"SELECT u.used_at, {CHANNEL_KEY.select('k')} FROM channel_key AS k"
        " LEFT JOIN channel_key_use AS u ON u.key_id = k.key_id"
        f" WHERE k.key_id > ?{condition} ORDER BY k.key_id LIMIT ?",
        (after, *values, limit),
    )
    return [KnownKey(CHANNEL_KEY.read(stored), used_at) for used_at, *stored in rows]
