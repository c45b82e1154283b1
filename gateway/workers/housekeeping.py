"""Housekeeping beside the calls: how much of it at once, and how often."""

from time import perf_counter

from gateway.clock import SECOND, Clock
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.telemetry.metrics import Metrics

_POLL = 0.5
_QUIET_POLL = 1.0
"""While no calls arrive."""
_LONGEST_REST = 5 * SECOND
_IDLE = 500
_SHARED = 50
_PAUSE = 10
"""While calls arrive, it pauses this many times as long as it worked."""
_BACKGROUND_PAUSE = 0.05
"""While only background work is committed."""
_SATURATED = 0.7


class Housekeeper:
    """Once nothing is left to do, it asks the store again after the next commit of this process, and when the audit log should be
    signed. For what other processes commit, and for what expires, it asks every few seconds."""

    def __init__(self, store: Store, pipeline: Pipeline, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._pipeline = pipeline
        self._clock = clock
        self._metrics = metrics
        self._done_at: int | None = None
        self._batches_then = 0
        self._asked_at = perf_counter()
        self._busy_then = 0.0

    async def step(self) -> float:
        """Use what the calls leave: all of an idle writer, a little of a busy one, next to nothing of a saturated one; and some of
        one that works in the background. Returns the seconds until the next step."""
        share = self._share_of_calls()
        if self._rests():
            return _QUIET_POLL
        batches, limit = self._pipeline.batches_done, _SHARED if share else _IDLE
        is_writing = batches != self._batches_then
        started = perf_counter()
        done = await self._store.maintain(limit)
        behind = done >= limit
        self._metrics.audit.lookup_backlog.set(behind)
        self._done_at, self._batches_then = None if done else self._clock.steady(), batches
        if not behind or share >= _SATURATED:
            return _POLL if share else _QUIET_POLL
        if share:
            return _PAUSE * (perf_counter() - started)
        return _BACKGROUND_PAUSE if is_writing else 0

    def _rests(self) -> bool:
        return (
            self._done_at is not None
            and self._batches_then == self._pipeline.batches_done
            and self._clock.steady() - self._done_at < _LONGEST_REST
            and not self._store.is_signature_due()
        )

    def _share_of_calls(self) -> float:
        """How much of the writer's time calls took since this was last asked, 0 to 1."""
        now, busy = perf_counter(), self._pipeline.busy_seconds
        share = (busy - self._busy_then) / max(now - self._asked_at, 0.001)
        self._asked_at, self._busy_then = now, busy
        return share
