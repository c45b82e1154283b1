"""The outbox on the admin API and at the command line, of a gateway in front of a real server that plays the platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.cli import run
from tests.support.admin_api import ask
from tests.support.loyalty_platform import API_KEY, SECRET_KEY, Platform

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

FORWARD = """
[gateway]
mode = "forward"
[upstream]
base_url = "{url}"
api_key = "{api_key}"
secret_key = "{secret_key}"
"""


@pytest.fixture
async def forwarding(start: Start, platform: Platform) -> AsyncGenerator[RunningGateway]:
    platform.ensure("ann")
    async with start(FORWARD.format(url=platform.url, api_key=API_KEY, secret_key=SECRET_KEY)) as running:
        yield running


async def achieve(gateway: RunningGateway, customer_id: str = "ann", campaign: int = 11664) -> int:
    body = {"customerId": customer_id, "challengeId": campaign}
    async with gateway.call("POST", "customers/social-challenges", json=body) as response:
        if response.status == 202:
            assert await response.json() == body
        return response.status


async def finished(gateway: RunningGateway, state: str, count: int = 1) -> list[Any]:
    """The deliveries, once so many of them are in this state."""
    async with asyncio.timeout(20):
        while True:
            found = (await ask(gateway, "GET", f"deliveries?state={state}"))["items"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def refused(platform: Platform) -> None:
    """Every report is refused for good from here on."""
    platform._carry_out = lambda call: (422, {"code": 3003, "message": "no"})  # type: ignore[method-assign]


async def test_an_achievement_is_answered_at_once_and_delivered_by_the_worker(
    forwarding: RunningGateway, platform: Platform
) -> None:
    assert await achieve(forwarding) == 202
    (delivery,) = await finished(forwarding, "delivered")
    (achievement,) = (await ask(forwarding, "GET", "achievements?state=delivered"))["items"]
    assert delivery["subject"] == achievement["id"]
    assert delivery["target"] == "upstream"
    assert (delivery["campaign"], delivery["channel"], delivery["profile"]) == (
        11664,
        "web",
        achievement["profile"],
    )
    assert delivery["finished_at"] == achievement["decided_at"]
    detail = await ask(forwarding, "GET", f"deliveries/{delivery['id']}")
    assert detail["request_id"] == achievement["request_id"] != ""
    assert len(detail["trace_id"]) == 32
    platform._grant_due()
    assert platform.customers["ann"].achieved[11664] == 1


async def test_while_the_platform_is_down_tills_get_202_and_it_gets_the_reports_afterwards(
    forwarding: RunningGateway, platform: Platform
) -> None:
    await platform.refuse()
    assert await achieve(forwarding) == 202
    assert await achieve(forwarding) == 400
    assert (await ask(forwarding, "GET", "achievements?state=queued"))["items"]
    await platform.accept()
    await finished(forwarding, "delivered")


async def test_a_dead_delivery_is_shown_sent_again_and_delivered(
    forwarding: RunningGateway, platform: Platform
) -> None:
    honest = platform._carry_out
    await refused(platform)
    await achieve(forwarding)
    (dead,) = await finished(forwarding, "dead")
    assert (dead["reason"], dead["status"]) == ("status_422", 422)
    assert "no" in (await ask(forwarding, "GET", f"deliveries/{dead['id']}"))["answer"]
    platform._carry_out = honest  # type: ignore[method-assign]
    path = f"deliveries/{dead['id']}/retry"
    assert await ask(forwarding, "POST", path) == {"id": dead["id"], "changed": True}
    await finished(forwarding, "delivered")
    assert (await ask(forwarding, "POST", path, 409))["code"] == "delivery_closed"
    actions = [
        event["action"] for event in (await ask(forwarding, "GET", "audit?action=delivery.*"))["items"]
    ]
    assert actions == ["delivery.retried"]


async def test_a_discarded_delivery_is_not_sent(forwarding: RunningGateway, platform: Platform) -> None:
    await refused(platform)
    await achieve(forwarding)
    (dead,) = await finished(forwarding, "dead")
    path = f"deliveries/{dead['id']}/discard"
    assert (await ask(forwarding, "POST", path))["changed"]
    assert not (await ask(forwarding, "POST", path))["changed"]
    assert (await ask(forwarding, "GET", f"deliveries/{dead['id']}"))["state"] == "discarded"
    missing = await ask(forwarding, "GET", "deliveries/dlv_0000000000000001", expected=404)
    assert missing["code"] == "delivery_unknown"


async def test_deliveries_are_listed_by_state_and_target_page_by_page(
    forwarding: RunningGateway, platform: Platform
) -> None:
    for number in range(1, 6):
        platform.ensure(str(number))
        await achieve(forwarding, str(number))
    whole = [one["id"] for one in await finished(forwarding, "delivered", 5)]
    assert whole == sorted(whole, reverse=True)
    first = await ask(forwarding, "GET", "deliveries?target=upstream&limit=3")
    second = await ask(forwarding, "GET", f"deliveries?target=upstream&limit=3&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + second["items"]] == whole
    assert second["next"] is None
    assert not (await ask(forwarding, "GET", "deliveries?target=balances"))["items"]
    assert (await ask(forwarding, "GET", "deliveries?state=lost", expected=400))["code"] == "bad_parameter"


async def test_an_outbox_that_is_full_refuses_achievements_and_says_when_to_come_back(
    start: Start, platform: Platform
) -> None:
    platform.always = "503"
    extra = FORWARD.format(url=platform.url, api_key=API_KEY, secret_key=SECRET_KEY) + "queue_limit = 1\n"
    async with start(extra) as gateway:
        services = gateway.services
        for campaign in (11664, 11665):
            assert await achieve(gateway, campaign=campaign) == 202
            await services.backlog.measure(services.store, services.clock, services.telemetry.metrics)
        body = {"customerId": "ann", "challengeId": 11666}
        async with gateway.call("POST", "customers/social-challenges", json=body) as response:
            assert (response.status, (await response.json())["code"]) == (503, 5003)
            assert response.headers["Retry-After"] == "60"
        assert await gateway.rows("SELECT COUNT(*) FROM achievement") == [(2,)]


async def test_the_metrics_show_the_backlog_and_the_state_of_the_upstream(
    forwarding: RunningGateway, platform: Platform
) -> None:
    platform.always = "503"
    await achieve(forwarding)
    services = forwarding.services
    async with asyncio.timeout(10):
        while not await forwarding.rows("SELECT 1 FROM delivery WHERE attempts > 0"):  # noqa: ASYNC110 - the worker's
            await asyncio.sleep(0.02)
    await services.backlog.measure(services.store, services.clock, services.telemetry.metrics)
    async with forwarding.client.get(f"{forwarding.admin_url}/metrics") as response:
        told = await response.text()
    assert 'gateway_deliveries{state="pending",target="upstream"} 1.0' in told
    assert 'gateway_delivery_attempts_total{outcome="retry",target="upstream"}' in told
    assert 'gateway_upstream_breaker{gateway_upstream_breaker="closed"} 1.0' in told


# ---- the command line ----


async def test_the_command_line_lists_shows_retries_and_discards(
    forwarding: RunningGateway,
    platform: Platform,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "desk.toml"
    address = forwarding.admin_url.removeprefix("http://")
    config.write_text(f'[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "{address}"\n')
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", forwarding.services.admin_token)

    async def say(*words: str, code: int = 0) -> str:
        assert await asyncio.to_thread(run, [*words, "--config", str(config)]) == code
        return capsys.readouterr().out

    honest = platform._carry_out
    await refused(platform)
    for campaign in (11664, 11665, 11666):
        await achieve(forwarding, campaign=campaign)
    first, second, third = (one["id"] for one in await finished(forwarding, "dead", 3))
    listed = await say("deliveries", "list", "--state", "dead")
    assert all(one in listed for one in (first, second, third))
    assert "status_422" in await say("deliveries", "show", first)
    assert await say("deliveries", "discard", "--yes", first) == f"{first} is discarded\n"
    platform._carry_out = honest  # type: ignore[method-assign]
    told = await say("deliveries", "retry", "--all", "dead", "--target", "upstream", "--dry-run")
    assert "2 deliveries would be sent again" in told
    assert all(one in told for one in (second, third))
    job = await say("deliveries", "retry", "--yes", "--all", "dead", "--since", "1h")
    assert "retry_deliveries where state=dead since=" in job
    await finished(forwarding, "delivered", 2)
    assert "0 deliveries would be given up" in await say("deliveries", "discard", "--yes", "--all", "dead")
    await say("deliveries", "retry", first, "--target", "upstream", code=2)
    await say("deliveries", "retry", "--yes", code=2)
    await say("deliveries", "retry", "--yes", first, code=1)
    assert "delivered" in await say("achievements", "list", "--state", "delivered")
