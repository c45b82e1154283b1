"""Session tokens: a shop's back end gives one to its app, so that the app can call without the secret key. A token is a JWS (HS256)
inside a JWE (A256KW, A256CBC-HS512), both under the channel's 32 bytes of session key, and speaks for one customer.

Its `customerEmail` and `customerMobile` are statements of the back end about that customer. What the app's own body says is not.
"""

from typing import Any, Literal, NamedTuple

import msgspec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from gateway.clock import SECOND
from gateway.http.gameball.operations import Operation, Version
from gateway.http.gameball.texts import text_of

HEADER = "X-GB-TOKEN"
LONGEST = 4_096
"""Characters of a token; a real one has some 700."""
_TAKEN_BY = frozenset({"POST /customers", "POST /events"})
_OUTER = JWERegistry(algorithms=["A256KW", "A256CBC-HS512"])
"""Other algorithms are refused, and so is compression: a small token stays small."""
_INNER = JWSRegistry(algorithms=["HS256"])
_UNREADABLE = (JoseError, ValueError, TypeError)
"""What the library raises for an invalid token; the last for headers of odd types."""

Failure = Literal[
    "too long", "not encrypted for this channel", "not signed by this channel", "incomplete", "expired"
]


class Claims(NamedTuple):
    customer_id: str
    identifiers: tuple[tuple[str, str], ...] = ()


class _Payload(msgspec.Struct):
    """`exp` and `nbf` in seconds."""

    customerId: str  # noqa: N815 - as it is written
    exp: int | float
    nbf: int | float = 0
    customerEmail: Any = None  # noqa: N815
    customerMobile: Any = None  # noqa: N815


_payload = msgspec.json.Decoder(_Payload)


def takes_token(operation: Operation, version: Version) -> bool:
    """Whether a token replaces the secret key: for the two calls that the platform's apps make with one."""
    return version == "v4.1" and operation.route in _TAKEN_BY


def verify(token: str, key: bytes, now: int) -> Claims | Failure:
    """The customer of a token at `now` (ms). The answer to a token that fails has nothing from it."""
    if len(token) > LONGEST:
        return "too long"
    secret = OctKey.import_key(key)
    try:
        signed = jwe.decrypt_compact(token, secret, registry=_OUTER).plaintext or b""
    except _UNREADABLE:
        return "not encrypted for this channel"
    try:
        payload = jws.deserialize_compact(signed, secret, registry=_INNER).payload
    except _UNREADABLE:
        return "not signed by this channel"
    return _claims(payload, now / SECOND)


def _claims(payload: bytes, now: float) -> Claims | Failure:
    try:
        found = _payload.decode(payload)
    except ValueError:
        return "incomplete"
    if not found.customerId:
        return "incomplete"
    if not found.nbf <= now < found.exp:
        return "expired"
    said = (("email", text_of(found.customerEmail)), ("mobile", text_of(found.customerMobile)))
    return Claims(found.customerId, tuple((kind, text) for kind, text in said if text is not None))
