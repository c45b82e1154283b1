"""The campaigns on offer: all of them, or those that one customer can achieve now."""

from gateway.http.gameball import query
from gateway.http.gameball.call import Answer, Call, shown
from gateway.http.gameball.customer_lookup import find_by_id, standings
from gateway.http.gameball.envelope import CUSTOMER_UNKNOWN, Fault
from gateway.http.gameball.identify import name_customer
from gateway.http.gameball.serializers import campaign_listing
from gateway.loyalty import judge


async def list_campaigns(call: Call) -> Answer | Fault:
    """`lang`, `collectionId` and `productSku` are accepted and change nothing: texts have one language here, and no campaign
    depends on a product."""
    campaigns = [campaign for campaign in call.services.env.campaigns.values() if campaign.enabled]
    customer_id = query.text(call.request, "customerId")
    if customer_id is None:
        return shown([campaign_listing(campaign) for campaign in campaigns])
    named = name_customer(call, customer_id)
    if isinstance(named, Fault):
        return CUSTOMER_UNKNOWN._replace(warnings=named.warnings) if named.warnings else named
    customer = await find_by_id(call, named.customer_id)
    if customer is None:
        return CUSTOMER_UNKNOWN
    standing = await standings(call, customer)
    program, now = call.services.env.program, call.services.clock.now()
    achievable = [
        campaign_listing(campaign)
        for campaign in campaigns
        if judge(program, campaign, standing.towards(campaign.id), now) is None
    ]
    return shown(achievable, customer.profile_id)
