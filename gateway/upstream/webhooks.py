"""Webhooks out: the outbox rows of one listener, sent in the order of their lanes, signed as Standard Webhooks has it, and sent
again until they are taken or too old. The listener may see one twice; `webhook-id` tells.

Nothing marks a row before it is sent: to tell somebody twice is allowed, so a lease that ends without an answer is simply sent
again.
"""

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Collection
from typing import Final

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from gateway.clock import SECOND, Clock
from gateway.config import Webhook
from gateway.ids import show
from gateway.model import ClaimDeliveries, Claimed, Delivery, DeliveryResult, FinishDelivery, Stale
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.deliveries import is_due, targets_given_up
from gateway.telemetry import Metrics
from gateway.upstream import mistakes
from gateway.upstream.addresses import PrivateAddress, PublicResolver, check_literal
from gateway.upstream.answers import backoff, retry_after
from gateway.upstream.limiter import Draw

_AT_ONCE: Final = 32
_DEADLINE_SECONDS: Final = 10
_POLL: Final = 0.5
_LEFTOVERS_POLL: Final = 10.0
_GONE: Final = 410
_STANDARD: Final = "whsec_"


class Sender:
    """One listener's. `step` is a worker's loop; `open` before the first, `close` after the last."""

    def __init__(
        self,
        webhook: Webhook,
        store: Store,
        pipeline: Pipeline,
        clock: Clock,
        draw: Draw,
        metrics: Metrics,
        owner: str,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.target = f"webhook:{webhook.name}"
        self._url = URL(webhook.url)
        self._key = signing_key(webhook.secret.reveal() if webhook.secret else "")
        self._allow_private = webhook.allow_private
        self._store = store
        self._pipeline = pipeline
        self._clock = clock
        self._draw = draw
        self._metrics = metrics
        self._owner = owner
        self._resolver = resolver
        self._session: ClientSession

    def open(self) -> None:
        resolver = self._resolver or ThreadedResolver()
        self._session = ClientSession(
            connector=TCPConnector(
                resolver=resolver if self._allow_private else PublicResolver(resolver),
                use_dns_cache=False,
                force_close=True,
            ),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=_DEADLINE_SECONDS),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._session.close()

    async def step(self) -> float:
        """Send what is due, and be asked again after the seconds that this answers."""
        if not await is_due(self._store, self.target, self._clock.now()):
            return _POLL
        claimed: Claimed = await self._pipeline.submit_background(
            ClaimDeliveries(self.target, self._owner, _AT_ONCE)
        )
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
            wait = backoff(delivery.attempts + 1, self._draw)
        due_at = self._clock.now() + wait if result == "retry" else None
        finish = FinishDelivery(delivery.delivery_id, delivery.epoch, result, due_at, status, reason)
        outcome = await self._pipeline.submit_background(finish)
        told = "stale" if isinstance(outcome, Stale) else result
        self._metrics.attempts.labels(self.target, told).inc()

    async def _send(self, delivery: Delivery) -> tuple[int, str, int | None]:
        """Status, 0 for none; reason, "" for taken; and after how many ms to come back, where the listener said."""
        if not delivery.payload:
            return 0, "erased", None
        body, now = delivery.payload.encode(), self._clock.now()
        headers = {"Content-Type": "application/json", "User-Agent": "gateway"}
        headers |= signed(body, self._key, show("dlv", delivery.delivery_id), now // SECOND)
        try:
            if not self._allow_private:
                check_literal(self._url.host or "")
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                taken = 200 <= answer.status < 300
                wait = retry_after(answer.headers.get("Retry-After"), now)
                return answer.status, "" if taken else f"status_{answer.status}", wait
        except (OSError, ClientError, TimeoutError, ValueError) as error:  # the last for names that are none
            return 0, _reason(error), None
        except Exception as error:  # noqa: BLE001 - else one row that cannot be sent would end the gateway
            mistakes.tell(delivery, error)
            return 0, mistakes.FAILED, None


class Leftovers:
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
            claimed: Claimed = await self._pipeline.submit_background(
                ClaimDeliveries(target, self._owner, _AT_ONCE)
            )
            for one in claimed.deliveries:
                finish = FinishDelivery(one.delivery_id, one.epoch, "back", self._clock.now())
                await self._pipeline.submit_background(finish)
        return _LEFTOVERS_POLL


def _reason(error: Exception) -> str:
    if isinstance(error, PrivateAddress) or isinstance(error.__cause__, PrivateAddress):
        return "private_address"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ClientConnectorError):
        return "no_connection"
    return "disconnected" if isinstance(error, OSError | ClientConnectionError) else "malformed"


def signing_key(secret: str) -> bytes:
    """The bytes behind a `whsec_…` secret, as Standard Webhooks writes them; any other text is its own bytes."""
    if secret.startswith(_STANDARD):
        try:
            return b64decode(secret.removeprefix(_STANDARD), validate=True)
        except NotBase64:
            pass
    return secret.encode()


def signed(body: bytes, key: bytes, message_id: str, seconds: int) -> dict[str, str]:
    """The three headers by which a listener knows the sender, the message and its age."""
    digest = hmac.digest(key, b".".join((message_id.encode(), str(seconds).encode(), body)), hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
