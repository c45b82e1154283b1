"""An accepted achievement is a delivery in the same transaction. An unknown result is never taken for sent or unsent (F10)."""

import pytest

from gateway.clock import HOUR, MINUTE, SECOND
from gateway.model import (
    Done,
    Duplicate,
    Granted,
)
from tests.support.deliveries import (
    FAR,
    PROFILE,
    achieved,
    achievements,
    claim,
    claim_one,
    finish,
    mark,
    rows,
)
from tests.support.in_process_gateway import (
    FOLLOW,
    InProcessGateway,
    achieve,
)

# ---- accepting ----


async def test_an_accepted_achievement_is_queued_and_its_delivery_is_due_at_once(
    core: InProcessGateway,
) -> None:
    achievement = await achieved(core)
    assert await achievements(core) == [("queued", "")]
    assert await rows(core, "target, kind, subject, state, due_at, finished_at") == [
        ("upstream", "achievement", achievement, "pending", core.clock.now(), None)
    ]


async def test_a_customer_never_seen_is_created_because_the_upstream_may_know_it(
    core: InProcessGateway,
) -> None:
    await achieved(core, "pos:4711")
    assert await core.profile_of("pos:4711") is not None
    assert "identity.created" in await core.actions()


async def test_the_delivery_names_the_profile_and_holds_no_personal_data(core: InProcessGateway) -> None:
    await achieved(core, "web:ann", email="ann@example.com", mobile="+201001234567")
    (row,) = await core.rows("SELECT * FROM delivery")
    assert "ann" not in repr(row)
    assert "201001234567" not in repr(row)


async def test_the_dedup_window_and_the_idempotency_key_work_as_they_do_locally(
    core: InProcessGateway,
) -> None:
    await achieved(core, "web:ann", email="ann@example.com")
    again = await core.send(achieve("pos:17", FOLLOW.id, email="ann@example.com"))
    assert isinstance(again, Duplicate)
    assert len(await rows(core)) == 1


async def test_granting_never_touches_a_queued_achievement(core: InProcessGateway) -> None:
    await achieved(core)
    assert await core.grant_later() == Granted(0, 0)
    assert await achievements(core) == [("queued", "")]


# ---- sending and finishing ----


async def test_a_delivered_one_closes_its_achievement_with_it(core: InProcessGateway) -> None:
    await achieved(core)
    delivery = await claim_one(core)
    assert await mark(core, delivery) == Done()
    assert await rows(core, "state, lane, sent_at") == [("sending", PROFILE, core.clock.now())]
    assert await finish(core, delivery, "delivered", status=202) == Done()
    assert await achievements(core) == [("delivered", "")]
    assert await rows(core, "state, status, attempts, finished_at") == [
        ("delivered", 202, 1, core.clock.now())
    ]
    assert (await core.actions())[-1] == "achievement.delivered"


async def test_a_dead_one_says_why_on_the_achievement_too(core: InProcessGateway) -> None:
    await achieved(core)
    await finish(core, await claim_one(core), "dead", reason="customer_unknown", status=404)
    assert await achievements(core) == [("dead", "customer_unknown")]
    assert (await core.actions())[-1] == "achievement.dead"


async def test_one_that_was_not_taken_waits_and_counts_its_attempt(core: InProcessGateway) -> None:
    await achieved(core)
    delivery = await claim_one(core)
    await mark(core, delivery)
    await finish(core, delivery, "retry", due_in=MINUTE, reason="status_503", status=503)
    due_at = core.clock.now() + MINUTE
    assert await rows(core, "state, due_at, attempts, sent_at, reason, lease_until") == [
        ("pending", due_at, 1, None, "status_503", 0)
    ]


async def test_one_that_is_given_back_costs_no_attempt(core: InProcessGateway) -> None:
    await achieved(core)
    await finish(core, await claim_one(core), "back")
    assert await rows(core, "state, attempts") == [("pending", 0)]


async def test_an_unknown_one_stays_unknown_until_it_is_known(core: InProcessGateway) -> None:
    await achieved(core)
    first = await claim_one(core)
    await mark(core, first)
    sent_at = core.clock.now()
    await finish(core, first, "unknown", due_in=SECOND, reason="timeout")
    core.clock.advance(SECOND)
    second = await claim_one(core)
    await mark(core, second)
    await finish(core, second, "retry", due_in=SECOND, reason="status_503")
    assert await rows(core, "state, sent_at, attempts") == [("unknown", sent_at, 2)]
    core.clock.advance(SECOND)
    await finish(core, await claim_one(core), "absent")
    assert await rows(core, "state, sent_at, attempts") == [("pending", None, 2)]
    assert (await core.actions()).count("delivery.unknown") == 1


async def test_a_held_one_comes_back_by_itself_only_when_it_has_a_time(core: InProcessGateway) -> None:
    await achieved(core)
    await finish(core, await claim_one(core), "held", due_in=HOUR, reason="disabled")
    assert await claim(core) == []
    core.clock.advance(HOUR)
    again = await claim_one(core)
    assert again.state == "pending"
    await finish(core, again, "held", due_in=None, reason="undecidable")
    core.clock.advance(FAR)
    assert await claim(core) == []
    assert (await core.actions()).count("delivery.held") == 2


async def test_an_unknown_one_that_was_held_is_still_unknown_afterwards(core: InProcessGateway) -> None:
    await achieved(core)
    delivery = await claim_one(core)
    await mark(core, delivery)
    await finish(core, delivery, "unknown")
    await finish(core, await claim_one(core), "held", due_in=HOUR, reason="disabled")
    core.clock.advance(HOUR)
    assert (await claim_one(core)).state == "unknown"


@pytest.mark.parametrize("result", ["retry", "unknown", "back"])
async def test_a_retry_that_would_be_due_after_three_days_is_dead_now(
    core: InProcessGateway, result: str
) -> None:
    await achieved(core)
    core.clock.advance(FAR - MINUTE)
    await finish(core, await claim_one(core), result, due_in=MINUTE - 1, reason="status_503")
    assert await achievements(core) == [("queued", "")]
    core.clock.advance(MINUTE - 1)
    last = await claim_one(core)
    await mark(core, last)
    await finish(core, last, result, due_in=1, reason="status_503", status=503)
    assert await achievements(core) == [("dead", "gave_up")]
    assert await rows(core, "state, status") == [("dead", 503)]
