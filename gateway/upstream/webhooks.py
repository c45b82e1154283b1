"""Webhooks out: the outbox rows of one listener, sent in the order of their lanes, and again until they are taken or too old.
The listener may see one twice; `webhook-id` tells.

Nothing marks a row before it is sent: a repeated event is allowed, so a lease that ends without an answer is simply sent
again.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from aiohttp.abc import AbstractResolver

from gateway import trace
from gateway.clock import Clock
from gateway.config import Webhook
from gateway.errors import MISTAKES
from gateway.ids import show
from gateway.model import ClaimDeliveries, Delivery, DeliveryResult, FinishDelivery, Stale
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.deliveries import is_due, targets_given_up
from gateway.telemetry.metrics import Metrics
from gateway.upstream import mistakes
from gateway.upstream.answers import backoff
from gateway.upstream.limiter import RandomBetween
from gateway.upstream.listener import Listener, Reply

_AT_ONCE: Final = 32
_POLL: Final = 0.5
_REMOVED_POLL: Final = 10.0
_GONE: Final = 410


class WebhookWorker:
    """One listener's. `step` is a worker's loop; `open` before the first, `close` after the last."""

    def __init__(
        self,
        webhook: Webhook,
        store: Store,
        pipeline: Pipeline,
        clock: Clock,
        random_between: RandomBetween,
        metrics: Metrics,
        owner: str,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.target = f"webhook:{webhook.name}"
        self._listener = Listener(webhook, resolver)
        self._store = store
        self._pipeline = pipeline
        self._clock = clock
        self._random_between = random_between
        self._metrics = metrics
        self._owner = owner

    def open(self) -> None:
        self._listener.open()

    async def close(self) -> None:
        await self._listener.close()

    async def step(self) -> float:
        """Send what is due, and be asked again after the seconds that this answers."""
        if not await is_due(self._store, self.target, self._clock.now()):
            return _POLL
        claimed = await self._pipeline.submit_background(ClaimDeliveries(self.target, self._owner, _AT_ONCE))
        ends = await asyncio.gather(*map(self._deliver, claimed.deliveries), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return 0 if claimed.deliveries else _POLL

    async def _deliver(self, delivery: Delivery) -> None:
        status, reason, wait = await self._send(delivery)
        result: DeliveryResult = "retry"
        if 200 <= status < 300:
            result = "delivered"
        elif status == _GONE or reason == "erased":
            result = "dead"
        if wait is None:
            wait = backoff(delivery.attempts + 1, self._random_between)
        due_at = self._clock.now() + wait if result == "retry" else None
        finish = FinishDelivery(delivery.delivery_id, delivery.epoch, result, due_at, status, reason)
        outcome = await self._pipeline.submit_background(finish)
        told = "stale" if isinstance(outcome, Stale) else result
        self._metrics.attempts.labels(self.target, told).inc()

    async def _send(self, delivery: Delivery) -> Reply:
        if not delivery.payload:
            return Reply(0, "erased", None)
        message_id, now = show("dlv", delivery.delivery_id), self._clock.now()
        try:
            cause = trace.headers(delivery.trace, delivery.request_id, delivery.delivery_id)
            return await self._listener.post(delivery.payload.encode(), message_id, now, cause)
        except MISTAKES as error:  # else one row that cannot be sent would end the gateway
            mistakes.tell(delivery, error)
            return Reply(0, mistakes.FAILED, None)


class RemovedWebhookWorker:
    """What still waits for listeners that are no longer configured here. It is not sent, for another process may know them;
    it ends when it is too old."""

    def __init__(
        self,
        listeners: Callable[[], Collection[str]],
        store: Store,
        pipeline: Pipeline,
        clock: Clock,
        owner: str,
    ) -> None:
        self._listeners = listeners
        self._store = store
        self._pipeline = pipeline
        self._clock = clock
        self._owner = owner

    async def step(self) -> float:
        """Close some of what is too old, and be asked again after the seconds that this answers."""
        for target in await targets_given_up(self._store, self._clock.now()):
            if target.removeprefix("webhook:") in self._listeners():
                continue
            claimed = await self._pipeline.submit_background(ClaimDeliveries(target, self._owner, _AT_ONCE))
            for one in claimed.deliveries:
                finish = FinishDelivery(one.delivery_id, one.epoch, "back", self._clock.now())
                await self._pipeline.submit_background(finish)
        return _REMOVED_POLL
