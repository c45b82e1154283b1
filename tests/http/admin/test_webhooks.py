"""How each webhook fares, and a test event: sent to a real listener, and to an address without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.admin_api import ask
from tests.support.running_gateway import ADMIN_TOKEN, RunningGateway, serving_gateway, settings

WEBHOOK = """
[[webhook]]
name = "{name}"
url = "http://127.0.0.1:{port}/"
secret = "a-secret-of-the-webhook-012345"
events = ["profile.created"]
allow_private = true
"""


@asynccontextmanager
async def listener(heard: asyncio.Queue[Any]) -> AsyncGenerator[int]:
    async def take(request: web.Request) -> web.Response:
        heard.put_nowait(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def settled(gateway: RunningGateway, delivery: str, *states: str) -> Any:
    async with asyncio.timeout(10):
        while True:  # the worker sends it
            found = await ask(gateway, "GET", f"deliveries/{delivery}")
            if found["attempts"] and found["state"] in states:
                return found
            await asyncio.sleep(0.05)


async def test_a_test_event_reaches_the_one_webhook_and_is_in_the_audit_log(tmp_path: Path) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    other: asyncio.Queue[Any] = asyncio.Queue()
    async with listener(heard) as port, listener(other) as second:
        text = settings(
            tmp_path, WEBHOOK.format(name="crm", port=port) + WEBHOOK.format(name="erp", port=second)
        )
        async with serving_gateway(tmp_path, text, {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}) as gateway:
            queued = await ask(gateway, "POST", "webhooks/crm/test")
            body = await asyncio.wait_for(heard.get(), 10)
            assert (body["type"], body["data"]) == ("webhook.test", {})
            assert (await settled(gateway, queued["delivery"], "delivered"))["target"] == "webhook:crm"
            assert other.empty()
            events = await ask(gateway, "GET", "audit?action=delivery.tested")
            assert [one["object"] for one in events["items"]] == [queued["delivery"]]
            listed = (await ask(gateway, "GET", "webhooks"))["items"]
            assert [(one["name"], one["waiting"], one["dead"]) for one in listed] == [
                ("crm", 0, 0),
                ("erp", 0, 0),
            ]


async def test_without_a_listener_the_event_waits_and_the_list_says_so(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    text = settings(tmp_path, WEBHOOK.format(name="crm", port=unused_tcp_port))
    async with serving_gateway(tmp_path, text, {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}) as gateway:
        queued = await ask(gateway, "POST", "webhooks/crm/test")
        await settled(gateway, queued["delivery"], "pending", "unknown")
        (crm,) = (await ask(gateway, "GET", "webhooks"))["items"]
        assert (crm["waiting"], crm["held"], crm["dead"], crm["status"]) == (1, 0, 0, 0)
        assert crm["attempts"] >= 1
        assert crm["waiting_since"]
        refused = await ask(gateway, "POST", "webhooks/shop/test", 404)
        assert refused["code"] == "webhook_unknown"
