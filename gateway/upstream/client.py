"""Calls to the upstream: sent as they are given, answered as they come, each with one deadline.

Only a GET or HEAD may be sent a second time on its own, if its connection broke. Nothing is redirected, decompressed or remembered.
If an exchange does not end cleanly, its connection is closed and never used again.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter
from typing import Final, NamedTuple, get_args

from aiohttp import StreamReader, hdrs
from aiohttp.http import RawResponseMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.clock import SECOND, Clock
from gateway.config import UpstreamSettings
from gateway.telemetry.tracing import Server, Step
from gateway.upstream.answers import retry_after
from gateway.upstream.breaker import Breaker
from gateway.upstream.certificates import NoteEnd, client_context
from gateway.upstream.connection_pool import ConnectionPool, UpstreamConnection
from gateway.upstream.errors import Garbled, NoAnswer
from gateway.upstream.limiter import Limiter, Quota, RandomBetween, Rate

_REPEATABLE: Final = frozenset({"GET", "HEAD"})
_BODILESS: Final = frozenset({"GET", "HEAD"})
_OURS: Final = frozenset({"host", "apikey", "secretkey", "connection", "content-length", "transfer-encoding"})
_SMALL: Final = 64 << 10
_RECENT: Final = 100
_GIVEN_UP: Final = "given_up"
"""The outcome of a call whose sender waits no longer."""
_SLOWEST: Final = 64 << 10
"""Bytes a second. What `chunks` receives moves its deadline by the time that it takes at this pace."""


Observe = Callable[[str, str, float], None]
"""Called for each call, with its rate class, its outcome, and the seconds until the answer began."""


class Request(NamedTuple):
    """`target` is the path and query below the base URL, percent-encoded as it is to be sent. Framing, connection and key headers
    in `headers` are ignored: the client sets them. `counted`: the limiter already knows of the call. `key_alone`: the secret key is
    not sent. `step` is its span, if the call is followed."""

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes | AsyncIterator[bytes] | None = None
    rate: Rate = "others"
    counted: bool = False
    key_alone: bool = False
    step: Step | None = None


class Reply:
    """An answer with a body that has not been read yet. It is only valid inside its exchange."""

    def __init__(
        self, connection: UpstreamConnection, message: RawResponseMessage, body: StreamReader
    ) -> None:
        self.status = message.code
        self.headers: CIMultiDictProxy[str] = message.headers
        self._connection = connection
        self._body = body

    @property
    def is_complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self._body.is_eof()

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises Garbled if it has more than `limit` bytes, Lost if it ends early."""
        if self._body.is_eof():
            body = self._body.read_nowait()
        elif int(self.headers.get(hdrs.CONTENT_LENGTH, 0)) > limit:
            raise Garbled("too_large")
        else:
            body = await self._gathered(limit)
        if len(body) > limit:
            raise Garbled("too_large")
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come, however large. Raises Lost or Garbled if it ends early."""
        while chunk := await self._body.readany():
            self._connection.deadline += len(chunk) / _SLOWEST
            yield chunk

    async def _gathered(self, limit: int) -> bytes:
        gathered = bytearray()
        while len(gathered) <= limit and (chunk := await self._body.readany()):
            gathered += chunk
        return bytes(gathered)


class Upstream:
    """`limiter` counts every call and every 429; it only delays callers that ask it. `breaker` is for deliveries. `observe` is
    called for every call, `note_certificate` for every new TLS connection; `recent` are the seconds of the newest calls."""

    def __init__(
        self,
        settings: UpstreamSettings,
        clock: Clock,
        random_between: RandomBetween,
        observe: Observe = lambda operations, outcome, seconds: None,
        note_certificate: NoteEnd = lambda ends_at: None,
    ) -> None:
        self._observe = observe
        self._note_certificate = note_certificate
        self.limiter = Limiter(
            {rate: Quota(*getattr(settings.rates, rate)) for rate in get_args(Rate)}, clock, random_between
        )
        self._settings = settings
        self._clock = clock
        self._url = URL(settings.base_url)
        self._server = Server(self._url.raw_host or "", self._url.port or 0)
        self._head = f" HTTP/1.1\r\nHost: {self._url.host_port_subcomponent}\r\n"
        if settings.api_key is not None:
            self._head += f"apikey: {settings.api_key.reveal()}\r\n"
        secret = settings.secret_key
        self._secret = f"secretkey: {secret.reveal()}\r\n" if secret is not None else ""
        self._repeats = _RepeatBudget()
        self.breaker = Breaker(clock)
        self.recent: deque[float] = deque(maxlen=_RECENT)
        self._loop: asyncio.AbstractEventLoop
        self._pooled: ConnectionPool
        self._single: ConnectionPool

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        tls = client_context(self._note_certificate) if self._url.scheme == "https" else None
        self._pooled = self._pool(tls, self._settings.keepalive)
        self._single = self._pool(tls, 0)

    async def close(self) -> None:
        self._pooled.close()
        self._single.close()

    def exchange(self, request: Request, *, deadline_ms: int, reuse: bool = True) -> "_Exchange":
        """One call and its answer. The answer's head has to come, and `read` to end, within `deadline_ms`; `chunks` may take
        longer while bytes come. Without `reuse` the connection is the call's own. If a part of the answer was not read, the
        connection is closed. Raises Unreachable, Lost, Garbled."""
        body = request.body
        own = not reuse or not (body is None or (isinstance(body, bytes) and len(body) <= _SMALL))
        pool = self._single if own else self._pooled
        attempt = _Attempt(pool, request, self._loop.time() + deadline_ms / SECOND)
        if request.step is not None:
            request.step.server = self._server
        return _Exchange(attempt, self._observed(attempt, self._rendered(request, own=own)))

    async def _observed(self, attempt: "_Attempt", rendered: bytes) -> Reply:
        began, outcome = perf_counter(), _GIVEN_UP
        try:
            reply = await self._answered(attempt, rendered)
            outcome = "429" if reply.status == 429 else f"{reply.status // 100}xx"
            if attempt.request.step is not None:
                attempt.request.step.status = reply.status
        except NoAnswer as failure:
            outcome = failure.reason
            raise
        finally:
            seconds = perf_counter() - began
            self.recent.append(seconds)
            self._observe(attempt.request.rate, outcome, seconds)
        return reply

    async def _answered(self, attempt: "_Attempt", rendered: bytes) -> Reply:
        request = attempt.request
        self._repeats.earn()
        if not request.counted:
            self.limiter.note(request.rate)
        try:
            reply = await self._limited(attempt, rendered)
        except NoAnswer as failure:
            if not self._may_repeat(request, failure):
                raise
            self.limiter.note(request.rate)
            if request.step is not None:
                request.step.resent += 1
            reply = await self._limited(attempt, rendered)
        if reply.status == 429:
            wait = retry_after(reply.headers.get(hdrs.RETRY_AFTER), self._clock.now())
            self.limiter.refused(request.rate, wait)
        return reply

    async def _limited(self, attempt: "_Attempt", rendered: bytes) -> Reply:
        try:
            return await attempt.send(rendered)
        finally:
            self.limiter.done(attempt.request.rate)

    def _rendered(self, request: Request, *, own: bool) -> bytes:
        """The bytes of the request, without a body that comes in pieces. Raises ValueError if the upstream would read another
        request in them."""
        method, target, body = request.method, self._url.raw_path.rstrip("/") + request.target, request.body
        lines = [
            f"{name}: {value}\r\n" for name, value in request.headers.items() if name.lower() not in _OURS
        ]
        if own:
            lines.append("Connection: close\r\n")
        if isinstance(body, bytes):
            lines.append(f"Content-Length: {len(body)}\r\n")
        elif body is not None:
            lines.append("Transfer-Encoding: chunked\r\n")
        elif method not in _BODILESS:
            lines.append("Content-Length: 0\r\n")
        written = "".join(lines)
        ends = len(lines)
        if (
            written.count("\n") != ends
            or written.count("\r") != ends
            or "\0" in written
            or not (method + target).isascii()
            or len(f"{method} {target}".split()) != 2
        ):
            raise ValueError("a header or target would break the request")
        secret = "" if request.key_alone else self._secret
        head = f"{method} {target}{self._head}{secret}{written}\r\n".encode("utf-8", "surrogateescape")
        return head + body if isinstance(body, bytes) else head

    def _may_repeat(self, request: Request, failure: NoAnswer) -> bool:
        return (
            request.method in _REPEATABLE
            and failure.reason in {"no_connection", "disconnected"}
            and self._repeats.spend()
        )

    def _pool(self, tls: ssl.SSLContext | None, keepalive: int) -> ConnectionPool:
        settings, url = self._settings, self._url
        assert url.raw_host is not None  # noqa: S101 - the settings were checked
        assert url.port is not None  # noqa: S101
        return ConnectionPool(
            url.raw_host,
            url.port,
            tls,
            limit=settings.max_connections,
            keepalive=keepalive / SECOND,
            patience=settings.connect_timeout / SECOND,
            silence=settings.read_timeout / SECOND,
        )


class _Exchange:
    """The block of an exchange. As a generator, each would be registered with the event loop, which costs a twentieth of a call."""

    __slots__ = ("_answering", "_attempt")

    def __init__(self, attempt: "_Attempt", answering: Awaitable[Reply]) -> None:
        self._attempt = attempt
        self._answering = answering

    async def __aenter__(self) -> Reply:
        try:
            return await self._answering
        except BaseException as error:
            self._end(error)
            raise

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self._attempt.end()
        if self._attempt.request.step is not None:
            self._attempt.request.step.end(_word(error))


class _Attempt:
    """A request on a connection of the pool. `send` may be called once more; it then takes another connection."""

    __slots__ = ("_connection", "_deadline", "_pool", "_upload", "request")

    def __init__(self, pool: ConnectionPool, request: Request, deadline: float) -> None:
        self.request = request
        self._pool = pool
        self._deadline = deadline
        self._connection: UpstreamConnection | None = None
        self._upload: asyncio.Task[None] | None = None

    async def send(self, rendered: bytes) -> Reply:
        self.end()
        connection = self._connection = await self._pool.take(self._deadline)
        body = self.request.body
        connection.ask(rendered, self._deadline, bodiless=self.request.method == hdrs.METH_HEAD)
        if body is not None and not isinstance(body, bytes):
            self._upload = asyncio.create_task(connection.upload(body))
            self._upload.add_done_callback(_told)
        message = await connection.head()
        assert connection.body is not None  # noqa: S101 - the head has come
        return Reply(connection, message, connection.body)

    def end(self) -> None:
        if self._upload is not None:
            self._upload.cancel()
        if self._connection is not None:
            self._pool.give(self._connection)
            self._connection = None


def _word(error: BaseException | None) -> str:
    if error is None:
        return ""
    return error.reason if isinstance(error, NoAnswer) else _GIVEN_UP


def _told(upload: asyncio.Task[None]) -> None:
    """The call already has the failure of its upload; the task has nothing to add."""
    if not upload.cancelled():
        upload.exception()


class _RepeatBudget:
    """One call in five may be repeated, and three after a quiet time, so that repeats never become a storm."""

    def __init__(self) -> None:
        self._tenths = 30

    def earn(self) -> None:
        self._tenths = min(self._tenths + 2, 100)

    def spend(self) -> bool:
        if self._tenths < 10:
            return False
        self._tenths -= 10
        return True
