"""Who may connect when every connection is taken."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from gateway.http.connection_limit import ConnectionLimit, CountedConnection

if TYPE_CHECKING:
    from collections.abc import Callable

PROXY = "10.0.0.1"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Wire(asyncio.Transport):
    """A connection from an address, of which only its end matters."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 1)})
        self.gone = False
        self.out = b""

    def abort(self) -> None:
        self.gone = True

    def close(self) -> None:
        self.gone = True

    def is_closing(self) -> bool:
        return self.gone

    def write(self, data: Any) -> None:
        self.out += bytes(data)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class InProcessGateway:
    def __init__(self, limit: int, limit_per_ip: int) -> None:
        self.now = 0.0
        self.released = asyncio.Event()
        self.connection_limit = ConnectionLimit(
            web.Server(self._answer),
            limit=limit,
            limit_per_ip=limit_per_ip,
            trusted=lambda: [ip_network(PROXY)],
            time=lambda: self.now,
        )

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.path == "/slow":
            await self.released.wait()
        return web.Response(text="here")

    def come(self, address: str) -> tuple[CountedConnection, Wire]:
        connection, wire = self.connection_limit(), Wire(address)
        assert isinstance(connection, CountedConnection)
        connection.connection_made(wire)
        return connection, wire

    def fill(self, number: int, address: Callable[[int], str]) -> list[tuple[CountedConnection, Wire]]:
        return [self.come(address(at)) for at in range(number)]


async def ask(connection: CountedConnection, path: str = "/") -> None:
    connection.data_received(REQUEST.replace(b"/ ", f"{path} ".encode(), 1))
    for _ in range(10):
        await asyncio.sleep(0)


def gone(taken: list[tuple[CountedConnection, Wire]]) -> list[int]:
    return [at for at, (_, wire) in enumerate(taken) if wire.gone]


async def test_beyond_the_limit_of_an_address_only_its_newest_connection_is_refused() -> None:
    core = InProcessGateway(100, 3)
    taken = core.fill(5, lambda _: "192.0.2.1")
    assert gone(taken) == [3, 4]
    assert not core.come("192.0.2.2")[1].gone


async def test_an_idle_connection_makes_room_for_a_new_one_of_its_address_after_a_while() -> None:
    """So a client that shares an address with an idler, as all operators on one machine do, still gets in."""
    core = InProcessGateway(100, 3)
    taken = core.fill(3, lambda _: "127.0.0.1")
    core.now = 2.0
    operator, wire = core.come("127.0.0.1")
    assert (gone(taken), wire.gone) == ([0], False)
    await ask(operator)
    assert wire.out.endswith(b"here")


@pytest.mark.parametrize("idler", ["203.0.113.7", PROXY, "2001:db8::1"])
async def test_idle_connections_of_one_address_block_no_other_address(idler: str) -> None:
    core = InProcessGateway(10, 10)
    taken = core.fill(10, lambda _: idler)
    strangers = [core.come(f"192.0.2.{at}") for at in range(4)]
    assert gone(strangers) == []
    assert gone(taken) == [0, 1, 2, 3]


async def test_idle_connections_behind_a_proxy_make_room_for_others_behind_it() -> None:
    core = InProcessGateway(4, 1)
    taken = core.fill(4, lambda _: PROXY)
    assert core.come(PROXY)[1].gone
    core.now = 2.0
    assert not core.come(PROXY)[1].gone
    assert gone(taken) == [0]


async def test_idle_connections_of_many_addresses_make_room_after_a_moment() -> None:
    core = InProcessGateway(10, 10)
    taken = core.fill(10, lambda at: f"203.0.113.{at}")
    core.now = 2.0
    assert not core.come("192.0.2.1")[1].gone
    assert gone(taken) == [0]


async def test_a_whole_ipv6_network_is_one_address() -> None:
    core = InProcessGateway(100, 3)
    assert gone(core.fill(5, lambda at: f"2001:db8::{at + 1:x}")) == [3, 4]
    assert gone(core.fill(5, lambda at: f"2001:db8:0:{at + 1:x}::1")) == []
    assert gone(core.fill(3, lambda at: f"::ffff:192.0.2.{at + 1}")) == []


async def test_an_incomplete_request_head_counts_as_idle() -> None:
    core = InProcessGateway(2, 2)
    taken = core.fill(2, lambda _: "203.0.113.7")
    for connection, _ in taken:
        connection.data_received(REQUEST[:-2])
    core.now = 2.0
    assert not core.come("203.0.113.7")[1].gone


async def test_connections_with_a_request_stay_and_idle_ones_are_closed() -> None:
    core = InProcessGateway(3, 3)
    taken = core.fill(3, lambda at: f"192.0.2.{at}")
    await ask(taken[0][0])
    core.now = 2.0
    assert not core.come("192.0.2.9")[1].gone
    assert gone(taken) == [1]


async def test_a_connection_with_a_request_in_progress_is_never_closed() -> None:
    core = InProcessGateway(2, 2)
    taken = core.fill(2, lambda _: "203.0.113.7")
    for connection, _ in taken:
        await ask(connection, "/slow")
    core.now = 60.0
    assert core.come("203.0.113.7")[1].gone
    assert core.come("192.0.2.1")[1].gone
    core.released.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not core.come("192.0.2.1")[1].gone
    assert len(gone(taken)) == 1


async def test_each_closed_connection_is_counted_once() -> None:
    core = InProcessGateway(2, 2)
    first, second = core.fill(2, lambda _: "203.0.113.7")
    core.come("192.0.2.1")
    assert first[1].gone
    first[0].connection_lost(None)
    second[0].connection_lost(None)
    assert not core.come("192.0.2.2")[1].gone
    assert core.come("192.0.2.3")[1].gone
