"""How many connections may be open, in all and from one address. One beyond it takes the place of a connection that waits with
nothing to do, first of one that never sent a request; where there is none, it is closed before a byte is read."""

import asyncio
from collections.abc import Callable, Collection
from ipaddress import IPv4Network, IPv6Network
from typing import cast

from aiohttp import web

from gateway.http.gameball.limits import is_within, network_of

_PATIENCE = 2.0
"""Seconds that a new connection has to say what it wants."""
_Handler = Callable[[], web.RequestHandler]


class Door:
    """A protocol factory around a server's own. Of an IPv6 address its /64 counts. Proxies that are `trusted` now speak for many
    and count only towards the whole."""

    def __init__(
        self,
        handler: _Handler,
        *,
        limit: int,
        limit_per_ip: int,
        trusted: Callable[[], Collection[IPv4Network | IPv6Network]],
        time: Callable[[], float],
    ) -> None:
        self._handler = handler
        self._limit = limit
        self._limit_per_ip = limit_per_ip
        self._trusted = trusted
        self._time = time
        self._inside: dict[Visit, None] = {}
        self._of: dict[str, dict[Visit, None]] = {}

    def __call__(self) -> asyncio.Protocol:
        return Visit(self, self._handler())

    def enter(self, visit: "Visit", address: str) -> bool:
        visit.address, visit.since = network_of(address), self._time()
        own = self._of.get(visit.address, {})
        if (
            len(own) >= self._limit_per_ip
            and not is_within(address, self._trusted())
            and not self._make_room(own, own)
        ):
            return False
        if len(self._inside) >= self._limit and not self._make_room(self._inside, own):
            return False
        self._inside[visit] = None
        self._of.setdefault(visit.address, {})[visit] = None
        return True

    def leave(self, visit: "Visit") -> None:
        """A visit may leave twice: when it is sent away, and when its connection is closed."""
        if visit not in self._inside:
            return
        del self._inside[visit], self._of[visit.address][visit]
        if not self._of[visit.address]:
            del self._of[visit.address]

    def _make_room(self, visits: Collection["Visit"], own: Collection["Visit"]) -> bool:
        """Close the idle one that can be spared most easily. An address that has more connections than who wants to come in
        (`own`) gets no patience."""
        patient_until = self._time() - _PATIENCE
        spared = [
            visit
            for visit in visits
            if visit.is_idle and (visit.since <= patient_until or len(self._of[visit.address]) > len(own) + 1)
        ]
        if not spared:
            return False
        worst = max(spared, key=lambda visit: (visit.is_mute, len(self._of[visit.address]), -visit.since))
        self.leave(worst)
        worst.close()
        return True


class Visit(asyncio.Protocol):
    """One connection: counted while it is open, otherwise handed through. `since` is when it was opened."""

    def __init__(self, door: Door, inner: web.RequestHandler) -> None:
        self.address = ""
        self.since = 0.0
        self._door = door
        self._transport: asyncio.Transport | None = None
        self.data_received = inner.data_received
        self.eof_received = inner.eof_received
        self.pause_writing = inner.pause_writing
        self.resume_writing = inner.resume_writing
        self._inner = inner

    @property
    def is_mute(self) -> bool:
        """It never sent a whole request head."""
        return not self._inner._request_count  # pyright: ignore[reportPrivateUsage]

    @property
    def is_idle(self) -> bool:
        """No request is being answered or waits for it."""
        inner = self._inner
        return inner._current_request is None and not inner._messages  # pyright: ignore[reportPrivateUsage]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        connection = cast("asyncio.Transport", transport)  # uvloop's do not inherit from it
        if not self._door.enter(self, peer[0] if peer else ""):
            connection.abort()
            return
        self._transport = connection
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return
        self._door.leave(self)
        self._inner.connection_lost(exc)
