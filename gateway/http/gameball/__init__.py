"""The public listener: the platform's own API, so that a backend changes its base URL and keys and nothing else."""

import asyncio
from typing import Any

from aiohttp import web

from gateway.http.gameball import achieve, activities, balance, campaigns, customers, progress, tags
from gateway.http.gameball.call import Handler
from gateway.http.gameball.gate import Gate
from gateway.http.gameball.operations import ACHIEVE, VERSIONS
from gateway.http.gameball.unreadable import Server
from gateway.http.services import Services

__all__ = ["HANDLERS", "build"]
_READING = frozenset({"GET", "HEAD"})

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


def build(services: Services, **options: Any) -> web.Server:
    """A bare server: this listener has its own table of operations, so that every refusal is its own too. `options` are
    those of aiohttp's request handler."""
    gate = Gate(services, HANDLERS)
    for written, version in VERSIONS.items():
        gate.fix(f"/api/{written}/integrations{ACHIEVE.path}", ACHIEVE, version)
    largest, loop = services.config.server.max_body, asyncio.get_running_loop()

    def request(*parts: Any) -> web.BaseRequest:
        message, payload, protocol, writer, task = parts
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=largest)

    async def serve(request: web.BaseRequest) -> web.Response:
        if request.raw_path == "/healthz" and request.method in _READING:
            return web.json_response({"status": "ok"})
        return await gate.serve(request)

    return Server(serve, request_factory=request, **options)
