"""Names of headers that have a meaning here: those of one connection, keys, those that only a gateway may set, and those
that the gateway itself reads."""

from typing import Final

from aiohttp import hdrs
from multidict import istr

CONNECTION: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
        "content-length",
    }
)
KEYS: Final = frozenset({"apikey", "secretkey", "x-gb-token", "transactionkey"})
NOT_FROM_CLIENTS: Final = (
    CONNECTION
    | KEYS
    | frozenset(
        {
            "host",
            "expect",
            "forwarded",
            "x-real-ip",
            "x-client-ip",
            "x-cluster-client-ip",
            "true-client-ip",
            "cf-connecting-ip",
            "x-request-id",
            "remote-user",
            "x-http-method",
            "x-http-method-override",
            "x-method-override",
        }
    )
)
OURS: Final = ("x-forwarded-", "x-gateway-", "x-original-", "x-rewrite-", "x-remote-", "x-authenticated-")
"""Beginnings of names that only a gateway sets."""
READ: Final = (
    CONNECTION
    | KEYS
    | frozenset(
        {
            "access-control-request-headers",
            "access-control-request-method",
            "content-encoding",
            "content-type",
            "expect",
            "host",
            "idempotency-key",
            "origin",
            "via",
            "x-forwarded-for",
            "x-gb-signature",
        }
    )
)
"""What the gateway reads or relies on: these values must be text."""
_STANDARD = frozenset(name.lower() for name in vars(hdrs).values() if isinstance(name, istr))
_WITH_MEANING = frozenset(name.replace("-", "") for name in _STANDARD | NOT_FROM_CLIENTS | READ)


def poses_as_another(name: str) -> bool:
    """Whether a name has an underscore and would, read with a hyphen or without, be a header with a meaning."""
    lower = name.lower().replace("_", "-")
    return "_" in name and (lower.replace("-", "") in _WITH_MEANING or lower.startswith(OURS))
