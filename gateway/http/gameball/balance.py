"""A customer's balance: sums over the ledger. Points count once they are granted, and do not expire, so nothing is pending or
expiring. An accepted achievement may still be ignored, and does not count before its grant."""

from collections.abc import Sequence
from typing import Any

from gateway.config import Program, Tier
from gateway.http.gameball import query
from gateway.http.gameball.call import Answer, Call, shown
from gateway.http.gameball.customer_lookup import find_by_id
from gateway.http.gameball.envelope import CUSTOMER_UNKNOWN, Fault
from gateway.http.gameball.serializers import money
from gateway.loyalty import tier_of
from gateway.store.customers import Earned, earned_by


async def get_balance(call: Call) -> Answer | Fault:
    """`expand` adds `tier` and `referrals`; other words in it are ignored."""
    customer = await find_by_id(call, call.customer_id)
    if customer is None:
        return CUSTOMER_UNKNOWN
    earned = await earned_by(call.services.store, customer)
    env = call.services.env
    balance = _balance(earned, env.program)
    expand = {word.strip() for word in (query.text(call.request, "expand") or "").split(",")}
    if "tier" in expand:
        balance["tier"] = tier_progress(env.tiers, earned.score)
    if "referrals" in expand:
        balance["referrals"] = {"count": 0}
    return shown(balance, customer.profile_id)


def _balance(earned: Earned, program: Program) -> dict[str, Any]:
    """The live API misspells two names and clients rely on it, so both spellings are sent. No date: nothing expires."""
    value = money(earned.points, program)
    return {
        "totalPointsBalance": earned.points,
        "totalPointsValue": value,
        "availablePointsBalance": earned.points,
        "availablePointsValue": value,
        "avaliablePointsBalance": earned.points,
        "avaliablePointsValue": value,
        "pendingPoints": 0,
        "pendingPointsValue": 0.0,
        "currency": program.currency,
        "pointsName": program.points_name,
        "nextExpiringPointsAmount": 0,
        "nextExpiringPointsValue": 0.0,
        "totalEarnedPoints": earned.gained,
        "totalEarnedPendingPoints": 0,
    }


def tier_progress(tiers: Sequence[Tier], score: int) -> dict[str, Any]:
    """No `next` on the highest tier, no `current` below the first."""
    following = next((tier for tier in tiers if tier.min_progress > score), None)
    places = {"current": tier_of(tiers, score), "next": following}
    return {name: _tier(tier) for name, tier in places.items() if tier is not None} | {"progress": score}


def _tier(tier: Tier) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "order": tier.order,
        "name": tier.name,
        "minProgress": tier.min_progress,
        "minPorgress": tier.min_progress,
    }
    return shown | {"icon": tier.icon} if tier.icon else shown
