"""A customer's progress in each campaign that it may see."""

from typing import Any

from gateway.config import Campaign
from gateway.http.gameball import query, serializers
from gateway.http.gameball.call import Answer, Call, shown
from gateway.http.gameball.customer_lookup import find_by_id, standings
from gateway.http.gameball.envelope import CAMPAIGN_ID_NOT_POSITIVE, CUSTOMER_UNKNOWN, Fault
from gateway.loyalty import Reason, Standing, judge

_LARGEST = (1 << 63) - 1
_GAMES = frozenset({"high_score", "spin_the_wheel"})
_USED_UP: frozenset[Reason] = frozenset({"limit_total", "limit_period", "over_budget"})


async def get_progress(call: Call) -> Answer | Fault:
    """Filters combine. A campaign that is unknown, hidden or not for this customer is left out without a word."""
    kind = query.word(call.request, "campaignType", ("reward", "game"))
    if isinstance(kind, Fault):
        return kind
    campaign_id = query.number(
        call.request, "campaignId", default=0, least=1, most=_LARGEST, wrong=CAMPAIGN_ID_NOT_POSITIVE
    )
    if isinstance(campaign_id, Fault):
        return campaign_id
    customer = await find_by_id(call, call.customer_id)
    if customer is None:
        return CUSTOMER_UNKNOWN
    standing = await standings(call, customer)
    wanted = (
        campaign
        for campaign in call.services.env.campaigns.values()
        if campaign_id in (0, campaign.id) and kind in (None, "game" if campaign.type in _GAMES else "reward")
    )
    entries = (_progress(call, campaign, standing.towards(campaign.id)) for campaign in wanted)
    return shown([entry for entry in entries if entry is not None], customer.profile_id)


def _progress(call: Call, campaign: Campaign, standing: Standing) -> dict[str, Any] | None:
    """None: not to be shown."""
    reason = judge(call.services.env.program, campaign, standing, call.services.clock.now())
    achieved = len(standing.granted)
    if not _is_shown(campaign, reason, earned=achieved > 0):
        return None
    unlocked = reason is None or reason in _USED_UP
    return serializers.progress(campaign, achieved, unlocked=unlocked, can_achieve=reason is None)


def _is_shown(campaign: Campaign, reason: Reason | None, *, earned: bool) -> bool:
    """A locked tier shows a locked badge. What was earned stays, even if the campaign ends."""
    if campaign.visibility == "hidden":
        return False
    if campaign.visibility == "if_earned":
        return earned
    return earned or reason is None or reason == "audience_tier" or reason in _USED_UP
