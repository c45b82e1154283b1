"""Which web pages may call this listener (CORS): those of the configured origins, without credentials. A page sends its keys in
headers, so a browser asks first. That question needs no key, and its answer is the same for every channel, because only the key
tells which channel calls."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.http.gameball import idempotency, session
from gateway.http.gameball.call import WARNINGS
from gateway.http.gameball.header_names import poses_as_another
from gateway.http.gameball.operations import ACHIEVE, ANY
from gateway.http.gameball.routing import Place

EXPOSED: Final = (
    "X-Request-Id",
    "X-Gateway-Profile",
    "X-Gateway-Decision",
    WARNINGS,
    "Idempotent-Replayed",
    "Retry-After",
    "Allow",
)
"""The gateway's own headers, which a page may read besides an answer's type and length."""
_EVERY_METHOD = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_BODILESS = frozenset({"GET", "HEAD"})
_TOKEN = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z_-]{1,100}", re.ASCII)
_MOST_HEADERS = 100
"""A request may have no more than 128."""
_MAX_AGE = "600"
"""Seconds for which a browser may remember an answer. A removed origin is refused after that."""


def is_preflight(request: web.BaseRequest) -> bool:
    headers = request.headers
    return (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ORIGIN in headers
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in headers
    )


class Cors:
    def __init__(self, origins: Collection[str]) -> None:
        self.allow(origins)

    def allow(self, origins: Collection[str]) -> None:
        """From now on, allow these origins and no others."""
        self._origins = frozenset(origins)

    def mark(self, asked: Mapping[str, str], answer: CIMultiDict[str]) -> None:
        """Add to an answer's headers what lets a page read it, and that another origin gets another answer."""
        if not self._origins:
            return
        vary(answer, hdrs.ORIGIN)
        origin = asked.get(hdrs.ORIGIN, "")
        if origin in self._origins:
            answer[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            answer[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = ", ".join(EXPOSED)

    def answer(self, asked: CIMultiDictProxy[str], place: Place | None) -> web.Response:
        """For a browser that asks what a page may send to `place`; None is an unknown place. Pages of other origins learn nothing
        more than `Allow` tells every caller."""
        methods = ", ".join(_methods(place))
        headers = CIMultiDict({"Server": "gateway", hdrs.ALLOW: methods, hdrs.CACHE_CONTROL: "no-store"})
        if self._origins:
            vary(headers, hdrs.ACCESS_CONTROL_REQUEST_METHOD, hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
        if asked[hdrs.ORIGIN] in self._origins:
            headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = methods
            headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(_headers(asked, place))
            headers[hdrs.ACCESS_CONTROL_MAX_AGE] = _MAX_AGE
        return web.Response(status=204, headers=headers)


def _methods(place: Place | None) -> tuple[str, ...]:
    if place is None or ANY in place.operations:
        return _EVERY_METHOD
    return tuple(place.allow.split(", "))


def _headers(asked: CIMultiDictProxy[str], place: Place | None) -> list[str]:
    """Those of the operation, and the others that the page wants to send: in forward mode they are passed on, in local mode they
    mean nothing."""
    method = asked[hdrs.ACCESS_CONTROL_REQUEST_METHOD]
    names = ["apikey", "secretkey"]
    if method not in _BODILESS:
        names.append("content-type")
    operation = place and place.operation(method)
    if operation is ACHIEVE:
        names.append(idempotency.HEADER.lower())
    if place and operation and session.takes_token(operation, place.version):
        names.append(session.HEADER.lower())
    wanted = ",".join(asked.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ()))
    names += (name.strip().lower() for name in wanted.split(",", _MOST_HEADERS)[:_MOST_HEADERS])
    return [name for name in dict.fromkeys(names) if _TOKEN.fullmatch(name) and not poses_as_another(name)]


def vary(headers: CIMultiDict[str], *names: str) -> None:
    """Add names to `Vary`, which the upstream may have set, each once."""
    known = [name.strip() for value in headers.popall(hdrs.VARY, ()) for name in value.split(",")]
    lower = {name.lower() for name in known}
    added = [] if "*" in known else [name for name in names if name.lower() not in lower]
    headers[hdrs.VARY] = ", ".join([*filter(None, known), *added])
