"""A request that asks for another protocol, and what comes behind it on the same connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.http.aiohttp_handler import heads_read
from gateway.http.gameball.unreadable import Server
from tests.http.test_connection_limit import Wire

BODY = b'{"a":"\\r\\n\r\n\r\n"}'
KINDS = {
    "get": ("GET", b"", b""),
    "length": ("POST", b"Content-Length: %d\r\n" % len(BODY), BODY),
    "no body": ("POST", b"Content-Length: 0\r\n", b""),
    "chunks": (
        "POST",
        b"Transfer-Encoding: chunked\r\n",
        b"%x\r\n%b\r\n3;x=1\r\nabc\r\n0\r\n\r\n" % (len(BODY), BODY),
    ),
    "trailers": ("PUT", b"Transfer-Encoding: chunked\r\n", b"2\r\nab\r\n0\r\nX-Late: 1\r\n\r\n"),
    "large": ("POST", b"Content-Length: 150000\r\n", b"x" * 150_000),
}
READ = {"length": BODY, "chunks": BODY + b"abc", "trailers": b"ab", "large": b"x" * 150_000}
UPGRADES = {
    "none": b"",
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "upper case": b"CONNECTION: UPGRADE\r\nUPGRADE: H2C\r\n",
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "unknown": b"Connection: keep-alive, upgrade\r\nUpgrade: tls/1.3, foo\r\n",
    "without connection": b"Upgrade: h2c\r\n",
}
ONE = st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(UPGRADES)))


def written(number: int, kind: str, upgrade: str) -> bytes:
    method, framing, body = KINDS[kind]
    return b"%b /%d HTTP/1.1\r\nHost: a\r\n%b%b\r\n%b" % (
        method.encode(),
        number,
        UPGRADES[upgrade],
        framing,
        body,
    )


@contextlib.asynccontextmanager
async def listening(server: web.Server) -> AsyncGenerator[int]:
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await server.shutdown(1)


def _connection() -> web.RequestHandler:
    server = Server(web.BaseRequest.read, request_factory=web.BaseRequest, access_log=None)
    connection = server()
    connection.connection_made(Wire("127.0.0.1"))
    return connection


async def seen(
    requests: list[tuple[str, str]], cuts: list[int], *, slow: bool = False, own: bool = False
) -> list[tuple[str, bytes]]:
    """The targets and bodies that a handler gets to see of all requests on one connection; `own` is aiohttp's server."""
    found: list[tuple[str, bytes]] = []
    complete = asyncio.Event()

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if slow:
            await asyncio.sleep(0)
        found.append((request.raw_path, await request.read()))
        if len(found) == len(requests):
            complete.set()
        return web.Response()

    def factory(*parts: object) -> web.BaseRequest:
        return web.BaseRequest(*parts, asyncio.get_running_loop(), client_max_size=1 << 20)  # pyright: ignore

    server = web.Server(serve) if own else Server(serve, request_factory=factory, access_log=None)
    raw = b"".join(written(number, *one) for number, one in enumerate(requests))
    async with listening(server) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        reading = asyncio.create_task(reader.read())
        begins = 0
        for end in [*sorted(cut % len(raw) for cut in cuts), len(raw)]:
            writer.write(raw[begins:end])
            await writer.drain()
            await asyncio.sleep(0)
            begins = end
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(complete.wait(), 0.5 if own else 10)
        writer.close()
        reading.cancel()
    return found


def expected(requests: list[tuple[str, str]]) -> list[tuple[str, bytes]]:
    return [(f"/{number}", READ.get(kind, b"")) for number, (kind, _) in enumerate(requests)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ONE, min_size=2, max_size=6), st.lists(st.integers(0, 1 << 20), max_size=5), st.booleans())
def test_every_request_of_a_connection_is_seen_whatever_it_wants_to_upgrade_to(
    requests: list[tuple[str, str]], cuts: list[int], slow: bool
) -> None:
    assert asyncio.run(seen(requests, cuts, slow=slow)) == expected(requests)


@pytest.mark.parametrize("cut", range(-6, 3))
async def test_a_head_that_ends_between_two_packets(cut: int) -> None:
    requests = [("get", "h2c"), ("length", "h2c"), ("get", "none")]
    at = len(written(0, *requests[0])) + cut
    assert await seen(requests, [at]) == expected(requests)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_requests_that_come_in_packets_of_a_few_bytes(size: int) -> None:
    requests = [("length", "h2c"), ("chunks", "h2c"), ("get", "none")]
    length = sum(len(written(number, *one)) for number, one in enumerate(requests))
    assert await seen(requests, [*range(size, length, size)]) == expected(requests)


async def test_blank_lines_behind_an_upgrade_take_the_time_of_their_length() -> None:
    connection = _connection()
    connection.data_received(written(0, "get", "h2c") + b"\r\n\r\n" * 1_500_000 + written(1, "get", "none"))
    assert heads_read(connection) == 2
    connection.connection_lost(None)


async def test_more_requests_than_a_connection_queues() -> None:
    requests = [("get", "none"), *[("length", "h2c")] * 90, ("large", "websocket"), ("large", "h2c")] * 2
    assert await seen(requests, []) == expected(requests)
    assert await seen(requests, [], slow=True) == expected(requests)


async def test_aiohttp_alone_still_loses_what_is_behind_an_unknown_upgrade() -> None:
    """Once it does not, `WithoutUpgrades` can go."""
    assert len(await seen([("get", "h2c"), ("get", "none")], [], own=True)) == 1
