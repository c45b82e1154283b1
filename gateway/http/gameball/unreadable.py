"""Requests that cannot be read: refused in the envelope like all others, then cut off, and never quoted."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.http.gameball.envelope import INTERNAL_ERROR, MALFORMED_REQUEST, render
from gateway.http.gameball.operations import GENERAL_PAGE
from gateway.http.upgrades import WithoutUpgrades


class ClientConnection(WithoutUpgrades):
    """aiohttp's own, with our answers in place of those that it makes by itself. A handler can set `on_lost` to be called when the
    client goes away."""

    on_lost: Callable[[], object] | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is out already")
        fault = INTERNAL_ERROR if status >= 500 else MALFORMED_REQUEST
        request_id = f"req_{secrets.token_hex(10)}"
        headers = {"Content-Type": "application/json; charset=utf-8", "X-Request-Id": request_id}
        body = render(fault, GENERAL_PAGE, request_id)
        response = web.Response(status=fault.status, body=body, headers=headers)
        response.force_close()
        return response


class Server(web.Server):
    """`options` are those of the request handler."""

    def __init__(self, handler: Any, *, request_factory: Any, **options: Any) -> None:
        super().__init__(handler, request_factory=request_factory, **options)
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return ClientConnection(self, loop=asyncio.get_running_loop(), **self._options)
