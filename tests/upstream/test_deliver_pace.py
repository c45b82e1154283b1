"""Reports after an outage (F16), at the limiter's pace (F14), and from a gateway that died (F11)."""

import asyncio
from pathlib import Path

import pytest

from gateway.clock import SECOND, SystemClock
from gateway.config import Rates
from gateway.errors import OutboxFull
from gateway.model import ClaimDeliveries, MarkSending
from gateway.upstream.backlog import Backlog
from tests.support.in_process_gateway import (
    InProcessGateway,
    ManualClock,
    achieve,
    environment,
)
from tests.support.loyalty_platform import serving
from tests.support.outbox import Outbox, settings
from tests.support.postgresql import PostgresServer

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
