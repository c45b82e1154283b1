"""What happened to a customer's points: the ledger, read as activities of the kind `CampaignRewarded`."""

from collections.abc import Sequence
from typing import Any

from gateway.http.gameball import query
from gateway.http.gameball.call import Answer, Call, shown
from gateway.http.gameball.envelope import CUSTOMER_UNKNOWN, Fault
from gateway.http.gameball.person import Person, find_customer_of, find_person
from gateway.http.gameball.wire import activity
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
    """By activity id upwards, from the one after `startAfter`."""
    kind = query.word(call.request, "activityType", _KINDS)
    if isinstance(kind, Fault):
        return kind
    start = query.number(call.request, "startAfter", default=0, least=0, most=_LARGEST)
    if isinstance(start, Fault):
        return start
    limit = query.number(call.request, "limit", default=USUAL, least=1, most=MOST)
    if isinstance(limit, Fault):
        return limit
    person = await find_person(call)
    if person is None:
        return CUSTOMER_UNKNOWN
    entries: Sequence[Entry] = ()
    if kind in (None, _REWARDED):
        entries = await entries_after(call.services.store, person.customer, start, limit + 1)
    page = await _page(call, person, entries[:limit])
    more = len(entries) > limit
    return shown({"activities": page, "count": len(page), "hasMore": more}, person.profile_id)


async def _page(call: Call, person: Person, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    env = call.services.env
    names = await _names(call, person)
    return [
        activity(
            entry,
            env.campaigns.get(entry.campaign_id),
            env.program,
            person.customer,
            call.parameters[0],
            names,
        )
        for entry in entries
    ]


async def _names(call: Call, person: Person) -> dict[str, Any]:
    known = dict(reversed(await identifiers_of(call.services.store, person.customer)))
    return {
        "email": person.attributes.get("email", known.get("email")),
        "phoneNumber": person.attributes.get("mobile", known.get("mobile")),
        "displayName": person.attributes.get("displayName"),
    }


async def count_activities(call: Call) -> Answer | Fault:
    kind = query.word(call.request, "activityType", _KINDS)
    if isinstance(kind, Fault):
        return kind
    customer = await find_customer_of(call, call.customer_id)
    if customer is None:
        return CUSTOMER_UNKNOWN
    counted = kind in (None, _REWARDED)
    count = await count_entries(call.services.store, customer) if counted else 0
    return shown({"count": count}, customer.profile_id)
