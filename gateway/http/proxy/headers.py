"""Headers in both directions (RFC 9110 §7.6): those of one connection end here, those that only we may set are not taken from
others, and keys are never passed on."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from gateway import trace
from gateway.http.gameball.content_type import read_content_type
from gateway.http.gameball.header_names import CONNECTION, KEYS, is_for_gateways

_NOT_FROM_UPSTREAM = CONNECTION | KEYS | frozenset({"alt-svc", "x-request-id"})
_NONE = frozenset[str]()
_OF_THE_BYTES = (
    "etag",
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
    "accept-ranges",
    "signature",
    "signature-input",
)
_OF_ONE_EXCHANGE = frozenset({"date", "age", "set-cookie", "via", "server-timing", "retry-after"})
_LINKS = frozenset({"location", "content-location", "link", "refresh"})
_IN_LINK = re.compile(
    r"(?P<before>(?<![\w%.-])(?:customer|player)s?/|[?&](?:customer_?(?:unique_?)?id|player_?unique_?id)=)"
    r"(?P<id>[^/?#&;,<>\s\"]+)",
    re.IGNORECASE,
)
_NAMES_ONE = re.compile(
    r"(?:x-)?(?:gb-|gameball-)?(?:customer-?(?:unique-?)?id|player-?unique-?id)", re.IGNORECASE
)


def towards_upstream(
    given: CIMultiDictProxy[str], *, via: str, request_id: str, trace_of: str, step: str, address: str
) -> CIMultiDict[str]:
    """A client's headers for the upstream. `address` is the client's, "" if it is not known; `trace_of` is the call's trace, and
    `step` the one in it that sends the request."""
    named = _listed(given)
    sent = CIMultiDict(
        [
            (name, value)
            for name, value in given.items()
            if (lower := name.lower()) not in named and not is_for_gateways(lower)
        ]
    )
    sent.add(hdrs.VIA, via)
    sent.update(trace.headers(trace_of, request_id, step))
    if trace.STATE_HEADER in sent and not trace.taken(given.getall(trace.HEADER, ())):
        del sent[trace.STATE_HEADER]
    if address:
        sent[hdrs.X_FORWARDED_FOR] = address
    return sent


def towards_client(given: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The upstream's headers for the client; repeated ones stay repeated. This gateway decides which pages may call."""
    named = _listed(given)
    return CIMultiDict(
        [
            (name, value)
            for name, value in given.items()
            if (lower := name.lower()) not in _NOT_FROM_UPSTREAM
            and lower not in named
            and not lower.startswith(("x-gateway-", "access-control-"))
        ]
    )


def to_keep(headers: CIMultiDict[str]) -> list[tuple[str, str]]:
    """The headers that are stored with an answer to be repeated: nothing of its exchange, and nothing of ours."""
    dropped = _OF_ONE_EXCHANGE | _NOT_FROM_UPSTREAM
    return [
        (str(name), value)
        for name, value in headers.items()
        if (lower := name.lower()) not in dropped and not lower.startswith("x-gateway-")
    ]


def forget_bytes(headers: CIMultiDict[str]) -> None:
    """Drop what is said about the exact bytes of a body that has changed."""
    for name in _OF_THE_BYTES:
        headers.popall(name, None)


def read_here(headers: CIMultiDict[str]) -> None:
    """Declare a body that was unpacked here and read as UTF-8 to be so."""
    headers.popall(hdrs.CONTENT_ENCODING, None)
    kind = read_content_type(headers.get(hdrs.CONTENT_TYPE, ""))
    if not kind.is_utf8:
        headers[hdrs.CONTENT_TYPE] = f"{kind.media}; charset=utf-8"


def ids_in(headers: CIMultiDict[str]) -> Iterator[str]:
    """The customer ids in an answer's headers: in links, and in headers that are named after them."""
    for name, value in headers.items():
        if name.lower() in _LINKS:
            yield from (unquote(found["id"]) for found in _IN_LINK.finditer(value))
        elif _NAMES_ONE.fullmatch(name):
            yield value


def rename(headers: CIMultiDict[str], names: Mapping[str, str]) -> None:
    """Replace the ids that `names` has; others stay."""

    def linked(found: re.Match[str]) -> str:
        customer_id = unquote(found["id"])
        new = names.get(customer_id, customer_id)
        return found[0] if new == customer_id else found["before"] + quote(new, safe="")

    changed = [
        (name, _IN_LINK.sub(linked, value) if name.lower() in _LINKS else names.get(value, value))
        if name.lower() in _LINKS or _NAMES_ONE.fullmatch(name)
        else (name, value)
        for name, value in headers.items()
    ]
    headers.clear()
    headers.extend(changed)


def passed_here(given: CIMultiDictProxy[str], via: str) -> bool:
    """Whether the request came through this gateway before."""
    return hdrs.VIA in given and any(
        hop.strip().lower() == via.lower() for value in given.getall(hdrs.VIA, ()) for hop in value.split(",")
    )


def _listed(given: CIMultiDictProxy[str]) -> frozenset[str]:
    """The headers that `Connection` names."""
    if hdrs.CONNECTION not in given:
        return _NONE
    values = given.getall(hdrs.CONNECTION)
    return frozenset(name.strip().lower() for value in values for name in value.split(","))
