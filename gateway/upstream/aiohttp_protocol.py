"""aiohttp's parser and flow control for the answers on one connection. Parts of aiohttp without a public name are used here only; a
test checks this module against the versions of aiohttp that pyproject.toml allows.

Its ClientSession is made for browsing. It would cost more than everything else that the gateway does for a call, would send PUT and
DELETE again by itself, and takes bytes on an idle connection for the next answer.
"""

import contextlib
from collections.abc import Sequence
from typing import Final

from aiohttp import ClientPayloadError, StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpResponseParser, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError

_BUFFER: Final = 64 << 10
_LONGEST_LINE: Final = 8190
_MOST_HEADERS: Final = 128


class Unparsable(Exception):
    """The bytes are no HTTP/1.1 answer."""


class ResponseProtocol(BaseProtocol):
    """After `expect`, `parsed` makes answers of bytes. The body of an answer pauses the transport while nothing reads it."""

    @property
    def expects(self) -> bool:
        return self._parser is not None

    @property
    def is_paused(self) -> bool:
        """Receiving waits until the body is read."""
        return self._reading_paused

    def expect(self, *, bodiless: bool) -> None:
        """Prepare for one answer. A `bodiless` one ends with its head."""
        self._parser = HttpResponseParser(
            self,
            self._loop,
            _BUFFER,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=_MOST_HEADERS,
            payload_exception=ClientPayloadError,
            response_with_body=not bodiless,
            read_until_eof=True,
            auto_decompress=False,
        )

    def expect_nothing(self) -> None:
        self._parser = None

    def parsed(self, data: bytes) -> Sequence[tuple[RawResponseMessage, StreamReader]]:
        """The heads that are complete now, each with its body to come. Raises Unparsable."""
        assert self._parser is not None  # noqa: S101 - an answer is expected
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            raise Unparsable from error
        if upgraded:
            raise Unparsable
        return messages

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp asks for this after every body, and would feed its parser and its transport each time."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def end(self) -> None:
        """Nothing more comes: an answer without a length is complete."""
        parser, self._parser = self._parser, None
        if parser is not None:
            with contextlib.suppress(HttpProcessingError):
                parser.feed_eof()

    async def drained(self) -> None:
        """Wait until more may be written. Raises ConnectionError."""
        await self._drain_helper()
