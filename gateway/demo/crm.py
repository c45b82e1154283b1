"""The shop's CRM. It receives the gateway's webhooks, and refuses events about merges."""

import contextlib
import json
from collections.abc import AsyncGenerator

from aiohttp import web

_NOT_TAKEN = "profile.merged"


@contextlib.asynccontextmanager
async def listening_crm() -> AsyncGenerator[int]:
    """Its port on this machine."""
    app = web.Application()
    app.router.add_post("/", _take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _take(request: web.Request) -> web.Response:
    """410 is final: the gateway does not send the event again by itself."""
    event = json.loads(await request.read())
    return web.Response(status=410 if event["type"] == _NOT_TAKEN else 204)
