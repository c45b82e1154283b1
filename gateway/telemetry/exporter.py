"""Sends spans to a collector (OTLP over HTTP, in protobuf), beside the calls. What the collector does not take waits in the queue,
which is bounded; the log has a line at the beginning of an outage and one at its end."""

import asyncio
import contextlib
import zlib
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

import structlog
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
)

from gateway.errors import MISTAKES
from gateway.telemetry.tracing import BATCH, Span, Tracing

_log = structlog.get_logger("tracing")
Compression = Literal["gzip", "none"]
_PATH: Final = "/v1/traces"
_POLL: Final = 1.0
_AT_ONCE: Final = 32
"""Spans that are encoded and compressed before anything else may run."""
_QUICKEST: Final = 1
_GZIP: Final = 16 + zlib.MAX_WBITS
_DEADLINE_SECONDS: Final = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_LONGEST_ANSWER: Final = 64 << 10
_AGAIN: Final = frozenset({429, 502, 503, 504})
"""The statuses after which OTLP wants the same spans once more. Any other refusal is final."""


class SpanEncoder(Protocol):
    def encode(self, spans: Sequence[Span]) -> bytes: ...

    def rejected(self, answer: bytes) -> int: ...


class Exporter:
    """`run` until `stop`; then it sends what waits and ends. `close` counts what is left. `headers` may hold a secret. They and
    `compression` may be replaced at any time."""

    def __init__(
        self,
        tracing: Tracing,
        encoder: SpanEncoder,
        endpoint: str,
        headers: Mapping[str, str],
        compression: Compression,
    ) -> None:
        self._tracing = tracing
        self._encoder = encoder
        self._url = endpoint + _PATH
        self.headers = headers
        self.compression: Compression = compression
        self._stopping = asyncio.Event()
        self._unsent: list[Span] = []
        self._failure = ""
        self._pause = _FIRST_PAUSE

    async def run(self) -> None:
        session = ClientSession(
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=_DEADLINE_SECONDS),
            auto_decompress=False,
            trust_env=False,
        )
        async with session:
            while not self._stopping.is_set():
                pause = await self._send_all(session)
                if not self._stopping.is_set():
                    await self._rest(pause)
            await self._send_all(session)

    def stop(self) -> None:
        self._stopping.set()
        self._tracing.full.set()

    def close(self) -> None:
        """Count what was not sent."""
        left = len(self._unsent)
        while spans := self._tracing.take():
            left += len(spans)
        self._tracing.count("not_sent", left)

    async def _rest(self, pause: float) -> None:
        """After a failure for the whole pause, else until a batch is full."""
        earlier = self._stopping if self._failure else self._tracing.full
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(earlier.wait(), pause)

    async def _send_all(self, session: ClientSession) -> float:
        """Send what waits. Returns the seconds until the next look."""
        while spans := self._unsent or self._tracing.take():
            self._unsent = spans
            pause = await self._send(session, spans)
            if pause:
                return pause
            self._unsent = []
            if len(spans) < BATCH:
                break
        return _POLL

    async def _send(self, session: ClientSession, spans: Sequence[Span]) -> float:
        """Returns 0 if the spans are done with, else how long to wait before they are sent again."""
        compression = self.compression
        try:
            body = await self._encoded(spans, compression)
        except MISTAKES as error:
            return self._given_up(len(spans), type(error).__name__)
        headers = {
            "Content-Type": "application/x-protobuf",
            "Accept-Encoding": "identity",
            "User-Agent": "gateway",
            **({"Content-Encoding": "gzip"} if compression == "gzip" else {}),
            **self.headers,
        }
        try:
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                said = await answer.content.read(_LONGEST_ANSWER)
        except (OSError, ClientError, TimeoutError, ValueError) as error:
            return self._not_taken(_reason(error))
        if answer.status in _AGAIN:
            return self._not_taken(f"status_{answer.status}", _retry_after(answer))
        if not 200 <= answer.status < 300:
            return self._given_up(len(spans), f"status_{answer.status}")
        self._taken(len(spans), self._rejected(said))
        return 0

    async def _encoded(self, spans: Sequence[Span], compression: Compression) -> bytes:
        """In pieces, which protobuf reads as one message."""
        packing = zlib.compressobj(_QUICKEST, wbits=_GZIP) if compression == "gzip" else None
        pieces: list[bytes] = []
        for first in range(0, len(spans), _AT_ONCE):
            piece = self._encoder.encode(spans[first : first + _AT_ONCE])
            pieces.append(packing.compress(piece) if packing else piece)
            await asyncio.sleep(0)
        if packing:
            pieces.append(packing.flush())
        return b"".join(pieces)

    def _rejected(self, answer: bytes) -> int:
        try:
            return self._encoder.rejected(answer)
        except ValueError:
            return 0

    # ---- results ----

    def _taken(self, sent: int, rejected: int) -> None:
        rejected = min(rejected, sent)
        self._tracing.count("sent", sent - rejected)
        self._tracing.count("refused", rejected)
        self._pause = _FIRST_PAUSE
        if self._failure:
            _log.info("spans_taken_again")
            self._failure = ""

    def _given_up(self, spans: int, reason: str) -> float:
        self._tracing.count("refused", spans)
        self._fail(reason)
        return 0

    def _not_taken(self, reason: str, wanted: float | None = None) -> float:
        self._fail(reason)
        pause = self._pause if wanted is None else wanted
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return min(max(pause, _FIRST_PAUSE), _LONGEST_PAUSE)

    def _fail(self, reason: str) -> None:
        if not self._failure:
            _log.warning("spans_not_taken", reason=reason)
        self._failure = reason


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    return "no_connection" if isinstance(error, ClientConnectorError) else "disconnected"


def _retry_after(answer: ClientResponse) -> float | None:
    """In seconds. OTLP's servers send a number; a date is taken for none."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None
