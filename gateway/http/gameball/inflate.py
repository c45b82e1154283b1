"""Decompresses bodies within bounds: of the bytes, of the ratio, and of the members. Pure."""

import zlib
from collections.abc import Sequence
from typing import Final

from gateway.http.gameball.envelope import BODY_TOO_LARGE, INVALID_PAYLOAD, WRONG_CONTENT_ENCODING, Fault

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_KNOWN: Final = _GZIP | {"deflate"}
_MOST_MEMBERS: Final = 16
"""Of a gzip body, which may consist of several."""
_ALWAYS: Final = 64 << 10
_MOST_TIMES: Final = 200
"""How many times its own size a body may unpack to, beyond `_ALWAYS`. JSON of a thousand similar objects shrinks to a fiftieth."""
_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 31, 15, -15


def unpacked(raw: bytes, encodings: Sequence[str], largest: int) -> bytes | Fault:
    """The body for the values of its `Content-Encoding` headers, at most `largest` bytes of it. One encoding is undone: only a bomb
    needs two."""
    names = [name.strip().lower() for value in encodings for name in value.split(",")]
    packed = [name for name in names if name not in ("", "identity")]
    if not packed:
        return raw
    if len(packed) > 1 or packed[0] not in _KNOWN:
        return WRONG_CONTENT_ENCODING
    limit = min(largest, max(_ALWAYS, len(raw) * _MOST_TIMES))
    try:
        if packed[0] in _GZIP:
            return _members(raw, _GZIP_BITS, limit, _MOST_MEMBERS)
        return _members(raw, _ZLIB_BITS if _is_zlib(raw) else _RAW_BITS, limit, 1)
    except zlib.error:
        return INVALID_PAYLOAD


def _members(raw: bytes, bits: int, limit: int, most: int) -> bytes | Fault:
    found = b""
    for _ in range(most):
        member = zlib.decompressobj(bits)
        found += member.decompress(raw, limit + 1 - len(found))
        if len(found) > limit:
            return BODY_TOO_LARGE
        if not member.eof:
            return INVALID_PAYLOAD
        raw = member.unused_data
        if not raw:
            return found
    return INVALID_PAYLOAD


def _is_zlib(raw: bytes) -> bool:
    """`deflate` is the zlib format (RFC 9110 §8.4.1.2), but some clients send the bare stream."""
    return len(raw) > 1 and raw[0] & 0x0F == 8 and int.from_bytes(raw[:2]) % 31 == 0
