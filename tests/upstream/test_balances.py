"""What the upstream keeps for two who became one, asked of a real platform and put before a person."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.model import Caller, MergeProfiles
from tests.support.forwarding import forwarding
from tests.support.in_process_gateway import default_rules

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start


def rules_that_propose(directory: Path) -> str:
    path = directory / "rules.toml"
    path.write_text(default_rules().text + '\n[merge]\npoints = "propose"\n')
    return f'[rules]\nseed = "{path}"\n'


async def save(gateway: RunningGateway, channel: str, customer_id: str, **said: str) -> None:
    body = {"customerId": customer_id, **said}
    async with gateway.call("POST", "customers", channel=channel, json=body) as reply:
        assert reply.status == 200, await reply.text()


async def finished(gateway: RunningGateway) -> tuple[Any, ...]:
    """The delivery once it is finished; its worker finishes it by itself."""
    return await until(gateway, "SELECT state, reason FROM delivery WHERE finished_at IS NOT NULL")


async def until(gateway: RunningGateway, sql: str) -> tuple[Any, ...]:
    """The first row, once there is one."""
    async with asyncio.timeout(20):
        while True:
            if rows := await gateway.rows(sql):
                return rows[0]
            await asyncio.sleep(0.05)


async def two_people(gateway: RunningGateway) -> None:
    await save(gateway, "web", "ann", email="ann@example.com")
    await save(gateway, "pos", "17", mobile="+201001234567")


async def become_one(gateway: RunningGateway) -> None:
    await save(gateway, "pos", "17", mobile="+201001234567", email="ann@example.com")


async def test_a_review_states_what_the_platform_keeps_for_both(
    start: Start, platform: Platform, tmp_path: Path
) -> None:
    async with forwarding(start, platform, more=rules_that_propose(tmp_path)) as gateway:
        await two_people(gateway)
        platform.customer("ann").points, platform.customer("17").points = 120, 30
        await become_one(gateway)
        assert await finished(gateway) == ("delivered", "")
        async with gateway.admin("GET", "reviews?state=open") as reply:
            (review,) = (await reply.json())["items"]
    assert review["reason"].startswith("points: the upstream keeps 120 for prf_")
    assert " and 30 for prf_" in review["reason"]


async def test_a_merge_that_cannot_be_asked_about_waits_and_ends_nothing_else(
    start: Start, platform: Platform, tmp_path: Path
) -> None:
    async with forwarding(start, platform, more=rules_that_propose(tmp_path)) as gateway:
        await two_people(gateway)
        platform.always = "503"
        both = [profile_id for (profile_id,) in await gateway.rows("SELECT profile_id FROM profile")]
        merge = MergeProfiles(Caller("", "", "operator", "req"), (both[0], both[1]), "one person")
        await gateway.services.pipeline.submit(merge)
        await until(gateway, "SELECT 1 FROM delivery WHERE reason = 'status_503'")
        await gateway.tamper(
            "UPDATE profile SET canonical_id = CAST(x'ff' AS TEXT) WHERE canonical_id = '17'"
        )
        await until(gateway, "SELECT 1 FROM delivery WHERE reason = 'failed' AND state = 'pending'")


async def test_a_merge_of_customers_with_one_account_asks_no_question(
    start: Start, platform: Platform, tmp_path: Path
) -> None:
    async with forwarding(start, platform, more=rules_that_propose(tmp_path)) as gateway:
        await two_people(gateway)
        platform.customers.pop("17")
        await become_one(gateway)
        assert await finished(gateway) == ("delivered", "customer_unknown")
        assert await gateway.rows("SELECT * FROM review") == []
