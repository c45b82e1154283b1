"""Whether calls arrive, so that background work makes way for them."""

from gateway.clock import Clock
from gateway.pipeline import Pipeline


class RecentCalls:
    """Each worker has its own. `lasting` (ms): calls come in bursts, so after one, others are expected for so long."""

    def __init__(self, pipeline: Pipeline, clock: Clock, lasting: int = 0) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._lasting = lasting
        self._taken = pipeline.calls_taken
        self._until: int | None = None

    def are_expected(self) -> bool:
        """Whether a call waits, or has come since this was last asked or within `lasting`."""
        now, taken = self._clock.steady(), self._pipeline.calls_taken
        if taken != self._taken or self._pipeline.waiting:
            self._taken, self._until = taken, now + self._lasting
            return True
        return self._until is not None and now < self._until
