"""One trace from a call to everything that comes of it: log line, upstream, queued report, webhook, also long afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from tests.support.forwarding import forwarding
from tests.support.running_gateway import ADMIN_TOKEN

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
NAMED = {"traceparent": f"00-{ID}-00f067aa0ba902b7-01", "tracestate": "vendor=1"}
ACHIEVE = "customers/social-challenges"


class Listener:
    """Hears webhooks on a real socket."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, Mapping[str, str]]] = asyncio.Queue()
        self.settings = ""

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.put_nowait(((await request.json())["type"], request.headers))
        return web.Response()

    async def told(self, topic: str) -> tuple[str, str]:
        """The request id and the trace under which the next news of a topic comes."""
        while True:
            found, headers = await asyncio.wait_for(self.heard.get(), 10)
            if found == topic:
                return headers["X-Request-Id"], trace_in(headers["traceparent"])


@pytest.fixture
async def listener() -> AsyncGenerator[Listener]:
    found, application = Listener(), web.Application()
    application.router.add_post("/", found.hear)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    topics = json.dumps(["profile.created", "profile.merged", "achievement.granted", "achievement.delivered"])
    found.settings = (
        f'[[webhook]]\nname = "crm"\nurl = "http://{host}:{port}/"\nsecret = "webhook-secret-0123456789"\n'
        f"events = {topics}\nallow_private = true\n"
    )
    yield found
    await runner.cleanup()


def trace_in(header: str) -> str:
    version, trace_id, span, flags = header.split("-")
    assert (version, len(span)) == ("00", 16)
    assert flags == ("01" if trace_id == ID else "00")
    return trace_id


def logged(gateway: RunningGateway, request_id: str) -> Any:
    gateway.services.telemetry.writer.flush()
    lines = map(json.loads, (gateway.directory / "gateway.log").read_text().splitlines())
    return next(line["trace_id"] for line in lines if line.get("request_id") == request_id)


async def send(gateway: RunningGateway, path: str, body: dict[str, Any], headers: dict[str, str]) -> str:
    async with gateway.call("POST", path, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()
        return answer.headers["X-Request-Id"]


@pytest.mark.parametrize("headers", [NAMED, {}, {"traceparent": "ann@example.com"}])
async def test_a_grant_is_logged_with_the_trace_of_its_report(
    start: Start, listener: Listener, headers: dict[str, str]
) -> None:
    async with start(listener.settings) as gateway:
        saved = await send(gateway, "customers", {"customerId": "ann"}, headers)
        assert await listener.told("profile.created") == (saved, logged(gateway, saved))
        reported = await send(gateway, ACHIEVE, {"customerId": "ann", "challengeId": 11664}, headers)
        assert await listener.told("achievement.granted") == (reported, logged(gateway, reported))
        assert (logged(gateway, reported) == ID) == (headers is NAMED)
        assert "ann@example.com" not in (gateway.directory / "gateway.log").read_text()


@pytest.mark.parametrize("headers", [NAMED, {}])
async def test_a_queued_report_reaches_the_platform_under_the_trace_of_its_call(
    start: Start, platform: Platform, listener: Listener, headers: dict[str, str]
) -> None:
    platform.limits = False
    async with forwarding(start, platform, more=listener.settings) as gateway:
        await send(gateway, "customers", {"customerId": "ann"}, {})
        reported = await send(gateway, ACHIEVE, {"customerId": "ann", "challengeId": 11664}, headers)
        assert await listener.told("achievement.delivered") == (reported, logged(gateway, reported))
    (seen,) = [one for one in platform.seen if one.path.endswith("social-challenges")]
    assert seen.headers["X-Request-Id"] == reported
    assert trace_in(seen.headers["traceparent"]) == (ID if headers else logged(gateway, reported))


async def test_a_forwarded_call_is_a_step_of_its_callers_trace(start: Start, platform: Platform) -> None:
    platform.limits = False
    async with forwarding(start, platform) as gateway:
        for headers in (NAMED, {"tracestate": "vendor=1"}):
            async with gateway.call("GET", "configurations/tiers", headers=headers) as answer:
                seen, request_id = platform.seen[-1].headers, answer.headers["X-Request-Id"]
            assert trace_in(seen["traceparent"]) == logged(gateway, request_id)
            assert seen["traceparent"] != headers.get("traceparent")
            assert seen.get("tracestate") == (NAMED["tracestate"] if headers is NAMED else None)


async def test_an_operators_actions_are_logged_with_the_operators_trace(
    start: Start, listener: Listener
) -> None:
    async with start(listener.settings) as gateway:
        profiles = []
        for name in ("ann", "bob"):
            async with gateway.call("POST", "customers", json={"customerId": name}) as answer:
                profiles.append(answer.headers["X-Gateway-Profile"])
        body = {"profiles": profiles, "reason": "the same person"}
        url, token = f"{gateway.admin_url}/admin/v1/merges", {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with gateway.client.post(url, json=body, headers={**token, **NAMED}) as answer:
            assert answer.status == 200
            request_id = answer.headers["X-Request-Id"]
        assert await listener.told("profile.merged") == (request_id, ID)
        assert logged(gateway, request_id) == ID
