"""Outgoing webhooks: the outbox rows of one webhook, sent in the order of their lanes, and repeated until they are accepted or too
old. The receiver may get one twice, and recognises it by `webhook-id`.

A row is not marked before it is sent: a repeated event is allowed, so if a lease ends without an answer, it is simply sent again.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from aiohttp.abc import AbstractResolver

from gateway.clock import Clock
from gateway.config import Webhook
from gateway.ids import show
from gateway.model import Delivery
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.deliveries import targets_given_up
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Tracing
from gateway.upstream.delivery_trace import cause_of, step_of
from gateway.upstream.limiter import RandomBetween
from gateway.upstream.outbox import Outbox, TryResult
from gateway.upstream.webhook_receiver import WebhookReceiver

_AT_ONCE: Final = 32
_POLL: Final = 0.5
_REMOVED_POLL: Final = 10.0
_GONE: Final = 410


class WebhookWorker:
    """For one webhook. `step` is a worker's loop; `open` before the first, `close` after the last."""

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
        tracing: Tracing | None = None,
    ) -> None:
        self.target = f"webhook:{webhook.name}"
        self._certificate_ends = metrics.deliveries.certificate_ends
        self._receiver = WebhookReceiver(webhook, resolver, self._note_certificate)
        self._clock = clock
        self._tracing = tracing
        self._outbox = Outbox(self.target, owner, store, pipeline, clock, random_between, metrics)

    def open(self) -> None:
        self._receiver.open()

    async def close(self) -> None:
        await self._receiver.close()
        self._certificate_ends.remove(self.target)

    async def step(self) -> float:
        """Send what is due. Returns the seconds until the next step."""
        if not await self._outbox.is_due():
            return _POLL
        claimed = await self._outbox.claim(_AT_ONCE)
        ends = await asyncio.gather(
            *(self._outbox.work_on(delivery, self._sent) for delivery in claimed), return_exceptions=True
        )
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return 0 if claimed else _POLL

    def _note_certificate(self, ends_at: float) -> None:
        self._certificate_ends.labels(self.target).set(ends_at)

    async def _sent(self, delivery: Delivery) -> TryResult:
        if not delivery.payload:
            return TryResult("dead", "erased", None)
        message_id = show("dlv", delivery.delivery_id)
        step = step_of(self._tracing, delivery, "POST", "")
        body, now = delivery.payload.encode(), self._clock.now()
        reply = await self._receiver.post(body, message_id, now, cause_of(delivery, step))
        if step is not None:
            step.server, step.status = self._receiver.server, reply.status
            step.end("" if reply.status else reply.reason)
        if 200 <= reply.status < 300:
            return TryResult("delivered", reply.reason, None, reply.status)
        if reply.status == _GONE:
            return TryResult("dead", reply.reason, None, reply.status)
        wait = self._outbox.pause(delivery) if reply.wait is None else reply.wait
        return TryResult("retry", reply.reason, wait, reply.status)


class RemovedWebhookWorker:
    """Rows of webhooks that are no longer configured here. They are not sent, because another process may know the webhook. They
    end when they are too old."""

    def __init__(
        self,
        webhooks: Callable[[], Collection[str]],
        store: Store,
        outbox_of: Callable[[str], Outbox],
        clock: Clock,
    ) -> None:
        self._webhooks = webhooks
        self._store = store
        self._outbox_of = outbox_of
        self._clock = clock

    async def step(self) -> float:
        """Close some rows that are too old. Returns the seconds until the next step."""
        for target in await targets_given_up(self._store, self._clock.now()):
            if target.removeprefix("webhook:") in self._webhooks():
                continue
            outbox = self._outbox_of(target)
            for delivery in await outbox.claim(_AT_ONCE):
                await outbox.work_on(delivery, _given_back)
        return _REMOVED_POLL


async def _given_back(_: Delivery) -> TryResult:
    return TryResult("back")
