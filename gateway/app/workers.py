"""Background work while the gateway serves: granting what is due, reporting to the upstream, housekeeping, counting, regrouping
profiles, working off jobs, closing old questions, and following rules, keys and lists that were changed elsewhere. Each loop is a
task of its own. If one dies, the process ends, because a gateway without it would not keep its promises."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import structlog

from gateway.app.shared_state import refresh
from gateway.config import Config, Webhook
from gateway.errors import GatewayError
from gateway.http.services import Services
from gateway.model import Caller, CloseStaleReviews, EndPins, EndSplits, Regrouped
from gateway.store.gateway_reads import ended_pins, ended_splits, stale_reviews
from gateway.store.row_digests import row_key
from gateway.upstream.balances import BalanceWorker
from gateway.upstream.deliver import DeliveryWorker
from gateway.upstream.outbox import Outbox
from gateway.upstream.quota_share import Share
from gateway.upstream.unanswered import UnansweredWorker
from gateway.upstream.webhooks import RemovedWebhookWorker, WebhookWorker
from gateway.workers.archive import Archiver, AutomaticArchive
from gateway.workers.database_metrics import RowCounter, measure
from gateway.workers.due_work import DueWork
from gateway.workers.granting import Granter
from gateway.workers.housekeeping import Housekeeper
from gateway.workers.jobs import JobWorker
from gateway.workers.recent_calls import RecentCalls
from gateway.workers.regroup_walk import regroup_some

_log = structlog.get_logger("workers")

_QUIET_POLL = 1.0
"""Of regroupings and jobs."""
_PAUSE = 10
"""While calls arrive, a worker pauses this many times as long as it worked."""
_FOLLOW_POLL = 1.0
_COUNT_POLL = 5.0
_COUNT_SHARE = 50
"""After counting what is open, it pauses this many times as long as that took."""
_AFTER_FAILURE = 2.0
_REGROUP_IDLE = 100
_REGROUP_BUSY = 20
_JOB_IDLE = 50
_JOB_BUSY = 10
_REVIEW_POLL = 60.0
_REVIEWS_AT_ONCE = 200
_PIN_POLL = 10.0
_PINS_AT_ONCE = 50
_ITSELF = Caller("", "", "gateway", "", "gateway")


@dataclass(slots=True)
class _Mail:
    """The worker of one webhook, until it has to end."""

    webhook: Webhook
    worker: WebhookWorker
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Workers:
    """`start` after the pipeline, `stop` before it. `on_death` is called for a loop that ended by itself."""

    def __init__(self, services: Services, on_death: Callable[[str], None]) -> None:
        self._services = services
        self._on_death = on_death
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._name = secrets.token_hex(8)
        self._calls_beside_regrouping = RecentCalls(services.pipeline, services.clock)
        self._calls_beside_jobs = RecentCalls(services.pipeline, services.clock)
        self._due = DueWork(services.store, services.clock)
        self._granter = Granter(
            services.store, services.pipeline, services.clock, services.telemetry.metrics, self._due
        )
        self._housekeeper = Housekeeper(
            services.store, services.pipeline, services.clock, services.telemetry.metrics
        )
        self._delivery_worker = _delivery_worker(services)
        self._balances = _balances(services)
        self._jobs = JobWorker(
            services.store,
            services.pipeline,
            services.clock,
            row_key(services.checkpoint_key),
            services.telemetry.tracing,
        )
        self._mail = {webhook.name: self._mail_to(webhook) for webhook in services.config.webhooks}
        self._removed_webhooks = _removed_webhooks(services)

    def start(self) -> None:
        steps = {
            "grants": self._granter.step,
            "housekeeping": self._housekeeper.step,
            "regroup": self._regroup,
            "jobs": self._work_on_jobs,
            "reviews": self._close_reviews,
            "pins": self._end_pins,
            "follow": self._follow,
            "backlog": self._count_backlog,
            "rows": RowCounter(
                self._services.store,
                self._services.telemetry.metrics,
                is_file=self._services.config.store.sqlite_path is not None,
            ).step,
            "clock": self._services.timekeeper.step,
            "activity": self._services.activity.step,
        }
        upstream = self._services.upstream
        if self._delivery_worker is not None and upstream is not None:
            steps["share"] = Share(self._services.store, upstream.limiter, self._services.clock).step
            steps["deliveries"] = self._delivery_worker.step
        if self._services.config.retention.audit:
            steps["archive"] = self._archive().step
        if self._services.anchor is not None:
            steps["anchor"] = self._services.anchor.step
        if self._balances is not None:
            steps["balances"] = self._balances.step
        steps["removed_webhooks"] = self._removed_webhooks.step
        steps["unanswered"] = UnansweredWorker(
            self._services.store,
            self._services.pipeline,
            self._services.clock,
            self._services.config.upstream,
        ).step
        for name, step in steps.items():
            self._go_on(name, self._repeat(name, step, self._stopping), self._stopping)
        for mail in self._mail.values():
            self._send_on(mail)
        self._services.followers.append(self._follow_webhooks)

    async def stop(self) -> None:
        """Let each loop finish its step; nothing is left half done. May be called again."""
        self._stopping.set()
        for mail in self._mail.values():
            mail.ended.set()
        if self._delivery_worker is not None:
            self._delivery_worker.stop()
        searches = set(self._services.searches)
        for search in searches:
            search.cancel()
        await asyncio.gather(*self._tasks, *searches, return_exceptions=True)
        if self._delivery_worker is not None:
            await self._delivery_worker.drain()

    def _go_on(self, name: str, loop: Coroutine[Any, Any, None], end: asyncio.Event) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not end.is_set():
                self._on_death(name)

        task = asyncio.create_task(loop, name=name)
        task.add_done_callback(ended)
        self._tasks.add(task)

    async def _repeat(self, name: str, step: Callable[[], Awaitable[float]], end: asyncio.Event) -> None:
        while not end.is_set():
            try:
                pause = await step()
            except GatewayError as error:
                _log.warning("worker_paused", worker=name, error=type(error).__name__)
                pause = _AFTER_FAILURE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(end.wait(), pause or 0.0001)

    # ---- webhooks ----

    def _mail_to(self, webhook: Webhook) -> _Mail:
        """It has leases of its own, because the one before it may still be in its last step."""
        services = self._services
        worker = WebhookWorker(
            webhook,
            services.store,
            services.pipeline,
            services.clock,
            services.env.random_between,
            services.telemetry.metrics,
            secrets.token_hex(8),
            tracing=services.telemetry.tracing,
        )
        return _Mail(webhook, worker)

    def _send_on(self, mail: _Mail) -> None:
        async def loop() -> None:
            mail.worker.open()
            try:
                await self._repeat(mail.worker.target, mail.worker.step, mail.ended)
            finally:
                await mail.worker.close()

        self._go_on(mail.worker.target, loop(), mail.ended)

    def _follow_webhooks(self, config: Config) -> Callable[[], None]:
        """Unchanged webhooks continue, others end after their step, and new ones begin."""
        known = {name: mail for name, mail in self._mail.items() if mail.webhook in config.webhooks}
        fresh = [self._mail_to(webhook) for webhook in config.webhooks if webhook.name not in known]

        def take_over() -> None:
            if self._stopping.is_set():
                return
            for name, mail in self._mail.items():
                if name not in known:
                    mail.ended.set()
            self._mail = {**known, **{mail.webhook.name: mail for mail in fresh}}
            for mail in fresh:
                self._send_on(mail)

        return take_over

    # ---- regrouping ----

    async def _regroup(self) -> float:
        """One chunk of the profiles that are to be looked at again."""
        services = self._services
        if not await self._due.has("regroupings"):
            return _QUIET_POLL
        busy, started = self._calls_beside_regrouping.are_expected(), perf_counter()
        limit = _REGROUP_BUSY if busy else _REGROUP_IDLE
        outcome = await regroup_some(
            services.store, services.pipeline, services.clock, self._name, limit, services.telemetry.tracing
        )
        if outcome is None:
            return _QUIET_POLL
        self._count(outcome)
        return _PAUSE * (perf_counter() - started) if busy else 0

    def _count(self, outcome: Regrouped) -> None:
        metrics, run = self._services.telemetry.metrics, outcome.run
        if run.scope == "rules":
            left = 0 if run.finished_at is not None else max(run.total - run.looked, 0)
            metrics.regrouping.profiles_left.set(left)
        for what, count in outcome.done.items():
            metrics.regrouping.done.labels(what).inc(count)

    # ---- jobs ----

    async def _work_on_jobs(self) -> float:
        """A few changes of the oldest job that is due."""
        services = self._services
        if not await services.store.take_lead("jobs") or not await self._due.has("jobs"):
            return _QUIET_POLL
        busy, started = self._calls_beside_jobs.are_expected(), perf_counter()
        limit = _JOB_BUSY if busy else _JOB_IDLE
        if not await self._jobs.work(limit):
            return _QUIET_POLL
        return _PAUSE * (perf_counter() - started) if busy else 0

    # ---- questions that are not answered ----

    async def _close_reviews(self) -> float:
        services = self._services
        after = services.env.rules.review.auto_close_stale_after
        if after is None:
            return _REVIEW_POLL
        before = services.clock.now() - after
        found = await stale_reviews(services.store, before, _REVIEWS_AT_ONCE)
        if found:
            await services.pipeline.submit_background(CloseStaleReviews(_ITSELF, tuple(found)))
        return 0 if len(found) == _REVIEWS_AT_ONCE else _REVIEW_POLL

    # ---- pins and reviews that end by their time ----

    async def _end_pins(self) -> float:
        services = self._services
        found = await ended_pins(services.store, services.clock.now(), _PINS_AT_ONCE)
        if found:
            await services.pipeline.submit_background(EndPins(_ITSELF, tuple(found)))
        if splits := await ended_splits(services.store, services.clock.now(), _PINS_AT_ONCE):
            await services.pipeline.submit_background(EndSplits(_ITSELF, tuple(splits)))
        return 0 if _PINS_AT_ONCE in (len(found), len(splits)) else _PIN_POLL

    # ---- the archive ----

    def _archive(self) -> AutomaticArchive:
        services, kept = self._services, self._services.config.retention
        archiver = Archiver(
            services.store,
            services.checkpoint_key,
            Path(kept.audit_archive),
            "gateway",
            stopping=self._stopping.is_set,
            anchored=services.anchor.reached if services.anchor is not None else None,
        )
        return AutomaticArchive(
            archiver,
            services.store,
            services.clock,
            kept.audit,
            services.archive_lock,
            services.telemetry.metrics.audit,
        )

    # ---- deliveries ----

    async def _count_backlog(self) -> float:
        services, started = self._services, perf_counter()
        metrics = services.telemetry.metrics
        await services.backlog.measure(services.store, services.clock, metrics)
        await measure(services.store, services.config.store.sqlite_path, services.clock, metrics)
        await services.verifications.last()
        return max(_COUNT_POLL, _COUNT_SHARE * (perf_counter() - started))

    # ---- rules, keys and lists changed elsewhere ----

    async def _follow(self) -> float:
        await refresh(self._services)
        return _FOLLOW_POLL


def _delivery_worker(services: Services) -> DeliveryWorker | None:
    config, upstream = services.config, services.upstream
    if upstream is None or not config.delivers:
        return None
    return DeliveryWorker(
        services.pipeline,
        services.store,
        upstream,
        config.upstream,
        services.clock,
        services.env.random_between,
        services.telemetry.metrics,
        services.telemetry.tracing,
    )


def _removed_webhooks(services: Services) -> RemovedWebhookWorker:
    def names() -> list[str]:
        return [webhook.name for webhook in services.config.webhooks]

    def outbox_of(target: str) -> Outbox:
        return Outbox(
            target,
            owner,
            services.store,
            services.pipeline,
            services.clock,
            services.env.random_between,
            services.telemetry.metrics,
        )

    owner = secrets.token_hex(8)
    return RemovedWebhookWorker(names, services.store, outbox_of, services.clock)


def _balances(services: Services) -> BalanceWorker | None:
    if services.upstream is None:
        return None
    return BalanceWorker(
        services.pipeline,
        services.store,
        services.upstream,
        services.config.upstream,
        services.clock,
        services.env.random_between,
        services.telemetry.metrics,
        services.telemetry.tracing,
    )
