"""The public listener: the platform's own API, so that a backend only changes its base URL and keys. In local mode the gateway
answers it, in forward mode the platform does."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.http.gameball import webhook
from gateway.http.gameball.call import Call, Handler
from gateway.http.gameball.cors import Cors
from gateway.http.gameball.envelope import NOT_LOCAL, Fault
from gateway.http.gameball.framing import in_origin_form
from gateway.http.gameball.gate import Gate
from gateway.http.gameball.handlers import HANDLERS
from gateway.http.gameball.operations import ACHIEVE, DOCUMENTED, OUTSIDE, RECEIVE_WEBHOOK, VERSIONS
from gateway.http.gameball.unreadable import Server
from gateway.http.proxy import Direct, Forward
from gateway.http.services import Services

_READING = frozenset({"GET", "HEAD"})


def build(services: Services, **options: Any) -> web.Server:
    """A bare server: this listener has its own table of operations, so that every refusal is its own too. `options` are those of
    aiohttp's request handler."""
    cors = Cors(services.config.server.cors_origins)
    gate = Gate(services, *_handlers(services), cors)
    _fix_routes(gate, services)
    config, loop = services.config, asyncio.get_running_loop()
    largest = max(config.server.max_body, config.upstream.max_body) + 1

    class Request(web.BaseRequest):
        _whole: bytes | None = None

        async def read(self) -> bytes:
            """One that came complete with its head is there at once."""
            if self._whole is None:
                self._whole = self.content.read_nowait() if self.content.is_eof() else await super().read()
            return self._whole

        async def _prepare_hook(self, response: web.StreamResponse) -> None:
            """Every answer passes here, also one that is streamed."""
            cors.mark(self.headers, response.headers)

    def request(*parts: Any) -> web.BaseRequest:
        message, payload, protocol, writer, task = parts
        plain = in_origin_form(message)
        return Request(plain, payload, protocol, writer, task, loop, client_max_size=largest)

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path == "/healthz" and request.method in _READING:
            return web.json_response({"status": "ok"})
        return await gate.serve(request)

    return Server(serve, request_factory=request, **options)


def _fix_routes(gate: Gate, services: Services) -> None:
    """Routes without a placeholder, which the gate finds by their whole path."""
    for written, version in VERSIONS.items():
        for operation in (*DOCUMENTED, *OUTSIDE):
            if "{" not in operation.path:
                gate.fix(f"/api/{written}/integrations{operation.path}", operation, version)
    if services.upstream is not None:
        gate.fix(webhook.PATH, RECEIVE_WEBHOOK, "v4.0")


def _handlers(services: Services) -> tuple[Mapping[str, Handler], Handler]:
    """By route, and for all other routes."""
    if services.upstream is None:
        return HANDLERS, _not_local
    forward = Forward(services, services.upstream)
    queued = services.config.achievements.delivery == "queued"
    achieve = HANDLERS[ACHIEVE.route] if queued else Direct(forward)
    return {RECEIVE_WEBHOOK.route: webhook.receive_webhook, ACHIEVE.route: achieve}, forward


async def _not_local(call: Call) -> Fault:
    call.services.telemetry.metrics.not_local.labels(call.route).inc()
    return NOT_LOCAL
