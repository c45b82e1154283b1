"""What machines ask: alive, ready to take calls, and figures. Open to whoever reaches the listener."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.http.services import SERVICES


async def healthz(_: web.Request) -> web.Response:
    """The process runs and its event loop turns."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """A call would be accepted now: the store takes writes. StoreUnavailable becomes 503 with Retry-After. A clock that is in doubt
    is said and no more: it is answered with 200, as calls are served all the same."""
    services = request.app[SERVICES]
    await services.store.probe()
    warnings = services.timekeeper.state.warnings
    return web.json_response(
        {"status": "degraded", "warnings": warnings} if warnings else {"status": "ready"}
    )


async def metrics(request: web.Request) -> web.Response:
    registry = request.app[SERVICES].telemetry.metrics.registry
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
