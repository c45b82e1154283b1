"""What goes wrong on the way: at the platform, at the client, and in what a call is made of."""

from __future__ import annotations

import asyncio
import gc
import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.forwarding import forward_settings, forwarding
from tests.support.loyalty_platform import Platform
from tests.support.public_api import ask, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.running_gateway import RunningGateway, Start

HEAD = (
    "POST /api/v4.1/integrations/orders HTTP/1.1\r\nHost: a\r\napikey: pos-api-key-0123456789\r\n"
    "secretkey: pos-secret-key-0123456789\r\nContent-Type: application/json\r\n"
)
BODY = '{"customerId":"ann"}'


@pytest.fixture
async def hasty(start: Start, platform: Platform) -> AsyncGenerator[RunningGateway]:
    """A gateway with short timeouts."""
    platform.limits = False
    times = (
        'total_timeout = "400ms"\nread_timeout = "400ms"\nconnect_timeout = "400ms"\nmax_response = "64KiB"'
    )
    async with forwarding(start, platform, times) as gateway:
        yield gateway


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("dark", 504, 5004),
        ("stalled", 504, 5004),
        ("closed", 502, 5005),
        ("reset", 502, 5005),
        ("truncated", 502, 5005),
        ("not_http", 502, 5006),
        ("two_lengths", 502, 5006),
        ("length_and_chunks", 502, 5006),
        ("huge", 502, 5006),
        ("switching", 502, 5006),
        ("nul_in_header", 502, 5006),
    ],
)
async def test_an_invalid_answer_is_reported_as_such(
    hasty: RunningGateway, platform: Platform, fault: str, status: int, code: int
) -> None:
    platform.always = fault
    for method, path, body in (("POST", "orders", {"customerId": "ann"}), ("GET", "customers/ann", None)):
        reply = await ask(hasty, method, path, json=body)
        assert reply.fault == (status, code, "SERVER_ERROR"), (method, reply)
    platform.always = None
    assert (await ask(hasty, "POST", "orders", json={"customerId": "ann"})).status == 200


async def test_a_write_is_sent_once_whatever_happens(hasty: RunningGateway, platform: Platform) -> None:
    platform.always = "closed"
    for method, path in (("POST", "orders"), ("PUT", "customers/ann/activate"), ("DELETE", "customers/ann")):
        platform.seen.clear()
        await ask(hasty, method, path, json={"customerId": "ann", "isActive": True})
        assert len(platform.seen) == 1


async def test_an_unreachable_platform_gives_an_error_that_claims_nothing(
    hasty: RunningGateway, platform: Platform
) -> None:
    await platform.refuse()
    reply = await ask(hasty, "POST", "orders", json={"customerId": "ann"})
    assert reply.fault == (502, 5002, "SERVER_ERROR")
    await platform.accept()
    assert (await ask(hasty, "POST", "orders", json={"customerId": "ann"})).status == 200


@pytest.mark.parametrize("fault", ["500", "502", "503", "504", "429"])
async def test_a_refusal_of_the_platform_is_relayed_unchanged(
    forward: RunningGateway, platform: Platform, fault: str
) -> None:
    platform.always = fault
    reply = await ask(forward, "POST", "orders", json={"customerId": "ann"})
    assert reply.status == int(fault)
    assert "Retry-After" not in reply.headers
    assert (reply.raw == b"") if fault == "429" else reply.body["code"] == 5000


async def test_a_route_that_the_platform_does_not_know_is_404_with_nothing_in_it(
    forward: RunningGateway,
) -> None:
    url = f"{forward.url}/api/v4.1/integrations/unheard-of"
    async with forward.client.get(url, headers=forward.keys("web")) as answer:
        assert (answer.status, await answer.read()) == (404, b"")
        assert answer.headers["Content-Length"] == "0"
        assert "Content-Type" not in answer.headers


async def test_head_has_the_length_of_get_and_no_body(forward: RunningGateway, platform: Platform) -> None:
    platform.always = "two_bytes"
    async with forward.call("HEAD", "configurations/tiers") as answer:
        assert (answer.status, answer.headers["Content-Length"], await answer.read()) == (200, "2", b"")
    assert platform.seen[-1].method == "HEAD"


async def test_an_answer_in_another_encoding_passes_as_it_is(
    forward: RunningGateway, platform: Platform
) -> None:
    platform.always = "bomb"
    async with forward.client.get(
        f"{forward.url}/api/v4.1/integrations/configurations/tiers",
        headers=forward.keys("web") | {"Accept-Encoding": "gzip"},
        auto_decompress=False,
    ) as answer:
        raw = await answer.read()
        assert (answer.headers["Content-Encoding"], int(answer.headers["Content-Length"])) == (
            "gzip",
            len(raw),
        )
    assert platform.seen[-1].headers["Accept-Encoding"] == "gzip"
    async with forward.call("POST", "orders", json={"customerId": "ann"}, auto_decompress=False) as answer:
        assert (answer.headers["Content-Encoding"], await answer.read()) == ("gzip", raw)
    assert platform.seen[-1].headers["Accept-Encoding"] == "identity"


async def test_a_large_answer_passes_in_pieces(forward: RunningGateway, platform: Platform) -> None:
    platform.always = "huge"
    async with forward.call("GET", "configurations/tiers") as answer:
        assert answer.headers["Content-Length"] == str(100 << 20)
        passed = 0
        async for chunk in answer.content.iter_chunked(1 << 20):
            passed += len(chunk)
    assert passed == 100 << 20


@pytest.mark.parametrize("fault", ["endless_chunks", "broken_chunks", "drip"])
async def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(
    hasty: RunningGateway, platform: Platform, fault: str
) -> None:
    platform.always = fault
    head = HEAD.replace("POST", "GET").replace("orders", "configurations/tiers")
    reader, writer = await asyncio.open_connection(*hasty.url.removeprefix("http://").split(":"))
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    try:
        answer = await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        answer = b""
    writer.close()
    relayed = answer.startswith(b"HTTP/1.1 200")
    assert not relayed or not (answer.endswith(b"0\r\n\r\n") or len(answer) > 1_000_000)
    assert relayed or answer.startswith(b"HTTP/1.1 502") or not answer


# ---- clients ----


@pytest.mark.parametrize(
    ("sent", "reaches"),
    [
        ("", False),
        (HEAD[:40], False),
        (HEAD + "Content-Length: 20\r\n\r\n", False),
        (HEAD + "Content-Length: 20\r\n\r\n" + BODY[:7], False),
        (HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"cus", False),
        (HEAD + "Content-Length: 20\r\n\r\n" + BODY, True),
    ],
    ids=["nothing", "half a head", "no body", "half a body", "half a chunk", "all"],
)  # fmt: skip
async def test_a_client_that_disconnects_cancels_its_call(
    forward: RunningGateway, platform: Platform, sent: str, reaches: bool
) -> None:
    await ask(forward, "POST", "orders", channel="pos", json={"customerId": "ann"})
    platform.seen.clear()
    platform.always = "dark"
    tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        _, writer = await asyncio.open_connection(*forward.url.removeprefix("http://").split(":"))
        writer.write(sent.encode())
        await writer.drain()
        if reaches:
            count = len(platform.seen)
            await until(lambda count=count: len(platform.seen) > count)
        writer.transport.abort()
    assert len(platform.seen) == 20 * reaches
    await platform.refuse()  # its handlers end with their connections, or here
    await platform.accept()
    gc.collect()
    await until(
        lambda: len(asyncio.all_tasks()) <= tasks + 3 and len(os.listdir("/proc/self/fd")) <= files + 5
    )
    platform.always = None
    assert (await ask(forward, "POST", "orders", channel="pos", json={"customerId": "ann"})).status == 200
    assert len(await forward.rows("SELECT 1 FROM record")) == 1


async def test_the_platform_sees_that_a_client_went_away(start: Start) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        arrived.set()
        await reader.read()
        left.set()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with start(forward_settings(f"http://127.0.0.1:{port}")) as gateway:
            _, writer = await asyncio.open_connection(*gateway.url.removeprefix("http://").split(":"))
            writer.write((HEAD + "Content-Length: 20\r\n\r\n" + BODY).encode())
            await asyncio.wait_for(arrived.wait(), 5)
            assert not left.is_set()
            writer.transport.abort()
            await asyncio.wait_for(left.wait(), 5)


# ---- sizes ----


async def test_f34_sizes_are_bounded(forward: RunningGateway, platform: Platform) -> None:
    def sized(size: int) -> bytes:
        filler = size - len('{"customerId":"ann","x":""}')
        return b'{"customerId":"ann","x":"' + b"x" * filler + b'"}'

    async def post(path: str, data: object, **headers: str) -> int:
        reply = await ask(
            forward, "POST", path, data=data, headers={"Content-Type": "application/json"} | headers
        )
        if reply.status != 200:
            assert reply.body["code"] in {2000, 3011, 3016}
        return reply.status

    assert await post("orders", sized(1 << 20)) == 200
    assert len(platform.seen[-1].body) == 1 << 20
    assert await post("orders", sized((1 << 20) + 1)) == 413
    assert await post("orders", _pieces(sized((1 << 20) + 1))) == 413
    assert await post("customers/social-challenges", sized((64 << 10) + 1)) == 413
    assert await post("mobile/logs", sized((1 << 20) + 1)) == 413
    seen = len(platform.seen)
    assert await post("mobile/logs", _pieces(sized(200_000))) == 200
    assert platform.seen[-1].body == sized(200_000)
    assert await post("batch/orders/transactions", json.dumps(["o"] * 100_000).encode()) == 200
    assert await post("orders", b'{"customerId":"ann","x":' + b"[" * 1_000 + b"]" * 1_000 + b"}") == 400
    assert await post("batch/customers", json.dumps([{"customerId": "a"}] * 1_001).encode()) == 422
    assert len(platform.seen) == seen + 2


async def test_a_stream_that_grows_too_large_never_becomes_a_whole_request(
    forward: RunningGateway, platform: Platform
) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        while True:
            yield b"x" * 65_536

    reply = await ask(forward, "POST", "mobile/logs", data=endless())
    assert reply.fault == (413, 2000, "REQUEST_ERROR")
    assert not platform.seen


async def _pieces(body: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(body), 60_000):
        yield body[start : start + 60_000]
