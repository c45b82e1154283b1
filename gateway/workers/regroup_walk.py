"""The walk of a regrouping, in the background: one chunk of profiles as one command.

Its position is stored in the transaction of its changes: if a process stops or dies in the middle, the next one continues there. A
process holds a regrouping for a while; a second one is refused.
"""

from gateway.model import Caller, Regroup, Regrouped
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.tables.regrouping import count_profiles, next_regrouping, profiles_behind

_ITSELF = Caller("", "", "gateway", "", "gateway")


async def regroup_some(store: Store, pipeline: Pipeline, worker: str, limit: int) -> Regrouped | None:
    """Regroup up to `limit` profiles. None: there is nothing to do, or another process does it."""
    run = await next_regrouping(store)
    if run is None:
        return None
    profiles = await profiles_behind(store, run, limit)
    total = 0 if run.looked or run.scope != "rules" else await count_profiles(store)
    last = run.scope == "profile" or len(profiles) < limit
    command = Regroup(_ITSELF, run.regrouping_id, worker, run.cursor, tuple(profiles), last, total)
    outcome = await pipeline.submit_background(command)
    return outcome if isinstance(outcome, Regrouped) and not outcome.waits else None
