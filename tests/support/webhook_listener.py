"""A listener for webhooks that answers as a test wants, and a worker that sends to it."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import ssl
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.config import Secret, Webhook
from gateway.telemetry.metrics import Metrics
from gateway.upstream.webhooks import WebhookWorker
from tests.support.in_process_gateway import InProcessGateway

SECRET = "webhook-secret-0123456789"
TOPIC = "profile.created"


@dataclass
class Listener:
    """Takes what is sent; `answers` are given first, one each, then 200."""

    url: str = ""
    answers: list[web.Response | Callable[[], Awaitable[web.Response]]] = field(default_factory=list)
    heard: asyncio.Queue[tuple[dict[str, str], bytes]] = field(default_factory=asyncio.Queue)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.heard.put_nowait((dict(request.headers), await request.read()))
        if not self.answers:
            return web.Response()
        found = self.answers.pop(0)
        return found if isinstance(found, web.Response) else await found()

    async def next(self) -> Any:
        """The next body, after a look at its signature."""
        headers, body = await asyncio.wait_for(self.heard.get(), 10)
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = b64encode(hmac.digest(SECRET.encode(), text, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert headers["Content-Type"] == "application/json"
        return json.loads(body)


class Sending:
    """A worker over a gateway's core, stepped by hand."""

    def __init__(
        self, core: InProcessGateway, url: str, *, allow_private: bool = True, resolver: Any = None
    ) -> None:
        webhook = Webhook("crm", url, (TOPIC,), Secret(SECRET), allow_private)
        self.core = core
        self.metrics = Metrics()
        self.worker = WebhookWorker(
            webhook,
            core.store,
            core.pipeline,
            core.clock,
            lambda low, high: high,
            self.metrics,
            "me",
            resolver,
        )

    async def __aenter__(self) -> WebhookWorker:
        self.worker.open()
        return self.worker

    async def __aexit__(self, *_: object) -> None:
        await self.worker.close()


async def states(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return await core.rows("SELECT state, reason, status, attempts FROM delivery ORDER BY delivery_id")


@contextlib.asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncGenerator[Listener]:
    found = Listener()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", found.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    host, port = runner.addresses[0][:2]
    found.url = f"{'https' if tls else 'http'}://{host}:{port}/hook?source=gateway"
    yield found
    await runner.cleanup()
