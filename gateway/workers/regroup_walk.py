"""The walk of a regrouping, behind the calls: which profiles come next, and one chunk of them as one command.

How far each is stands in the database, in the transaction of what it changed: if a process stops or dies in the middle, the
next one continues there. Who works on one holds it for a while; of two processes one is turned away.
"""

from gateway.model import Caller, Regroup, Regrouped, Regrouping
from gateway.pipeline import Pipeline
from gateway.store import Store

_ITSELF = Caller("", "", "gateway", "", "gateway")
_OPEN = """
SELECT regrouping_id, scope, cause, rule_set, type, value, profile_id, started_at, cursor, total, looked, merged, split,
asked, points, skipped, held_by, held_until, finished_at FROM regrouping
"""
_ALL = (
    "SELECT profile_id FROM profile WHERE redirect_to IS NULL AND profile_id > ? ORDER BY profile_id LIMIT ?"
)
_HOLDERS = """
SELECT DISTINCT r.profile_id FROM observation AS o JOIN record AS r ON r.record_id = o.record_id
WHERE o.type = ? AND o.value = ? AND r.profile_id > ? ORDER BY r.profile_id LIMIT ?
"""
_ONE = """
SELECT COALESCE(redirect_to, profile_id) FROM profile WHERE profile_id = ? AND profile_id > ? LIMIT ?
"""


async def next_regrouping(store: Store) -> Regrouping | None:
    """Of those not finished: single profiles and values before the walk over all profiles."""
    rows = await store.fetch(
        f"{_OPEN} WHERE finished_at IS NULL ORDER BY CASE scope WHEN 'rules' THEN 1 ELSE 0 END, regrouping_id LIMIT 1"
    )
    return Regrouping(*rows[0]) if rows else None


async def regroup_some(store: Store, pipeline: Pipeline, worker: str, limit: int) -> Regrouped | None:
    """Regroup up to `limit` profiles. None: there is nothing to do, or another process does it."""
    run = await next_regrouping(store)
    if run is None:
        return None
    profiles = await _profiles(store, run, limit)
    total = 0 if run.looked or run.scope != "rules" else await _count(store)
    last = run.scope == "profile" or len(profiles) < limit
    command = Regroup(_ITSELF, run.regrouping_id, worker, run.cursor, tuple(profiles), last, total)
    outcome = await pipeline.submit_background(command)
    return outcome if isinstance(outcome, Regrouped) and not outcome.waits else None


async def newest_regroupings(store: Store) -> dict[str, Regrouping]:
    """The newest walk over all profiles for each rule set, by its SHA-256."""
    rows = await store.fetch(f"{_OPEN} WHERE scope = 'rules' ORDER BY regrouping_id")
    return {run.rule_set: run for run in (Regrouping(*row) for row in rows)}


async def _profiles(store: Store, run: Regrouping, limit: int) -> list[int]:
    if run.scope == "rules":
        rows = await store.fetch(_ALL, (run.cursor, limit))
    elif run.scope == "value":
        rows = await store.fetch(_HOLDERS, (run.type, run.value, run.cursor, limit))
    else:
        rows = await store.fetch(_ONE, (run.profile_id, run.cursor, limit))
    return [profile_id for (profile_id,) in rows]


async def _count(store: Store) -> int:
    rows = await store.fetch("SELECT COUNT(*) FROM profile WHERE redirect_to IS NULL")
    return rows[0][0]
