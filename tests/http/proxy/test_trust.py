"""Forward mode: what a call claims with the api key alone sends out no other customer's id, and teaches the gateway nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.forwarding import forwarding
from tests.support.public_api import ask, save

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.public_api import Reply
    from tests.support.running_gateway import RunningGateway, Start

ANN, PHONE = "anna@example.com", "+201001234567"
OPEN = '[trust]\npublic = "state"'


async def public(gateway: RunningGateway, method: str, path: str, **options: Any) -> Reply:
    return await ask(gateway, method, path, version="v4.0", headers={"secretkey": ""}, **options)


def named(platform: Platform) -> str:
    """Whom the newest call named to the platform."""
    return json.loads(platform.seen[-1].body)["customerId"]


@pytest.mark.parametrize(("more", "sent"), [("", "eve"), (OPEN, "anna")], ids=["default", "control"])
async def test_a_claimed_email_never_sends_another_persons_canonical_id(
    start: Start, platform: Platform, more: str, sent: str
) -> None:
    async with forwarding(start, platform, more=more) as gateway:
        await save(gateway, "anna", email=ANN)
        for path, body in (
            ("customers", {"customerId": "eve", "email": ANN}),
            ("events", {"customerId": "eve", "email": ANN, "events": {"view": {}}}),
            ("customers", {"customerId": "eve", "mobile": PHONE}),
            ("events", {"customerId": "eve", "events": {"view": {}}}),
        ):
            reply = await public(gateway, "POST", path, json=body)
            assert reply.status == 200, reply
            assert named(platform) == sent
            assert ("X-Gateway-Profile" in reply.headers) is bool(more)
        owners = dict(await gateway.rows("SELECT value, holders FROM identifier_owner"))
        assert owners == ({ANN: 2, PHONE: 1} if more else {ANN: 1})


async def test_claims_are_kept_once_and_the_same_call_again_costs_no_command(
    forward: RunningGateway,
) -> None:
    body = {"customerId": "eve", "email": ANN, "mobile": PHONE, "guest": True}
    await public(forward, "POST", "customers", json=body)
    assert await forward.rows("SELECT type, source FROM claim ORDER BY 1") == [
        ("email", "public"),
        ("mobile", "public"),
    ]
    done = forward.services.pipeline.calls_taken
    for _ in range(3):
        assert (await public(forward, "POST", "customers", json=body)).status == 200
    assert forward.services.pipeline.calls_taken == done
    await save(forward, "eve", email=ANN)
    assert await forward.rows("SELECT type FROM claim") == [("mobile",)]


async def test_an_ignored_caller_is_a_stranger_under_no_known_id(start: Start, platform: Platform) -> None:
    async with forwarding(start, platform, more='[trust]\npublic = "ignore"') as gateway:
        await save(gateway, "anna", channel="pos", email=ANN)
        reply = await public(gateway, "POST", "customers", json={"customerId": "eve", "email": ANN})
        assert (reply.status, named(platform)) == (200, "eve")
        await public(gateway, "POST", "customers", json={"customerId": "anna", "email": ANN})
        assert named(platform) != "anna"
        assert await gateway.rows("SELECT customer_id FROM record") == [("anna",)]
        assert await gateway.rows("SELECT * FROM claim") == []


async def test_a_batch_of_the_back_end_states(forward: RunningGateway) -> None:
    people = [{"customerId": who, "email": ANN} for who in ("anna", "ann-2")]
    reply = await ask(forward, "POST", "batch/customers", json={"body": people})
    assert reply.status == 200
    assert await forward.rows("SELECT DISTINCT source FROM observation") == [("backend",)]
    assert len(set(await forward.rows("SELECT profile_id FROM record"))) == 1


@pytest.mark.parametrize(
    ("more", "sent"), [("", "anna%40example.com"), (OPEN, "anna")], ids=["default", "control"]
)
async def test_an_email_in_place_of_the_id_finds_no_customer_without_the_secret_key(
    start: Start, platform: Platform, more: str, sent: str
) -> None:
    async with forwarding(start, platform, more=more) as gateway:
        await save(gateway, "anna", email=ANN)
        url = f"{gateway.url}/api/v3.0/integrations/player/{ANN}"
        async with gateway.client.get(url, headers={"apikey": gateway.keys("web")["apikey"]}) as response:
            await response.read()
        assert platform.seen[-1].raw_path.endswith(f"/player/{sent}")
