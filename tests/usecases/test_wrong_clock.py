"""A clock that was believed while it was ahead, and is right again: nothing that has a time limit is over before its time or
waits for the wrong one. `wrong` and `right` are between commands, or between two starts."""

from collections.abc import AsyncGenerator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.config import Audience, Campaign, Limit
from gateway.model import (
    Accepted,
    ClaimDeliveries,
    Claimed,
    Duplicate,
    FinishDelivery,
    Granted,
    IdempotencyKey,
    Replayed,
    SetPin,
)
from gateway.store.deliveries import told_since, unanswered
from gateway.store.gateway_reads import active_rules, ended_pins
from gateway.usecases.deliver import LEASE
from rules.language.parse import preset
from tests.support.in_process_gateway import (
    NOON,
    SHARE,
    InProcessGateway,
    achieve,
    caller,
    customer,
    environment,
    rule_set_of,
)

W = 5 * MINUTE
AHEAD = [HOUR, 400 * DAY]
TERM = Campaign(id=1, name="x", points=5, max_achievements=0, ends_at=NOON + 30 * DAY)
DAILY = Campaign(
    id=2, name="y", points=5, max_achievements=0, limit=Limit(times=1, per="day"), dedup_window=1_000
)
CITY = Campaign(id=3, name="z", points=1, audience=Audience(attributes={"city": "Giza"}))

pytestmark = pytest.mark.parametrize("ahead", AHEAD)


@pytest.fixture
async def core(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    env = environment(campaigns=[TERM, DAILY, CITY, SHARE], grant_delay=(MINUTE, MINUTE))
    async with InProcessGateway(tmp_path, env, url=database_url) as built:
        yield built


@pytest.fixture(params=["running", "restarted"])
def right(request: pytest.FixtureRequest, core: InProcessGateway) -> Callable[[], Any]:
    """Put the clock right, and do the housekeeping that the gateway does all the time."""

    async def put_right() -> None:
        core.clock.ahead = 0
        if request.param == "restarted":
            await core.restart()
        await core.store.maintain(100)

    return put_right


async def states(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return await core.rows("SELECT state, reason FROM achievement ORDER BY achievement_id")


async def test_a_campaign_is_open_again_after_the_clock_was_corrected(
    core: InProcessGateway, right: Any, ahead: int
) -> None:
    await core.send(customer("web:ann"))
    core.clock.ahead = ahead
    await core.send(customer("web:bob"))
    await right()
    assert isinstance(await core.send(achieve("web:ann", TERM.id)), Accepted)
    assert await core.grant_later(MINUTE) == Granted(1, 0)


async def test_a_reward_that_was_promised_comes_when_it_was_to_come(
    core: InProcessGateway, right: Any, ahead: int
) -> None:
    await core.send(customer("web:ann"))
    core.clock.ahead = ahead
    await core.send(achieve("web:ann", TERM.id))
    await right()
    assert await core.grant_later(MINUTE - SECOND) == Granted(0, 0)
    assert await core.grant_later(SECOND) == Granted(1, 0)


async def test_a_reward_that_was_promised_before_is_not_lost_to_the_end_of_the_campaign(
    core: InProcessGateway, ahead: int
) -> None:
    await core.send(customer("web:ann"))
    await core.send(achieve("web:ann", TERM.id))
    core.clock.ahead = ahead
    assert await core.grant() == Granted(1, 0)


async def test_a_dedup_window_is_in_the_way_for_a_day_longer_at_most(
    core: InProcessGateway, right: Any, ahead: int
) -> None:
    await core.send(customer("web:ann"))
    core.clock.ahead = ahead
    await core.send(achieve("web:ann", SHARE.id))
    await right()
    first = await core.send(achieve("web:ann", SHARE.id))
    assert isinstance(first, Duplicate)
    assert 0 < first.wait <= (W if ahead > DAY else W + ahead)
    core.clock.advance(first.wait - 1)
    assert isinstance(await core.send(achieve("web:ann", SHARE.id)), Duplicate)
    core.clock.advance(1)
    assert isinstance(await core.send(achieve("web:ann", SHARE.id)), Accepted)


@pytest.mark.parametrize("behind", [MINUTE, HOUR, DAY - W])
async def test_a_clock_that_is_behind_for_a_while_opens_no_window(
    core: InProcessGateway, right: Any, ahead: int, behind: int
) -> None:
    await core.send(customer("web:ann"))
    await core.send(achieve("web:ann", SHARE.id))
    core.clock.ahead = -behind
    assert isinstance(await core.send(achieve("web:ann", SHARE.id)), Duplicate)
    await right()
    assert isinstance(await core.send(achieve("web:ann", SHARE.id)), Duplicate)


async def test_a_limit_per_day_is_that_of_today(core: InProcessGateway, right: Any, ahead: int) -> None:
    await core.send(customer("web:ann"))
    core.clock.ahead = 400 * DAY + ahead
    await core.send(achieve("web:ann", DAILY.id))
    assert await core.grant_later(MINUTE) == Granted(1, 0)
    await right()
    for _ in range(3):  # the first is met by the window from the wrong time
        core.clock.advance(W)
        await core.send(achieve("web:ann", DAILY.id))
    assert await core.grant_later(MINUTE) == Granted(1, 1)


async def test_a_keys_answer_is_repeated(core: InProcessGateway, right: Any, ahead: int) -> None:
    token = IdempotencyKey("route", "k1", b"same", b"{}")
    await core.send(customer("web:ann"))
    core.clock.ahead = ahead
    await core.send(achieve("web:ann", SHARE.id, token))
    await right()
    assert isinstance(await core.send(achieve("web:ann", SHARE.id, token)), Replayed)
    assert await core.column("SELECT COUNT(*) FROM achievement") == [1]


async def test_ids_and_audit_times_never_go_back(core: InProcessGateway, right: Any, ahead: int) -> None:
    async def say(*names: str) -> None:
        for name in names:
            await core.send(customer(f"web:{name}"))

    await say("a", "b")
    core.clock.ahead = ahead
    await say("c", "d")
    await right()
    await say("e", "f")
    core.clock.advance(2 * ahead)
    await say("g")
    events = await core.rows("SELECT event_id, at FROM audit ORDER BY chain, seq")
    assert sorted(events) == sorted(events, key=lambda row: row[1])
    times = [at for _, at in sorted(events)]
    assert all(one <= other for one, other in pairwise(times))
    assert times[-1] == core.clock.now()
    people = await core.column("SELECT customer_id FROM record ORDER BY record_id")
    assert people == list("abcdefg")


async def test_the_newest_value_of_an_attribute_still_counts(
    core: InProcessGateway, right: Any, ahead: int
) -> None:
    core.clock.ahead = ahead
    await core.send(customer("web:ann", {"city": "Cairo"}, email="ann@x.eg"))
    await right()
    await core.send(customer("pos:17", {"city": "Giza"}, email="ann@x.eg"))
    await core.send(achieve("web:ann", CITY.id))
    assert await core.grant_later(MINUTE) == Granted(1, 0)


async def test_the_audit_log_is_signed_again(core: InProcessGateway, right: Any, ahead: int) -> None:
    core.clock.ahead = ahead
    await core.send(customer("web:ann"))
    await core.store.maintain(100)
    await right()
    for n in range(3):
        await core.send(customer(f"web:{n}"))
        core.clock.advance(HOUR)
        await core.store.maintain(100)
    assert await core.column("SELECT COUNT(*) FROM audit_checkpoint") >= [3]


async def test_ended_windows_and_answers_are_swept_again(
    core: InProcessGateway, right: Any, ahead: int
) -> None:
    await core.send(customer("web:ann"))
    core.clock.ahead = ahead
    await core.store.maintain(100)
    await right()
    await core.send(achieve("web:ann", SHARE.id, IdempotencyKey("route", "k1", b"same", b"{}")))
    core.clock.advance(3 * DAY)
    await core.store.maintain(100)
    assert await core.rows("SELECT * FROM dedup") == []
    assert await core.rows("SELECT * FROM idempotency") == []


async def test_a_walk_over_profiles_is_taken_up_by_another(
    core: InProcessGateway, right: Any, ahead: int
) -> None:
    await core.send(customer("web:ann"))
    core.clock.ahead = ahead
    await core.use(core.env.rules)
    await right()
    assert await core.regroup() is not None
    assert await core.column("SELECT COUNT(*) FROM regrouping WHERE finished_at IS NULL") == [0]


async def test_the_rules_that_were_activated_last_are_the_active_ones(
    core: InProcessGateway, right: Any, ahead: int
) -> None:
    core.clock.ahead = ahead
    await core.use(rule_set_of(preset("email-or-mobile")))
    await right()
    newest = rule_set_of(preset("email-or-mobile").replace("mobile-1", "mobile-x", 1))
    await core.use(newest)
    found = await active_rules(core.store)
    assert found is not None
    assert found.sha256 == newest.sha256


async def test_a_pin_holds_until_its_own_end(core: InProcessGateway, right: Any, ahead: int) -> None:
    for name in ("ann", "bob"):
        await core.send(customer(f"web:{name}"))
    one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
    end = NOON + 2 * ahead
    await core.send(SetPin(caller(""), one, other, "cannot", "", end))
    core.clock.ahead = ahead
    assert await ended_pins(core.store, core.clock.now(), 9) == []
    await right()
    assert await ended_pins(core.store, core.clock.now(), 9) == []
    assert await ended_pins(core.store, end, 9) == [(one, other)]


async def test_a_direct_report_from_before_is_ended_in_its_time(
    core: InProcessGateway, right: Any, ahead: int
) -> None:
    await core.send(customer("web:ann"))
    core.clock.ahead = ahead
    await core.send(customer("web:bob"))
    await right()
    await core.send(msgspec.structs.replace(achieve("web:ann", SHARE.id), direct=True))
    assert await unanswered(core.store, core.clock.now() - MINUTE, 9) == []
    core.clock.advance(2 * MINUTE)
    assert len(await unanswered(core.store, core.clock.now() - MINUTE, 9)) == 1


@pytest.mark.parametrize("campaign", [TERM, Campaign(id=4, name="new", points=5, starts_at=NOON - DAY)])
async def test_a_clock_that_is_behind_for_a_while_costs_no_reward(
    core: InProcessGateway, right: Any, ahead: int, campaign: Campaign
) -> None:
    core.env.campaigns = {**core.env.campaigns, campaign.id: campaign}
    await core.send(customer("web:ann"))
    await core.send(achieve("web:ann", campaign.id))
    core.clock.ahead = -ahead
    await core.store.maintain(100)
    await core.grant()
    await right()
    await core.grant_later(MINUTE)
    assert await states(core) == [("granted", "")]


# ---- deliveries ----


@pytest.fixture
async def outbox(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(delivers=True), url=database_url) as built:
        await built.send(customer("web:ann"))
        yield built


async def claimed(core: InProcessGateway, owner: str) -> int:
    found = await core.send(ClaimDeliveries("upstream", owner, 9))
    assert isinstance(found, Claimed)
    return len(found.deliveries)


async def put_right(core: InProcessGateway) -> None:
    core.clock.ahead = 0
    await core.restart()
    await core.store.maintain(100)


async def test_a_report_that_was_queued_is_sent_and_has_its_whole_time(
    outbox: InProcessGateway, ahead: int
) -> None:
    outbox.clock.ahead = ahead
    await outbox.send(achieve("web:ann", SHARE.id))
    await put_right(outbox)
    ((due, left),) = await outbox.rows("SELECT due_at, expires_at - due_at FROM delivery")
    assert due <= outbox.clock.now()
    assert left >= outbox.env.give_up_after
    assert await claimed(outbox, "one") == 1


async def test_a_report_that_was_being_sent_is_taken_up_by_another(
    outbox: InProcessGateway, ahead: int
) -> None:
    await outbox.send(achieve("web:ann", SHARE.id))
    outbox.clock.ahead = 2 * HOUR + ahead
    assert await claimed(outbox, "one") == 1
    await put_right(outbox)
    assert await claimed(outbox, "two") == 1


async def test_a_report_that_was_put_off_is_due_again(outbox: InProcessGateway, ahead: int) -> None:
    await outbox.send(achieve("web:ann", SHARE.id))
    outbox.clock.ahead = 2 * DAY + ahead % DAY  # past 72 h it would have been given up
    found = await outbox.send(ClaimDeliveries("upstream", "one", 9))
    (one,) = found.deliveries
    later = outbox.clock.now() + MINUTE
    await outbox.send(FinishDelivery(one.delivery_id, one.epoch, "retry", later, 503, "status_503"))
    await put_right(outbox)
    assert await claimed(outbox, "two") == 1


async def test_deliveries_that_wait_for_a_person_keep_waiting(outbox: InProcessGateway, ahead: int) -> None:
    outbox.clock.ahead = ahead
    await outbox.send(achieve("web:ann", SHARE.id))
    found = await outbox.send(ClaimDeliveries("upstream", "one", 9))
    (one,) = found.deliveries
    await outbox.send(FinishDelivery(one.delivery_id, one.epoch, "held", None, 0, "undecidable"))
    await put_right(outbox)
    assert await outbox.rows("SELECT state, due_at FROM delivery") == [("held", None)]
    assert await claimed(outbox, "two") == 0


async def test_an_ordinary_lease_and_an_ordinary_pause_are_left_alone(
    outbox: InProcessGateway, ahead: int
) -> None:
    outbox.clock.ahead = ahead
    await outbox.send(customer("web:bob"))
    outbox.clock.ahead = 0
    await outbox.restart()
    await outbox.send(achieve("web:ann", SHARE.id))
    assert await claimed(outbox, "one") == 1
    before = await outbox.rows("SELECT * FROM delivery")
    await outbox.store.maintain(100)
    assert await outbox.rows("SELECT * FROM delivery") == before
    outbox.clock.advance(LEASE)
    assert await claimed(outbox, "two") == 1


async def test_calls_to_the_platform_are_counted_within_bounds(outbox: InProcessGateway, ahead: int) -> None:
    outbox.clock.ahead = ahead
    await outbox.send(achieve("web:ann", SHARE.id))
    await put_right(outbox)
    assert await told_since(outbox.store, outbox.clock.now() - MINUTE) == 0
