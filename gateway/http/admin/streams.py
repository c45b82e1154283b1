"""Live streams as server-sent events: a listener gets what happens while it is connected.

News are looked up once a second, so calls do not pay for listeners. An interrupted stream continues after `Last-Event-ID`. A
listener that does not read is dropped, and so is one with a token or session that has ended. Each stream ends after 10 minutes; a
browser connects again by itself.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from aiohttp import web

from gateway.errors import StoreUnavailable
from gateway.http.admin.operation import Call
from gateway.http.admin.operators import OPERATOR, authenticated
from gateway.http.admin.problem import RefusedForNow

_RETRY_MS = 3_000
_FULL_FOR = 30
"""Seconds after which a listener who found no room may ask again."""
_log = structlog.get_logger("admin")

T = TypeVar("T")


class Frame(NamedTuple):
    """One event. `id` is what the listener says as `Last-Event-ID` when it comes back; "" if it cannot."""

    event: str
    data: bytes
    id: str = ""

    def written(self) -> bytes:
        head = f"id: {self.id}\nevent: {self.event}\n" if self.id else f"event: {self.event}\n"
        return head.encode() + b"data: " + self.data + b"\n\n"


Source = Callable[[], Awaitable[Sequence[Frame]]]
"""Answers the events since it was last asked."""


@dataclass(slots=True)
class Streams:
    """All listeners of this process: `most` at a time, and `most_of_one` operator. In seconds: how often there is a look for news,
    after what silence a listener is told that it is connected, how long it may not read, and how long a stream lasts."""

    most: int = 50
    most_of_one: int = 10
    poll: float = 1.0
    heartbeat: float = 15.0
    patience: float = 10.0
    longest: float = 600.0
    _listeners: Counter[str] = field(default_factory=Counter[str])
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.contextmanager
    def listener(self, operator: str) -> Generator[None]:
        """Raises RefusedForNow if too many are connected, of this operator or of all."""
        if self._listeners[operator] >= self.most_of_one:
            raise RefusedForNow(
                "too_many_own_listeners",
                f"{operator} listens {self.most_of_one} times already; end one, or try again later",
                _FULL_FOR,
            )
        if self._listeners.total() >= self.most:
            raise RefusedForNow(
                "too_many_listeners",
                f"{self.most} listeners are connected; end one, or try again later",
                _FULL_FOR,
            )
        self._listeners[operator] += 1
        try:
            yield
        finally:
            self._listeners[operator] -= 1
            self._listeners += Counter()  # forgets who has none

    async def end(self, _: web.Application) -> None:
        """Let every listener go: the gateway stops."""
        self._ending.set()

    async def rest(self) -> bool:
        """Until there may be news; False: the gateway stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), self.poll)
        return not self._ending.is_set()


STREAMS = web.AppKey("streams", Streams)


class Shared(Generic[T]):
    """What all listeners are sent alike, made once for them all and good for some seconds."""

    def __init__(self, make: Callable[[], Awaitable[T]], good_for: float) -> None:
        self._make, self._good_for = make, good_for
        self._lock = asyncio.Lock()
        self._made: tuple[float, T] | None = None

    async def get(self) -> tuple[float, T]:
        """The item, after the time at which it was made (seconds of the loop's clock)."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._made is None or now - self._made[0] >= self._good_for:
                self._made = now, await self._make()
            return self._made


async def stream(call: Call[Any], source: Source) -> web.StreamResponse:
    streams = call.request.app[STREAMS]
    with streams.listener(call.request[OPERATOR].name):
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                "X-Request-Id": call.caller.request_id,
            }
        )
        await response.prepare(call.request)
        try:
            await _send_all(call.request, response, source, streams)
        except TimeoutError:
            _log.warning("listener_dropped", request_id=call.caller.request_id)
            if call.request.transport is not None:
                call.request.transport.abort()
        except ConnectionError:
            pass  # it went away
        return response


async def _send_all(
    request: web.Request, response: web.StreamResponse, source: Source, streams: Streams
) -> None:
    loop = asyncio.get_running_loop()
    ends, told_at = loop.time() + streams.longest, loop.time()
    news = f"retry: {_RETRY_MS}\n\n".encode()
    while request.transport is not None and await _may_listen(request):
        news += b"".join(frame.written() for frame in await _asked(source))
        if not news and loop.time() - told_at >= streams.heartbeat:
            news = b": nothing new\n\n"
        if news:
            async with asyncio.timeout(streams.patience):
                await response.write(news)
            news, told_at = b"", loop.time()
        if loop.time() >= ends or not await streams.rest():
            break
    await response.write_eof()


async def _may_listen(request: web.Request) -> bool:
    """A token can be replaced, and a session ended, while a stream is open. While the store is away, nothing is known of that."""
    try:
        return await authenticated(request) is not None
    except StoreUnavailable:
        return True


async def _asked(source: Source) -> Sequence[Frame]:
    """Nothing while the store is unavailable: the stream continues when it is back."""
    try:
        return await source()
    except StoreUnavailable:
        return ()
