"""The protocol between the gateway and the process that reads for it: JSON after its length, each answer after its question. JSON,
because it holds numbers of any length."""

import struct
from collections.abc import Mapping
from typing import Annotated, Any, BinaryIO

import msgspec
from msgspec import Meta

from rules.identifier import Evidence

MOST_ROWS = 2_000
"""In one chunk."""
LENGTH = struct.Struct(">I")
LARGEST = 64 << 20
"""Bytes of one frame: a chunk is a request's body, and the operators' own lists may be longer."""
Line = Annotated[int, Meta(ge=1, le=(1 << 53) - 1)]


class Row(msgspec.Struct, array_like=True):
    """A line of the file with its values, in the order of the columns."""

    line: Line
    values: list[Any]


Rows = Annotated[list[Row], Meta(max_length=MOST_ROWS)]


class Settings(msgspec.Struct, tag=True):
    """How all chunks after this frame are read: the rules' text, and the operators' own lists."""

    rules: str
    own: Mapping[str, frozenset[str]]


class Chunk(msgspec.Struct, tag=True):
    """`id_space` and `region` are those of the channel. `rows` are as the request had them."""

    id_space: str
    region: str
    columns: list[str]
    rows: msgspec.Raw


class ReadRow(msgspec.Struct, array_like=True):
    """What saves a customer, without the sender; or the code that says why it cannot."""

    line: int
    customer_id: str
    evidence: tuple[Evidence, ...] = ()
    attributes: dict[str, Any] = {}
    guest: bool | None = None
    fault: str = ""


class Answer(msgspec.Struct):
    """The chunk's rows in order. `refused` says why none of them can be taken; "" if they were read."""

    rows: list[ReadRow] = []
    refused: str = ""


def framed(message: object) -> bytes:
    body = msgspec.json.encode(message)
    return LENGTH.pack(len(body)) + body


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame; None at the end of the stream."""
    head = stream.read(LENGTH.size)
    return stream.read(*LENGTH.unpack(head)) if len(head) == LENGTH.size else None
