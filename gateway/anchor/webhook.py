"""Sends anchors to a webhook: one event for each checkpoint, in order, each repeated until the receiver accepts it.

The table of checkpoints is the queue, so an outage adds nothing to the database. Another table records how far the receiver is.
"""

from collections.abc import Callable, Sequence

import structlog

from gateway.anchor.line import TOPIC, written
from gateway.anchor.sink import CheckpointRef, NotAccepted, ref_of
from gateway.audit.checkpoint import Checkpoint
from gateway.clock import Clock
from gateway.config import Webhook
from gateway.errors import MISTAKES
from gateway.store import Store
from gateway.store.statement import Write
from gateway.upstream.answers import backoff
from gateway.upstream.failed_attempts import FAILED
from gateway.upstream.limiter import RandomBetween
from gateway.upstream.webhook_receiver import Reply, WebhookReceiver

_log = structlog.get_logger("anchor")

_TAKEN = """
INSERT INTO anchored VALUES (?, ?, ?) ON CONFLICT (place) DO UPDATE SET
checkpoint_id = excluded.checkpoint_id, signature = excluded.signature
"""


class AnchorWebhook:
    """`webhook` returns the receiver's current settings, which a reload may change."""

    is_shared = True

    def __init__(
        self,
        name: str,
        webhook: Callable[[], Webhook],
        store: Store,
        clock: Clock,
        random_between: RandomBetween,
    ) -> None:
        self.name = f"webhook:{name}"
        self._webhook = webhook
        self._store = store
        self._clock = clock
        self._random_between = random_between
        self._failures = 0

    async def last(self) -> CheckpointRef | None:
        sql = "SELECT checkpoint_id, signature FROM anchored WHERE place = ?"
        rows = await self._store.fetch(sql, (self.name,))
        return CheckpointRef(*rows[0]) if rows else None

    async def take(self, points: Sequence[Checkpoint]) -> int:
        receiver = WebhookReceiver(self._webhook())
        receiver.open()
        taken, reply = 0, Reply(0, "", None)
        try:
            for point in points:
                reply = await self._send(receiver, point)
                if reply.reason:
                    break
                self._failures, taken = 0, taken + 1
        finally:
            await receiver.close()
        if taken:
            await self._store.write(Write(_TAKEN, [(self.name, *ref_of(points[taken - 1]))]))
            return taken
        self._failures += 1
        wait = backoff(self._failures, self._random_between) if reply.wait is None else reply.wait
        raise NotAccepted(reply.reason, wait)

    async def _send(self, receiver: WebhookReceiver, point: Checkpoint) -> Reply:
        """The message's id is the checkpoint's, so a receiver can recognise a repeated message."""
        message_id = f"{TOPIC}.{point.checkpoint_id}.{point.signature.hex()[:16]}"
        try:
            return await receiver.post(written(point), message_id, self._clock.now())
        except MISTAKES as error:  # an exception here would end the gateway
            _log.error("anchor_failed", checkpoint=point.checkpoint_id, error=type(error).__name__)
            return Reply(0, FAILED, None)
