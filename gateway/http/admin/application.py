"""The application of the admin listener: its routes, and who may call them."""

from aiohttp import web

from gateway.http.admin.access import add_page_headers, control_access
from gateway.http.admin.failed_calls import FAILED_CALLS, FailedCalls
from gateway.http.admin.health import healthz, metrics, readyz
from gateway.http.admin.operation import PREFIX
from gateway.http.admin.overview_stream import OVERVIEW, shared_overview
from gateway.http.admin.routes import OPERATIONS
from gateway.http.admin.sessions import RECENT_SESSIONS, RecentSessions
from gateway.http.admin.settings import MASKED_SETTINGS, MaskedSettings
from gateway.http.admin.streams import STREAMS, Streams
from gateway.http.services import SERVICES, Services

_LARGEST_BODY = 1 << 20
"""A rule file of 256 KiB, escaped as JSON."""


def build(services: Services) -> web.Application:
    app = web.Application(middlewares=[control_access], client_max_size=_LARGEST_BODY)
    app[SERVICES] = services
    app.on_response_prepare.append(add_page_headers)
    app[FAILED_CALLS] = failed_calls = FailedCalls(services)
    app.on_shutdown.append(lambda _: failed_calls.close())
    app[RECENT_SESSIONS] = RecentSessions()
    app[MASKED_SETTINGS] = MaskedSettings()
    app[STREAMS] = streams = Streams()
    app.on_shutdown.append(streams.end)
    app[OVERVIEW] = shared_overview(services)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    for operation in OPERATIONS:
        app.router.add_route(operation.method, PREFIX + operation.path, operation.__call__)
    return app
