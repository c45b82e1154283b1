"""What all workers on the outbox share: claim the rows of one target that are due, try each, store the result. Each worker decides
how to try a row, how many at once, and when."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.clock import SECOND, Clock
from gateway.errors import MISTAKES, StoreUnavailable
from gateway.model import ClaimDeliveries, Delivery, DeliveryResult, Done, FinishDelivery, Stale
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.deliveries import is_due
from gateway.telemetry.metrics import Metrics
from gateway.upstream.answers import backoff
from gateway.upstream.failed_attempts import FAILED, log_failure
from gateway.upstream.limiter import RandomBetween


class TryResult(NamedTuple):
    """The result of a try; `after` is how many ms until the row is due again, None if an operator has to decide."""

    result: DeliveryResult
    reason: str = ""
    after: int | None = 0
    status: int = 0
    answer: str = ""


class Outbox:
    """The rows of one target, for one worker. Several workers may share a database: leases keep them apart.

    An unexpected error over a row counts as a try, and ends as `failed` says. Otherwise the row would come back with each
    lease forever, or end the gateway. With `stopping`, a result that the store cannot take now is kept for the rest of the lease,
    or until the gateway stops.
    """

    def __init__(
        self,
        target: str,
        owner: str,
        store: Store,
        pipeline: Pipeline,
        clock: Clock,
        random_between: RandomBetween,
        metrics: Metrics,
        *,
        failed: DeliveryResult = "retry",
        stopping: asyncio.Event | None = None,
    ) -> None:
        self._target = target
        self._owner = owner
        self._store = store
        self._pipeline = pipeline
        self._clock = clock
        self._random_between = random_between
        self._metrics = metrics
        self._failed: DeliveryResult = failed
        self._stopping = stopping

    async def is_due(self) -> bool:
        return await is_due(self._store, self._target, self._clock.now())

    async def claim(self, limit: int) -> tuple[Delivery, ...]:
        """At most `limit` of the rows that are due. Rows that are too old are given up."""
        claimed = await self._pipeline.submit_background(ClaimDeliveries(self._target, self._owner, limit))
        return tuple(claimed.deliveries)

    async def work_on(
        self, delivery: Delivery, tried: Callable[[Delivery], Awaitable[TryResult | None]]
    ) -> None:
        """Try it once. `tried` returns None if another worker has the row by now."""
        try:
            end = await tried(delivery)
        except MISTAKES as error:
            log_failure(delivery, error)
            end = TryResult(self._failed, FAILED, self.pause(delivery))
        is_ours = end is not None and not isinstance(await self._finish(delivery, end), Stale)
        self._metrics.deliveries.attempts.labels(
            self._target, end.result if end and is_ours else "stale"
        ).inc()

    def pause(self, delivery: Delivery) -> int:
        """How long the row waits after this try, in ms."""
        return backoff(delivery.attempts + 1, self._random_between)

    async def _finish(self, delivery: Delivery, end: TryResult) -> Done | Stale:
        due_at = None if end.after is None else self._clock.now() + end.after
        command = FinishDelivery(
            delivery.delivery_id, delivery.epoch, end.result, due_at, end.status, end.reason, end.answer
        )
        while True:
            try:
                return await self._pipeline.submit_background(command)
            except StoreUnavailable as error:
                pause = error.retry_after * SECOND
                stopping = self._stopping
                if stopping is None or stopping.is_set() or self._clock.now() + pause >= delivery.lease_until:
                    raise
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), error.retry_after)
