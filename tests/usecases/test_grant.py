"""Deferred granting: never early, exactly once, judged on the profile as it is when the time has come."""

import asyncio
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.audit.event import Action
from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.config import Audience, Campaign, Coupon, Limit, Program, Tier
from gateway.ids import show
from gateway.model import (
    Accepted,
    Achievement,
    Done,
    Granted,
    LedgerEntry,
    Refused,
    RetryAchievement,
)
from gateway.sqlite_library import sqlite3
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import (
    FOLLOW,
    NOON,
    SHARE,
    InProcessGateway,
    achieve,
    active,
    caller,
    customer,
    environment,
    erase,
    tags,
)

ANN, PHONE = "ann@x.eg", "+201001234567"
LOW, HIGH = 20 * SECOND, 180 * SECOND


async def states(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return await core.rows("SELECT state, reason FROM achievement ORDER BY achievement_id")


async def achieved(core: InProcessGateway, who: str = "web:ann", campaign: int = FOLLOW.id) -> Accepted:
    accepted = await core.send(achieve(who, campaign))
    assert isinstance(accepted, Accepted)
    return accepted


# ---- when (F09, F13) ----


def distance_from_uniform(values: list[int], low: int, high: int) -> float:
    """The Kolmogorov–Smirnov statistic of integers against the uniform distribution over [low, high]."""
    size, count = high - low + 1, len(values)
    return max(
        max((rank + 1) / count - (value - low + 1) / size, (value - low + 1) / size - rank / count)
        for rank, value in enumerate(sorted(values))
    )


async def test_the_delay_is_uniform_over_its_closed_range_and_stays_over_a_restart(tmp_path: Path) -> None:
    draws, campaigns = 10_000, 2_000
    async with InProcessGateway(tmp_path, environment(seed=9)) as core:
        for customer_id in range(draws // campaigns):
            await core.send(customer(f"web:{customer_id}"))
            await asyncio.gather(*(core.send(achieve(f"web:{customer_id}", 1 + n)) for n in range(campaigns)))
        stored = await core.rows("SELECT achievement_id, due_at, due_at - accepted_at FROM achievement")
        await core.restart()
        assert (
            await core.rows("SELECT achievement_id, due_at, due_at - accepted_at FROM achievement") == stored
        )
    delays = [delay for *_, delay in stored]
    assert len(delays) == draws
    assert LOW <= min(delays) <= max(delays) <= HIGH
    assert distance_from_uniform(delays, LOW, HIGH) < 1.628 / math.sqrt(draws)  # p > 0.01


async def test_both_ends_of_the_delay_are_drawn(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(grant_delay=(5, 6))) as core:
        await core.send(customer("web:ann"))
        for n in range(40):
            await achieved(core, campaign=1 + n)
        assert set(await core.column("SELECT due_at - accepted_at FROM achievement")) == {5, 6}


async def test_nothing_is_granted_before_its_time_and_everything_at_it(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    await achieved(core)
    (due_at,) = await core.column("SELECT due_at FROM achievement")
    core.clock.time = due_at - 1
    assert await core.grant() == Granted(0, 0)
    core.clock.time = due_at
    assert await core.grant() == Granted(1, 0)
    assert await core.rows("SELECT points, score, entered_at FROM ledger") == [(100, 10, due_at)]
    assert await core.rows("SELECT decided_at FROM achievement") == [(due_at,)]


async def test_after_a_long_downtime_all_that_is_due_is_granted_in_chunks(core: InProcessGateway) -> None:
    for n in range(60):
        await core.send(customer(f"web:{n}"))
        await achieved(core, f"web:{n}", SHARE.id)
    core.clock.advance(HOUR)
    await core.restart()
    chunks = [await core.grant(25) for _ in range(4)]
    assert [chunk.granted for chunk in chunks] == [25, 25, 10, 0]
    assert await core.column("SELECT COUNT(DISTINCT achievement_id) FROM ledger") == [60]


async def test_the_achievement_that_is_due_longest_is_granted_first(core: InProcessGateway) -> None:
    for n in range(10):
        await core.send(customer(f"web:{n}"))
        await achieved(core, f"web:{n}")
    core.clock.advance(HOUR)
    await core.grant(4)
    granted = await core.column("SELECT due_at FROM achievement WHERE state = 'granted'")
    waiting = await core.column("SELECT due_at FROM achievement WHERE state = 'accepted'")
    assert max(granted) <= min(waiting)


async def test_a_grant_is_not_repeated(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    await achieved(core)
    assert await core.grant_later() == Granted(1, 0)
    await core.restart()
    assert await core.grant_later(DAY) == Granted(0, 0)
    assert await core.points_of("web:ann") == 100


# ---- how often ----


async def test_two_ids_that_become_one_person_before_the_time_earn_a_once_only_campaign_once(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile=PHONE))
    await achieved(core, "web:ann")
    await achieved(core, "pos:17")
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    assert await core.grant_later() == Granted(1, 1)
    assert sorted(await states(core)) == [("granted", ""), ("ignored", "limit_total")]
    assert await core.points_of("pos:17") == 100


@pytest.mark.parametrize("chunk", [1, 500])
async def test_a_grant_counts_for_the_next_one_also_in_its_own_chunk(
    core: InProcessGateway, chunk: int
) -> None:
    await core.send(customer("web:ann"))
    for _ in range(3):
        await achieved(core)
        core.clock.advance(5 * MINUTE)
    core.clock.advance(HOUR)
    for _ in range(4):
        await core.grant(chunk)
    assert await states(core) == [("granted", ""), ("ignored", "limit_total"), ("ignored", "limit_total")]


async def test_people_who_were_both_rewarded_before_they_became_one_keep_both(
    core: InProcessGateway,
) -> None:
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile=PHONE))
    await achieved(core, "web:ann")
    await achieved(core, "pos:17")
    await core.grant_later()
    before = await core.rows("SELECT * FROM ledger")
    await core.send(customer("web:ann", email=ANN, mobile=PHONE))
    assert await core.rows("SELECT * FROM ledger") == before
    assert await core.points_of("web:ann") == 200


async def test_a_limit_per_day_opens_again_at_midnight_of_the_programs_zone(tmp_path: Path) -> None:
    daily = Campaign(id=1, name="Share", points=5, max_achievements=0, limit=Limit(times=1, per="day"))
    program = Program(time_zone="Africa/Cairo")
    env = environment(campaigns=[daily], program=program, grant_delay=(0, 0))
    async with InProcessGateway(tmp_path, env) as core:
        midnight = core.clock.now() // DAY * DAY + DAY - 3 * HOUR  # summer time in Cairo
        await core.send(customer("web:ann"))
        for at in (midnight - HOUR, midnight - 6 * MINUTE, midnight):
            core.clock.time = at
            await core.send(achieve("web:ann", 1))
            await core.grant()
        assert [state for state, _ in await states(core)] == ["granted", "ignored", "granted"]


# ---- as of when ----


def dated(tmp_path: Path, **dates: Any) -> InProcessGateway:
    """Campaign 1 with these dates, whose grants are due a minute after their reports."""
    return InProcessGateway(
        tmp_path, environment(campaigns=[Campaign(id=1, name="x", **dates)], grant_delay=(MINUTE, MINUTE))
    )


@pytest.mark.parametrize(
    ("dates", "reason"),
    [
        ({"ends_at": NOON + 1}, ""),
        ({"ends_at": NOON}, "ended"),
        ({"ends_at": NOON - 1}, "ended"),
        ({"ends_at": NOON + MINUTE}, ""),
        ({"ends_at": NOON + 30 * SECOND}, ""),
        ({"starts_at": NOON}, ""),
        ({"starts_at": NOON - DAY}, ""),
        ({"starts_at": NOON + 1}, "not_started"),
        ({"starts_at": NOON + MINUTE}, "not_started"),
        ({"starts_at": NOON - 1, "ends_at": NOON + 1}, ""),
    ],
)
@pytest.mark.parametrize("outage", [0, 30 * DAY])
async def test_a_campaigns_dates_are_judged_as_of_the_report(
    tmp_path: Path, dates: dict[str, int], reason: str, outage: int
) -> None:
    async with dated(tmp_path, **dates) as core:
        await core.send(customer("web:ann"))
        await achieved(core, campaign=1)
        await core.grant_later(MINUTE + outage)
        assert await states(core) == [("ignored" if reason else "granted", reason)]


async def test_an_outage_over_the_end_costs_no_reward(tmp_path: Path) -> None:
    async with dated(tmp_path, ends_at=NOON + 1) as core:
        await core.send(customer("web:ann"))
        await achieved(core, campaign=1)
        core.clock.advance(30 * DAY)
        await core.restart()
        assert await core.grant() == Granted(1, 0)


async def test_a_retry_is_judged_by_the_dates_as_of_the_report_too(tmp_path: Path) -> None:
    async with dated(tmp_path, ends_at=NOON + 1) as core:
        await core.send(customer("web:ann", guest=True))
        accepted = await achieved(core, campaign=1)
        await core.grant_later()
        await core.send(customer("web:ann", guest=False))
        await core.send(retry(accepted))
        assert await core.grant() == Granted(1, 0)


async def test_a_retry_does_not_bring_a_report_into_a_campaign_that_began_later(tmp_path: Path) -> None:
    async with dated(tmp_path, starts_at=NOON + 1) as core:
        await core.send(customer("web:ann"))
        accepted = await achieved(core, campaign=1)
        await core.grant_later()
        await core.send(retry(accepted))
        await core.grant()
        assert await states(core) == [("ignored", "not_started")]


@pytest.mark.parametrize("chunk", [1, 500])
async def test_a_limit_per_day_counts_reports_on_the_day_of_their_acceptance(
    tmp_path: Path, chunk: int
) -> None:
    daily = Campaign(id=1, name="Share", points=5, max_achievements=0, limit=Limit(times=1, per="day"))
    async with InProcessGateway(tmp_path, environment(campaigns=[daily], grant_delay=(HOUR, HOUR))) as core:
        midnight = NOON // DAY * DAY + DAY
        await core.send(customer("web:ann"))
        for at in (midnight - 6 * MINUTE, midnight - 1, midnight + 6 * MINUTE):
            core.clock.time = at
            await core.send(achieve("web:ann", 1))
        core.clock.time = midnight + 3 * DAY
        for _ in range(4):
            await core.grant(chunk)
        assert await states(core) == [("granted", ""), ("ignored", "limit_period"), ("granted", "")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"enabled": False}, "campaign_disabled"),
        ({"points": 5, "budget_points": 4}, "over_budget"),
        ({"audience": Audience(include_tags=frozenset({"vip"}))}, "audience_tags"),
        ({"audience": Audience(min_tier=1)}, "audience_tier"),
        ({"ends_at": NOON}, "ended"),
        ({"ends_at": NOON + 1}, ""),
    ],
)
async def test_a_campaign_is_judged_as_the_settings_have_it_at_the_grant(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    async with dated(tmp_path) as core:
        await core.send(customer("web:ann"))
        await achieved(core, campaign=1)
        core.env.campaigns = {1: msgspec.structs.replace(core.env.campaigns[1], **change)}
        await core.grant_later()
        assert await states(core) == [("ignored" if reason else "granted", reason)]


# ---- who ----

TIERS = (Tier(order=1, name="Silver", min_progress=10), Tier(order=2, name="Gold", min_progress=50))


def for_audience(tmp_path: Path, **audience: Any) -> InProcessGateway:
    campaign = Campaign(id=1, name="x", points=1, audience=Audience(**audience))
    score = Campaign(id=2, name="score", score=10, max_achievements=0)
    return InProcessGateway(
        tmp_path, environment(campaigns=[campaign, score], tiers=TIERS, grant_delay=(0, 0))
    )


async def verdict(core: InProcessGateway, who: str = "web:ann") -> str:
    """The reason why campaign 1 is not granted now; empty when it is."""
    await achieved(core, who, 1)
    await core.grant()
    return (await states(core))[-1][1]


async def test_tags_on_any_id_of_the_person_count(tmp_path: Path) -> None:
    async with for_audience(tmp_path, include_tags=frozenset({"vip"})) as core:
        await core.send(customer("web:ann", email=ANN))
        await core.send(customer("pos:17", email=ANN))
        assert await verdict(core) == "audience_tags"
        await core.send(tags("pos:17", attach="vip"))
        core.clock.advance(HOUR)
        assert await verdict(core) == ""


async def test_an_excluded_tag_on_any_id_of_the_person_stops_it(tmp_path: Path) -> None:
    async with for_audience(tmp_path, exclude_tags=frozenset({"staff"})) as core:
        await core.send(customer("web:ann", email=ANN))
        await core.send(customer("pos:17", email=ANN))
        await core.send(tags("pos:17", attach="staff"))
        assert await verdict(core) == "audience_excluded_tag"


async def test_the_newest_value_of_an_attribute_counts(tmp_path: Path) -> None:
    async with for_audience(tmp_path, attributes={"city": "Giza"}) as core:
        await core.send(customer("web:ann", {"city": "Giza"}, email=ANN))
        core.clock.advance(MINUTE)
        await core.send(customer("pos:17", {"city": "Cairo"}, email=ANN))
        assert await verdict(core) == "audience_attributes"
        core.clock.advance(HOUR)
        await core.send(customer("web:ann", {"city": "Luxor"}))
        await core.send(customer("web:ann", {"city": "Giza"}))
        assert await verdict(core) == ""


async def test_a_tier_is_reached_by_the_score_of_all_ids(tmp_path: Path) -> None:
    async with for_audience(tmp_path, min_tier=1) as core:
        await core.send(customer("web:ann", email=ANN))
        await core.send(customer("pos:17", email=ANN))
        assert await verdict(core) == "audience_tier"
        await achieved(core, "pos:17", 2)
        await core.grant()
        core.clock.advance(HOUR)
        assert await verdict(core) == ""


@pytest.mark.parametrize("chunk", [1, 500])
async def test_a_tier_reached_by_one_grant_counts_for_the_next_whatever_the_chunk(
    tmp_path: Path, chunk: int
) -> None:
    async with for_audience(tmp_path, min_tier=1) as core:
        await core.send(customer("web:ann"))
        await achieved(core, campaign=2)
        core.clock.advance(1)
        await achieved(core, campaign=1)
        core.clock.advance(HOUR)
        for _ in range(2):
            await core.grant(chunk)
        assert await states(core) == [("granted", ""), ("granted", "")]


async def test_guests_and_switched_off_customers_earn_nothing(tmp_path: Path) -> None:
    async with for_audience(tmp_path) as core:
        await core.send(customer("web:ann", guest=True))
        assert await verdict(core) == "guest"
        await core.send(customer("web:bob"))
        await core.send(active("web:bob", active=False))
        assert await verdict(core, "web:bob") == "customer_inactive"


async def test_a_guest_who_is_known_elsewhere_is_no_guest(tmp_path: Path) -> None:
    async with for_audience(tmp_path) as core:
        await core.send(customer("web:ann", guest=True, email=ANN))
        await core.send(customer("pos:17", email=ANN))
        assert await verdict(core) == ""


async def test_changes_between_the_call_and_the_grant_count(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    await achieved(core)
    await core.send(active("web:ann", active=False))
    await core.grant_later()
    assert await states(core) == [("ignored", "customer_inactive")]


async def test_an_erased_customer_earns_nothing(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    await achieved(core)
    await core.send(erase("web:ann"))
    assert await core.grant_later() == Granted(0, 1)
    assert await states(core) == [("ignored", "customer_unknown")]
    assert (await core.rows("SELECT profile, outcome FROM audit"))[-1] == ("", "ignored")


async def test_a_disabled_program_accepts_and_rewards_nothing(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(program=Program(enabled=False))) as core:
        await core.send(customer("web:ann"))
        await achieved(core)
        await core.grant_later()
        assert await states(core) == [("ignored", "program_disabled")]


# ---- what ----


async def test_a_campaign_ends_with_its_budget_also_inside_one_chunk(tmp_path: Path) -> None:
    budget = Campaign(id=1, name="x", points=40, budget_points=100)
    async with InProcessGateway(tmp_path, environment(campaigns=[budget])) as core:
        for n in range(5):
            await core.send(customer(f"web:{n}"))
            await achieved(core, f"web:{n}", 1)
        assert await core.grant_later() == Granted(2, 3)
        assert await core.rows("SELECT campaign_id, points FROM campaign_spend") == [(1, 80)]
        assert {reason for state, reason in await states(core) if state == "ignored"} == {"over_budget"}


async def test_each_coupon_is_another_one(tmp_path: Path) -> None:
    coupon = Campaign(id=1, name="x", coupon=Coupon(type="percentage_discount", value=10, prefix="FB"))
    async with InProcessGateway(tmp_path, environment(campaigns=[coupon])) as core:
        for n in range(20):
            await core.send(customer(f"web:{n}"))
            await achieved(core, f"web:{n}", 1)
        await core.grant_later()
        codes = await core.column("SELECT coupon_code FROM ledger")
        assert len(set(codes)) == 20
        assert all(code.startswith("FB") for code in codes)
        logged = repr(await core.rows("SELECT * FROM audit"))
        assert not any(code in logged for code in codes)


async def test_a_campaign_without_points_is_recorded_all_the_same(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(campaigns=[Campaign(id=1, name="x")])) as core:
        await core.send(customer("web:ann"))
        await achieved(core, campaign=1)
        await core.grant_later()
        assert await core.rows("SELECT points, score, coupon_code FROM ledger") == [(0, 0, "")]


async def test_every_decision_leaves_its_event(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    accepted = await achieved(core)
    await core.grant_later()
    ((profile, subject, outcome, detail),) = await core.rows(
        "SELECT profile, object, outcome, detail FROM audit WHERE action = ?",
        Action.ACHIEVEMENT_GRANTED.value,
    )
    assert profile == show("prf", accepted.resolution.profile_id)
    assert subject == show("ach", accepted.achievement_id)
    assert outcome == "granted"
    assert '"points":100' in detail


# ---- again, by hand ----


def retry(accepted: Accepted) -> RetryAchievement:
    return RetryAchievement(caller("", "req"), accepted.achievement_id)


async def test_an_ignored_achievement_can_be_judged_again_at_once(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", guest=True))
    accepted = await achieved(core)
    await core.grant_later()
    assert await states(core) == [("ignored", "guest")]
    await core.send(customer("web:ann", guest=False))
    assert await core.send(retry(accepted)) == Done()
    assert await core.send(retry(accepted)) == Done(changed=False)
    assert await core.grant() == Granted(1, 0)
    assert (await core.actions())[-2:] == ["achievement.retried", "achievement.granted"]


async def test_a_grant_is_final(core: InProcessGateway) -> None:
    await core.send(customer("web:ann"))
    accepted = await achieved(core)
    await core.grant_later()
    refused = await core.send(retry(accepted))
    assert isinstance(refused, Refused)
    assert refused.code == "achievement_granted"
    assert await core.grant_later(DAY) == Granted(0, 0)


async def test_an_achievement_that_is_unknown_cannot_be_judged(core: InProcessGateway) -> None:
    refused = await core.send(RetryAchievement(caller(""), 12345))
    assert isinstance(refused, Refused)
    assert refused.code == "achievement_unknown"


# ---- rows that are broken ----


async def test_a_poisoned_row_fails_alone_and_can_be_judged_again(tmp_path: Path) -> None:
    async with for_audience(tmp_path, attributes={"city": "Giza"}) as core:
        for who in ("web:ann", "web:bob", "web:eve"):
            await core.send(customer(who, {"city": "Giza"}))
        await core.__aexit__()
        with sqlite3.connect(core.path) as connection:
            connection.execute(
                "UPDATE attribute SET value = '{' WHERE record_id ="
                " (SELECT record_id FROM record WHERE customer_id = 'bob')"
            )
        connection.close()
        await core.__aenter__()
        poisoned = [await achieved(core, who, 1) for who in ("web:ann", "web:bob", "web:eve")][1]
        assert await core.grant() == Granted(2, 0, 1)
        (failed,) = await core.rows("SELECT state, reason FROM achievement WHERE state = 'failed'")
        assert failed == ("failed", "DecodeError")
        await core.send(customer("web:bob", {"city": "Giza"}))
        assert await core.send(retry(poisoned)) == Done()
        assert await core.grant() == Granted(1, 0)


# ---- epochs (F11) ----


class Stalled:
    """A second decision on an achievement, made on what it looked like before the first one."""

    def __init__(self, achievement: Achievement) -> None:
        self.achievement = achievement

    def wants(self, ws: WorkingSet) -> None:
        pass

    def process(self, ws: WorkingSet) -> None:
        found = self.achievement
        found.state = "granted"
        ws.decide(found)
        ws.enter(
            LedgerEntry(
                found.record_id,
                found.campaign_id,
                ws.next_id(),
                "reward",
                found.achievement_id,
                1,
                0,
                "",
                ws.now,
            )
        )
        ws.record_event(Action.ACHIEVEMENT_GRANTED)


class Seen(Stalled):
    """Takes the achievement as it is now."""

    def __init__(self, achievement_id: int) -> None:
        self.achievement_id = achievement_id

    def wants(self, ws: WorkingSet) -> None:
        ws.achievements.want(self.achievement_id)

    def process(self, ws: WorkingSet) -> None:
        found = ws.achievements[self.achievement_id]
        assert found is not None
        self.achievement = found


async def test_a_decision_on_what_was_decided_meanwhile_cannot_be_committed(core: InProcessGateway) -> None:
    await core.send(customer("web:ann", guest=True))
    accepted = await achieved(core)
    seen = Seen(accepted.achievement_id)
    await core.store.run(seen)
    await core.grant_later()
    before = await core.actions()
    with pytest.raises(Exception):  # noqa: B017 - which one is the engine's own
        await core.store.run(Stalled(seen.achievement))
    assert await states(core) == [("ignored", "guest")]
    assert await core.rows("SELECT * FROM ledger") == []
    assert await core.actions() == before
