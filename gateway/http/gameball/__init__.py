"""The public listener: the platform's own API, so that a backend changes its base URL and keys and nothing else."""

from aiohttp import web

from gateway.http.gameball import achieve, activities, balance, campaigns, customers, progress, tags
from gateway.http.gameball.call import Handler
from gateway.http.gameball.framing import expect
from gateway.http.gameball.gate import Gate
from gateway.http.gameball.operations import ACHIEVE, VERSIONS
from gateway.http.services import SERVICES, Services

__all__ = ["HANDLERS", "build"]

HANDLERS: dict[str, Handler] = {
    ACHIEVE.route: achieve.achieve,
    "POST /customers": customers.save,
    "GET /customers/{customerId}": customers.get,
    "GET /customers/{customerId}/details": customers.get_details,
    "PUT /customers/{customerId}/activate": customers.activate,
    "DELETE /customers/{customerId}": customers.delete,
    "POST /customers/{customerId}/delete": customers.delete,
    "POST /customers/{customerId}/tags": tags.attach,
    "DELETE /customers/{customerId}/tags": tags.detach,
    "GET /configurations/reward-campaigns": campaigns.list_campaigns,
    "GET /customers/{customerId}/balance": balance.get_balance,
    "GET /customers/{customerId}/reward-campaigns-progress": progress.get_progress,
    "GET /customers/{customerId}/activities": activities.list_activities,
    "GET /customers/{customerId}/activities/count": activities.count_activities,
}
"""By route: the operations that local mode carries out."""


def build(services: Services) -> web.Application:
    """The social-campaign call has plain routes of its own, which aiohttp finds by one look-up; all else goes by our own
    table, so that every refusal is ours too."""
    app = web.Application(client_max_size=services.config.server.max_body)
    app[SERVICES] = services
    gate = Gate(services, HANDLERS)
    for written, version in VERSIONS.items():
        path = f"/api/{written}/integrations{ACHIEVE.path}"
        gate.fix(path, ACHIEVE, version)
        app.router.add_route("POST", path, gate.serve, expect_handler=expect)
    app.router.add_route("GET", "/healthz", _healthy)
    app.router.add_route("*", "/{path:.*}", gate.serve, expect_handler=expect)
    return app


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
