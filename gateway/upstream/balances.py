"""The worker that asks the upstream what points it keeps for both sides of a merge, one merge at a time and only while nothing
else needs its quota. Asking changes nothing there, so it may be asked again."""

import uuid
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec
from multidict import CIMultiDict

from gateway.clock import MINUTE, SECOND, Clock
from gateway.config import Upstream as Settings
from gateway.errors import MISTAKES, GatewayError
from gateway.model import ClaimDeliveries, Delivery, DeliveryResult, FinishDelivery, ProposePoints
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.deliveries import is_due, sides_of
from gateway.telemetry.metrics import Metrics
from gateway.upstream import mistakes
from gateway.upstream.answers import Dead, Delivered, Held, Retry, Verdict, backoff, judge, judge_failure
from gateway.upstream.client import Request, Upstream
from gateway.upstream.errors import NoAnswer
from gateway.upstream.limiter import RandomBetween, Rate
from gateway.usecases.points import BALANCES

_READ: Final[Rate] = "customers_read"
_POLL: Final = 1.0
_LONGEST_ANSWER: Final = 64 << 10
_LOOK_AGAIN: Final = 15 * MINUTE


class _Balance(msgspec.Struct):
    """What the platform spells in several ways."""

    totalPointsBalance: int | float | None = None  # noqa: N815
    availablePointsBalance: int | float | None = None  # noqa: N815
    avaliablePointsBalance: int | float | None = None  # noqa: N815

    @property
    def points(self) -> int | None:
        spelt = (self.totalPointsBalance, self.availablePointsBalance, self.avaliablePointsBalance)
        return next((int(points) for points in spelt if points is not None), None)


_decode = msgspec.json.Decoder(_Balance).decode


class _End(NamedTuple):
    """How a delivery ends for now; `after` is how many ms until it is due again."""

    result: DeliveryResult
    reason: str = ""
    status: int = 0
    after: int = 0


class BalanceWorker:
    def __init__(
        self,
        pipeline: Pipeline,
        store: Store,
        upstream: Upstream,
        settings: Settings,
        clock: Clock,
        random_between: RandomBetween,
        metrics: Metrics,
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._upstream = upstream
        self._deadline = settings.delivery_timeout
        self._clock = clock
        self._random_between = random_between
        self._metrics = metrics
        self._owner = uuid.uuid4().hex

    async def step(self) -> float:
        """One merge, and be asked again after the seconds that this answers."""
        if pause := self._upstream.limiter.wait(_READ):
            return max(_POLL, pause / SECOND)
        if not await is_due(self._store, BALANCES, self._clock.now()):
            return _POLL
        claimed = await self._pipeline.submit_background(ClaimDeliveries(BALANCES, self._owner, 1))
        for delivery in claimed.deliveries:
            end = await self._tried(delivery)
            finish = FinishDelivery(
                delivery.delivery_id,
                delivery.epoch,
                end.result,
                self._clock.now() + end.after,
                end.status,
                end.reason,
            )
            await self._pipeline.submit_background(finish)
            self._metrics.attempts.labels(BALANCES, end.result).inc()
        return 0 if claimed.deliveries else _POLL

    async def _tried(self, delivery: Delivery) -> _End:
        try:
            return await self._work_on(delivery)
        except GatewayError:
            raise
        except MISTAKES as error:  # else one row that cannot be worked on would end the gateway
            mistakes.tell(delivery, error)
            return _End("retry", mistakes.FAILED, 0, backoff(delivery.attempts + 1, self._random_between))

    async def _work_on(self, delivery: Delivery) -> _End:
        sides = await sides_of(self._store, delivery.subject)
        if sides is None:
            return _End("delivered", "not_merged")
        points: list[int] = []
        for canonical_id in sides:
            found = await self._points_of(canonical_id, delivery)
            if isinstance(found, _End):
                return found
            points.append(found)
        await self._pipeline.submit_background(ProposePoints(delivery.subject, *points))
        return _End("delivered", status=200)

    async def _points_of(self, canonical_id: str, delivery: Delivery) -> int | _End:
        target = f"/api/v4.1/integrations/customers/{quote(canonical_id, safe='')}/balance"
        request = Request(
            "GET",
            target,
            CIMultiDict({"Accept": "application/json", "Accept-Encoding": "identity"}),
            rate=_READ,
        )
        try:
            async with self._upstream.exchange(request, deadline_ms=self._deadline) as reply:
                body = await reply.read(_LONGEST_ANSWER)
        except NoAnswer as failure:
            return self._end(judge_failure(failure), 0, delivery)
        verdict = judge(reply.status, reply.headers, body, now=self._clock.now())
        if verdict != Delivered():
            return self._end(verdict, reply.status, delivery)
        try:
            points = _decode(body).points
        except (msgspec.MsgspecError, OverflowError):
            points = None
        return _End("dead", "unreadable", reply.status) if points is None else points

    def _end(self, verdict: Verdict, status: int, delivery: Delivery) -> _End:
        pause = backoff(delivery.attempts + 1, self._random_between)
        match verdict:
            case Dead(customer_unknown=True):
                return _End(
                    "delivered", "customer_unknown", status
                )  # known once only: nothing to put together
            case Dead(reason):
                return _End("dead", reason, status)
            case Held(reason):
                return _End("retry", reason, status, _LOOK_AGAIN)
            case Retry(reason, after):
                return _End("retry", reason, status, pause if after is None else after)
            case Delivered():
                return _End("delivered", "", status)
            case unknown:
                return _End("retry", unknown.reason, status, pause)
