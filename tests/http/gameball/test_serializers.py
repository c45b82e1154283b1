"""Absent fields: null or left out, as the platform publishes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.public_api import achieve, ask, grant_all, names, save

if TYPE_CHECKING:
    from tests.support.running_gateway import Start
from tests.support.published_fields import ACTIVITY, ATTRIBUTES, EMAIL, MOBILE

# ---- what is not there ----

NULLABLE = names("""description icon redirectionButtonText redirectionButtonLink activation startDate endDate
    walletRewardFactor couponReward couponType discountValue productId productName variantId variantName
    productDisplayName handle title url iconPath maxPerCustomer expiryDate isAvailable isActive name expiryAfter
    usageLimit capping minOrderValue codePrefix redeemInstructions highScoreAmount currentStreak highestStreak
    widgetDetailsParameter""") | ACTIVITY - names(
    "activityId activityType activityDay activityDate activityTime customerId"
)
"""The members for which the platform publishes null; the `name` is that of a coupon's options, the others' is never empty."""


OFFERS = """
[[tier]]
order = 1
name = "Gold"
min_progress = 50
[[campaign]]
id = 1
name = "plain"
[[campaign]]
id = 2
name = "with a coupon"
points = 5
coupon = { type = "percentage_discount", value = 10 }
"""


def _nulls(value: Any, name: str = "") -> set[str]:
    if isinstance(value, dict):
        return {found for key, inner in value.items() for found in _nulls(inner, key)}
    if isinstance(value, list):
        return {found for inner in value for found in _nulls(inner, name)}
    return {name} if value is None else set()


PATHS = [
    "customers/{}",
    "customers/{}/details",
    "customers/{}/balance",
    "customers/{}/balance?expand=tier,referrals",
    "customers/{}/activities",
    "customers/{}/activities/count",
    "customers/{}/reward-campaigns-progress",
    "configurations/reward-campaigns",
    "configurations/reward-campaigns?customerId={}",
]


async def test_absent_fields_are_omitted_unless_the_api_publishes_null_for_them(
    start: Start, subtests: pytest.Subtests
) -> None:
    async with start(campaigns=OFFERS) as gateway:
        await save(gateway, "bare")
        await save(
            gateway, "full", email=EMAIL, mobile=MOBILE, customerAttributes={**ATTRIBUTES, "custom": {"a": 1}}
        )
        for customer_id in ("bare", "full"):
            for campaign in (1, 2):
                await achieve(gateway, customer_id, campaign)
        await grant_all(gateway)
        for path in PATHS:
            with subtests.test(path):
                for customer_id in ("bare", "full"):
                    reply = await ask(gateway, "GET", path.format(customer_id))
                    assert reply.status == 200
                    assert _nulls(reply.body) <= NULLABLE
