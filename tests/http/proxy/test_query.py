"""Customers in the query of a forwarded call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from yarl import URL

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway
from tests.support.forwarded_orders import EMAIL, order

SPELLINGS = (
    "customerId", "CustomerID", "customerId[]", "customerId[0]", "%20customerId", "customerId%20", "customerId+", "customerId%2520",
    "customer%49d", "customerId%00", "person[customerId]", "customers[0].customerId",
)  # fmt: skip


async def test_the_query_may_repeat_the_customer_of_path_or_body_and_name_no_other(
    forward: RunningGateway, platform: Platform, subtests: pytest.Subtests
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7", email=EMAIL)
    for name in SPELLINGS:
        with subtests.test(name):
            platform.seen.clear()
            for method, path, body in (
                ("POST", "events", {"customerId": "till-7", "events": {"viewed": {}}}),
                ("GET", "customers/till-7", None),
                ("PUT", "customers/till-7/activate", {"isActive": True}),
            ):
                url = f"{forward.url}/api/v4.1/integrations/{path}?{name}="
                keys = forward.keys("pos")
                for customer_id, status in (("bob", 400), ("till-7", 200)):
                    target = URL(url + customer_id, encoded=True)
                    async with forward.client.request(method, target, headers=keys, json=body) as answer:
                        assert answer.status == status, await answer.text()
                assert platform.seen[-1].raw_path.endswith(f"?{name}=ann")
            assert len(platform.seen) == 3


async def test_a_parameter_names_a_customer_also_where_the_operation_asks_for_none(
    forward: RunningGateway, platform: Platform, subtests: pytest.Subtests
) -> None:
    await order(forward, "web", "ann", email=EMAIL)
    await order(forward, "pos", "till-7", email=EMAIL)
    tiers = f"{forward.url}/api/v4.1/integrations/configurations/tiers"
    for name in SPELLINGS:
        with subtests.test(name):
            target = URL(f"{tiers}?{name}=till-7", encoded=True)
            async with forward.client.get(target, headers=forward.keys("pos")) as answer:
                assert answer.status == 200
            assert platform.seen[-1].raw_path.endswith(f"?{name}=ann")
