"""The form of an archived part of the log: a signed header, then the events, compressed.

A file has four parts: the line `MAGIC`; the header, a line of JSON; its HMAC in hexadecimal digits, a line; and a gzip stream
with an event on each line, in the order of their ids: `[chain, seq, hash in base64, [the event's fields], what is bound to it]`.
The header has the digest of the lines and that of the header before it, so all segments of a log are one sequence.
"""

import hashlib
import hmac
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from gateway.audit.chain import Link, Tip

MAGIC = b"gateway-audit-segment 1"
LONGEST_HEADER = 1 << 26
"""The most bytes of a header's line; reading stops there."""
_DOMAIN = b"gateway.audit.segment.v1\x00"
_NAME = re.compile(r"audit-(\d{6,})\.segment", re.ASCII)
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 6
_PIECE = 1 << 18
_encode = msgspec.json.Encoder().encode
_decode_link = msgspec.json.Decoder(Link).decode


class Stretch(msgspec.Struct, frozen=True):
    """The events of one chain in a segment: `first` to `last`, the hash before the first ("": it begins the chain), and the
    hash of the last. Hashes are in hexadecimal digits."""

    first: int
    before: str
    last: int
    hash: str


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`number` counts from 1. `previous` is the digest of the header before, "" for the first. `since` and `until` are the
    times of the first and the last event (ms UTC), which have the ids `first` and `last`. `lines`: SHA-256 of the events'
    lines."""

    number: int
    previous: str
    first: int
    last: int
    since: int
    until: int
    events: int
    chains: dict[str, Stretch]
    lines: str

    def encoded(self) -> str:
        return _encode(self).decode()


def read_header(text: str | bytes) -> Header:
    """Raises msgspec.MsgspecError."""
    return msgspec.json.decode(text, type=Header)


def header_digest(text: str) -> str:
    """The digest by which the next header, and the log's checkpoints, name a header."""
    return hashlib.sha256(text.encode()).hexdigest()


def signature(key: bytes, text: str) -> str:
    return hmac.digest(key, _DOMAIN + text.encode(), "sha256").hex()


def is_signed(key: bytes, text: str, given: str) -> bool:
    return hmac.compare_digest(signature(key, text).encode(), given.encode("utf-8", "replace"))


def name_of(number: int) -> str:
    """The name of a segment's file."""
    return f"audit-{number:06d}.segment"


def number_of(name: str) -> int | None:
    """None for a file that is not a segment."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def tips(headers: Iterable[Header]) -> dict[str, Tip]:
    """Where each chain ends in the segments, which are given in order."""
    return {
        chain: (held.last, bytes.fromhex(held.hash))
        for header in headers
        for chain, held in header.chains.items()
    }


class Packing:
    """Builds a segment: `add` its events in order, then take its `header` and its `body`."""

    def __init__(self) -> None:
        self.events = 0
        self.size = 0
        self._digest = hashlib.sha256()
        self._packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
        self._body: list[bytes] = []
        self._first: Link | None = None
        self._last: Link | None = None
        self._chains: dict[str, Stretch] = {}

    def add(self, links: Iterable[Link], before: Mapping[str, Tip]) -> None:
        """`before` has the last link of each chain before these events."""
        lines: list[bytes] = []
        for link in links:
            self._first, self._last = self._first or link, link
            held = self._chains.get(link.chain)
            if held is None:
                held = Stretch(link.seq, before.get(link.chain, (0, b""))[1].hex(), link.seq, "")
            self._chains[link.chain] = Stretch(held.first, held.before, link.seq, link.hash.hex())
            lines.append(_encode(link) + b"\n")
        text = b"".join(lines)
        self.events += len(lines)
        self.size += len(text)
        self._digest.update(text)
        self._body.append(self._packer.compress(text))

    def header(self, number: int, previous: str) -> Header:
        first, last = self._first, self._last
        assert first is not None  # noqa: S101 - it has events
        assert last is not None  # noqa: S101 - it has events
        return Header(
            number,
            previous,
            first.event.event_id,
            last.event.event_id,
            first.event.at,
            last.event.at,
            self.events,
            self._chains,
            self._digest.hexdigest(),
        )

    def body(self) -> list[bytes]:
        """The compressed lines, in pieces. Nothing can be added after this call."""
        self._body.append(self._packer.flush())
        return self._body


class Unpacking:
    """Reads a segment's compressed lines. `is_whole` tells, after the last line, whether they were altered."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._digest = hashlib.sha256()
        self._events = 0

    def read(self, pieces: Iterable[bytes]) -> Iterator[list[Link]]:
        """Raises ValueError for data that is not such a stream or has bytes after its end. Memory stays bounded for any
        input."""
        unpacker, rest = zlib.decompressobj(wbits=_GZIP), b""
        try:
            for piece in pieces:
                while piece and not unpacker.eof:
                    text = rest + unpacker.decompress(piece, _PIECE)
                    piece = unpacker.unconsumed_tail
                    lines, _, rest = text.rpartition(b"\n")
                    yield self._links(lines)
                    if len(rest) > LONGEST_HEADER:
                        raise ValueError("a line without an end")
                if unpacker.unused_data or (unpacker.eof and piece):
                    raise ValueError("data after the end")
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if rest or not unpacker.eof:
            raise ValueError("the end is missing")

    def _links(self, lines: bytes) -> list[Link]:
        if not lines:
            return []
        self._digest.update(lines + b"\n")
        found = [_decode_link(line) for line in lines.split(b"\n")]
        self._events += len(found)
        return found

    @property
    def is_whole(self) -> bool:
        return (self._digest.hexdigest(), self._events) == (self._header.lines, self._header.events)
