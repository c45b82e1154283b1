"""Balances and activities of a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.public_api import achieve, ask, grant_all, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start
from tests.support.published_fields import ACTIVITY, BALANCE, EMAIL

# ---- what was earned ----


async def test_a_balance_is_the_sum_of_what_was_granted(gateway: RunningGateway) -> None:
    await save(gateway)
    empty = (await ask(gateway, "GET", "customers/ann/balance")).body
    assert set(empty) == set(BALANCE)
    assert empty["totalPointsBalance"] == 0
    await achieve(gateway)
    await grant_all(gateway)
    full = (await ask(gateway, "GET", "customers/ann/balance")).body
    points = ("totalPointsBalance", "availablePointsBalance", "avaliablePointsBalance", "totalEarnedPoints")
    assert [full[name] for name in points] == [100] * 4
    assert (full["totalPointsValue"], full["pendingPoints"]) == (1.0, 0)


async def test_a_balance_expands_to_the_tier(start: Start) -> None:
    tiers = """
[[tier]]
order = 1
name = "Basic"
min_progress = 0
[[tier]]
order = 2
name = "Gold"
min_progress = 50
"""
    async with start(tiers) as gateway:
        await save(gateway)
        shown = (await ask(gateway, "GET", "customers/ann/balance?expand=tier,referrals")).body
        assert set(shown) == {*BALANCE, "tier", "referrals"}
        assert shown["tier"]["current"]["name"] == "Basic"
        assert shown["tier"]["next"] == {
            "order": 2, "name": "Gold", "minProgress": 50, "minPorgress": 50,
        }  # fmt: skip


async def test_activities_are_read_page_by_page_upwards(start: Start) -> None:
    extra = '[program]\ntime_zone = "Africa/Cairo"\n'
    campaigns = "".join(f'[[campaign]]\nid = {n}\nname = "c{n}"\npoints = {n}\n' for n in range(1, 8))
    async with start(extra, campaigns=campaigns) as gateway:
        await save(gateway, email=EMAIL)
        for number in range(1, 8):
            await achieve(gateway, campaign=number)
        await grant_all(gateway)
        seen: list[dict[str, Any]] = []
        after, more = 0, True
        while more:
            path = f"customers/ann/activities?startAfter={after}&limit=3&activityType=CampaignRewarded"
            page = (await ask(gateway, "GET", path)).body
            assert set(page) == {"activities", "count", "hasMore"}
            assert page["count"] == len(page["activities"]) <= 3
            seen += page["activities"]
            after, more = page["activities"][-1]["activityId"], page["hasMore"]
        assert sorted(one["points"] for one in seen) == [1, 2, 3, 4, 5, 6, 7]
        numbers = [one["activityId"] for one in seen]
        assert numbers == sorted(set(numbers))
        assert all(set(one) == set(ACTIVITY) for one in seen)
        assert (seen[0]["customerId"], seen[0]["email"], seen[0]["reason"]) == ("ann", EMAIL, None)
        assert (await ask(gateway, "GET", "customers/ann/activities/count")).body == {"count": 7}
        none = "customers/ann/activities/count?activityType=Refund"
        assert (await ask(gateway, "GET", none)).body == {"count": 0}


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", (422, 3003, "PAYLOAD_ERROR")),
        ("limit=201", (422, 3003, "PAYLOAD_ERROR")),
        ("limit=ten", (400, 3016, "PAYLOAD_ERROR")),
        ("limit=٣", (400, 3016, "PAYLOAD_ERROR")),
        ("startAfter=-1", (422, 3003, "PAYLOAD_ERROR")),
        ("startAfter=99999999999999999999", (422, 3003, "PAYLOAD_ERROR")),
        ("activityType=Nothing", (422, 3003, "PAYLOAD_ERROR")),
    ],
)
async def test_activities_check_their_parameters(
    gateway: RunningGateway, query: str, fault: tuple[int, int, str]
) -> None:
    await save(gateway)
    assert (await ask(gateway, "GET", f"customers/ann/activities?{query}")).fault == fault
