"""What machines ask: alive, ready to take calls, and figures. Open to whoever reaches the listener."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.http.services import SERVICES


async def healthz(_: web.Request) -> web.Response:
    """The process runs and its event loop turns."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """A call would be accepted now: the store takes writes. StoreUnavailable becomes 503 with Retry-After."""
    await request.app[SERVICES].store.probe()
    return web.json_response({"status": "ready"})


async def metrics(request: web.Request) -> web.Response:
    registry = request.app[SERVICES].telemetry.metrics.registry
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
