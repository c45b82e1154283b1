"""How many deliveries wait, as counted a moment ago: counting at every call would cost more than the call."""

from gateway.clock import SECOND, Clock
from gateway.errors import OutboxFull
from gateway.store import Store
from gateway.store.deliveries import backlog
from gateway.telemetry.metrics import Metrics


class Backlog:
    """`limit` is the number of open deliveries up to which more are accepted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.open = 0

    def check(self) -> None:
        """Raises OutboxFull if no more may be queued now."""
        if self.open > self.limit:
            raise OutboxFull("too many achievements are waiting for the upstream; send it again later")

    def grew(self) -> None:
        """One more was queued; the next count includes it anyway."""
        self.open += 1

    async def measure(self, store: Store, clock: Clock, metrics: Metrics) -> None:
        waiting = await backlog(store)
        self.open = sum(some.number for some in waiting)
        metrics.deliveries.open.clear()
        metrics.deliveries.oldest.clear()
        now = clock.now()
        for target, state, number, oldest_at in waiting:
            metrics.deliveries.open.labels(target, state).set(number)
            metrics.deliveries.oldest.labels(target, state).set(max(0, now - oldest_at) / SECOND)
