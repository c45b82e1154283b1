"""How many connections may be open, in all and from one address. One more replaces an idle connection, preferably one that never
sent a request. If there is none, it is closed before a byte is read."""

import asyncio
from collections.abc import Callable, Collection
from ipaddress import IPv4Network, IPv6Network
from typing import cast

from aiohttp import web

from gateway.http.aiohttp_handler import heads_read, is_busy
from gateway.http.gameball.limits import is_within, network_of

_PATIENCE = 2.0
"""Seconds that a new connection has for its first request."""
_POLL_SECONDS = 0.01
_Handler = Callable[[], web.RequestHandler]


class ConnectionLimit:
    """A protocol factory around a server's own. For an IPv6 address, its /64 counts. Proxies that are `trusted` at the moment speak
    for many clients and count only for the whole. `unread` is for how many seconds a client may leave an answer unread before it
    is cut off; None for any number."""

    def __init__(
        self,
        handler: _Handler,
        *,
        limit: int,
        limit_per_ip: int,
        trusted: Callable[[], Collection[IPv4Network | IPv6Network]],
        time: Callable[[], float],
        unread: float | None = None,
    ) -> None:
        self._handler = handler
        self._limit = limit
        self._limit_per_ip = limit_per_ip
        self._trusted = trusted
        self._time = time
        self.unread = unread
        self._open: dict[CountedConnection, None] = {}
        self._of: dict[str, dict[CountedConnection, None]] = {}

    def __call__(self) -> asyncio.Protocol:
        return CountedConnection(self, self._handler())

    def enter(self, connection: "CountedConnection", address: str) -> bool:
        connection.address, connection.since = network_of(address), self._time()
        own = self._of.get(connection.address, {})
        if (
            len(own) >= self._limit_per_ip
            and not is_within(address, self._trusted())
            and not self._make_room(own, own)
        ):
            return False
        if len(self._open) >= self._limit and not self._make_room(self._open, own):
            return False
        self._open[connection] = None
        self._of.setdefault(connection.address, {})[connection] = None
        return True

    def leave(self, connection: "CountedConnection") -> None:
        """A connection may leave twice: when it is replaced, and when it is closed."""
        if connection not in self._open:
            return
        del self._open[connection], self._of[connection.address][connection]
        if not self._of[connection.address]:
            del self._of[connection.address]

    async def hear_newcomers(self, seconds: float) -> None:
        """Once no listener adds to them: wait until each connection that was opened within the last `seconds` has sent a request,
        no longer than that. Closing it before would look to its sender like a call that was lost."""
        newest = self._time() - seconds
        newcomers = {connection for connection in self._open if connection.since > newest}
        deadline = self._time() + seconds
        while any(one.is_mute for one in newcomers & self._open.keys()) and self._time() < deadline:  # noqa: ASYNC110 - half a second at most
            await asyncio.sleep(_POLL_SECONDS)

    def _make_room(
        self, connections: Collection["CountedConnection"], own: Collection["CountedConnection"]
    ) -> bool:
        """Close the idle connection that matters least. An address that has more connections than the newcomer's (`own`) gets no
        patience."""
        patient_until = self._time() - _PATIENCE
        spared = [
            connection
            for connection in connections
            if connection.is_idle
            and (connection.since <= patient_until or len(self._of[connection.address]) > len(own) + 1)
        ]
        if not spared:
            return False
        worst = max(
            spared,
            key=lambda connection: (connection.is_mute, len(self._of[connection.address]), -connection.since),
        )
        self.leave(worst)
        worst.close()
        return True


class CountedConnection(asyncio.Protocol):
    """One connection: counted while it is open, otherwise passed through. `since` is when it was opened."""

    def __init__(self, limited_by: ConnectionLimit, inner: web.RequestHandler) -> None:
        self.address = ""
        self.since = 0.0
        self._limited_by = limited_by
        self._transport: asyncio.Transport | None = None
        self.data_received = inner.data_received
        self.eof_received = inner.eof_received
        self._inner = inner
        self._unread: asyncio.TimerHandle | None = None

    @property
    def is_mute(self) -> bool:
        """It never sent a complete request head."""
        return not heads_read(self._inner)

    @property
    def is_idle(self) -> bool:
        """No request is being answered or waits for it."""
        return not is_busy(self._inner)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        connection = cast("asyncio.Transport", transport)  # uvloop's do not inherit from it
        if not self._limited_by.enter(self, peer[0] if peer else ""):
            connection.abort()
            return
        self._transport = connection
        self._inner.connection_made(transport)

    def pause_writing(self) -> None:
        """The client reads less than it is sent."""
        self._inner.pause_writing()
        if self._limited_by.unread is not None:
            self._unread = asyncio.get_running_loop().call_later(self._limited_by.unread, self.close)

    def resume_writing(self) -> None:
        self._has_read()
        self._inner.resume_writing()

    def _has_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_read()
        if self._transport is None:
            return
        self._limited_by.leave(self)
        self._inner.connection_lost(exc)
