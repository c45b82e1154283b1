"""Answers that are complete before they are sent. aiohttp prepares every response for what may still happen to it, such as pieces,
compression and cookies, which costs more than to write it.

Parts of aiohttp without a public name are used here only. A test compares the bytes with aiohttp's own, in each version that
pyproject.toml allows.
"""

# pyright: reportPrivateUsage=false

from email.utils import formatdate
from functools import lru_cache
from time import time

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

_BODILESS = frozenset({204, 304})


class CompleteResponse(web.Response):
    """The same bytes as of aiohttp's, which sends what is unusual. `headers` are the response's own from now on."""

    def __init__(self, *, status: int, body: bytes, headers: CIMultiDict[str]) -> None:
        web.StreamResponse.__init__(self, status=status, _real_headers=headers)
        self._body = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        headers, body = self._headers, self._body
        if not isinstance(body, bytes) or self._is_unusual(request):
            return await super().prepare(request)
        headers[hdrs.CONTENT_LENGTH] = str(len(body))
        if hdrs.DATE not in headers:
            headers[hdrs.DATE] = _date(int(time()))
        await request._prepare_hook(self)
        writer = request.writer
        await writer.write_headers(f"HTTP/1.1 {self._status} {self._reason}", headers)
        await writer.write_eof(body)
        self._keep_alive = self._eof_sent = True
        return writer

    def _is_unusual(self, request: web.BaseRequest) -> bool:
        message, headers = request._message, self._headers
        return (
            message.should_close
            or message.version != HttpVersion11
            or message.method == hdrs.METH_HEAD
            or self._keep_alive is False
            or self._eof_sent
            or self._status in _BODILESS
            or hdrs.CONTENT_TYPE not in headers
            or hdrs.SERVER not in headers
            or hdrs.CONTENT_LENGTH in headers
        )


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
