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
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(delivers=True)) as built:
        yield built


async def achieved(
    core: InProcessGateway, who: str = "web:ann", campaign: int = FOLLOW.id, **said: str
) -> int:
    accepted = await core.send(achieve(who, campaign, **said))
    assert isinstance(accepted, Accepted)
    return accepted.achievement_id


async def claim(
    core: InProcessGateway, owner: str = "one", limit: int = 20, target: str = "upstream"
) -> list[Delivery]:
    claimed = await core.send(ClaimDeliveries(target, owner, limit))
    assert isinstance(claimed, Claimed)
    return list(claimed.deliveries)


async def claim_one(core: InProcessGateway, owner: str = "one") -> Delivery:
    (delivery,) = await claim(core, owner)
    return delivery


async def mark(core: InProcessGateway, delivery: Delivery) -> Any:
    return await core.send(MarkSending(delivery.delivery_id, delivery.epoch, PROFILE))


async def finish(
    core: InProcessGateway,
    delivery: Delivery,
    result: Any,
    due_in: int | None = 0,
    reason: str = "",
    status: int = 0,
) -> Any:
    due_at = None if due_in is None else core.clock.now() + due_in
    return await core.send(
        FinishDelivery(delivery.delivery_id, delivery.epoch, result, due_at, status, reason)
    )


async def rows(core: InProcessGateway, columns: str = "state, reason") -> list[tuple[Any, ...]]:
    return await core.rows(f"SELECT {columns} FROM delivery ORDER BY delivery_id")


async def achievements(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return await core.rows("SELECT state, reason FROM achievement ORDER BY achievement_id")


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


# ---- any order of everything ----


class Workers:
    """Some workers that claim, send, sleep and come back, and a receiver that counts what reached it."""

    def __init__(self, core: InProcessGateway) -> None:
        self.core = core
        self.claims: list[Delivery] = []
        self.arrived: dict[int, int] = {}
        self.closed: dict[int, str] = {}

    async def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("accept", number):
                await self.core.send(achieve(f"web:{number}", SHARE.id))
            case ("wait", span):
                self.core.clock.advance(span)
            case ("claim", owner, limit):
                await self.claim(owner, limit)
            case ("send", place, arrives):
                await self.send(place, arrives)
            case ("finish", place, result):
                await self.finish(place, result)
            case ("operator", place, command):
                ids = [number for (number,) in await rows(self.core, "delivery_id")]
                if ids:
                    await self.core.send(command(SAM, ids[place % len(ids)]))
                    self.closed.pop(ids[place % len(ids)], None)
            case _:
                raise AssertionError(step)

    async def claim(self, owner: str, limit: int) -> None:
        leased = {d.delivery_id for d in self.claims if d.lease_until > self.core.clock.now()}
        before = dict(await rows(self.core, "delivery_id, state"))
        finished = {
            number for number, until in await rows(self.core, "delivery_id, lease_until") if not until
        }
        for delivery in await claim(self.core, owner, limit):
            assert delivery.delivery_id not in leased - finished
            assert (delivery.state == "unknown") == (
                before[delivery.delivery_id] in ("sending", "unknown") or delivery.sent_at is not None
            )
            self.claims.append(delivery)

    async def send(self, place: int, arrives: bool) -> None:
        if self.claims:
            delivery = self.claims[place % len(self.claims)]
            if await mark(self.core, delivery) == Done() and arrives:
                self.arrived[delivery.delivery_id] = self.arrived.get(delivery.delivery_id, 0) + 1

    async def finish(self, place: int, result: str) -> None:
        if not self.claims:
            return
        delivery = self.claims[place % len(self.claims)]
        newest = max(d.epoch for d in self.claims if d.delivery_id == delivery.delivery_id)
        outcome = await finish(self.core, delivery, result)
        assert outcome == Stale() or delivery.epoch == newest

    async def check(self) -> None:
        """What is closed stays closed, and each achievement says what its delivery says."""
        for number, state, finished, sent, achievement in await self.core.rows(
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
            async with InProcessGateway(Path(directory), environment(delivers=True)) as core:
                await core.send(customer("web:1"))
                workers = Workers(core)
                for step in [("accept", 1), ("claim", "one", 1), *sequence]:
                    await workers.take(step)
                    await workers.check()

    asyncio.run(play())
