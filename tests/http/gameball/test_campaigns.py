"""The campaigns on offer, and a customer's progress in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.public_api import achieve, ask, grant_all, save

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start
from tests.support.published_fields import CAMPAIGN, PROGRESS

# ---- campaigns ----

CAMPAIGNS = """
[[campaign]]
id = 1
name = "plain"
points = 5
coupon = { type = "percentage_discount", value = 10, prefix = "FB" }
[[campaign]]
id = 2
name = "vip only"
audience = { include_tags = ["vip"] }
[[campaign]]
id = 3
name = "gold"
audience = { min_tier = 2 }
[[campaign]]
id = 4
name = "off"
enabled = false
[[campaign]]
id = 5
name = "hidden"
visibility = "hidden"
[[campaign]]
id = 6
name = "wheel"
type = "spin_the_wheel"
[[campaign]]
id = 7
name = "scheduled"
max_achievements = 0
starts_at = 2020-01-01T00:00:00Z
ends_at = 2099-01-01T00:00:00Z
"""


async def test_the_campaigns_on_offer_are_listed_with_all_their_members(start: Start) -> None:
    async with start(campaigns=CAMPAIGNS) as gateway:
        reply = await ask(
            gateway, "GET", "configurations/reward-campaigns", version="v4.0", headers={"lang": "ar"}
        )
        listed = {one["id"]: one for one in reply.body}
        assert sorted(listed) == [1, 2, 3, 5, 6, 7]
        assert all(set(one) == {*CAMPAIGN, "availability"} for one in listed.values())
        assert (listed[1]["type"], listed[1]["maxAchievement"], listed[1]["isRepeatable"]) == (
            "SocialMedia",
            1,
            False,
        )
        assert (listed[7]["maxAchievement"], listed[7]["isRepeatable"]) == (-1, True)
        assert listed[7]["activation"] == {
            "startDate": "2020-01-01T00:00:00Z",
            "endDate": "2099-01-01T00:00:00Z",
        }
        assert listed[2]["availability"] == {"minTier": 0, "tags": ["vip"]}
        assert listed[3]["availability"] == {"minTier": 2, "tags": []}
        assert listed[5]["visibility"] == "NotVisible"
        reward = listed[1]["rewards"][0]
        assert (reward["walletReward"], reward["rankReward"], reward["walletRewardFactor"]) == (5, 0, None)
        assert reward["couponReward"]["discountValue"] == 10
        assert reward["couponReward"]["options"]["codePrefix"] == "FB"


async def test_with_a_customer_the_list_has_only_campaigns_that_they_can_achieve(start: Start) -> None:
    async with start(campaigns=CAMPAIGNS) as gateway:
        await save(gateway)

        async def listed() -> list[int]:
            reply = await ask(gateway, "GET", "configurations/reward-campaigns?customerId=ann")
            return sorted(one["id"] for one in reply.body)

        assert await listed() == [1, 5, 7]
        await ask(gateway, "POST", "customers/ann/tags", json={"tags": "vip"})
        await achieve(gateway, campaign=1)
        await grant_all(gateway)
        assert await listed() == [2, 5, 7]
        await ask(gateway, "PUT", "customers/ann/activate", json={"isActive": False})
        assert await listed() == []
        unknown = await ask(gateway, "GET", "configurations/reward-campaigns?customerId=nobody")
        assert unknown.fault == (404, 4004, "GENERAL_ERROR")


async def test_progress_shows_what_a_customer_may_see(start: Start) -> None:
    async with start(campaigns=CAMPAIGNS) as gateway:
        await save(gateway)

        async def progress(query: str = "") -> dict[int, Any]:
            reply = await ask(gateway, "GET", f"customers/ann/reward-campaigns-progress{query}")
            assert all(set(one) == set(PROGRESS) for one in reply.body)
            return {one["rewardsCampaignId"]: one for one in reply.body}

        before = await progress()
        assert sorted(before) == [1, 3, 7]
        assert set(before[1]["rewardCampaignConfiguration"]) == {*CAMPAIGN, "widgetDetailsParameter"}
        assert (before[1]["achievedCount"], before[1]["completionPercentage"], before[1]["canAchieve"]) == (
            0,
            0,
            True,
        )
        assert (before[3]["isUnlocked"], before[3]["canAchieve"]) == (False, False)
        await achieve(gateway, campaign=1)
        await grant_all(gateway)
        after = (await progress("?campaignId=1&campaignType=reward"))[1]
        assert (after["achievedCount"], after["completionPercentage"]) == (1, 100)
        assert (after["canAchieve"], after["isUnlocked"]) == (False, True)
        assert await progress("?campaignId=1&campaignType=game") == {}
        assert await progress("?campaignId=999") == {}


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("campaignId=0", (422, 3003, "PAYLOAD_ERROR")),
        ("campaignId=-7", (422, 3003, "PAYLOAD_ERROR")),
        ("campaignId=x", (400, 3016, "PAYLOAD_ERROR")),
        ("campaignType=other", (422, 3003, "PAYLOAD_ERROR")),
    ],
)
async def test_progress_checks_its_parameters(
    gateway: RunningGateway, query: str, fault: tuple[int, int, str]
) -> None:
    await save(gateway)
    assert (await ask(gateway, "GET", f"customers/ann/reward-campaigns-progress?{query}")).fault == fault
