"""Rules that compare names, in forward mode: the gateway keeps what they compare, and nothing else of a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.forwarding import forwarding
from tests.support.public_api import ask

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

PHONE = "+201001234567"
RULES = """
[rules]
schema = 1
version = "names"
[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = 5
[[rule]]
name = "mobile"
all_of = ["mobile"]
confirm_any = ["firstName and lastName"]
confirm_missing = "review"
[merge]
survivor = ["oldest", "lowest_id"]
"""


@pytest.fixture
async def gateway(start: Start, platform: Platform, tmp_path: Path) -> AsyncGenerator[RunningGateway]:
    file = tmp_path / "rules.toml"
    file.write_text(RULES)
    async with forwarding(start, platform, more=f'[rules]\nseed = "{file}"\n') as gateway:
        yield gateway


async def register(gateway: RunningGateway, channel: str, customer_id: str, **attributes: object) -> str:
    body = {"customerId": customer_id, "mobile": PHONE, "customerAttributes": attributes}
    reply = await ask(gateway, "POST", "customers", channel=channel, json=body)
    return reply.headers["X-Gateway-Decision"]


async def test_the_name_confirms_a_match_and_only_what_rules_compare_is_kept(
    gateway: RunningGateway, platform: Platform
) -> None:
    await register(gateway, "web", "ann", firstName="Katharina", lastName="Lehmann", city="Giza")
    assert await register(gateway, "pos", "7", firstName="Katarina", lastName="Lehman") == "attached"
    assert await register(gateway, "mobile", "8", firstName="Otto", lastName="Lehmann") == "review"
    assert set(platform.customers) == {"ann", "8"}
    kept = await gateway.rows("SELECT name, value FROM attribute ORDER BY record_id, name")
    assert kept[:2] == [("firstName", '"Katharina"'), ("lastName", '"Lehmann"')]
    assert {name for name, _ in kept} == {"firstName", "lastName"}


async def test_a_name_that_is_corrected_in_a_later_call_counts(gateway: RunningGateway) -> None:
    await register(gateway, "web", "ann", firstName="Katharina", lastName="Lehmann")
    assert await register(gateway, "pos", "7", firstName="Otto", lastName="Lehmann") == "review"
    await register(gateway, "pos", "7", firstName="Kathi", lastName="Lehmann")
    await gateway.regroup()
    assert len(await gateway.rows("SELECT DISTINCT profile_id FROM record")) == 1


async def test_attributes_sent_with_the_api_key_alone_are_not_kept(gateway: RunningGateway) -> None:
    await register(gateway, "web", "ann", firstName="Katharina", lastName="Lehmann")
    body = {"customerId": "9", "mobile": PHONE, "customerAttributes": {"lastName": "Lehmann"}}
    reply = await ask(
        gateway, "POST", "customers", channel="pos", version="v4.0", headers={"secretkey": ""}, json=body
    )
    assert reply.status == 200
    assert len(await gateway.rows("SELECT * FROM attribute")) == 2
