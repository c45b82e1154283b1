"""Operators send deliveries again or give them up."""

from gateway.clock import MINUTE
from gateway.model import (
    DiscardDelivery,
    Done,
    Refused,
    RetryAchievement,
    RetryDelivery,
)
from tests.support.deliveries import FAR, SAM, achieved, achievements, claim, claim_one, finish, rows
from tests.support.in_process_gateway import (
    InProcessGateway,
    erase,
)

# ---- operators ----


async def test_an_operator_sends_a_dead_one_again_with_three_more_days(core: InProcessGateway) -> None:
    await achieved(core)
    delivery = await claim_one(core)
    await finish(core, delivery, "dead", reason="status_422")
    core.clock.advance(FAR)
    assert await core.send(RetryDelivery(SAM, delivery.delivery_id)) == Done()
    assert await achievements(core) == [("queued", "")]
    again = await claim_one(core)
    await finish(core, again, "retry", due_in=MINUTE)
    assert await rows(core, "state, reason, attempts") == [("pending", "", 1)]
    assert "delivery.retried" in await core.actions()


async def test_retrying_a_dead_achievement_sends_its_delivery_again(core: InProcessGateway) -> None:
    first = await achieved(core, "web:ann")
    second = await achieved(core, "web:bob")
    for delivery in await claim(core):
        await finish(core, delivery, "dead", reason="status_422")
    assert await core.send(RetryAchievement(SAM, second)) == Done()
    assert await core.send(RetryAchievement(SAM, second)) == Done(changed=False)
    assert await achievements(core) == [("dead", "status_422"), ("queued", "")]
    assert [delivery.subject for delivery in await claim(core)] == [second]
    assert await core.send(RetryAchievement(SAM, first)) == Done()


async def test_a_discarded_one_is_over_and_its_achievement_dead(core: InProcessGateway) -> None:
    achievement = await achieved(core)
    delivery = await claim_one(core)
    await finish(core, delivery, "held", due_in=None, reason="undecidable")
    assert await core.send(DiscardDelivery(SAM, delivery.delivery_id)) == Done()
    assert await core.send(DiscardDelivery(SAM, delivery.delivery_id)) == Done(changed=False)
    assert await rows(core) == [("discarded", "discarded")]
    assert await achievements(core) == [("dead", "discarded")]
    assert (await core.actions())[-2:] == ["delivery.discarded", "achievement.dead"]
    for command in (RetryDelivery(SAM, delivery.delivery_id), RetryAchievement(SAM, achievement)):
        refused = await core.send(command)
        assert isinstance(refused, Refused)
        assert refused.code == "delivery_closed"


async def test_an_operator_cannot_change_a_claimed_finished_or_unknown_delivery(
    core: InProcessGateway,
) -> None:
    achievement = await achieved(core)
    delivery = await claim_one(core)
    for command in (RetryDelivery(SAM, delivery.delivery_id), DiscardDelivery(SAM, delivery.delivery_id)):
        assert (await core.send(command)).code == "delivery_open"
    await finish(core, delivery, "delivered")
    for command in (RetryDelivery(SAM, delivery.delivery_id), DiscardDelivery(SAM, delivery.delivery_id)):
        assert (await core.send(command)).code == "delivery_closed"
    assert (await core.send(RetryAchievement(SAM, achievement))).code == "achievement_delivered"
    assert (await core.send(RetryDelivery(SAM, 1))).code == "delivery_unknown"
    assert (await core.send(DiscardDelivery(SAM, 1))).code == "delivery_unknown"


async def test_a_delivery_about_an_erased_customer_can_still_be_finished(core: InProcessGateway) -> None:
    await achieved(core)
    await core.send(erase("web:ann"))
    await finish(core, await claim_one(core), "dead", reason="customer_erased")
    assert await achievements(core) == [("dead", "customer_erased")]
