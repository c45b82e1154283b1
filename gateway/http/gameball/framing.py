"""What aiohttp accepts and this listener refuses: targets that two readers could read differently, and headers for request
smuggling. A request has one canonical reading, or none."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.http import RawRequestMessage
from yarl import URL

from gateway.http.gameball.envelope import (
    AMBIGUOUS_HEADER,
    MALFORMED_HEADER,
    MALFORMED_PATH,
    MALFORMED_REQUEST,
    UNEXPECTED_BODY,
    WRONG_EXPECTATION,
    WRONG_HOST,
    WRONG_TRANSFER_ENCODING,
    Fault,
)
from gateway.http.gameball.header_names import READ, poses_as_another

_TARGET = re.compile(r"(?P<path>(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+)(\?[^#\\]*)?")
_ABSOLUTE = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@]+)(?P<rest>[/?].*)?", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_VERSIONS = (HttpVersion11, HttpVersion10)
_BODILESS = frozenset({"GET", "HEAD"})


def in_origin_form(message: RawRequestMessage) -> RawRequestMessage:
    """The message with one spelling of its target: an absolute one without its scheme and host, a path without the slash at its
    end, and with one slash at its beginning if a client has joined `/api` to a base URL that ends in another. If the target's host
    differs from `Host`, it stays as it is, and is refused later, because a proxy on the way may have used the other one."""
    target = message.path
    if not target.startswith("/"):
        found = _ABSOLUTE.fullmatch(target)
        if found is None or not _is_same_host(found["host"], found["scheme"], message.headers.get(hdrs.HOST)):
            return message
        rest = found["rest"] or "/"
        target = rest if rest.startswith("/") else "/" + rest
    path, mark, query = target.partition("?")
    if path.startswith("//api/"):
        path = path[1:]
    if len(path) > 1 and path.endswith("/") and not path.endswith("//"):
        path = path[:-1]
    target = path + mark + query
    if target == message.path or "#" in target:
        return message
    return message._replace(path=target, url=URL.build(path=path, query_string=query, encoded=True))


def _is_same_host(authority: str, scheme: str, header: str | None) -> bool:
    """`header` is None for an HTTP/1.0 client, which need not send one."""
    port = _DEFAULT_PORTS[scheme.lower()]
    named = authority.lower().removesuffix(port)
    return _is_host(authority) and (header is None or header.lower().removesuffix(port) == named)


def fault_in_headers(request: web.BaseRequest) -> Fault | None:
    """Many proxies and servers read `_` in a name as `-`, which would make two headers one. Values have no control characters.
    Values that are not UTF-8 are only allowed in headers that are not read here."""
    headers = request.headers
    if request.version not in _VERSIONS:
        return MALFORMED_REQUEST
    if "_" in "".join(headers) and any(map(poses_as_another, headers)):
        return AMBIGUOUS_HEADER
    values = "".join(headers.values())
    if not values.isprintable() and _has_unclean_value(request):
        return MALFORMED_HEADER
    if not _is_host(headers.get(hdrs.HOST, "localhost" if request.version == HttpVersion10 else "")):
        return WRONG_HOST
    if request.method in _BODILESS and request.body_exists:
        return UNEXPECTED_BODY
    if headers.get(hdrs.TRANSFER_ENCODING, "chunked").strip().lower() != "chunked":
        return WRONG_TRANSFER_ENCODING
    if headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        return WRONG_EXPECTATION
    return None


def _has_unclean_value(request: web.BaseRequest) -> bool:
    return any(
        _CONTROLS.search(value) or (_NOT_UTF8.search(value) and name.lower() in READ)
        for name, value in request.headers.items()
    )


@lru_cache(maxsize=256)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def path_of(target: str) -> str | Fault:
    """The path of a request target, still percent-encoded. Other forms than the origin form are refused, and fragments, empty and
    dot segments in any spelling, backslashes, and invalid escapes."""
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
    """Segments decoded once, None for one that is not UTF-8. An id may hold `/`, `?` or `#`, and keeps its `+`."""
    try:
        return tuple(unquote_to_bytes(segment).decode() for segment in segments)
    except UnicodeDecodeError:
        return None


async def go_on(request: web.BaseRequest) -> None:
    """Tell a client that waits with its body to send it. Only after every check of its headers."""
    if hdrs.EXPECT in request.headers and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
