"""The outbox of forward mode: an accepted achievement is a delivery in the same transaction, one worker at a time may send it,
and what is unknown is never taken for sent nor for unsent (RELIABILITY.md §2; F10, F11)."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import HOUR, MINUTE, SECOND
from gateway.model import (
    Accepted,
    Caller,
    ClaimDeliveries,
    Claimed,
    Delivery,
    DiscardDelivery,
    Done,
    Duplicate,
    FinishDelivery,
    Granted,
    MarkSending,
    Refused,
    RetryAchievement,
    RetryDelivery,
    Stale,
)
from gateway.usecases.deliver import LEASE
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
    InProcessGateway,
    achieve,
    customer,
    environment,
    erase,
)

SAM = Caller("", "", "operator:sam", "req_sam")
PROFILE = 7
FAR = 72 * HOUR


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(delivers=True)) as built:
        yield built


async def achieved(
    house: InProcessGateway, who: str = "web:ann", campaign: int = FOLLOW.id, **said: str
) -> int:
    accepted = await house.send(achieve(who, campaign, **said))
    assert isinstance(accepted, Accepted)
    return accepted.achievement_id


async def claim(
    house: InProcessGateway, owner: str = "one", limit: int = 20, target: str = "upstream"
) -> list[Delivery]:
    claimed = await house.send(ClaimDeliveries(target, owner, limit))
    assert isinstance(claimed, Claimed)
    return list(claimed.deliveries)


async def claim_one(house: InProcessGateway, owner: str = "one") -> Delivery:
    (delivery,) = await claim(house, owner)
    return delivery


async def mark(house: InProcessGateway, delivery: Delivery) -> Any:
    return await house.send(MarkSending(delivery.delivery_id, delivery.epoch, PROFILE))


async def finish(
    house: InProcessGateway,
    delivery: Delivery,
    result: Any,
    due_in: int | None = 0,
    reason: str = "",
    status: int = 0,
) -> Any:
    due_at = None if due_in is None else house.clock.now() + due_in
    return await house.send(
        FinishDelivery(delivery.delivery_id, delivery.epoch, result, due_at, status, reason)
    )


async def rows(house: InProcessGateway, columns: str = "state, reason") -> list[tuple[Any, ...]]:
    return await house.rows(f"SELECT {columns} FROM delivery ORDER BY delivery_id")


async def achievements(house: InProcessGateway) -> list[tuple[Any, ...]]:
    return await house.rows("SELECT state, reason FROM achievement ORDER BY achievement_id")


# ---- accepting ----


async def test_an_accepted_achievement_is_queued_and_its_delivery_is_due_at_once(
    house: InProcessGateway,
) -> None:
    achievement = await achieved(house)
    assert await achievements(house) == [("queued", "")]
    assert await rows(house, "target, kind, subject, state, due_at, finished_at") == [
        ("upstream", "achievement", achievement, "pending", house.clock.now(), None)
    ]


async def test_a_customer_never_seen_is_created_because_the_upstream_may_know_it(
    house: InProcessGateway,
) -> None:
    await achieved(house, "pos:4711")
    assert await house.profile_of("pos:4711") is not None
    assert "identity.created" in await house.actions()


async def test_the_delivery_names_the_profile_and_nothing_that_a_person_said(house: InProcessGateway) -> None:
    await achieved(house, "web:ann", email="ann@example.com", mobile="+201001234567")
    (row,) = await house.rows("SELECT * FROM delivery")
    assert "ann" not in repr(row)
    assert "201001234567" not in repr(row)


async def test_the_dedup_window_and_the_idempotency_key_work_as_they_do_locally(
    house: InProcessGateway,
) -> None:
    await achieved(house, "web:ann", email="ann@example.com")
    again = await house.send(achieve("pos:17", FOLLOW.id, email="ann@example.com"))
    assert isinstance(again, Duplicate)
    assert len(await rows(house)) == 1


async def test_granting_never_touches_a_queued_achievement(house: InProcessGateway) -> None:
    await achieved(house)
    assert await house.grant_later() == Granted(0, 0)
    assert await achievements(house) == [("queued", "")]


# ---- claiming ----


async def test_a_claim_is_a_lease_that_nobody_else_gets_until_it_ends(house: InProcessGateway) -> None:
    await achieved(house)
    first = await claim_one(house, "one")
    assert (first.owner, first.lease_until, first.epoch) == ("one", house.clock.now() + LEASE, 1)
    house.clock.advance(LEASE - 1)
    assert await claim(house, "two") == []
    house.clock.advance(1)
    assert (await claim_one(house, "two")).epoch == 2


async def test_claims_take_the_oldest_due_first_and_not_more_than_asked_for(house: InProcessGateway) -> None:
    for number in range(5):
        await achieved(house, f"web:{number}")
        house.clock.advance(SECOND)
    order = [subject for (subject,) in await rows(house, "subject")]
    assert [d.subject for d in await claim(house, limit=2)] == order[:2]
    assert [d.subject for d in await claim(house, limit=9)] == order[2:]


async def test_what_is_not_due_or_belongs_to_another_target_is_not_claimed(house: InProcessGateway) -> None:
    await achieved(house)
    await finish(house, await claim_one(house), "retry", due_in=SECOND)
    assert await claim(house) == []
    assert await claim(house, target="webhook:crm") == []
    house.clock.advance(SECOND)
    assert len(await claim(house)) == 1


async def test_a_lease_that_ended_before_the_sending_leaves_the_delivery_pending(
    house: InProcessGateway,
) -> None:
    await achieved(house)
    await claim(house)
    house.clock.advance(LEASE)
    assert (await claim_one(house)).state == "pending"


async def test_a_lease_that_ended_during_the_sending_leaves_it_unknown(house: InProcessGateway) -> None:
    await achieved(house)
    await mark(house, await claim_one(house))
    sent_at = house.clock.now()
    house.clock.advance(LEASE)
    found = await claim_one(house, "two")
    assert (found.state, found.reason, found.sent_at, found.attempts) == ("unknown", "no_answer", sent_at, 1)
    assert "delivery.unknown" in await house.actions()


async def test_of_a_webhooks_lane_only_the_oldest_open_delivery_can_be_claimed(
    house: InProcessGateway,
) -> None:
    class Queue:
        def wants(self, ws: WorkingSet) -> None: ...

        def process(self, ws: WorkingSet) -> None:
            for lane in (1, 1, 2):
                ws.queue("webhook:crm", lane, "profile.merged", 1, "{}", give_up_after=FAR)

    await house.store.run(Queue())
    first, _, other = (number for (number,) in await rows(house, "delivery_id"))
    claimed = await claim(house, target="webhook:crm")
    assert [d.delivery_id for d in claimed] == [first, other]
    assert await claim(house, target="webhook:crm") == []
    await finish(house, claimed[0], "retry", due_in=HOUR)
    assert await claim(house, target="webhook:crm") == []
    house.clock.advance(HOUR)
    again = await claim(house, target="webhook:crm")
    assert [d.delivery_id for d in again] == [other, first]
    await finish(house, again[1], "delivered")
    assert [d.lane for d in await claim(house, target="webhook:crm")] == [1]


# ---- sending and finishing ----


async def test_a_delivered_one_closes_its_achievement_with_it(house: InProcessGateway) -> None:
    await achieved(house)
    delivery = await claim_one(house)
    assert await mark(house, delivery) == Done()
    assert await rows(house, "state, lane, sent_at") == [("sending", PROFILE, house.clock.now())]
    assert await finish(house, delivery, "delivered", status=202) == Done()
    assert await achievements(house) == [("delivered", "")]
    assert await rows(house, "state, status, attempts, finished_at") == [
        ("delivered", 202, 1, house.clock.now())
    ]
    assert (await house.actions())[-1] == "achievement.delivered"


async def test_a_dead_one_says_why_on_the_achievement_too(house: InProcessGateway) -> None:
    await achieved(house)
    await finish(house, await claim_one(house), "dead", reason="customer_unknown", status=404)
    assert await achievements(house) == [("dead", "customer_unknown")]
    assert (await house.actions())[-1] == "achievement.dead"


async def test_one_that_was_not_taken_waits_and_counts_its_attempt(house: InProcessGateway) -> None:
    await achieved(house)
    delivery = await claim_one(house)
    await mark(house, delivery)
    await finish(house, delivery, "retry", due_in=MINUTE, reason="status_503", status=503)
    due_at = house.clock.now() + MINUTE
    assert await rows(house, "state, due_at, attempts, sent_at, reason, lease_until") == [
        ("pending", due_at, 1, None, "status_503", 0)
    ]


async def test_one_that_is_given_back_costs_no_attempt(house: InProcessGateway) -> None:
    await achieved(house)
    await finish(house, await claim_one(house), "back")
    assert await rows(house, "state, attempts") == [("pending", 0)]


async def test_an_unknown_one_stays_unknown_until_it_is_known(house: InProcessGateway) -> None:
    await achieved(house)
    first = await claim_one(house)
    await mark(house, first)
    sent_at = house.clock.now()
    await finish(house, first, "unknown", due_in=SECOND, reason="timeout")
    house.clock.advance(SECOND)
    second = await claim_one(house)
    await mark(house, second)
    await finish(house, second, "retry", due_in=SECOND, reason="status_503")
    assert await rows(house, "state, sent_at, attempts") == [("unknown", sent_at, 2)]
    house.clock.advance(SECOND)
    await finish(house, await claim_one(house), "absent")
    assert await rows(house, "state, sent_at, attempts") == [("pending", None, 2)]
    assert (await house.actions()).count("delivery.unknown") == 1


async def test_a_held_one_comes_back_by_itself_only_when_it_has_a_time(house: InProcessGateway) -> None:
    await achieved(house)
    await finish(house, await claim_one(house), "held", due_in=HOUR, reason="disabled")
    assert await claim(house) == []
    house.clock.advance(HOUR)
    again = await claim_one(house)
    assert again.state == "pending"
    await finish(house, again, "held", due_in=None, reason="undecidable")
    house.clock.advance(FAR)
    assert await claim(house) == []
    assert (await house.actions()).count("delivery.held") == 2


async def test_an_unknown_one_that_was_held_is_still_unknown_afterwards(house: InProcessGateway) -> None:
    await achieved(house)
    delivery = await claim_one(house)
    await mark(house, delivery)
    await finish(house, delivery, "unknown")
    await finish(house, await claim_one(house), "held", due_in=HOUR, reason="disabled")
    house.clock.advance(HOUR)
    assert (await claim_one(house)).state == "unknown"


@pytest.mark.parametrize("result", ["retry", "unknown", "back"])
async def test_what_would_be_due_after_three_days_is_dead_now(house: InProcessGateway, result: str) -> None:
    await achieved(house)
    house.clock.advance(FAR - MINUTE)
    await finish(house, await claim_one(house), result, due_in=MINUTE - 1, reason="status_503")
    assert await achievements(house) == [("queued", "")]
    house.clock.advance(MINUTE - 1)
    last = await claim_one(house)
    await mark(house, last)
    await finish(house, last, result, due_in=1, reason="status_503", status=503)
    assert await achievements(house) == [("dead", "gave_up")]
    assert await rows(house, "state, status") == [("dead", 503)]


# ---- fencing (F11) ----


async def test_a_worker_that_slept_through_its_lease_changes_nothing_any_more(
    house: InProcessGateway,
) -> None:
    await achieved(house)
    asleep = await claim_one(house, "one")
    house.clock.advance(LEASE)
    awake = await claim_one(house, "two")
    assert await mark(house, asleep) == Stale()
    assert await finish(house, asleep, "dead", reason="late") == Stale()
    assert await mark(house, awake) == Done()
    assert await finish(house, asleep, "retry") == Stale()
    assert await finish(house, awake, "delivered") == Done()
    assert await finish(house, awake, "retry") == Stale()
    assert await achievements(house) == [("delivered", "")]


async def test_a_claim_that_was_given_back_is_no_claim_any_more(house: InProcessGateway) -> None:
    await achieved(house)
    delivery = await claim_one(house)
    assert await finish(house, delivery, "back") == Done()
    assert await mark(house, delivery) == Stale()
    assert await finish(house, delivery, "delivered") == Stale()
    assert await achievements(house) == [("queued", "")]


async def test_a_late_worker_may_still_finish_what_nobody_else_took(house: InProcessGateway) -> None:
    await achieved(house)
    delivery = await claim_one(house)
    await mark(house, delivery)
    house.clock.advance(LEASE + SECOND)
    assert await finish(house, delivery, "delivered") == Done()


async def test_results_of_one_batch_do_not_disturb_each_other(house: InProcessGateway) -> None:
    for number in range(6):
        await achieved(house, f"web:{number}", FOLLOW.id if number % 2 else SHARE.id)
    claimed = await claim(house)
    assert await asyncio.gather(*(mark(house, delivery) for delivery in claimed)) == [Done()] * 6
    results = ["delivered", "retry", "unknown", "dead", "held", "back"]
    outcomes = await asyncio.gather(
        *(finish(house, d, result, due_in=SECOND) for d, result in zip(claimed, results, strict=True))
    )
    assert outcomes == [Done()] * 6
    assert [state for state, _ in await rows(house)] == [
        "delivered", "pending", "unknown", "dead", "held", "pending",
    ]  # fmt: skip


# ---- operators ----


async def test_an_operator_sends_a_dead_one_again_with_three_more_days(house: InProcessGateway) -> None:
    await achieved(house)
    delivery = await claim_one(house)
    await finish(house, delivery, "dead", reason="status_422")
    house.clock.advance(FAR)
    assert await house.send(RetryDelivery(SAM, delivery.delivery_id)) == Done()
    assert await achievements(house) == [("queued", "")]
    again = await claim_one(house)
    await finish(house, again, "retry", due_in=MINUTE)
    assert await rows(house, "state, reason, attempts") == [("pending", "", 1)]
    assert "delivery.retried" in await house.actions()


async def test_retrying_a_dead_achievement_sends_its_delivery_again(house: InProcessGateway) -> None:
    first = await achieved(house, "web:ann")
    second = await achieved(house, "web:bob")
    for delivery in await claim(house):
        await finish(house, delivery, "dead", reason="status_422")
    assert await house.send(RetryAchievement(SAM, second)) == Done()
    assert await house.send(RetryAchievement(SAM, second)) == Done(changed=False)
    assert await achievements(house) == [("dead", "status_422"), ("queued", "")]
    assert [delivery.subject for delivery in await claim(house)] == [second]
    assert await house.send(RetryAchievement(SAM, first)) == Done()


async def test_a_discarded_one_is_over_and_its_achievement_dead(house: InProcessGateway) -> None:
    achievement = await achieved(house)
    delivery = await claim_one(house)
    await finish(house, delivery, "held", due_in=None, reason="undecidable")
    assert await house.send(DiscardDelivery(SAM, delivery.delivery_id)) == Done()
    assert await house.send(DiscardDelivery(SAM, delivery.delivery_id)) == Done(changed=False)
    assert await rows(house) == [("discarded", "discarded")]
    assert await achievements(house) == [("dead", "discarded")]
    assert (await house.actions())[-2:] == ["delivery.discarded", "achievement.dead"]
    for command in (RetryDelivery(SAM, delivery.delivery_id), RetryAchievement(SAM, achievement)):
        refused = await house.send(command)
        assert isinstance(refused, Refused)
        assert refused.code == "delivery_closed"


async def test_what_is_on_its_way_or_delivered_or_nowhere_is_not_an_operators_to_change(
    house: InProcessGateway,
) -> None:
    achievement = await achieved(house)
    delivery = await claim_one(house)
    for command in (RetryDelivery(SAM, delivery.delivery_id), DiscardDelivery(SAM, delivery.delivery_id)):
        assert (await house.send(command)).code == "delivery_open"
    await finish(house, delivery, "delivered")
    for command in (RetryDelivery(SAM, delivery.delivery_id), DiscardDelivery(SAM, delivery.delivery_id)):
        assert (await house.send(command)).code == "delivery_closed"
    assert (await house.send(RetryAchievement(SAM, achievement))).code == "achievement_delivered"
    assert (await house.send(RetryDelivery(SAM, 1))).code == "delivery_unknown"
    assert (await house.send(DiscardDelivery(SAM, 1))).code == "delivery_unknown"


async def test_what_is_reported_about_somebody_erased_can_still_be_finished(house: InProcessGateway) -> None:
    await achieved(house)
    await house.send(erase("web:ann"))
    await finish(house, await claim_one(house), "dead", reason="customer_erased")
    assert await achievements(house) == [("dead", "customer_erased")]


# ---- any order of everything ----


class Workers:
    """Some workers that claim, send, sleep and come back, and a receiver that counts what reached it."""

    def __init__(self, house: InProcessGateway) -> None:
        self.house = house
        self.claims: list[Delivery] = []
        self.arrived: dict[int, int] = {}
        self.closed: dict[int, str] = {}

    async def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("accept", number):
                await self.house.send(achieve(f"web:{number}", SHARE.id))
            case ("wait", span):
                self.house.clock.advance(span)
            case ("claim", owner, limit):
                await self.claim(owner, limit)
            case ("send", place, arrives):
                await self.send(place, arrives)
            case ("finish", place, result):
                await self.finish(place, result)
            case ("operator", place, command):
                ids = [number for (number,) in await rows(self.house, "delivery_id")]
                if ids:
                    await self.house.send(command(SAM, ids[place % len(ids)]))
                    self.closed.pop(ids[place % len(ids)], None)
            case _:
                raise AssertionError(step)

    async def claim(self, owner: str, limit: int) -> None:
        leased = {d.delivery_id for d in self.claims if d.lease_until > self.house.clock.now()}
        before = dict(await rows(self.house, "delivery_id, state"))
        finished = {
            number for number, until in await rows(self.house, "delivery_id, lease_until") if not until
        }
        for delivery in await claim(self.house, owner, limit):
            assert delivery.delivery_id not in leased - finished
            assert (delivery.state == "unknown") == (
                before[delivery.delivery_id] in ("sending", "unknown") or delivery.sent_at is not None
            )
            self.claims.append(delivery)

    async def send(self, place: int, arrives: bool) -> None:
        if self.claims:
            delivery = self.claims[place % len(self.claims)]
            if await mark(self.house, delivery) == Done() and arrives:
                self.arrived[delivery.delivery_id] = self.arrived.get(delivery.delivery_id, 0) + 1

    async def finish(self, place: int, result: str) -> None:
        if not self.claims:
            return
        delivery = self.claims[place % len(self.claims)]
        newest = max(d.epoch for d in self.claims if d.delivery_id == delivery.delivery_id)
        outcome = await finish(self.house, delivery, result)
        assert outcome == Stale() or delivery.epoch == newest

    async def check(self) -> None:
        """What is closed stays closed, and each achievement says what its delivery says."""
        for number, state, finished, sent, achievement in await self.house.rows(
            "SELECT delivery_id, d.state, finished_at, sent_at, a.state FROM delivery d"
            " JOIN achievement a ON a.achievement_id = d.subject"
        ):
            over = state in ("delivered", "dead", "discarded")
            assert (finished is not None) == over
            assert achievement == {"delivered": "delivered", "dead": "dead", "discarded": "dead"}.get(
                state, "queued"
            )
            assert (state in ("sending", "unknown")) <= (sent is not None)
            assert (state == "pending") <= (sent is None)
            assert self.closed.setdefault(number, state) == state or not over
            if not over:
                del self.closed[number]


_places = st.integers(0, 9)
_steps = st.one_of(
    st.tuples(st.just("accept"), st.integers(1, 3)),
    st.tuples(st.just("wait"), st.sampled_from([SECOND, 5 * SECOND, LEASE, 6 * MINUTE])),
    st.tuples(st.just("claim"), st.sampled_from(["one", "two"]), st.integers(1, 3)),
    st.tuples(st.just("send"), _places, st.booleans()),
    st.tuples(
        st.just("finish"),
        _places,
        st.sampled_from(["delivered", "retry", "back", "unknown", "absent", "held", "dead"]),
    ),
    st.tuples(st.just("operator"), _places, st.sampled_from([RetryDelivery, DiscardDelivery])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_steps, min_size=6, max_size=30))
def test_in_any_order_of_claims_leases_results_and_operators_only_the_newest_claim_decides(
    sequence: list[tuple[Any, ...]],
) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory), environment(delivers=True)) as house:
                await house.send(customer("web:1"))
                workers = Workers(house)
                for step in [("accept", 1), ("claim", "one", 1), *sequence]:
                    await workers.take(step)
                    await workers.check()

    asyncio.run(play())
