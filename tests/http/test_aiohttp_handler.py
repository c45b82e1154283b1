"""What the gateway reads of aiohttp's request handler means what the gateway takes it for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from gateway.http.aiohttp_handler import heads_read, is_busy, is_full, is_paused, newest_head, stay_with_http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def get(number: int, more: str = "") -> bytes:
    return f"GET /{number} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode()


class Wire(asyncio.Transport):
    """Takes what is written, and says when an answer is out."""

    def __init__(self) -> None:
        super().__init__()
        self.out: asyncio.Queue[bytes] = asyncio.Queue()

    def write(self, data: Any) -> None:
        self.out.put_nowait(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...


class Served:
    """One connection of a server whose answers wait until `go`."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.server = web.Server(self.answer)
        self.handler, self.wire = self.server(), Wire()
        self.handler.connection_made(self.wire)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.asked.put_nowait(request.path)
        await self.go.wait()
        return web.Response(text=request.path)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    one = Served()
    yield one
    one.go.set()
    one.handler.connection_lost(None)
    await one.server.shutdown(0)


async def test_whole_heads_are_counted_and_half_ones_are_not(served: Served) -> None:
    half = len(get(1)) // 2
    served.handler.data_received(get(1)[:half])
    assert (heads_read(served.handler), is_busy(served.handler)) == (0, False)
    served.handler.data_received(get(1)[half:])
    assert (heads_read(served.handler), is_busy(served.handler)) == (1, True)
    assert await served.asked.get() == "/1"
    assert is_busy(served.handler)


async def test_it_is_not_busy_any_more_once_the_answer_is_out(served: Served) -> None:
    served.handler.data_received(get(1))
    await served.asked.get()
    served.go.set()
    await served.wire.out.get()
    await asyncio.sleep(0)
    assert (heads_read(served.handler), is_busy(served.handler)) == (1, False)


async def test_a_connection_that_closes_says_so_and_knows_its_last_request(served: Served) -> None:
    served.handler.data_received(get(1))
    await served.asked.get()
    assert not is_full(served.handler)
    number = 1
    while not is_full(served.handler):
        number += 1
        assert number < 1000
        served.handler.data_received(get(number))
    newest = newest_head(served.handler)
    assert newest is not None
    assert newest.path == f"/{number}"


async def test_it_pauses_for_a_large_body_and_for_many_requests_only(served: Served) -> None:
    served.handler.data_received(get(1, "Content-Length: 1000000\r\n"))
    await served.asked.get()
    served.handler.data_received(b"x" * 1000)
    assert not is_paused(served.handler)
    served.handler.data_received(b"x" * 900_000)
    assert is_paused(served.handler)
    other = Served()
    for number in range(1000):
        assert is_paused(other.handler) == is_full(other.handler)
        other.handler.data_received(get(number))
    assert is_paused(other.handler)
    other.handler.connection_lost(None)
    await other.server.shutdown(0)


async def test_behind_an_upgrade_it_reads_on_once_it_is_told_to(served: Served) -> None:
    served.go.set()
    served.handler.data_received(get(1, "Connection: upgrade\r\nUpgrade: websocket\r\n"))
    assert await served.asked.get() == "/1"
    stay_with_http(served.handler)
    served.handler.data_received(get(2))
    assert await served.asked.get() == "/2"
