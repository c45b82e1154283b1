"""Grants what is due: at full speed while no calls arrive, in small chunks with pauses while they do."""

import asyncio
from time import perf_counter

from gateway.clock import SECOND, Clock
from gateway.model import GrantDue
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.telemetry.metrics import Metrics
from gateway.workers.due_work import DueWork
from gateway.workers.recent_calls import RecentCalls

_POLL = 0.5
_IDLE_CHUNK = 500
"""The first call after a silence waits for one of them."""
_AHEAD = 2
"""Chunks that are under way at once while no calls arrive: the store decides one while it commits the one before."""
_TURNS = 8
"""Chunks of each before the worker looks whether it still leads and has to stop."""
_BUSY_CHUNK = 64
_PAUSE = 1
"""While calls arrive, it pauses this many times as long as it worked."""
CAREFUL_FOR = 3 * SECOND
"""Calls come in bursts: after one, others are expected for so long."""


class Granter:
    """`step` is called again and again, and returns the seconds until it should be."""

    def __init__(
        self, store: Store, pipeline: Pipeline, clock: Clock, metrics: Metrics, due: DueWork
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._decided = metrics.grants
        self._due = due
        self._calls = RecentCalls(pipeline, clock, CAREFUL_FOR)

    async def step(self) -> float:
        if not await self._store.take_lead("grants"):
            return _POLL
        if not await self._due.has("grants"):
            return _POLL
        return await (self._beside_calls() if self._calls.are_expected() else self._alone())

    async def _beside_calls(self) -> float:
        started = perf_counter()
        if not await self._grant(_BUSY_CHUNK):
            return _POLL
        return _PAUSE * (perf_counter() - started)

    async def _alone(self) -> float:
        results = await asyncio.gather(*(self._take_turns() for _ in range(_AHEAD)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return 0 if all(results) else _POLL

    async def _take_turns(self) -> bool:
        """Until a call arrives or nothing is left. False: nothing is left."""
        for _ in range(_TURNS):
            if not await self._grant(_IDLE_CHUNK):
                return False
            if self._calls.are_expected():
                break
        return True

    async def _grant(self, chunk: int) -> bool:
        """Whether more may be due."""
        outcome = await self._pipeline.submit_background(GrantDue(chunk))
        counts = {"granted": outcome.granted, "ignored": outcome.ignored, "failed": outcome.failed}
        for name, count in counts.items():
            if count:
                self._decided.labels(name).inc(count)
        return sum(counts.values()) == chunk
