"""The worker that asks the upstream for the points of both sides of a merge, one merge at a time and only while nothing else needs
its quota. The question changes nothing there, so it may be repeated."""

import uuid
from typing import Final
from urllib.parse import quote

import msgspec

from gateway.clock import MINUTE, SECOND, Clock
from gateway.config import UpstreamSettings
from gateway.model import Delivery, ProposePoints
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.deliveries import sides_of
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Tracing
from gateway.upstream.answers import Dead, Delivered, Held, Retry, Verdict, classify, classify_failure
from gateway.upstream.client import Request, Upstream
from gateway.upstream.delivery_trace import headers_of, step_of
from gateway.upstream.errors import NoAnswer
from gateway.upstream.limiter import RandomBetween, Rate
from gateway.upstream.outbox import Outbox, TryResult
from gateway.usecases.points import BALANCES

_READ: Final[Rate] = "customers_read"
_POLL: Final = 1.0
_LONGEST_ANSWER: Final = 64 << 10
_LOOK_AGAIN: Final = 15 * MINUTE


class _Balance(msgspec.Struct):
    """The platform spells the field in several ways."""

    totalPointsBalance: int | float | None = None  # noqa: N815
    availablePointsBalance: int | float | None = None  # noqa: N815
    avaliablePointsBalance: int | float | None = None  # noqa: N815

    @property
    def points(self) -> int | None:
        spelt = (self.totalPointsBalance, self.availablePointsBalance, self.avaliablePointsBalance)
        return next((int(points) for points in spelt if points is not None), None)


_decode = msgspec.json.Decoder(_Balance).decode


class BalanceWorker:
    def __init__(
        self,
        pipeline: Pipeline,
        store: Store,
        upstream: Upstream,
        settings: UpstreamSettings,
        clock: Clock,
        random_between: RandomBetween,
        metrics: Metrics,
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing
        self._pipeline = pipeline
        self._store = store
        self._upstream = upstream
        self._deadline = settings.delivery_timeout
        self._clock = clock
        self._outbox = Outbox(BALANCES, uuid.uuid4().hex, store, pipeline, clock, random_between, metrics)

    async def step(self) -> float:
        """Ask about one merge. Returns the seconds until the next step."""
        if pause := self._upstream.limiter.wait(_READ):
            return max(_POLL, pause / SECOND)
        if not await self._outbox.is_due():
            return _POLL
        claimed = await self._outbox.claim(1)
        for delivery in claimed:
            await self._outbox.work_on(delivery, self._asked)
        return 0 if claimed else _POLL

    async def _asked(self, delivery: Delivery) -> TryResult:
        sides = await sides_of(self._store, delivery.subject)
        if sides is None:
            return TryResult("delivered", "not_merged")
        points: list[int] = []
        for canonical_id in sides:
            found = await self._points_of(canonical_id, delivery)
            if isinstance(found, TryResult):
                return found
            points.append(found)
        await self._pipeline.submit_background(ProposePoints(delivery.subject, *points))
        return TryResult("delivered", status=200)

    async def _points_of(self, canonical_id: str, delivery: Delivery) -> int | TryResult:
        step = step_of(self._tracing, delivery, "GET", "/customers/{customerId}/balance")
        target = f"/api/v4.1/integrations/customers/{quote(canonical_id, safe='')}/balance"
        request = Request(
            "GET",
            target,
            headers_of(delivery, step),
            rate=_READ,
            step=step,
        )
        try:
            async with self._upstream.exchange(request, deadline_ms=self._deadline) as reply:
                body = await reply.read(_LONGEST_ANSWER)
        except NoAnswer as failure:
            return self._end(classify_failure(failure), 0, delivery)
        verdict = classify(reply.status, reply.headers, body, now=self._clock.now())
        if verdict != Delivered():
            return self._end(verdict, reply.status, delivery)
        try:
            points = _decode(body).points
        except (msgspec.MsgspecError, OverflowError):
            points = None
        return TryResult("dead", "unreadable", status=reply.status) if points is None else points

    def _end(self, verdict: Verdict, status: int, delivery: Delivery) -> TryResult:
        pause = self._outbox.pause(delivery)
        match verdict:
            case Dead(customer_unknown=True):  # the upstream knows only one side: there is nothing to join
                return TryResult("delivered", "customer_unknown", status=status)
            case Dead(reason):
                return TryResult("dead", reason, status=status)
            case Held(reason):
                return TryResult("retry", reason, _LOOK_AGAIN, status)
            case Retry(reason, after):
                return TryResult("retry", reason, pause if after is None else after, status)
            case Delivered():
                return TryResult("delivered", status=status)
            case unknown:
                return TryResult("retry", unknown.reason, pause, status)
