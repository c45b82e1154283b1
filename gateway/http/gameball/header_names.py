"""Names of headers that have a meaning here: those of one connection, keys, those that only a gateway may set, and those that the
gateway itself reads."""

import re
from functools import lru_cache
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
NOT_FROM_CLIENTS: Final = CONNECTION | KEYS | frozenset({"host", "expect", "x-request-id"})
_BELIEVED = re.compile(
    r"""
      (x-)?forward(ed|er)?(-.*)?
    | (.*-)?(client|real|user|remote|source|socket|connecting|pseudo)?ip(v[46])?
    | (.*-)?(ip|client|remote|source|peer)-address | (.*-)?addr | (x-)?coming-from
    | (.*-)?host(name)? | (x-)?server-name
    | (.*-)?override | (x-)?(http-)?method
    | (x-)?((http|request|base|proxy|override)-)*(destination-?)?ur[il]
    | (x-)?(base-|matched-|invoke-)?path | (x-)?(path-info|script-name|document-root)
    | (x-)?(url-)?(scheme|proto|protocol) | (x-)?(front-end-)?https
    | (x-)?(original|originating|rewrite|gateway|accel|envoy|appengine|arr|middleware|sendfile)(-.*)?
    | (x-)?(remote|ssl|client-(cert|dn|s-dn|verify))(-.*)?
    | (x-)?(authenticated|webauth|auth-request|consumer|credential|pomerium|vouch|tailscale-user)(-.*)?
    | x-(goog-(iap|authenticated)|amzn-oidc|ms-client-principal)(-.*)?
    | (x-)?(cf|fastly|akamai|azure|fd|cloudfront|vercel|fly|nf)-.* | (wl-)?proxy(-.*)?
    """,
    re.VERBOSE,
)
"""What servers, frameworks and clouds believe from a gateway in front of them: the client's address, host, path, method, scheme and
name."""


@lru_cache(maxsize=512)
def is_for_gateways(lower: str) -> bool:
    """Whether only a gateway may set a header of this name, because some server behind it believes it. `lower` is in lower case."""
    return lower in NOT_FROM_CLIENTS or _BELIEVED.fullmatch(lower) is not None


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
    """Whether a name has an underscore and would be a header with a meaning if it were read with a hyphen or without."""
    lower = name.lower().replace("_", "-")
    return "_" in name and (lower.replace("-", "") in _WITH_MEANING or is_for_gateways(lower))
