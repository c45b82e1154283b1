"""Deferred granting: never early, exactly once, and again only when an operator asks."""

import asyncio
import math
from pathlib import Path

import pytest

from gateway.audit.event import Action
from gateway.clock import DAY, HOUR
from gateway.config import Campaign, Coupon
from gateway.ids import show
from gateway.model import (
    Achievement,
    Done,
    Granted,
    LedgerEntry,
    Refused,
    RetryAchievement,
)
from gateway.sqlite_library import sqlite3
from gateway.workingset import WorkingSet
from tests.support.granting import HIGH, LOW, achieved, for_audience, retry, states
from tests.support.in_process_gateway import (
    SHARE,
    InProcessGateway,
    achieve,
    caller,
    customer,
    environment,
)

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
