"""Direct reports with a result that will not be recorded any more, because the gateway that sent them failed, or the store was
unavailable when their answer came. Only the upstream knows whether they arrived."""

from typing import Final

from gateway.clock import MINUTE, Clock
from gateway.config import UpstreamSettings
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.deliveries import unanswered
from gateway.usecases.achieve import lost

_POLL: Final = 30.0
_MARGIN: Final = 5 * MINUTE
_AT_ONCE: Final = 200


class UnansweredWorker:
    """Ends them as `no_answer` once no answer can still be on its way."""

    def __init__(self, store: Store, pipeline: Pipeline, clock: Clock, settings: UpstreamSettings) -> None:
        self._store = store
        self._pipeline = pipeline
        self._clock = clock
        self._patience = settings.total_timeout + _MARGIN

    async def step(self) -> float:
        """End some. Returns the seconds until the next step. Several gateways may find the same ones."""
        found = await unanswered(self._store, self._clock.now() - self._patience, _AT_ONCE)
        for report in found:
            await self._pipeline.submit_background(lost(*report))
        return 0 if len(found) == _AT_ONCE else _POLL
