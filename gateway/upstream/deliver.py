"""The worker that reports queued achievements to the upstream: it claims what is due, writes the request from the profile at that
moment, sends it when its turn comes, and records the result.

`usecases/deliver.py` decides what may be sent; this module decides when. A row is marked before its request is sent. A request is
not sent if its lease might end before the answer, and not sent again if it may have arrived, unless the upstream would notice the
repetition.
"""

import asyncio
import contextlib
import uuid
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec
import structlog

from gateway.clock import JUMP, MINUTE, SECOND, Clock
from gateway.config import UpstreamSettings
from gateway.errors import GatewayError
from gateway.model import Delivery, MarkSending, Stale
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.deliveries import OutgoingReport, report_of, reported, told_since
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Step, Tracing
from gateway.upstream.answers import (
    Dead,
    Delivered,
    Held,
    Retry,
    Unknown,
    Verdict,
    classify,
    classify_failure,
    code_of,
)
from gateway.upstream.client import Request, Upstream
from gateway.upstream.delivery_trace import headers_of, step_of
from gateway.upstream.errors import NoAnswer
from gateway.upstream.limiter import WINDOW, RandomBetween, Rate
from gateway.upstream.outbox import Outbox, TryResult
from gateway.upstream.reconcile import find, progress_in
from gateway.usecases.deliver import UPSTREAM

_log = structlog.get_logger("deliveries")
_encode = msgspec.json.Encoder().encode

_BASE: Final = "/api/v4.1/integrations/customers"
_WRITE: Final[Rate] = "customers_write"
_READ: Final[Rate] = "customers_read"
_AT_ONCE: Final = 20
_POLL: Final = 0.5
_SOON: Final = SECOND
_MARGIN: Final = 15 * SECOND
"""What must be left of a lease when a request goes out."""
_LAST_WORD: Final = 5 * SECOND
"""What is left of a lease for recording the result."""
_LONGEST_ANSWER: Final = 256 << 10
_RESOLVE_AGAIN: Final = MINUTE
_LOOK_AGAIN: Final = 15 * MINUTE
_REPEATED: Final = 4000
_PASSING: Final = frozenset({408, 425, 429})


class _Said(NamedTuple):
    """The upstream's answer to one request; status 0 if there was none."""

    status: int
    body: bytes
    verdict: Verdict


class DeliveryWorker:
    """Call `step` repeatedly; at the end `stop`, and after the last step `drain`. Several workers may use one database: leases keep
    them apart."""

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
        self.breaker = upstream.breaker
        self._pipeline = pipeline
        self._store = store
        self._upstream = upstream
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._tracing = tracing
        self._remembers = False
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._outbox = Outbox(
            UPSTREAM,
            uuid.uuid4().hex,
            store,
            pipeline,
            clock,
            random_between,
            metrics,
            failed="unknown",  # a delivery that was not marked as sending before is not unknown
            stopping=self._stopping,
        )
        self._working: set[asyncio.Task[None]] = set()

    async def step(self) -> float:
        """Claim what is due and begin with it. Returns the seconds until the next step."""
        self._metrics.deliveries.breaker.state(self.breaker.state)
        if not self._remembers:
            await self._remember()
        if self.breaker.wait() or self._upstream.limiter.wait(_WRITE) > _SOON:
            return _POLL
        room = (1 if self.breaker.state != "closed" else _AT_ONCE) - len(self._working)
        if room <= 0:
            await asyncio.wait(self._working, return_when=asyncio.FIRST_COMPLETED)
            return 0
        if not await self._outbox.is_due():
            return _POLL
        claimed = await self._outbox.claim(room)
        for delivery in claimed:
            task = asyncio.create_task(self._work_on(delivery))
            self._working.add(task)
            task.add_done_callback(self._done)
        return 0 if len(claimed) == room else _POLL

    async def _remember(self) -> None:
        """Requests that were sent before a restart still count in the upstream's quota."""
        for _ in range(await told_since(self._store, self._clock.now() - WINDOW)):
            self._upstream.limiter.note(_WRITE)
            self._upstream.limiter.done(_WRITE)
        self._remembers = True

    def stop(self) -> None:
        """Send nothing more, and give back what was not sent."""
        self._stopping.set()

    async def drain(self) -> None:
        """Wait until everything that was sent has its answer and its result recorded."""
        if self._working:
            await asyncio.wait(self._working)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("delivery_failed", error=type(error).__name__)

    # ---- one delivery ----

    async def _work_on(self, delivery: Delivery) -> None:
        try:
            await self._outbox.work_on(delivery, self._tried)
        except (
            GatewayError
        ) as error:  # its lease ends, and the row is found again in the state that it then has
            _log.warning("delivery_left", error=type(error).__name__)
        finally:
            self._metrics.deliveries.breaker.state(self.breaker.state)

    async def _tried(self, delivery: Delivery) -> TryResult | None:
        """None: another worker has it by now."""
        report = await report_of(self._store, delivery.subject)
        if report is None:
            return TryResult("dead", "customer_erased")
        if delivery.sent_at is None:
            return await self._send(delivery, report)
        now = self._clock.now()
        sent_at = (
            delivery.sent_at if delivery.sent_at <= now + JUMP else 0
        )  # by a clock that was ahead: the time is unknown
        if report.profile_id != delivery.lane:
            return _undecidable()
        if now + self._settings.delivery_timeout <= sent_at + self._settings.dedup_window:
            return await self._send(delivery, report)
        if now < sent_at + self._settings.reconcile_after:
            return _back(delivery, sent_at + self._settings.reconcile_after - now)
        return await self._reconcile(delivery, report)

    # ---- sending ----

    async def _send(self, delivery: Delivery, report: OutgoingReport) -> TryResult | None:
        async with self._turn:
            if not await self._admitted(_WRITE, delivery):
                return _back(delivery)
            mark = MarkSending(delivery.delivery_id, delivery.epoch, report.profile_id)
            if isinstance(await self._pipeline.submit_background(mark), Stale):
                return None
            if not await self._free(_WRITE, delivery):
                return _back(delivery)
            self.breaker.admit()
            self._upstream.limiter.note(_WRITE)
        after_unknown = delivery.sent_at is not None
        step = step_of(self._tracing, delivery, "POST", "/customers/social-challenges")
        said = await self._ask(_request(report, delivery, step), delivery, after_unknown=after_unknown)
        if code_of(said.body) == _REPEATED:
            return TryResult("delivered", "" if after_unknown else "duplicate", status=said.status)
        return self._end_of(delivery, said)

    async def _admitted(self, rate: Rate, delivery: Delivery) -> bool:
        return await self._free(rate, delivery) and self.breaker.wait() == 0

    async def _free(self, rate: Rate, delivery: Delivery) -> bool:
        """Wait for the limiter. False: the lease would not last, or the gateway is stopping."""
        until = delivery.lease_until - _MARGIN
        while True:
            now, pause = self._clock.now(), self._upstream.limiter.wait(rate)
            if self._stopping.is_set() or now + pause >= until:
                return False
            if not pause:
                return True
            await self._rest(pause)

    async def _rest(self, span: int) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), span / SECOND)

    async def _ask(self, request: Request, delivery: Delivery, *, after_unknown: bool) -> _Said:
        now = self._clock.now()
        deadline = min(self._settings.delivery_timeout, delivery.lease_until - _LAST_WORD - now)
        try:
            async with self._upstream.exchange(request, deadline_ms=deadline, reuse=False) as reply:
                body = await reply.read(_LONGEST_ANSWER)
        except NoAnswer as failure:
            self.breaker.failed()
            return _Said(0, b"", classify_failure(failure))
        now = self._clock.now()
        verdict = classify(reply.status, reply.headers, body, now=now, after_unknown=after_unknown)
        self._tell_breaker(reply.status, verdict)
        return _Said(reply.status, body, verdict)

    def _tell_breaker(self, status: int, verdict: Verdict) -> None:
        if verdict == Held("auth"):
            self.breaker.denied()
        elif status >= 500 or (isinstance(verdict, Retry) and status not in _PASSING and status != 422):
            self.breaker.failed()
        else:
            self.breaker.succeeded()

    def _end_of(self, delivery: Delivery, said: _Said) -> TryResult:
        status = said.status
        match said.verdict:
            case Delivered():
                return TryResult("delivered", status=status)
            case Retry(reason, after):
                pause = after if after is not None else self._outbox.pause(delivery)
                return TryResult("retry", reason, pause, status)
            case Unknown(reason):
                return TryResult("unknown", reason, self._outbox.pause(delivery), status)
            case Held("auth" as reason):
                return TryResult("back", reason, 0, status)
            case Held(reason):
                return TryResult("held", reason, _LOOK_AGAIN, status)
            case Dead(_, detail, customer_unknown=True):
                if delivery.reason == "customer_unknown":
                    return TryResult("dead", "customer_unknown", status=status, answer=detail)
                return TryResult("retry", "customer_unknown", _RESOLVE_AGAIN, status)
            case Dead(reason, detail):
                return TryResult("dead", reason, status=status, answer=detail)

    # ---- finding out ----

    async def _reconcile(self, delivery: Delivery, report: OutgoingReport) -> TryResult:
        """Ask the upstream how often it has counted the campaign for this customer. Older reports that are still on their way have
        to be finished first, or the count would not tell which report it counted."""
        known = await reported(self._store, report, delivery.subject)
        if known.before:
            return _back(delivery, MINUTE)
        async with self._turn:
            if not await self._admitted(_READ, delivery):
                return _back(delivery)
            self.breaker.admit()
            self._upstream.limiter.note(_READ)
        step = step_of(self._tracing, delivery, "GET", "/customers/{customerId}/reward-campaigns-progress")
        said = await self._ask(_question(report, delivery, step), delivery, after_unknown=False)
        if isinstance(said.verdict, Dead):
            lost = (
                said.verdict.customer_unknown
            )  # then the upstream has nothing of the customer, our report included
            return TryResult("absent", delivery.reason) if lost else _undecidable(said.status)
        if not isinstance(said.verdict, Delivered):
            return self._end_of(delivery, said)
        match find(progress_in(said.body, report.campaign_id), known.delivered):
            case "absent":
                return TryResult("absent", delivery.reason)
            case "undecidable":
                return _undecidable(said.status)
            case "arrived":
                return TryResult("delivered", "reconciled")
            case "nothing_to_earn":
                return TryResult("delivered", "nothing_to_earn")


def _undecidable(status: int = 0) -> TryResult:
    """An operator has to find out whether it arrived."""
    return TryResult("held", "undecidable", None, status)


def _back(delivery: Delivery, after: int = 0) -> TryResult:
    return TryResult("back", delivery.reason, after, delivery.status, delivery.answer)


def _request(report: OutgoingReport, delivery: Delivery, step: Step | None) -> Request:
    body = {"customerId": report.canonical_id, "challengeId": report.campaign_id}
    keys = {"email": report.email, "mobile": report.mobile}
    headers = headers_of(delivery, step)
    headers["Content-Type"] = "application/json"
    body |= {name: value for name, value in keys.items() if value}
    return Request(
        "POST", f"{_BASE}/social-challenges", headers, _encode(body), _WRITE, counted=True, step=step
    )


def _question(report: OutgoingReport, delivery: Delivery, step: Step | None) -> Request:
    customer = quote(report.canonical_id, safe="")
    target = f"{_BASE}/{customer}/reward-campaigns-progress?campaignId={report.campaign_id}"
    return Request(
        "GET",
        target,
        headers_of(delivery, step),
        rate=_READ,
        counted=True,
        step=step,
    )
