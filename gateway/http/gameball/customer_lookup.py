"""A customer for the reads: the profile behind the channel's customer id with its winning attributes, and the standing by which
eligibility is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.http.gameball.call import Call
from gateway.loyalty import Standing, tier_of
from gateway.store.customers import (
    Customer,
    attributes_of,
    claimed_attributes_of,
    earned_by,
    find_customer,
    grants_of,
    spent_on,
    tags_of,
)
from rules.survivor import winning


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    customer: Customer
    attributes: Mapping[str, Any]

    @property
    def profile_id(self) -> int:
        return self.customer.profile_id


async def find_by_id(call: Call, customer_id: str) -> Customer | None:
    """The live profile that this customer id of the channel's id space leads to. A caller that may not state anything sees only the
    record itself."""
    alone = call.trust != "state"
    return await find_customer(call.services.store, call.channel.id_space, customer_id, alone=alone)


async def find_by_path(call: Call) -> FoundCustomer | None:
    """Who the path names."""
    customer = await find_by_id(call, call.customer_id)
    return await with_attributes(call, customer) if customer else None


async def with_attributes(call: Call, customer: Customer) -> FoundCustomer:
    """With claims for what is not stated, if only the record itself is looked at."""
    stated = await _stated(call, customer)
    if customer.alone is None:
        return FoundCustomer(customer, stated)
    return FoundCustomer(customer, await claimed_attributes_of(call.services.store, customer) | stated)


async def _stated(call: Call, customer: Customer) -> dict[str, Any]:
    rules = call.services.env.rules
    values = await attributes_of(call.services.store, customer)
    return winning(rules, values)


@dataclass(frozen=True, slots=True)
class Standings:
    """One customer's standing for each campaign now."""

    common: Standing
    grants: Mapping[int, Sequence[int]]
    spent: Mapping[int, int]

    def towards(self, campaign_id: int) -> Standing:
        return self.common._replace(
            granted=self.grants.get(campaign_id, ()), spent=self.spent.get(campaign_id, 0)
        )


async def standings(call: Call, customer: Customer) -> Standings:
    store = call.services.store
    earned = await earned_by(store, customer)
    tier = tier_of(call.services.env.tiers, earned.score)
    common = Standing(
        active=customer.active,
        guest=customer.guest,
        tags=frozenset(await tags_of(store, customer)),
        tier=tier.order if tier else 0,
        attributes=await _stated(call, customer),
    )
    return Standings(common, await grants_of(store, customer), await spent_on(store))
