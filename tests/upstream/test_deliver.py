"""Queued achievements on their way to a real server that behaves, and misbehaves, as the platform does: each is in force there
once, whatever becomes of the requests and the answers (F10, F11, F14–F17)."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.clock import HOUR, MINUTE, SECOND, SystemClock
from gateway.config import Rates, Secret, UpstreamSettings
from gateway.errors import OutboxFull
from gateway.ids import show
from gateway.model import Accepted, Caller, ClaimDeliveries, MarkSending, MergeProfiles, RetryDelivery
from gateway.sqlite_library import sqlite3
from gateway.telemetry.metrics import Metrics
from gateway.upstream.backlog import Backlog
from gateway.upstream.client import Upstream
from gateway.upstream.deliver import DeliveryWorker
from gateway.usecases.deliver import LEASE
from gateway.workingset import WorkingSet
from rules.identifier import Identifier
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
    InProcessGateway,
    ManualClock,
    achieve,
    customer,
    environment,
    erase,
)
from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform, serving
from tests.support.postgresql import PostgresServer

ANN = "web:ann"
RECONCILE = 10 * MINUTE


class Outbox:
    """A core whose achievements go to a platform; both live by one clock that the test moves."""

    def __init__(self, core: InProcessGateway, platform: Platform, settings: UpstreamSettings) -> None:
        self.core = core
        self.platform = platform
        self.settings = settings
        self.clock = core.clock
        self.metrics = Metrics()

    async def __aenter__(self) -> "Outbox":
        self.upstream = Upstream(self.settings, self.clock, self.core.env.random_between)
        await self.upstream.open()
        self.delivery_worker = self.worker()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.delivery_worker.stop()
        await self.delivery_worker.drain()
        await self.upstream.close()

    def worker(self) -> DeliveryWorker:
        return DeliveryWorker(
            self.core.pipeline,
            self.core.store,
            self.upstream,
            self.settings,
            self.clock,
            lambda low, high: high,
            self.metrics,
        )

    async def work(self, *, after: int = 0, steps: int = 1) -> None:
        """Let `after` pass, then let the worker do what is due, to its end."""
        self.clock.advance(after)
        for _ in range(steps):
            await self.delivery_worker.step()
            await self.delivery_worker.drain()

    async def report(self, who: str = ANN, campaign: int = FOLLOW.id, **said: str) -> int:
        accepted = await self.core.send(achieve(who, campaign, **said))
        assert isinstance(accepted, Accepted)
        return accepted.achievement_id

    async def rows(self, columns: str = "state, reason") -> list[tuple[Any, ...]]:
        return await self.core.rows(f"SELECT {columns} FROM delivery ORDER BY delivery_id")

    async def states(self) -> list[str]:
        return await self.core.column("SELECT state FROM achievement ORDER BY achievement_id")

    def reports(self) -> list[Any]:
        """What arrived at the social-challenges operation."""
        return [seen.json for seen in self.platform.seen if seen.method == "POST"]

    def achieved(self, customer_id: str = "ann", campaign: int = FOLLOW.id) -> int:
        self.platform._grant_due()
        return self.platform.customers[customer_id].achieved[campaign]


def settings(platform: Platform, **changed: Any) -> UpstreamSettings:
    usual: dict[str, Any] = {
        "api_key": Secret(API_KEY),
        "secret_key": Secret(SECRET_KEY),
        "delivery_timeout": 2 * SECOND,
    }
    return UpstreamSettings(base_url=platform.url, **(usual | changed))


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncGenerator[Outbox]:
    clock = ManualClock()
    async with (
        InProcessGateway(tmp_path, environment(delivers=True), clock=clock) as core,
        serving(clock) as platform,
        Outbox(core, platform, settings(platform)) as built,
    ):
        platform.ensure("ann")
        yield built


# ---- what is sent ----


async def test_an_achievement_is_reported_under_the_canonical_id_with_normalised_merge_keys(
    outbox: Outbox,
) -> None:
    await outbox.report(ANN, email="ann@example.com", mobile="+201001234567")
    await outbox.report("pos:17", SHARE.id, mobile="+201001234567")
    await outbox.work()
    keys = {"email": "ann@example.com", "mobile": "+201001234567"}
    assert sorted(outbox.reports(), key=lambda report: report["challengeId"]) == [
        {"customerId": "ann", "challengeId": FOLLOW.id, **keys},
        {"customerId": "ann", "challengeId": SHARE.id, **keys},
    ]
    seen = outbox.platform.seen[0]
    assert seen.headers["Accept-Encoding"] == "identity"
    assert (seen.headers["apikey"], seen.headers["secretkey"]) == (API_KEY, SECRET_KEY)
    assert seen.path == "/customers/social-challenges"
    assert await outbox.states() == ["delivered", "delivered"]
    assert await outbox.rows("state, status, attempts") == [("delivered", 202, 1)] * 2


async def test_the_request_is_written_when_it_is_sent_so_a_merge_in_between_counts(outbox: Outbox) -> None:
    await outbox.core.send(customer(ANN))
    await outbox.report("pos:17")
    ids = [await outbox.core.profile_of(who) for who in (ANN, "pos:17")]
    sam = Caller("", "", "operator:sam", "req")
    await outbox.core.send(MergeProfiles(sam, (ids[0], ids[1]), "the same person"))  # type: ignore[arg-type]
    await outbox.work()
    assert [report["customerId"] for report in outbox.reports()] == ["ann"]
    assert await outbox.states() == ["delivered"]


async def test_a_shared_number_is_not_sent_as_a_merge_key(outbox: Outbox) -> None:
    await outbox.report(ANN, mobile="+201001234567")
    await outbox.core.store.run(_Disown())
    await outbox.work()
    assert "mobile" not in outbox.reports()[0]


class _Disown:
    def wants(self, ws: WorkingSet) -> None:
        ws.keys.want(Identifier("mobile", "+201001234567"))

    def process(self, ws: WorkingSet) -> None:
        for key in ws.keys.values():
            key.owner, key.state = None, "shared"
            ws.touch_key(key)


async def test_an_achievement_of_an_erased_customer_is_not_reported(outbox: Outbox) -> None:
    await outbox.report()
    await outbox.core.send(erase(ANN))
    await outbox.work()
    assert outbox.platform.seen == []
    assert await outbox.rows() == [("dead", "customer_erased")]


# ---- what the upstream answers ----


async def test_an_achievement_that_another_system_reported_counts_as_delivered(outbox: Outbox) -> None:
    outbox.platform._accepted["ann", FOLLOW.id] = outbox.clock.now()
    await outbox.report()
    await outbox.work()
    assert await outbox.rows() == [("delivered", "duplicate")]
    assert await outbox.states() == ["delivered"]


@pytest.mark.parametrize("fault", ["500", "503", "429"])
async def test_a_report_that_the_upstream_cannot_take_now_is_sent_again_later(
    outbox: Outbox, fault: str
) -> None:
    outbox.platform.next.append(fault)
    await outbox.report()
    await outbox.work()
    assert await outbox.rows("state, reason, attempts, status") == [
        ("pending", f"status_{fault}", 1, int(fault))
    ]
    await outbox.work(after=MINUTE)
    assert await outbox.states() == ["delivered"]
    assert outbox.achieved() == 1


async def test_a_retry_after_is_obeyed(outbox: Outbox) -> None:
    outbox.platform.next.append("429")
    outbox.platform.retry_after = "300"
    await outbox.report()
    await outbox.work()
    await outbox.work(after=299 * SECOND)
    assert len(outbox.platform.seen) == 1
    await outbox.work(after=SECOND)
    assert await outbox.states() == ["delivered"]


async def test_a_final_refusal_is_dead_with_the_masked_answer(outbox: Outbox) -> None:
    await outbox.report(campaign=FOLLOW.id, email="ann@example.com")
    refusal = {"code": 3003, "message": "no campaign for ann@example.com"}
    with answering(outbox.platform, 422, refusal):
        await outbox.work()
    ((state, reason, answer),) = await outbox.rows("state, reason, answer")
    assert (state, reason) == ("dead", "status_422")
    assert "no campaign for" in answer
    assert "ann@example.com" not in answer
    assert await outbox.states() == ["dead"]


@contextlib.contextmanager
def answering(platform: Platform, status: int, body: Any) -> Any:
    """Every report is answered so, and nothing is carried out."""
    honest: Callable[..., Any] = platform._carry_out
    platform._carry_out = lambda call: (status, body)  # type: ignore[method-assign]
    yield
    platform._carry_out = honest  # type: ignore[method-assign]


async def test_an_unknown_customer_is_resolved_once_more_and_then_dead(outbox: Outbox) -> None:
    await outbox.report("pos:4711")
    await outbox.work()
    assert await outbox.rows("state, reason") == [("pending", "customer_unknown")]
    await outbox.work(after=MINUTE)
    assert await outbox.rows("state, reason") == [("dead", "customer_unknown")]
    assert len(outbox.reports()) == 2


async def test_a_customer_that_turns_up_in_between_gets_its_achievement(outbox: Outbox) -> None:
    await outbox.report("pos:4711")
    await outbox.work()
    outbox.platform.ensure("4711")
    await outbox.work(after=MINUTE)
    assert await outbox.states() == ["delivered"]


async def test_while_the_program_is_switched_off_there_deliveries_are_held(outbox: Outbox) -> None:
    await outbox.report()
    with answering(outbox.platform, 422, {"code": 6000, "message": "Gameball Disabled"}):
        await outbox.work()
        assert await outbox.rows() == [("held", "disabled")]
        await outbox.work(after=14 * MINUTE)
    assert len(outbox.reports()) == 1
    await outbox.work(after=MINUTE)
    assert await outbox.states() == ["delivered"]


async def test_refused_keys_hold_everything_back_and_burn_no_attempt(outbox: Outbox) -> None:
    for number in range(3):
        outbox.platform.ensure(str(number))
        await outbox.report(f"web:{number}")
    with answering(outbox.platform, 401, {"code": 1000, "message": "Unauthorized access."}):
        await outbox.work(steps=3)
    assert set(await outbox.rows("state, reason, attempts")) <= {("pending", "auth", 0), ("pending", "", 0)}
    assert outbox.delivery_worker.breaker.state == "auth"
    asked = len(outbox.platform.seen)
    await outbox.work(after=4 * MINUTE, steps=3)
    assert len(outbox.platform.seen) == asked
    await outbox.work(after=MINUTE, steps=4)
    assert await outbox.states() == ["delivered"] * 3


async def test_after_three_days_of_trying_a_report_is_dead_until_an_operator_sends_it_again(
    outbox: Outbox,
) -> None:
    outbox.platform.always = "503"
    await outbox.report()
    for _ in range(80):
        await outbox.work(after=HOUR)
    assert await outbox.rows("state, reason, status") == [("dead", "gave_up", 503)]
    assert await outbox.states() == ["dead"]
    outbox.platform.always = None
    (delivery_id,) = await outbox.core.column("SELECT delivery_id FROM delivery")
    await outbox.core.send(RetryDelivery(Caller("", "", "operator:sam", "req"), delivery_id))
    await outbox.work(after=HOUR)
    assert await outbox.states() == ["delivered"]
    assert outbox.achieved() == 1


# ---- what is our own fault ----


async def spoil(outbox: Outbox, table: str, column: str) -> None:
    """Make a text that no gateway writes and none can read."""
    with contextlib.closing(sqlite3.connect(outbox.core.url.removeprefix("sqlite:///"))) as file, file:
        file.execute(f"UPDATE {table} SET {column} = CAST(x'ff' AS TEXT)")


async def test_a_report_that_cannot_be_written_is_tried_ever_more_rarely_and_then_dead(
    outbox: Outbox,
) -> None:
    await outbox.report(email="ann@example.com")
    await spoil(outbox, "profile", "canonical_id")
    with capture_logs() as lines:
        await outbox.work()
    (delivery_id,) = await outbox.core.column("SELECT delivery_id FROM delivery")
    failed = {"event": "delivery_failed", "log_level": "error", "error": "ReadFailed"}
    assert lines == [{**failed, "delivery": show("dlv", delivery_id)}]
    assert await outbox.rows("state, reason, attempts, sent_at, due_at") == [
        ("pending", "failed", 1, None, outbox.clock.now() + 2 * SECOND)
    ]
    await outbox.work(after=2 * SECOND)
    assert await outbox.rows("attempts, due_at") == [(2, outbox.clock.now() + 4 * SECOND)]
    for _ in range(80):
        await outbox.work(after=HOUR)
    assert await outbox.rows() == [("dead", "gave_up")]
    assert await outbox.states() == ["dead"]
    assert outbox.platform.seen == []


async def test_a_failure_of_ours_after_a_report_was_sent_leaves_it_unknown(outbox: Outbox) -> None:
    draws = iter([ZeroDivisionError("ann@example.com")])

    def random_between(low: int, high: int) -> int:
        for mistake in draws:
            raise mistake
        return high

    outbox.delivery_worker = DeliveryWorker(
        outbox.core.pipeline,
        outbox.core.store,
        outbox.upstream,
        outbox.settings,
        outbox.clock,
        random_between,
        outbox.metrics,
    )
    outbox.platform.next.append("swallowed")
    await outbox.report()
    with capture_logs() as lines:
        await outbox.work()
    assert "ann@example.com" not in str(lines)
    assert await outbox.rows("state, reason, attempts") == [("unknown", "failed", 1)]
    await outbox.work(after=MINUTE)
    await outbox.work(after=RECONCILE)
    assert await outbox.rows() == [("delivered", "reconciled")]
    assert len(outbox.reports()) == 1


# ---- unknown outcomes (F17) ----


async def test_a_lost_answer_is_asked_for_again_while_the_upstream_would_notice(outbox: Outbox) -> None:
    outbox.platform.next.append("swallowed")
    await outbox.report()
    await outbox.work()
    assert await outbox.rows() == [("unknown", "disconnected")]
    await outbox.work(after=2 * SECOND)
    assert await outbox.rows("state, reason, attempts") == [("delivered", "", 2)]
    assert outbox.achieved() == 1
    assert len(outbox.reports()) == 2


async def test_past_the_window_nothing_is_sent_blindly(outbox: Outbox) -> None:
    outbox.platform.next.append("swallowed")
    await outbox.report()
    await outbox.work()
    await outbox.work(after=MINUTE)
    await outbox.work(after=RECONCILE - MINUTE - 1)
    assert len(outbox.platform.seen) == 1
    await outbox.work(after=1)
    assert await outbox.rows() == [("delivered", "reconciled")]
    assert outbox.platform.seen[-1].path == "/customers/ann/reward-campaigns-progress"
    assert len(outbox.reports()) == 1
    assert outbox.achieved() == 1


async def test_a_report_found_not_to_have_arrived_is_sent_again(outbox: Outbox) -> None:
    outbox.platform.next.append("closed")
    await outbox.report()
    await outbox.work()
    assert await outbox.rows("state") == [("unknown",)]
    await outbox.work(after=MINUTE)
    await outbox.work(after=RECONCILE, steps=2)
    assert await outbox.states() == ["delivered"]
    assert outbox.achieved() == 1


async def test_earlier_reports_of_the_same_campaign_are_not_taken_for_the_lost_one(outbox: Outbox) -> None:
    await outbox.report(campaign=SHARE.id)
    await outbox.work()
    for fault, counted in (("swallowed", 2), ("closed", 3)):
        outbox.clock.advance(HOUR)
        outbox.platform.next.append(fault)
        await outbox.report(campaign=SHARE.id)
        await outbox.work()
        await outbox.work(after=MINUTE)
        await outbox.work(after=RECONCILE, steps=2)
        assert outbox.achieved(campaign=SHARE.id) == counted
    assert await outbox.states() == ["delivered"] * 3


async def test_where_others_report_too_a_person_is_asked(outbox: Outbox) -> None:
    outbox.platform.customers["ann"].achieved[FOLLOW.id] = 5
    outbox.platform.next.append("swallowed")
    await outbox.report()
    await outbox.work()
    await outbox.work(after=MINUTE)
    await outbox.work(after=RECONCILE)
    assert await outbox.rows() == [("held", "undecidable")]
    await outbox.work(after=30 * HOUR)
    assert len(outbox.reports()) == 1


async def test_a_customer_that_was_merged_while_it_was_unknown_is_left_to_a_person(outbox: Outbox) -> None:
    """The upstream would not notice a repetition under the survivor's id."""
    await outbox.core.send(customer(ANN))
    outbox.platform.ensure("17")
    outbox.platform.next.append("swallowed")
    await outbox.report("pos:17")
    await outbox.work()
    ids = [await outbox.core.profile_of(who) for who in (ANN, "pos:17")]
    sam = Caller("", "", "operator:sam", "req")
    shaped = await outbox.core.send(MergeProfiles(sam, (ids[0], ids[1]), "the same person"))  # type: ignore[arg-type]
    assert shaped.profile_id == ids[0]
    await outbox.work(after=2 * SECOND)
    assert await outbox.rows() == [("held", "undecidable")]
    assert len(outbox.reports()) == 1


async def test_a_worker_that_died_while_sending_leaves_an_unknown_one(outbox: Outbox) -> None:
    """The crash between the sending and its end: the row was marked, the request arrived, and that was not stored."""
    outbox.platform.always = "slow"
    outbox.platform.slowness = 0.3
    await outbox.report()
    await outbox.delivery_worker.step()
    await _until(lambda: outbox.platform.seen)
    outbox.platform.always = None
    outbox.platform._answer(outbox.platform.seen[0])  # it is carried out, and the answer never comes
    assert await outbox.rows("state") == [("sending",)]
    for task in outbox.delivery_worker._working:
        task.cancel()
    await asyncio.sleep(0)
    second = outbox.worker()
    outbox.clock.advance(LEASE - 1)
    await second.step()
    await second.drain()
    assert len(outbox.platform.seen) == 1
    outbox.clock.advance(1)
    await second.step()
    await second.drain()
    assert await outbox.rows("state, reason") == [("delivered", "")]
    assert outbox.achieved() == 1


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it comes true in another server's task
            await asyncio.sleep(0.005)


async def test_f11_the_late_answer_of_a_worker_whose_lease_ended_is_ignored(outbox: Outbox) -> None:
    """F11: it sent, slept, and comes back with an answer when another one has found out and finished."""
    outbox.platform.next.append("slow")
    outbox.platform.slowness = 0.5
    await outbox.report()
    await outbox.delivery_worker.step()
    await _until(lambda: outbox.platform.seen)
    outbox.clock.advance(LEASE)
    other = outbox.worker()
    await other.step()
    await other.drain()
    ((state, epoch),) = await outbox.rows("state, epoch")
    assert (state, epoch) == ("delivered", 2)
    await outbox.delivery_worker.drain()
    assert await outbox.rows("state, epoch") == [("delivered", 2)]
    assert outbox.achieved() == 1
    value = outbox.metrics.registry.get_sample_value
    assert value("gateway_delivery_attempts_total", {"target": "upstream", "outcome": "stale"}) == 1


async def test_nothing_is_sent_on_a_lease_that_is_nearly_over(outbox: Outbox) -> None:
    await outbox.report()
    asleep = outbox.core.pipeline.submit_background

    async def late(command: Any) -> Any:
        outcome = await asleep(command)
        if type(command).__name__ == "MarkSending":
            outbox.clock.advance(16 * SECOND)
        return outcome

    outbox.core.pipeline.submit_background = late  # type: ignore[method-assign]
    await outbox.work()
    assert outbox.platform.seen == []
    assert await outbox.rows("state, attempts") == [("pending", 0)]


@pytest.mark.parametrize("fault", ["swallowed", "closed", "reset", "502", "504", "truncated"])
async def test_whatever_happens_to_the_answers_each_achievement_counts_once(
    outbox: Outbox, fault: str
) -> None:
    """Every second answer is lost, in one way or another; all of them end within the hour."""
    names = [str(number) for number in range(12)]
    for name in names:
        outbox.platform.ensure(name)
        await outbox.report(f"web:{name}")
    outbox.platform.next.extend([fault, None] * 6)
    for _ in range(40):
        await outbox.work(after=MINUTE)
    assert await outbox.states() == ["delivered"] * 12
    assert [outbox.achieved(name) for name in names] == [1] * 12


# ---- dark and back (F16), pace (F14) ----


async def test_the_breaker_holds_reports_during_an_outage_and_all_are_sent_afterwards(
    outbox: Outbox,
) -> None:
    names = [str(number) for number in range(60)]
    for name in names:
        outbox.platform.ensure(name)
        await outbox.report(f"web:{name}")
    await outbox.platform.refuse()
    tried = 0.0
    for _ in range(20):
        await outbox.work(after=30 * SECOND)
        attempts = await outbox.core.column("SELECT SUM(attempts) FROM delivery")
        tried = attempts[0]
    assert outbox.delivery_worker.breaker.state in ("open", "probing")
    assert tried <= 20 + 10
    await outbox.platform.accept()
    for _ in range(60):
        await outbox.work(after=30 * SECOND)
    assert await outbox.states() == ["delivered"] * 60
    assert [outbox.achieved(name) for name in names] == [1] * 60


async def test_a_backlog_goes_out_at_the_limiters_pace_without_one_overrun(tmp_path: Path) -> None:
    """Real time: quotas of 40 a second and 60 in 30 seconds against a platform that allows just that."""
    clock = SystemClock()
    async with (
        InProcessGateway(tmp_path, environment(delivers=True), clock=clock) as core,  # type: ignore[arg-type]
        serving() as platform,
        Outbox(core, platform, settings(platform)) as outbox,
    ):
        names = [str(number) for number in range(70)]
        for name in names:
            platform.ensure(name)
            await core.send(achieve(f"web:{name}"))
        started = asyncio.get_running_loop().time()
        while "queued" in await outbox.states():  # noqa: ASYNC110 - this loop is what works it off
            await asyncio.sleep(min(0.05, await outbox.delivery_worker.step()))
        took = asyncio.get_running_loop().time() - started
        assert platform.overruns == 0
        assert took >= 2.0
        times = [seen.at for seen in platform.seen]
        assert max(sum(at <= other < at + SECOND for other in times) for at in times) <= 30
        assert len(platform.seen) == 70


async def test_a_restart_remembers_the_used_part_of_the_quota(outbox: Outbox) -> None:
    """A process that died had used up the quota of these 30 seconds; the one after it lets 30 more pass."""
    quota = 20
    few = settings(outbox.platform, rates=Rates(customers_write=(quota, quota)))
    for number in range(quota + 1):
        outbox.platform.ensure(str(number))
        await outbox.report(f"web:{number}")
    async with Outbox(outbox.core, outbox.platform, few) as died:
        await died.work()
    assert len(outbox.platform.seen) == quota
    async with Outbox(outbox.core, outbox.platform, few) as restarted:
        await restarted.work(after=29 * SECOND)
        assert len(outbox.platform.seen) == quota
        await restarted.work(after=30 * SECOND)
    assert await outbox.states() == ["delivered"] * (quota + 1)


async def test_deliveries_queued_since_the_last_count_are_counted(outbox: Outbox) -> None:
    backlog = Backlog(limit=2)
    await outbox.report()
    await backlog.measure(outbox.core.store, outbox.clock, outbox.metrics)
    backlog.grew()
    backlog.check()
    backlog.grew()
    with pytest.raises(OutboxFull):
        backlog.check()
    await outbox.work()
    await backlog.measure(outbox.core.store, outbox.clock, outbox.metrics)
    backlog.check()
    assert backlog.open == 0


async def test_stopping_releases_unsent_deliveries(outbox: Outbox) -> None:
    for number in range(3):
        outbox.platform.ensure(str(number))
        await outbox.report(f"web:{number}")
    outbox.delivery_worker.stop()
    await outbox.delivery_worker.step()
    await outbox.delivery_worker.drain()
    assert outbox.platform.seen == []
    assert await outbox.rows("state, lease_until, attempts") == [("pending", 0, 0)] * 3


# ---- a gateway that died ----


async def test_f11_another_gateway_takes_over_the_deliveries_of_a_dead_one_within_35_seconds(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    clock, env, url = ManualClock(), environment(delivers=True), postgres.url(postgres.fresh())
    async with (
        InProcessGateway(tmp_path, env, clock=clock, url=url) as dead,
        InProcessGateway(tmp_path, environment(delivers=True, seed=2), clock=clock, url=url) as core,
        serving(clock) as platform,
        Outbox(core, platform, settings(platform)) as outbox,
    ):
        for who in ("ann", "bob"):
            platform.ensure(who)
            await outbox.report(f"web:{who}")
        claimed = await dead.send(ClaimDeliveries("upstream", "dead", 20))
        sent = claimed.deliveries[0]
        await dead.send(MarkSending(sent.delivery_id, sent.epoch, sent.lane))
        await outbox.work(after=29 * SECOND)
        assert await outbox.rows("state, owner") == [("sending", "dead"), ("pending", "dead")]
        await outbox.work(after=6 * SECOND)
        assert await outbox.rows("state") == [("delivered",)] * 2
        assert (outbox.achieved("ann"), outbox.achieved("bob")) == (1, 1)
