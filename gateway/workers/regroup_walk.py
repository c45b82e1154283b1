"""The walk of a regrouping, in the background: one chunk of profiles as one command.

Its position is stored in the transaction of its changes: if a process stops or dies in the middle, the next one continues there. A
process holds a regrouping for a while; a second one is refused. A step that meets an unexpected error is tried again later, with
half as many profiles, so that the walk comes as near to the fault as it can. Others are worked on in the meantime.
"""

from time import perf_counter

from gateway.clock import Clock
from gateway.errors import MISTAKES, CommandFailed
from gateway.ids import show
from gateway.model import Caller, DelayRegrouping, Regroup, Regrouped, Regrouping
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.tables.regrouping import count_profiles, failed_before, next_regrouping, profiles_behind
from gateway.telemetry.tracing import Tracing
from gateway.workers.spans import note_regrouping

_ITSELF = Caller("", "", "gateway", "", "gateway")


async def regroup_some(
    store: Store,
    pipeline: Pipeline,
    clock: Clock,
    worker: str,
    limit: int,
    tracing: Tracing | None = None,
) -> Regrouped | None:
    """Regroup up to `limit` profiles. None: there is nothing to do, or another process does it."""
    now = clock.now()
    while (run := await next_regrouping(store, now)) is not None:
        started = perf_counter()
        try:
            outcome = await _step(run, store, pipeline, worker, max(1, limit >> run.failures))
            if outcome is not None:
                note_regrouping(tracing, outcome.run, outcome.done, perf_counter() - started)
            return outcome
        except CommandFailed as error:
            cause = error.cause
        except MISTAKES as error:
            cause = type(error).__name__
        note_regrouping(tracing, run, {}, perf_counter() - started, cause)
        place = f"behind {show('prf', run.cursor)}"
        known = await failed_before(store, run)
        await pipeline.submit_background(
            DelayRegrouping(_ITSELF, run.regrouping_id, run.cursor, f"{place}: {cause}", known)
        )
    return None


async def _step(
    run: Regrouping, store: Store, pipeline: Pipeline, worker: str, limit: int
) -> Regrouped | None:
    profiles = await profiles_behind(store, run, limit)
    total = 0 if run.looked or run.scope != "rules" else await count_profiles(store)
    last = run.scope == "profile" or len(profiles) < limit
    command = Regroup(_ITSELF, run.regrouping_id, worker, run.cursor, tuple(profiles), last, total)
    outcome = await pipeline.submit_background(command)
    return outcome if isinstance(outcome, Regrouped) and not outcome.waits else None
