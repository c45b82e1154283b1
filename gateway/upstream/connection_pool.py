"""HTTP/1.1 connections to the upstream: one exchange at a time on each, kept for the next one only if the last ended cleanly.

aiohttp's own parser reads the answers (`aiohttp_protocol`).
"""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import StreamReader
from aiohttp.http import RawResponseMessage

from gateway.upstream.aiohttp_protocol import ResponseProtocol, Unparsable
from gateway.upstream.certificates import is_refused
from gateway.upstream.errors import Garbled, Lost, NoAnswer, Unreachable

_MOST_INTERIM: Final = 16
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class UpstreamConnection(ResponseProtocol):
    """`head` answers what `ask` writes; then `body` can be read. `deadline` is in the loop's time and may be moved while an answer
    comes; `silence` is how many seconds may pass between its pieces."""

    def __init__(self, loop: asyncio.AbstractEventLoop, silence: float) -> None:
        super().__init__(loop)
        self._time = loop.time
        self._call_at = loop.call_at
        self._new_future: Callable[[], asyncio.Future[RawResponseMessage]] = loop.create_future
        self.body: StreamReader | None = None
        self.deadline = 0.0
        self.idle_since = 0.0
        self._silence = silence
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0
        self._head: asyncio.Future[RawResponseMessage] | None = None
        self._interim = 0
        self._is_last = False

    @property
    def reusable(self) -> bool:
        """The last answer is complete, and both sides keep the connection open."""
        return (
            self.transport is not None
            and not (self._is_last or self.transport.is_closing())
            and self.body is not None
            and self.body.is_eof()
        )

    def ask(self, request: bytes, deadline: float, *, bodiless: bool) -> None:
        """Write a request, or its beginning. A `bodiless` answer ends with its head. Raises Lost."""
        if self.transport is None:
            raise Lost("disconnected")
        self._head, self.body, self._interim = self._new_future(), None, 0
        self.expect(bodiless=bodiless)
        self.deadline, self._heard = deadline, self._time()
        self._watch()
        self.transport.write(request)

    async def head(self) -> RawResponseMessage:
        """The answer's status and headers. Raises Lost or Garbled."""
        assert self._head is not None  # noqa: S101 - asked before
        return await self._head

    async def upload(self, pieces: AsyncIterator[bytes]) -> None:
        """Write a body in chunks, until an answer comes. If the body breaks off, the upstream never takes it for a complete one."""
        ended = False
        try:
            async for piece in pieces:
                if self.transport is None or self.body is not None:
                    ended = True
                    return
                if piece:
                    self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    self._heard = self._time()
                    await self.drained()
            if self.transport is not None:
                self.transport.write(b"0\r\n\r\n")
            ended = True
        finally:
            if not ended:
                self.fail(Lost("disconnected"))

    def finish(self) -> bool:
        """End the exchange. Returns whether another one may follow. If not, the connection is closed."""
        if not self.reusable:
            self.abort()
            return False
        self._head = None
        self.expect_nothing()
        return True

    def fail(self, failure: NoAnswer) -> None:
        """Fail those who wait for head or body; nothing else will be read or written."""
        self.abort()
        if self._head is not None and not self._head.done():
            self._head.set_exception(failure)
            self._head.exception()  # perhaps no task waits for it any more
        elif self.body is not None and not self.body.is_eof():
            self.body.set_exception(failure)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # ---- what the transport says ----

    def data_received(self, data: bytes) -> None:
        if not self.expects:  # no request was sent
            self.abort()
            return
        self._heard = self._time()
        try:
            answers = self.parsed(data)
        except Unparsable:
            self.fail(Garbled("malformed"))
            return
        for message, payload in answers:
            self._receive(message, payload)

    def _receive(self, message: RawResponseMessage, payload: StreamReader) -> None:
        if 100 <= message.code < 200 and message.code != 101 and self._interim < _MOST_INTERIM:
            self._interim += 1
        elif message.code < 200 or self._head is None or self._head.done() or not _is_clean(message):
            self.fail(Garbled("malformed"))
        else:
            self._is_last = message.should_close
            self.body = payload
            self._head.set_result(message)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if exc is None and self.body is not None:
            self.end()
        self.expect_nothing()
        self.fail(Lost("disconnected" if self.body is None else "truncated"))

    # ---- how long it may take ----

    def _watch(self) -> None:
        """The timer of an earlier exchange is good enough if it fires early enough: a new one costs more than one check too
        many."""
        until = min(self.deadline, self._heard + self._silence)
        if self._timer is not None:
            if self._fires_at <= until:
                return
            self._timer.cancel()
        self._fires_at = until
        self._timer = self._call_at(until, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._head is None:
            return
        now = self._time()
        if self.is_paused:
            self._heard = now  # the pause is ours
        if now >= min(self.deadline, self._heard + self._silence):
            self.fail(Lost("timeout"))
        else:
            self._watch()


def _is_clean(message: RawResponseMessage) -> bool:
    """Whether every header can be passed on. The parser leaves a few control characters in values."""
    return _CONTROL.search(b"".join([value for _, value in message.raw_headers])) is None


class ConnectionPool:
    """At most `limit` connections at once, made within `patience` seconds. An idle one is kept for `keepalive` seconds."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        *,
        limit: int,
        keepalive: float,
        patience: float,
        silence: float,
    ) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._keepalive, self._patience, self._silence = keepalive, patience, silence
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(limit)
        self._idle: deque[UpstreamConnection] = deque()
        self._sweeper: asyncio.TimerHandle | None = None

    async def take(self, deadline: float) -> UpstreamConnection:
        """A connection, to be given back. Raises Unreachable if there is none in time."""
        if not self._slots.locked():
            await self._slots.acquire()
            connection = self._kept()
            if connection is not None:
                return connection
        else:
            await self._wait(deadline)
        try:
            return self._kept() or await self._connected(deadline)
        except BaseException:
            self._slots.release()
            raise

    def give(self, connection: UpstreamConnection) -> None:
        self._slots.release()
        if not connection.finish():
            return
        if not self._keepalive:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._keepalive, self._sweep)

    def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        while self._idle:
            self._idle.pop().abort()

    def _kept(self) -> UpstreamConnection | None:
        oldest = self._loop.time() - self._keepalive
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.idle_since >= oldest:
                return connection
            connection.abort()
        return None

    async def _wait(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + self._patience)):
                await self._slots.acquire()
        except TimeoutError:
            raise Unreachable("timeout") from None

    async def _connected(self, deadline: float) -> UpstreamConnection:
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + self._patience)):
                _, connection = await self._loop.create_connection(
                    lambda: UpstreamConnection(self._loop, self._silence),
                    self._host,
                    self._port,
                    ssl=self._tls,
                )
        except TimeoutError:
            raise Unreachable("timeout") from None
        except OSError as error:  # also a name without an address
            raise Unreachable("certificate" if is_refused(error) else "no_connection") from error
        return connection

    def _sweep(self) -> None:
        """Close connections that were idle for too long."""
        self._sweeper = None
        oldest = self._loop.time() - self._keepalive
        while self._idle and self._idle[0].idle_since <= oldest:
            self._idle.popleft().abort()
        if self._idle:
            self._sweeper = self._loop.call_later(self._keepalive, self._sweep)
