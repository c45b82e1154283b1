"""One anchor: a signed checkpoint outside the database, as a line of JSON. A webhook gets the same JSON as an event."""

from typing import Final, Literal

import msgspec

from gateway.audit.checkpoint import Checkpoint
from gateway.clock import timestamp

TOPIC: Final = "audit.checkpoint"
_encode = msgspec.json.Encoder().encode


class Anchored(msgspec.Struct, frozen=True):
    """`signature` in hexadecimal digits."""

    checkpoint: int
    at: int
    heads: str
    signature: str


class Line(msgspec.Struct, frozen=True):
    type: Literal["audit.checkpoint"]
    timestamp: str
    data: Anchored


_decode = msgspec.json.Decoder(Line).decode


def anchored(point: Checkpoint) -> Anchored:
    return Anchored(point.checkpoint_id, point.at, point.heads, point.signature.hex())


def written(point: Checkpoint) -> bytes:
    """The JSON text, without a line end."""
    return _encode(Line(TOPIC, timestamp(point.at), anchored(point)))


def read(line: bytes) -> Anchored | None:
    """None for a line that is not an anchor: one that a crash cut short, or another event."""
    try:
        return _decode(line).data
    except msgspec.MsgspecError:
        return None
