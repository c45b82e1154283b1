"""Calls to the upstream: sent as they are given, answered as they come, each with one deadline.

Nothing is sent twice behind the caller's back but a GET or HEAD whose connection broke (aiohttp by itself repeats PUT and
DELETE too), nothing is redirected, decompressed or remembered, and a connection whose exchange did not end cleanly
is closed and never used again.
"""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, NamedTuple, get_args

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientPayloadError,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
from aiohttp.tracing import Trace
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.clock import SECOND, Clock
from gateway.config import Upstream as Settings
from gateway.upstream.answers import retry_after
from gateway.upstream.errors import Garbled, Lost, NoAnswer, Unreachable
from gateway.upstream.limiter import Draw, Limiter, Quota, Rate

_NOT_ADDED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_REPEATABLE: Final = frozenset({"GET", "HEAD"})
_SMALL: Final = 64 << 10
_SLOWEST: Final = 64 << 10
"""Bytes a second. What `chunks` receives moves its deadline by the time that it takes at this pace."""


class Request(NamedTuple):
    """`target` is the path and query below the base URL, percent-encoded as it is to be sent. `headers` hold neither framing nor
    connection headers nor keys; the upstream's keys are added. `counted`: the limiter
    has been told that it goes out."""

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes | AsyncIterator[bytes] | None = None
    rate: Rate = "others"
    counted: bool = False


class Reply:
    """An answer whose body has not been read yet; good inside its exchange only."""

    def __init__(self, response: ClientResponse, deadline: float, pause: float) -> None:
        self.status = response.status
        self.headers: CIMultiDictProxy[str] = response.headers
        self._response = response
        self._content = response.content
        self._deadline = deadline
        self._longest_pause = pause

    @property
    def is_complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self._content.is_eof()

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises Garbled when it has more than `limit` bytes, Lost when it does not come to its end."""
        if self._content.is_eof():
            body = self._content.read_nowait()
        else:
            if (self._response.content_length or 0) > limit:
                raise self._broken(Garbled("too_large"))
            body = await self._gathered(limit)
        if len(body) > limit:
            raise self._broken(Garbled("too_large"))
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come, however large. Raises Lost or Garbled when it does not come to its end."""
        while chunk := await self._next():
            self._deadline += len(chunk) / _SLOWEST
            yield chunk

    def close(self) -> None:
        """End the exchange; a connection on which anything is still to come is closed."""
        self._response.close()

    async def _gathered(self, limit: int) -> bytes:
        gathered = bytearray()
        while len(gathered) <= limit and (chunk := await self._next()):
            gathered += chunk
        return bytes(gathered)

    async def _next(self) -> bytes:
        silent = asyncio.get_running_loop().time() + self._longest_pause
        try:
            async with asyncio.timeout_at(min(self._deadline, silent)):
                return await self._content.readany()
        except (ClientError, HttpProcessingError, OSError) as error:
            raise self._broken(_failure(error)) from error

    def _broken(self, failure: NoAnswer) -> NoAnswer:
        self._response.close()
        return failure


class Upstream:
    """`limiter` counts every call and hears of every 429; it holds up nobody who does not ask it."""

    def __init__(self, settings: Settings, clock: Clock, draw: Draw) -> None:
        self.limiter = Limiter(
            {rate: Quota(*getattr(settings.rates, rate)) for rate in get_args(Rate)}, clock, draw
        )
        self._settings = settings
        self._clock = clock
        self._keys = {
            name: key.reveal()
            for name, key in (("apikey", settings.api_key), ("secretkey", settings.secret_key))
            if key is not None
        }
        self._repeats = _RepeatBudget()
        self._pooled: ClientSession
        self._single: ClientSession

    async def open(self) -> None:
        settings = self._settings
        self._pooled = self._session(
            _Pool(limit=settings.max_connections, keepalive_timeout=settings.keepalive / SECOND)
        )
        self._single = self._session(TCPConnector(limit=settings.max_connections, force_close=True))

    async def close(self) -> None:
        await self._pooled.close()
        await self._single.close()

    def exchange(self, request: Request, *, deadline_ms: int, reuse: bool = True) -> "Exchange":
        """`async with upstream.exchange(…) as reply`. The answer's head has to come, and `read` to end, within `deadline_ms`;
        `chunks` may take longer while bytes come. Without `reuse` the connection is the call's own. Raises Unreachable, Lost,
        Garbled."""
        return Exchange(self, request, asyncio.get_running_loop().time() + deadline_ms / SECOND, reuse)

    async def send(self, request: Request, deadline: float, reuse: bool) -> Reply:
        """What `Exchange` enters with."""
        self._repeats.earn()
        if not request.counted:
            self.limiter.note(request.rate)
        try:
            response = await self._send(request, deadline, reuse)
        except NoAnswer as failure:
            if not self._may_repeat(request, failure):
                raise
            self.limiter.note(request.rate)
            response = await self._send(request, deadline, reuse)
        if response.status == 429:
            wait = retry_after(response.headers.get("Retry-After"), self._clock.now())
            self.limiter.refused(request.rate, wait)
        return Reply(response, deadline, self._settings.read_timeout / SECOND)

    async def _send(self, request: Request, deadline: float, reuse: bool) -> ClientResponse:
        body = request.body
        own = not reuse or not (body is None or (isinstance(body, bytes) and len(body) <= _SMALL))
        headers = request.headers.copy()
        headers.update(self._keys)
        try:
            async with asyncio.timeout_at(deadline):
                response = await (self._single if own else self._pooled).request(
                    request.method,
                    URL(self._settings.base_url + request.target, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    middlewares=None if request.method == "POST" else _NEVER_REPEATED,
                )
        except (ClientError, OSError) as error:
            raise _failure(error) from error
        finally:
            self.limiter.done(request.rate)
        if response.status == 101:
            response.close()
            raise Garbled("malformed")
        return response

    def _may_repeat(self, request: Request, failure: NoAnswer) -> bool:
        return (
            request.method in _REPEATABLE
            and failure.reason in {"no_connection", "disconnected"}
            and self._repeats.spend()
        )

    def _session(self, connector: TCPConnector) -> ClientSession:
        settings = self._settings
        return ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=_NOT_ADDED,
            timeout=ClientTimeout(
                total=None,
                connect=settings.connect_timeout / SECOND,
                sock_read=settings.read_timeout / SECOND,
            ),
        )


class Exchange:
    """One call and its answer. Whatever has not been read of the answer when it ends costs the connection."""

    __slots__ = ("_deadline", "_reply", "_request", "_reuse", "_upstream")

    def __init__(self, upstream: Upstream, request: Request, deadline: float, reuse: bool) -> None:
        self._upstream = upstream
        self._request = request
        self._deadline = deadline
        self._reuse = reuse

    async def __aenter__(self) -> Reply:
        self._reply = await self._upstream.send(self._request, self._deadline, self._reuse)
        return self._reply

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reply.close()


class _Pool(TCPConnector):
    """Does not hand out a connection on which something came after its last answer: that would be taken for the next one."""

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


class _RepeatBudget:
    """One call in five may be repeated, and three when it has been quiet, so that repeats never become a storm."""

    def __init__(self) -> None:
        self._tenths = 30

    def earn(self) -> None:
        self._tenths = min(self._tenths + 2, 100)

    def spend(self) -> bool:
        if self._tenths < 10:
            return False
        self._tenths -= 10
        return True


async def _without_repeat(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Hides from aiohttp the two errors after which it would send PUT, DELETE, GET and HEAD again."""
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as error:
        raise _failure(error) from error


_NEVER_REPEATED: Final = (_without_repeat,)


def _failure(error: Exception) -> NoAnswer:
    match error:
        case ConnectionTimeoutError():
            return Unreachable("timeout")
        case ClientConnectorError():
            return Unreachable("no_connection")
        case TimeoutError():
            return Lost("timeout")
        case ClientResponseError() | HttpProcessingError():
            return Garbled("malformed")
        case ClientPayloadError():
            return Lost("truncated")
        case _:
            return Lost("disconnected")
