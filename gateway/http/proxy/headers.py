"""Headers on both sides (RFC 9110 §7.6): what belongs to one connection ends here, what only we may say is not taken from
others, and keys go nowhere."""

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
    r"(?P<before>/(?:customers|player)/|[?&](?:customerId|playerUniqueId)=)(?P<id>[^/?#&;,<>\s\"]+)",
    re.IGNORECASE,
)
_NAMES_ONE = re.compile(r"(?:x-)?(?:gb-|gameball-)?(?:customer-?id|player-?unique-?id)", re.IGNORECASE)


def towards_upstream(
    given: CIMultiDictProxy[str], *, via: str, request_id: str, taken: str, address: str
) -> CIMultiDict[str]:
    """What a client's headers become. `address` is the client's, "" when it is not known; `taken` is the trace that it named."""
    named = _listed(given)
    sent = CIMultiDict(
        [
            (name, value)
            for name, value in given.items()
            if (lower := name.lower()) not in named and not is_for_gateways(lower)
        ]
    )
    sent.add(hdrs.VIA, via)
    sent.update(trace.headers(taken, request_id))
    if not taken:
        sent.popall(trace.STATE_HEADER, None)
    if address:
        sent[hdrs.X_FORWARDED_FOR] = address
    return sent


def towards_client(given: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """What the upstream's headers become; those that come several times stay so. Which pages may call is for this gateway to
    say."""
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
    """What is said again with an answer that is given again: nothing of the exchange that it came with, and nothing of ours."""
    dropped = _OF_ONE_EXCHANGE | _NOT_FROM_UPSTREAM
    return [
        (str(name), value)
        for name, value in headers.items()
        if (lower := name.lower()) not in dropped and not lower.startswith("x-gateway-")
    ]


def forget_bytes(headers: CIMultiDict[str]) -> None:
    """Drop what was said about the very bytes of a body that is no longer the same."""
    for name in _OF_THE_BYTES:
        headers.popall(name, None)


def read_here(headers: CIMultiDict[str]) -> None:
    """Say of a body that was unpacked here and read as UTF-8 that it is sent so."""
    headers.popall(hdrs.CONTENT_ENCODING, None)
    kind = read_content_type(headers.get(hdrs.CONTENT_TYPE, ""))
    if not kind.is_utf8:
        headers[hdrs.CONTENT_TYPE] = f"{kind.media}; charset=utf-8"


def ids_in(headers: CIMultiDict[str]) -> Iterator[str]:
    """The customer ids in an answer's headers: in links, and where a header is named after them."""
    for name, value in headers.items():
        if name.lower() in _LINKS:
            yield from (unquote(found["id"]) for found in _IN_LINK.finditer(value))
        elif _NAMES_ONE.fullmatch(name):
            yield value


def rename(headers: CIMultiDict[str], names: Mapping[str, str]) -> None:
    """Put other ids in their places; those that `names` does not have stay."""

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
    """What `Connection` names as belonging to the connection."""
    if hdrs.CONNECTION not in given:
        return _NONE
    values = given.getall(hdrs.CONNECTION)
    return frozenset(name.strip().lower() for value in values for name in value.split(","))
