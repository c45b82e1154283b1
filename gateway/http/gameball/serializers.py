"""The answers about campaigns, activities and money, field by field as the platform spells them. What does not exist here is null
if the platform publishes null for it, and left out otherwise."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.clock import SECOND
from gateway.config import Campaign, Coupon, Program
from gateway.ids import api_number, show
from gateway.store.customers import Customer, Entry

_TYPES = {
    "social": "SocialMedia",
    "signup": "SignUp",
    "birthday": "Birthday",
    "event": "EventBased",
    "high_score": "HighScore",
    "scheduled": "ScheduledChallenge",
    "spin_the_wheel": "Spin The Wheel",
}
_VISIBILITIES = {"always": "AlwaysVisible", "hidden": "NotVisible", "if_earned": "VisibleIfEarned"}
_NO_PRODUCT = dict.fromkeys(
    ("productId", "productName", "variantId", "variantName", "productDisplayName"), None
)
_NO_GROUP = dict.fromkeys(
    (
        "handle",
        "title",
        "url",
        "iconPath",
        "description",
        "maxPerCustomer",
        "startDate",
        "expiryDate",
        "isAvailable",
        "isActive",
    ),
    None,
)
_UNUSED = dict.fromkeys(
    (
        "reason",
        "calculatedRedemption",
        "actualRedemption",
        "familyRedemptionAmount",
        "familyRedemptionPoints",
        "paymentRewardAmount",
        "outstandingPoints",
        "rewardThreshold",
        "redemptionRewardFactor",
        "tierName",
        "rewardFactor",
        "couponGroup",
        "couponProduct",
        "couponProductId",
        "productVariantName",
    ),
    None,
)
"""Fields of activities of other kinds than a rewarded campaign."""


def instant(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(points: int, program: Program) -> float:
    return round(points * program.point_value, 2)


# ---- campaigns ----


def campaign_settings(campaign: Campaign) -> dict[str, Any]:
    """What a campaign's own listing and its progress have in common."""
    return {
        "id": campaign.id,
        "name": campaign.name,
        "description": campaign.description or None,
        "isRepeatable": campaign.max_achievements != 1,
        "maxAchievement": campaign.max_achievements or -1,
        "type": _TYPES[campaign.type],
        "visibility": _VISIBILITIES[campaign.visibility],
        "icon": campaign.icon or None,
        "redirectionButtonText": campaign.redirection_text or None,
        "redirectionButtonLink": campaign.redirection_link or None,
        "activation": {"startDate": instant(campaign.starts_at), "endDate": instant(campaign.ends_at)},
        "rewards": [_reward(campaign)],
    }


def campaign_listing(campaign: Campaign) -> dict[str, Any]:
    audience = campaign.audience
    availability = {"minTier": audience.min_tier, "tags": sorted(audience.include_tags)}
    return {**campaign_settings(campaign), "availability": availability}


def _reward(campaign: Campaign) -> dict[str, Any]:
    return {
        "rankReward": campaign.score,
        "walletReward": campaign.points,
        "walletRewardFactor": None,
        "couponReward": _coupon(campaign.coupon) if campaign.coupon else None,
    }


def _coupon(coupon: Coupon) -> dict[str, Any]:
    return {
        "couponType": coupon.type,
        "discountValue": coupon.value,
        "product": _NO_PRODUCT,
        "collections": [],
        "group": _NO_GROUP,
        "options": {
            "name": None,
            "expiryAfter": coupon.expiry_days or None,
            "usageLimit": coupon.usage_limit or None,
            "capping": coupon.capping or None,
            "minOrderValue": coupon.min_order_value or None,
            "codePrefix": coupon.prefix or None,
            "redeemInstructions": None,
        },
    }


def progress(campaign: Campaign, achieved: int, *, unlocked: bool, can_achieve: bool) -> dict[str, Any]:
    """A social campaign has neither score nor streak: it is done or it is not."""
    return {
        "rewardsCampaignName": campaign.name,
        "rewardsCampaignId": campaign.id,
        "isUnlocked": unlocked,
        "highScoreAmount": None,
        "currentStreak": None,
        "highestStreak": None,
        "completionPercentage": 100 if achieved else 0,
        "achievedCount": achieved,
        "canAchieve": can_achieve,
        "rewardCampaignConfiguration": {**campaign_settings(campaign), "widgetDetailsParameter": None},
    }


# ---- activities ----


def activity(
    entry: Entry,
    campaign: Campaign | None,
    program: Program,
    customer: Customer,
    customer_id: str,
    names: dict[str, Any],
) -> dict[str, Any]:
    """`names` are `email`, `phoneNumber` and `displayName`; `campaign` is None if it is no longer offered."""
    return {
        "activityId": api_number(entry.entry_id),
        "activityType": "CampaignRewarded",
        **_moment(entry.entered_at, program.time_zone),
        "customerId": customer_id,
        **names,
        "transactionId": show("led", entry.entry_id),
        "isManualActivity": False,
        "points": entry.points,
        "score": entry.score,
        "currency": program.currency,
        "campaignName": campaign.name if campaign else None,
        "campaignStartDate": instant(campaign.starts_at) if campaign else None,
        "campaignEndDate": instant(campaign.ends_at) if campaign else None,
        "campaignEnabled": campaign.enabled if campaign else None,
        "rewardPoints": entry.points,
        "isGuest": customer.guest,
        "couponUsed": False if entry.coupon_code else None,
        "couponType": campaign.coupon.type if campaign and campaign.coupon and entry.coupon_code else None,
        "couponCode": entry.coupon_code or None,
        **_UNUSED,
    }


def _moment(milliseconds: int, time_zone: str) -> dict[str, str]:
    """Three texts to show, in the program's own time zone, e.g. `Sunday`, `October 20, 2024`, `19:27:33`."""
    moment = datetime.fromtimestamp(milliseconds // SECOND, ZoneInfo(time_zone))
    return {
        "activityDay": moment.strftime("%A"),
        "activityDate": f"{moment:%B} {moment.day}, {moment.year}",
        "activityTime": moment.strftime("%H:%M:%S"),
    }
