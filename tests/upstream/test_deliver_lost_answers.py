"""Reports whose answer was lost: sent again only while the upstream would notice a repeat (F17)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.clock import HOUR, MINUTE, SECOND
from gateway.model import Caller, MergeProfiles
from gateway.usecases.deliver import LEASE
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
    customer,
)
from tests.support.outbox import ANN, RECONCILE, Outbox

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
