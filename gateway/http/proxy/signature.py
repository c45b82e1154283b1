"""The hash by which clients of versions 1 to 3 prove that they have the secret key without sending it: SHA-1 (hex) of
`CUSTOMER:TIME:AMOUNT:SECRET`, with time and amount often empty. The platform knows another customer id and another key than the
channel does. So the hash is checked with the channel's key, and replaced by one with the platform's. Pure.

The new hash has the form of the old one: the platform decides which form it accepts.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
_TIME = re.compile(r"\d\d(\d\d)-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")
_NESTED = "pointstransaction"
_AMOUNTS = ("amount", "rewardamount")
_encode = msgspec.json.Encoder().encode


class Signed(NamedTuple):
    """A hash in a body, and the values that it may have been made of besides the customer id and the key."""

    hash: str
    customer_id: str
    times: tuple[str, ...]
    amounts: tuple[str, ...]

    def form(self, secret: str) -> tuple[str, str] | None:
        """The time and amount that went into it; None if it was made with another key."""
        for time in self.times:
            for amount in self.amounts:
                if hmac.compare_digest(signature(self.customer_id, time, amount, secret), self.hash.lower()):
                    return time, amount
        return None


def signature(customer_id: str, time: str, amount: str, secret: str) -> str:
    text = f"{customer_id}:{time}:{amount}:{secret}"
    return hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def find(value: Any) -> Signed | None:
    """The hash of a body, at its root or in its `pointsTransaction`."""
    root = _folded(value)
    customer_id = root.get("playeruniqueid")
    for members in (root, _folded(root.get(_NESTED))):
        found = members.get("hash")
        if isinstance(found, str) and _SHA1.fullmatch(found) and type(customer_id) in (str, int):
            amounts = (text for name in _AMOUNTS for text in _amounts(members.get(name)))
            times = _times(members.get("transactiontime"))
            return Signed(found, str(customer_id), ("", *times), tuple(dict.fromkeys(("", *amounts))))
    return None


def _folded(value: Any) -> Mapping[str, Any]:
    return {name.lower(): one for name, one in value.items()} if isinstance(value, dict) else {}


def _times(value: Any) -> Iterator[str]:
    """`yyMMddHHmmss`, as the time is written and in UTC."""
    if not isinstance(value, str):
        return
    found = _TIME.match(value)
    if found is not None:
        yield "".join(found.groups())
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return
    if at.utcoffset():
        yield at.astimezone(UTC).strftime("%y%m%d%H%M%S")


def _amounts(value: Any) -> Iterator[str]:
    """As JSON writes it, and with and without the `.0` that .NET adds to whole numbers and PHP leaves out; .NET signs 0.0 if there
    is none."""
    if value is None:
        yield "0.0"
    elif isinstance(value, str):
        yield value
    elif type(value) in (int, float):
        text = _encode(value).decode()
        yield text
        yield text.removesuffix(".0") if text.endswith(".0") else f"{text}.0"
