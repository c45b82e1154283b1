"""Names of members and parameters in another case: .NET writes `CustomerId`, and the platform reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.forwarding import forwarding
from tests.support.public_api import ACHIEVE, ask, save

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

EMAIL = "ann@example.com"
BOTH_MEANT = [
    (ACHIEVE, {"customerId": "ann", "CustomerId": "bob", "challengeId": 1}),
    (ACHIEVE, {"customerId": "ann", "challengeId": 1, "ChallengeId": 2}),
    ("customers", {"customerId": "ann", " customerid": "bob"}),
    ("customers", {"customerId": "ann", "email": EMAIL, "Email": "bob@example.com"}),
    ("customers", {"customerId": "ann", "customerAttributes": {}, "CUSTOMERATTRIBUTES": {}}),
    ("customers/ann/tags", {"tags": "a", "Tags": "b"}),
]


def _in_capitals(body: dict[str, Any]) -> dict[str, Any]:
    return {name.upper(): value for name, value in body.items()}


def _as_dotnet_writes(body: dict[str, Any]) -> dict[str, Any]:
    return {name[0].upper() + name[1:]: value for name, value in body.items()}


@pytest.mark.parametrize("write", [_in_capitals, _as_dotnet_writes])
async def test_a_name_in_another_case_means_the_same(gateway: RunningGateway, write: Any) -> None:
    customer = {"customerId": "ann", "email": EMAIL, "customerAttributes": write({"city": "Giza"})}
    assert (await ask(gateway, "POST", "customers", json=write(customer))).status == 200
    till = {"customerId": "till-7", "email": EMAIL, "challengeId": 11664}
    reply = await ask(gateway, "POST", ACHIEVE, channel="pos", json=write(till))
    assert (reply.status, reply.body) == (202, {"customerId": "till-7", "challengeId": 11664})
    assert reply.headers["X-Gateway-Decision"] == "attached"
    assert (await ask(gateway, "POST", "customers/ann/tags", json=write({"tags": "a"}))).status == 200
    assert (
        await ask(gateway, "PUT", "customers/ann/activate", json=write({"isActive": False}))
    ).status == 200
    details = (await ask(gateway, "GET", "customers/ann/details")).body["customerAttributes"]
    assert (details["city"], details["email"], details["tags"]) == ("Giza", EMAIL, ["a"])


async def test_two_names_that_mean_the_same_are_refused(gateway: RunningGateway) -> None:
    await save(gateway)
    for path, body in BOTH_MEANT:
        reply = await ask(gateway, "POST", path, json=body)
        assert reply.fault == (400, 3016, "PAYLOAD_ERROR"), body
    assert await gateway.rows("SELECT customer_id FROM record") == [("ann",)]


async def test_a_report_is_read_alike_in_forward_mode(forward: RunningGateway) -> None:
    await ask(forward, "POST", "customers", json={"CustomerID": "ann"})
    report = {"CustomerID": "ann", "ChallengeID": 11664}
    reply = await ask(forward, "POST", ACHIEVE, json=report)
    assert (reply.status, reply.body) == (202, {"customerId": "ann", "challengeId": 11664})


async def test_the_platform_gets_the_names_of_a_direct_report_as_they_came(
    start: Start, platform: Platform
) -> None:
    async with forwarding(start, platform, more='[achievements]\ndelivery = "direct"') as gateway:
        await ask(gateway, "POST", "customers", json={"customerId": "ann"})
        report = {"CustomerID": "ann", "ChallengeID": 11664}
        await ask(gateway, "POST", ACHIEVE, json=report)
        assert platform.seen[-1].json == report
        assert await gateway.rows("SELECT campaign_id FROM achievement") == [(11664,)]


async def test_a_parameter_is_found_in_any_case(gateway: RunningGateway) -> None:
    await save(gateway)
    progress = "customers/ann/reward-campaigns-progress"
    assert len((await ask(gateway, "GET", f"{progress}?CampaignID=11664")).body) == 1
    assert (await ask(gateway, "GET", f"{progress}?campaignid=0")).status == 422
    assert (await ask(gateway, "GET", "configurations/reward-campaigns?CUSTOMERID=bob")).status == 404
