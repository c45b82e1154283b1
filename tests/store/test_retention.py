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
from gateway.store.maintenance import KeepFor
from gateway.store.queries.verification import verify
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
async def core(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    url = ""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url(await server.empty())
    env, kept = environment(campaigns=[ONCE, MONTHLY, OVER]), KeepFor(achievements=OLD, ledger_details=OLD)
    async with InProcessGateway(tmp_path, env, url=url, kept=kept) as built:
        await built.send(customer("web:ann", email="ann@x.eg"))
        for campaign in (ONCE, MONTHLY, OVER):
            await built.send(achieve("web:ann", campaign.id))
        await built.grant_later()
        yield built


async def _tidy(core: InProcessGateway) -> None:
    while await core.store.maintain(2):
        pass


async def _seen(core: InProcessGateway) -> dict[str, list[Any]]:
    return {
        "achievements": await core.rows(
            "SELECT campaign_id, state, channel FROM achievement ORDER BY campaign_id"
        ),
        "coupons": await core.column("SELECT coupon_code FROM ledger WHERE coupon_code <> ''"),
        "points": await core.rows("SELECT campaign_id, points, entered_at FROM ledger ORDER BY campaign_id"),
    }


async def test_younger_rows_stay(core: InProcessGateway) -> None:
    core.clock.advance(2 * HOUR)
    await _tidy(core)
    before = await _seen(core)
    assert [state for _, state, _ in before["achievements"]] == ["granted", "granted", "ignored"]
    core.clock.advance(OLD - DAY)
    await _tidy(core)
    assert await _seen(core) == before
    assert "retention.applied" not in await core.actions()


async def test_old_rows_are_removed_and_rows_that_decisions_need_stay(core: InProcessGateway) -> None:
    before, ann = await _seen(core), await find_customer(core.store, "web", "ann")
    assert ann is not None
    granted = await grants_of(core.store, ann)
    core.clock.advance(OLD + DAY)
    await _tidy(core)
    after = await _seen(core)
    assert after["achievements"] == [(1, "granted", ""), (2, "granted", "")]
    assert after["coupons"] == []
    assert after["points"] == before["points"]
    assert await grants_of(core.store, ann) == granted
    assert await core.column(
        "SELECT row_id FROM lookup WHERE field = 'achievement.record'"
    ) == await core.column("SELECT achievement_id FROM achievement ORDER BY achievement_id")
    assert (await verify(core.store, CHECKPOINT_KEY, state=True)).breaches == []


async def test_a_once_only_reward_is_not_given_again(core: InProcessGateway) -> None:
    core.clock.advance(OLD + DAY)
    await _tidy(core)
    for campaign in (ONCE, MONTHLY):
        await core.send(achieve("web:ann", campaign.id))
    await core.grant_later()
    reasons = await core.rows("SELECT campaign_id, reason FROM achievement WHERE state = 'ignored'")
    assert reasons == [(ONCE.id, "limit_total")]
    assert await core.points_of("web:ann") == ONCE.points + 2 * MONTHLY.points


async def test_an_event_says_what_was_removed(core: InProcessGateway) -> None:
    core.clock.advance(OLD + DAY)
    while await core.store.maintain(100):
        pass
    (detail,) = await core.column("SELECT detail FROM audit WHERE action = 'retention.applied'")
    assert detail == '{"achievements":1,"reporters":2,"coupons":1}'
    core.clock.advance(2 * DAY)
    await _tidy(core)
    assert (await core.actions()).count("retention.applied") == 1


async def test_rows_that_an_erasure_needs_stay(core: InProcessGateway) -> None:
    """The customer's id in a kept answer, and what the platform said of a report."""
    await core.send(achieve("web:ann", OVER.id, IdempotencyKey("route", "key", b"f", b"{}")))
    await core.grant_later()
    await tamper(core.url, f"UPDATE answer_of SET expires_at = {core.clock.now() + 2 * OLD}")
    refused = await _reported(core)
    core.clock.advance(OLD + DAY)
    await _tidy(core)
    assert set(await core.column("SELECT achievement_id FROM answer_of")) | {refused} == set(
        await core.column("SELECT achievement_id FROM achievement WHERE state <> 'granted'")
    )
    await tamper(core.url, "DELETE FROM delivery")
    core.clock.advance(2 * OLD)
    await _tidy(core)
    await _tidy(core)
    core.clock.advance(2 * DAY)
    await _tidy(core)
    assert await core.column("SELECT achievement_id FROM achievement WHERE state <> 'granted'") == []


async def test_achievements_that_the_platform_has_stay_counted(core: InProcessGateway) -> None:
    """By its count it is found out whether a later report without an answer has arrived."""
    number = await _reported(core, "delivered")
    report = await report_of(core.store, number)
    assert report is not None
    await tamper(core.url, "DELETE FROM delivery")
    before = await reported(core.store, report, number)
    core.clock.advance(OLD + DAY)
    await _tidy(core)
    assert await reported(core.store, report, number) == before == (1, 0)
    assert await core.column("SELECT channel FROM achievement WHERE state = 'delivered'") == [""]


async def _reported(core: InProcessGateway, state: str = "dead") -> int:
    """An achievement that was refused by the platform, or in another state, with its delivery."""
    core.env.delivers = True
    core.clock.advance(HOUR)
    accepted = await core.send(achieve("web:ann", OVER.id))
    core.env.delivers = False
    await tamper(
        core.url,
        f"UPDATE achievement SET state = '{state}', decided_at = {core.clock.now()}"
        f" WHERE achievement_id = {accepted.achievement_id}",
    )
    return accepted.achievement_id
