"""What goes of achievements and rewards with age, and that no decision, balance or check of the log depends on it."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import DAY, HOUR
from gateway.config import Campaign, Coupon, Limit
from gateway.model import IdempotencyKey
from gateway.store.customers import find_customer, grants_of
from gateway.store.deliveries import report_of, reported
from gateway.store.maintain import Kept
from gateway.store.reports.verification import verify
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    InProcessGateway,
    achieve,
    customer,
    environment,
    tamper,
)
from tests.support.postgresql import PostgresServer

OLD = 10 * DAY
ONCE = Campaign(id=1, name="once", points=50, coupon=Coupon(type="fixed_discount", value=5, prefix="FB"))
MONTHLY = Campaign(id=2, name="monthly", points=7, max_achievements=0, limit=Limit(times=1, per="month"))
OVER = Campaign(id=3, name="over", points=1, enabled=False)


@pytest.fixture(params=["sqlite", "postgres"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    url = ""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url(await server.empty())
    env, kept = environment(campaigns=[ONCE, MONTHLY, OVER]), Kept(achievements=OLD, ledger_details=OLD)
    async with InProcessGateway(tmp_path, env, url=url, kept=kept) as built:
        await built.send(customer("web:ann", email="ann@x.eg"))
        for campaign in (ONCE, MONTHLY, OVER):
            await built.send(achieve("web:ann", campaign.id))
        await built.grant_later()
        yield built


async def _tidy(house: InProcessGateway) -> None:
    while await house.store.maintain(2):
        pass


async def _seen(house: InProcessGateway) -> dict[str, list[Any]]:
    return {
        "achievements": await house.rows(
            "SELECT campaign_id, state, channel FROM achievement ORDER BY campaign_id"
        ),
        "coupons": await house.column("SELECT coupon_code FROM ledger WHERE coupon_code <> ''"),
        "points": await house.rows("SELECT campaign_id, points, entered_at FROM ledger ORDER BY campaign_id"),
    }


async def test_what_is_younger_stays(house: InProcessGateway) -> None:
    house.clock.advance(2 * HOUR)
    await _tidy(house)
    before = await _seen(house)
    assert [state for _, state, _ in before["achievements"]] == ["granted", "granted", "ignored"]
    house.clock.advance(OLD - DAY)
    await _tidy(house)
    assert await _seen(house) == before
    assert "retention.applied" not in await house.actions()


async def test_what_is_old_goes_and_what_decisions_are_made_by_stays(house: InProcessGateway) -> None:
    before, ann = await _seen(house), await find_customer(house.store, "web", "ann")
    assert ann is not None
    granted = await grants_of(house.store, ann)
    house.clock.advance(OLD + DAY)
    await _tidy(house)
    after = await _seen(house)
    assert after["achievements"] == [(1, "granted", ""), (2, "granted", "")]
    assert after["coupons"] == []
    assert after["points"] == before["points"]
    assert await grants_of(house.store, ann) == granted
    assert await house.column(
        "SELECT row_id FROM lookup WHERE field = 'achievement.record'"
    ) == await house.column("SELECT achievement_id FROM achievement ORDER BY achievement_id")
    assert (await verify(house.store, CHECKPOINT_KEY, state=True)).breaches == []


async def test_a_reward_of_once_is_not_given_again(house: InProcessGateway) -> None:
    house.clock.advance(OLD + DAY)
    await _tidy(house)
    for campaign in (ONCE, MONTHLY):
        await house.send(achieve("web:ann", campaign.id))
    await house.grant_later()
    reasons = await house.rows("SELECT campaign_id, reason FROM achievement WHERE state = 'ignored'")
    assert reasons == [(ONCE.id, "limit_total")]
    assert await house.points_of("web:ann") == ONCE.points + 2 * MONTHLY.points


async def test_an_event_says_what_went(house: InProcessGateway) -> None:
    house.clock.advance(OLD + DAY)
    while await house.store.maintain(100):
        pass
    (detail,) = await house.column("SELECT detail FROM audit WHERE action = 'retention.applied'")
    assert detail == '{"achievements":1,"reporters":2,"coupons":1}'
    house.clock.advance(2 * DAY)
    await _tidy(house)
    assert (await house.actions()).count("retention.applied") == 1


async def test_what_an_erasure_finds_something_by_stays(house: InProcessGateway) -> None:
    """The customer's id in a kept answer, and what the platform said of a report."""
    await house.send(achieve("web:ann", OVER.id, IdempotencyKey("route", "key", b"f", b"{}")))
    await house.grant_later()
    await tamper(house.url, f"UPDATE answer_of SET expires_at = {house.clock.now() + 2 * OLD}")
    refused = await _reported(house)
    house.clock.advance(OLD + DAY)
    await _tidy(house)
    assert set(await house.column("SELECT achievement_id FROM answer_of")) | {refused} == set(
        await house.column("SELECT achievement_id FROM achievement WHERE state <> 'granted'")
    )
    await tamper(house.url, "DELETE FROM delivery")
    house.clock.advance(2 * OLD)
    await _tidy(house)
    await _tidy(house)
    house.clock.advance(2 * DAY)
    await _tidy(house)
    assert await house.column("SELECT achievement_id FROM achievement WHERE state <> 'granted'") == []


async def test_what_the_platform_has_stays_counted(house: InProcessGateway) -> None:
    """By its count it is found out whether a later report without an answer has arrived."""
    number = await _reported(house, "delivered")
    report = await report_of(house.store, number)
    assert report is not None
    await tamper(house.url, "DELETE FROM delivery")
    before = await reported(house.store, report, number)
    house.clock.advance(OLD + DAY)
    await _tidy(house)
    assert await reported(house.store, report, number) == before == (1, 0)
    assert await house.column("SELECT channel FROM achievement WHERE state = 'delivered'") == [""]


async def _reported(house: InProcessGateway, state: str = "dead") -> int:
    """An achievement that was refused by the platform, or in another state, with its delivery."""
    house.env.delivers = True
    house.clock.advance(HOUR)
    accepted = await house.send(achieve("web:ann", OVER.id))
    house.env.delivers = False
    await tamper(
        house.url,
        f"UPDATE achievement SET state = '{state}', decided_at = {house.clock.now()}"
        f" WHERE achievement_id = {accepted.achievement_id}",
    )
    return accepted.achievement_id
