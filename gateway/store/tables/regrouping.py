"""Regroupings: how they are stored, and the profiles with which one continues."""

from gateway.model import Regrouping
from gateway.store.protocol import Store
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import entities

REGROUPING = Columns(
    "regrouping",
    Regrouping,
    "regrouping_id bigint",
    fixed=("scope", "cause", "rule_set", "type", "value", "profile_id", "started_at"),
)
_RUNS = f"SELECT {REGROUPING.select('g')} FROM regrouping AS g"
OPEN_WALKS = f"{_RUNS} WHERE g.scope = 'rules' AND g.finished_at IS NULL"
GIVEN_UP = "finished_at IS NULL AND failed_at IS NOT NULL"
_NEXT = f"""{_RUNS} WHERE g.finished_at IS NULL AND g.failed_at IS NULL AND g.due_at <= ?
ORDER BY CASE g.scope WHEN 'rules' THEN 1 ELSE 0 END, g.regrouping_id LIMIT 1"""
_WALKS = f"{_RUNS} WHERE g.scope = 'rules' ORDER BY g.regrouping_id"
_ALL = (
    "SELECT profile_id FROM profile WHERE redirect_to IS NULL AND profile_id > ? ORDER BY profile_id LIMIT ?"
)
_HOLDERS = """
SELECT DISTINCT r.profile_id FROM observation AS o JOIN record AS r ON r.record_id = o.record_id
WHERE o.type = ? AND o.value = ? AND r.profile_id > ? ORDER BY r.profile_id LIMIT ?
"""
_OF_SPLIT = """
SELECT DISTINCT r.profile_id FROM split_side AS s JOIN record AS r ON r.record_id = s.record_id
WHERE s.split_id = ? AND r.profile_id > ? ORDER BY r.profile_id LIMIT ?
"""
_ONE = """
SELECT COALESCE(redirect_to, profile_id) FROM profile WHERE profile_id = ? AND profile_id > ? LIMIT ?
"""

FORGOTTEN = """
DELETE FROM regrouping WHERE regrouping_id IN (
SELECT r.regrouping_id FROM keys(type text, value text) AS k
CROSS JOIN regrouping AS r ON r.value = k.value AND r.type = k.type AND r.value <> '')
"""
"""Those of values that no record holds any more."""

TABLES = (entities("regroupings", REGROUPING),)


async def next_regrouping(store: Store, now: int) -> Regrouping | None:
    """Of those that are due: single profiles and values before the walk over all profiles."""
    rows = await store.fetch(_NEXT, (now,))
    return REGROUPING.read(rows[0]) if rows else None


async def failed_regroupings(store: Store, limit: int) -> list[int]:
    """Those that were given up and not resumed, oldest first."""
    rows = await store.fetch(
        f"SELECT regrouping_id FROM regrouping WHERE {GIVEN_UP} ORDER BY regrouping_id LIMIT ?", (limit,)
    )
    return [regrouping_id for (regrouping_id,) in rows]


async def failed_before(store: Store, run: Regrouping) -> bool:
    """Whether another regrouping of the same profiles was given up."""
    return bool(
        await store.fetch(
            f"SELECT 1 FROM regrouping WHERE {GIVEN_UP} AND regrouping_id <> ? AND scope = ? AND rule_set = ?"
            " AND type = ? AND value = ? AND profile_id = ? LIMIT 1",
            (run.regrouping_id, run.scope, run.rule_set, run.type, run.value, run.profile_id),
        )
    )


async def newest_regroupings(store: Store) -> dict[str, Regrouping]:
    """The newest walk over all profiles for each rule set, by its SHA-256."""
    runs = [REGROUPING.read(row) for row in await store.fetch(_WALKS)]
    return {run.rule_set: run for run in runs}


async def profiles_behind(store: Store, run: Regrouping, limit: int) -> list[int]:
    """The next profiles that the regrouping looks at."""
    if run.scope == "rules":
        rows = await store.fetch(_ALL, (run.cursor, limit))
    elif run.scope == "value":
        rows = await store.fetch(_HOLDERS, (run.type, run.value, run.cursor, limit))
    elif run.scope == "split":
        rows = await store.fetch(_OF_SPLIT, (run.profile_id, run.cursor, limit))
    else:
        rows = await store.fetch(_ONE, (run.profile_id, run.cursor, limit))
    return [profile_id for (profile_id,) in rows]


async def count_profiles(store: Store) -> int:
    rows = await store.fetch("SELECT COUNT(*) FROM profile WHERE redirect_to IS NULL")
    return rows[0][0]
