"""The conditions of a grant: how often, as of when, and for whom."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.clock import DAY, HOUR, MINUTE, SECOND
from gateway.config import Audience, Campaign, Limit, Program
from gateway.model import (
    Granted,
)
from tests.support.granting import ANN, PHONE, achieved, dated, for_audience, retry, states, verdict
from tests.support.in_process_gateway import (
    NOON,
    InProcessGateway,
    achieve,
    active,
    customer,
    environment,
    erase,
    tags,
)

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
