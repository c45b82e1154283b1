"""Claims of deliveries: one worker at a time may send one, and a worker whose lease ended changes nothing (F11)."""

import asyncio

from gateway.clock import HOUR, SECOND
from gateway.model import (
    Done,
    Stale,
)
from gateway.usecases.deliver import LEASE
from gateway.workingset import WorkingSet
from tests.support.deliveries import FAR, achieved, achievements, claim, claim_one, finish, mark, rows
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
    InProcessGateway,
)

# ---- claiming ----


async def test_a_claim_is_an_exclusive_lease_until_it_ends(core: InProcessGateway) -> None:
    await achieved(core)
    first = await claim_one(core, "one")
    assert (first.owner, first.lease_until, first.epoch) == ("one", core.clock.now() + LEASE, 1)
    core.clock.advance(LEASE - 1)
    assert await claim(core, "two") == []
    core.clock.advance(1)
    assert (await claim_one(core, "two")).epoch == 2


async def test_claims_take_the_oldest_due_first_and_not_more_than_asked_for(core: InProcessGateway) -> None:
    for number in range(5):
        await achieved(core, f"web:{number}")
        core.clock.advance(SECOND)
    order = [subject for (subject,) in await rows(core, "subject")]
    assert [d.subject for d in await claim(core, limit=2)] == order[:2]
    assert [d.subject for d in await claim(core, limit=9)] == order[2:]


async def test_a_delivery_that_is_not_due_or_has_another_target_is_not_claimed(
    core: InProcessGateway,
) -> None:
    await achieved(core)
    await finish(core, await claim_one(core), "retry", due_in=SECOND)
    assert await claim(core) == []
    assert await claim(core, target="webhook:crm") == []
    core.clock.advance(SECOND)
    assert len(await claim(core)) == 1


async def test_a_lease_that_ended_before_the_sending_leaves_the_delivery_pending(
    core: InProcessGateway,
) -> None:
    await achieved(core)
    await claim(core)
    core.clock.advance(LEASE)
    assert (await claim_one(core)).state == "pending"


async def test_a_lease_that_ended_during_the_sending_leaves_it_unknown(core: InProcessGateway) -> None:
    await achieved(core)
    await mark(core, await claim_one(core))
    sent_at = core.clock.now()
    core.clock.advance(LEASE)
    found = await claim_one(core, "two")
    assert (found.state, found.reason, found.sent_at, found.attempts) == ("unknown", "no_answer", sent_at, 1)
    assert "delivery.unknown" in await core.actions()


async def test_of_a_webhooks_lane_only_the_oldest_open_delivery_can_be_claimed(
    core: InProcessGateway,
) -> None:
    class Queue:
        def wants(self, ws: WorkingSet) -> None: ...

        def process(self, ws: WorkingSet) -> None:
            for lane in (1, 1, 2):
                ws.queue("webhook:crm", lane, "profile.merged", 1, "{}", give_up_after=FAR)

    await core.store.run(Queue())
    first, _, other = (number for (number,) in await rows(core, "delivery_id"))
    claimed = await claim(core, target="webhook:crm")
    assert [d.delivery_id for d in claimed] == [first, other]
    assert await claim(core, target="webhook:crm") == []
    await finish(core, claimed[0], "retry", due_in=HOUR)
    assert await claim(core, target="webhook:crm") == []
    core.clock.advance(HOUR)
    again = await claim(core, target="webhook:crm")
    assert [d.delivery_id for d in again] == [other, first]
    await finish(core, again[1], "delivered")
    assert [d.lane for d in await claim(core, target="webhook:crm")] == [1]


# ---- fencing (F11) ----


async def test_a_worker_whose_lease_was_taken_over_changes_nothing(
    core: InProcessGateway,
) -> None:
    await achieved(core)
    asleep = await claim_one(core, "one")
    core.clock.advance(LEASE)
    awake = await claim_one(core, "two")
    assert await mark(core, asleep) == Stale()
    assert await finish(core, asleep, "dead", reason="late") == Stale()
    assert await mark(core, awake) == Done()
    assert await finish(core, asleep, "retry") == Stale()
    assert await finish(core, awake, "delivered") == Done()
    assert await finish(core, awake, "retry") == Stale()
    assert await achievements(core) == [("delivered", "")]


async def test_a_claim_that_was_given_back_is_no_claim_any_more(core: InProcessGateway) -> None:
    await achieved(core)
    delivery = await claim_one(core)
    assert await finish(core, delivery, "back") == Done()
    assert await mark(core, delivery) == Stale()
    assert await finish(core, delivery, "delivered") == Stale()
    assert await achievements(core) == [("queued", "")]


async def test_a_late_worker_may_still_finish_a_delivery_that_no_other_claimed(
    core: InProcessGateway,
) -> None:
    await achieved(core)
    delivery = await claim_one(core)
    await mark(core, delivery)
    core.clock.advance(LEASE + SECOND)
    assert await finish(core, delivery, "delivered") == Done()


async def test_results_of_one_batch_do_not_disturb_each_other(core: InProcessGateway) -> None:
    for number in range(6):
        await achieved(core, f"web:{number}", FOLLOW.id if number % 2 else SHARE.id)
    claimed = await claim(core)
    assert await asyncio.gather(*(mark(core, delivery) for delivery in claimed)) == [Done()] * 6
    results = ["delivered", "retry", "unknown", "dead", "held", "back"]
    outcomes = await asyncio.gather(
        *(finish(core, d, result, due_in=SECOND) for d, result in zip(claimed, results, strict=True))
    )
    assert outcomes == [Done()] * 6
    assert [state for state, _ in await rows(core)] == [
        "delivered", "pending", "unknown", "dead", "held", "pending",
    ]  # fmt: skip
