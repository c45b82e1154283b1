"""A response that is complete goes out as aiohttp would send it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from multidict import CIMultiDict

from gateway.http.aiohttp_response import CompleteResponse

if TYPE_CHECKING:
    from collections.abc import Callable

USUAL = {"Content-Type": "application/json", "Server": "a", "X-B": "ä"}
REQUESTS = {
    "usual": "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a HEAD": "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "the last of its connection": "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "of HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
    "of HTTP/1.0 that keeps its connection": "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
}
ANSWERS: dict[str, dict[str, Any]] = {
    "usual": {"status": 202, "body": b"{}", "headers": USUAL},
    "of an unknown status": {"status": 299, "body": b"{}", "headers": USUAL},
    "large": {"body": b"x" * 100_000, "headers": USUAL},
    "empty": {"body": b"", "headers": USUAL},
    "of a status that has no body": {"status": 204, "body": b"{}", "headers": USUAL},
    "not modified": {"status": 304, "body": b"{}", "headers": USUAL},
    "without a type": {"body": b"{}", "headers": {"Server": "a"}},
    "without a server": {"body": b"{}", "headers": {"Content-Type": "text/plain"}},
    "with a length": {"body": b"{}", "headers": {**USUAL, "Content-Length": "2"}},
    "with a date": {"body": b"{}", "headers": {**USUAL, "Date": "Mon, 06 Jul 2026 10:00:00 GMT"}},
    "the last": {"body": b"{}", "headers": USUAL, "last": True},
}


class Marking(web.BaseRequest):
    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers["X-Seen"] = "yes"


class Wire(asyncio.Transport):
    """Takes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.out = b""
        self.open = True

    def write(self, data: Any) -> None:
        self.out += bytes(data)

    def is_closing(self) -> bool:
        return not self.open

    def close(self) -> None:
        self.open = False


async def sent(make: Callable[..., web.Response], asked: str, answer: dict[str, Any]) -> tuple[bytes, bool]:
    """The bytes, and whether the connection stays open."""
    done = asyncio.Event()

    async def serve(request: web.BaseRequest) -> web.Response:
        done.set()
        headers = CIMultiDict(answer["headers"])
        response = make(status=answer.get("status", 200), body=answer["body"], headers=headers)
        if answer.get("last"):
            response.force_close()
        return response

    def request(*parts: Any) -> web.BaseRequest:
        message, payload, protocol, writer, task = parts
        return Marking(message, payload, protocol, writer, task, asyncio.get_running_loop())

    server, wire = web.Server(serve, request_factory=request), Wire()
    handler = server()
    handler.connection_made(wire)
    handler.data_received(asked.encode())
    await done.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    is_open = wire.open
    handler.connection_lost(None)
    await server.shutdown(0)
    return wire.out, is_open


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_a_complete_response_is_sent_as_aiohttp_would_send_it(
    asked: str, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)
    monkeypatch.setattr("gateway.http.aiohttp_response.time", lambda: 1_800_000_000.0)
    assert await sent(CompleteResponse, asked, answer) == await sent(web.Response, asked, answer)


async def test_a_value_that_would_begin_another_header_is_never_sent() -> None:
    answer = {"body": b"{}", "headers": {**USUAL, "X-B": "a\r\nX-C: b"}}
    assert (await sent(CompleteResponse, REQUESTS["usual"], answer))[0] == b""
