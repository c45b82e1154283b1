"""What machines ask: alive, ready to take calls, and figures. They need no token."""

import asyncio
import re

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.config.master_secret import proof, proving_key
from gateway.http.services import SERVICES

_CHALLENGE = re.compile(r"[0-9a-f]{64}", re.ASCII)


async def healthz(request: web.Request) -> web.Response:
    """The process runs and its event loop turns. To a `challenge` of 64 hexadecimal digits it proves that it
    knows the admin token."""
    challenge = request.query.get("challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        return web.json_response({"status": "ok"})
    services = request.app[SERVICES]
    key = await asyncio.to_thread(proving_key, services.admin_token)
    here = request.transport.get_extra_info("sockname") if request.transport is not None else None
    host, port = here[:2] if isinstance(here, tuple) else ("", 0)
    return web.json_response({"status": "ok", "proof": proof(key, challenge, host, port)})


async def readyz(request: web.Request) -> web.Response:
    """A call would be accepted now: the store takes writes. StoreUnavailable becomes 503 with Retry-After. A clock that is in doubt
    and signatures that are not anchored are said and no more: it is answered with 200, as calls are served all the same."""
    services = request.app[SERVICES]
    await services.store.probe()
    warnings = services.timekeeper.state.warnings
    if services.anchor is not None:
        warnings += services.anchor.warnings
    return web.json_response(
        {"status": "degraded", "warnings": warnings} if warnings else {"status": "ready"}
    )


async def metrics(request: web.Request) -> web.Response:
    registry = request.app[SERVICES].telemetry.metrics.registry
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
