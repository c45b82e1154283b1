"""How many connections may be open, in all and from one address; those beyond it are closed before a byte is read."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import cast

_Handler = Callable[[], asyncio.Protocol]


class Door:
    """A protocol factory around a server's own. Proxies that are `trusted` now speak for many and count only towards the whole."""

    def __init__(
        self,
        handler: _Handler,
        *,
        limit: int,
        limit_per_ip: int,
        trusted: Callable[[], Collection[IPv4Network | IPv6Network]],
    ) -> None:
        self._handler = handler
        self._limit = limit
        self._limit_per_ip = limit_per_ip
        self._trusted = trusted
        self._open: Counter[str] = Counter()
        self._total = 0

    def __call__(self) -> asyncio.Protocol:
        return _Visit(self, self._handler())

    def enter(self, address: str) -> bool:
        if self._total >= self._limit:
            return False
        if self._open[address] >= self._limit_per_ip and not self._is_trusted(address):
            return False
        self._total += 1
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        self._total -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def _is_trusted(self, address: str) -> bool:
        return any(ip_address(address) in network for network in self._trusted())


class _Visit(asyncio.Protocol):
    """One connection: counted while it is open, otherwise handed through."""

    def __init__(self, door: Door, inner: asyncio.Protocol) -> None:
        self._door = door
        self._address: str | None = None
        self.data_received = inner.data_received
        self.eof_received = inner.eof_received
        self.pause_writing = inner.pause_writing
        self.resume_writing = inner.resume_writing
        self._inner = inner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        address = peer[0] if peer else ""
        if not self._door.enter(address):
            cast("asyncio.Transport", transport).abort()  # uvloop's do not inherit from it
            return
        self._address = address
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._address is None:
            return
        self._door.leave(self._address)
        self._inner.connection_lost(exc)
