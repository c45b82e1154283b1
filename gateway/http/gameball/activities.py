"""Changes of a customer's points: the ledger, read as activities of the kind `CampaignRewarded`."""

from collections.abc import Sequence
from typing import Any

from gateway.http.gameball import query
from gateway.http.gameball.call import Answer, Call, shown
from gateway.http.gameball.customer_lookup import FoundCustomer, find_by_id, find_by_path
from gateway.http.gameball.envelope import CUSTOMER_UNKNOWN, Fault
from gateway.http.gameball.serializers import activity
from gateway.store.customers import Entry, count_entries, entries_after, identifiers_of

MOST = 200
USUAL = 50
_LARGEST = (1 << 63) - 1
_REWARDED = "CampaignRewarded"
_KINDS = frozenset(
    {
        "TierUpgraded",
        "TierDowngraded",
        "TierMigration",
        _REWARDED,
        "SuccessfulAction",
        "Referral",
        "Referred",
        "ReferralBonusReward",
        "PaymentReward",
        "Refund",
        "Redemption",
        "Cancel",
        "Expiry",
        "Migration",
        "Lifetime",
        "Automation",
        "BalanceAdjustment",
    }
)


async def list_activities(call: Call) -> Answer | Fault:
    """By ascending activity id, from the one after `startAfter`."""
    kind = query.word(call.request, "activityType", _KINDS)
    if isinstance(kind, Fault):
        return kind
    start = query.number(call.request, "startAfter", default=0, least=0, most=_LARGEST)
    if isinstance(start, Fault):
        return start
    limit = query.number(call.request, "limit", default=USUAL, least=1, most=MOST)
    if isinstance(limit, Fault):
        return limit
    found = await find_by_path(call)
    if found is None:
        return CUSTOMER_UNKNOWN
    entries: Sequence[Entry] = ()
    if kind in (None, _REWARDED):
        entries = await entries_after(call.services.store, found.customer, start, limit + 1)
    page = await _page(call, found, entries[:limit])
    more = len(entries) > limit
    return shown({"activities": page, "count": len(page), "hasMore": more}, found.profile_id)


async def _page(call: Call, found: FoundCustomer, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    env = call.services.env
    names = await _names(call, found)
    return [
        activity(
            entry,
            env.campaigns.get(entry.campaign_id),
            env.program,
            found.customer,
            call.parameters[0],
            names,
        )
        for entry in entries
    ]


async def _names(call: Call, found: FoundCustomer) -> dict[str, Any]:
    known = dict(reversed(await identifiers_of(call.services.store, found.customer)))
    return {
        "email": found.attributes.get("email", known.get("email")),
        "phoneNumber": found.attributes.get("mobile", known.get("mobile")),
        "displayName": found.attributes.get("displayName"),
    }


async def count_activities(call: Call) -> Answer | Fault:
    kind = query.word(call.request, "activityType", _KINDS)
    if isinstance(kind, Fault):
        return kind
    customer = await find_by_id(call, call.customer_id)
    if customer is None:
        return CUSTOMER_UNKNOWN
    counted = kind in (None, _REWARDED)
    count = await count_entries(call.services.store, customer) if counted else 0
    return shown({"count": count}, customer.profile_id)
