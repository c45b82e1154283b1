"""What aiohttp lets pass and this listener does not: targets that two readers could read differently, and headers that
smuggle. One canonical reading of a request, or none."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web

from gateway.http.gameball.envelope import (
    MALFORMED_HEADER,
    MALFORMED_PATH,
    MALFORMED_REQUEST,
    UNEXPECTED_BODY,
    WRONG_EXPECTATION,
    WRONG_HOST,
    WRONG_TRANSFER_ENCODING,
    Fault,
)

_TARGET = re.compile(r"(?P<path>(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+)(\?[^#\\]*)?")
_UNCLEAN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_VERSIONS = (HttpVersion11, HttpVersion10)
_BODILESS = frozenset({"GET", "HEAD"})


def fault_in_headers(request: web.BaseRequest) -> Fault | None:
    """Names with `_` are read as `-` by many a proxy and server: two headers would be one. Values are text, without control
    characters."""
    headers = request.headers
    if request.version not in _VERSIONS:
        return MALFORMED_REQUEST
    if "_" in "".join(headers):
        return MALFORMED_HEADER
    values = "".join(headers.values())
    if not values.isprintable() and _UNCLEAN.search(values):
        return MALFORMED_HEADER
    if not _is_host(headers.get(hdrs.HOST, "")):
        return WRONG_HOST
    if request.method in _BODILESS and request.body_exists:
        return UNEXPECTED_BODY
    if headers.get(hdrs.TRANSFER_ENCODING, "chunked").strip().lower() != "chunked":
        return WRONG_TRANSFER_ENCODING
    if headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        return WRONG_EXPECTATION
    return None


@lru_cache(maxsize=256)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def path_of(target: str) -> str | Fault:
    """The path of a request target, still percent-encoded. Refused are other forms than the origin form, fragments,
    empty and dot segments however they are written, backslashes, and escapes that are none."""
    found = _TARGET.fullmatch(target)
    if found is None or _BAD_ESCAPE.search(target):
        return MALFORMED_PATH
    path = found["path"]
    if "//" in path or any(segment in {".", ".."} for segment in _plain_dots(path).split("/")):
        return MALFORMED_PATH
    return path


def _plain_dots(path: str) -> str:
    return path.replace("%2e", ".").replace("%2E", ".")


def texts(segments: Iterable[str]) -> tuple[str, ...] | None:
    """Segments decoded once, None when one is not UTF-8. An id may hold `/`, `?` or `#`, and keeps its `+`."""
    try:
        return tuple(unquote_to_bytes(segment).decode() for segment in segments)
    except UnicodeDecodeError:
        return None


async def go_on(request: web.BaseRequest) -> None:
    """Tell a client that waits with its body to send it. Only after all that its headers could be refused for."""
    if hdrs.EXPECT in request.headers and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
