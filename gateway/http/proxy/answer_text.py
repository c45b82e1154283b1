"""An answer's bytes as text, however they were encoded, and back. Pure, and bounded: an answer that would grow beyond its bound is
not read."""

import codecs
import re
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.http.gameball.decode import is_utf8

_MOST_CODINGS = 3
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_WIDE_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = re.compile(
    rb"(?P<utf_32_be>\0\0\0[^\0])|(?P<utf_32_le>[^\0]\0\0\0)|(?P<utf_16_be>\0[^\0])|(?P<utf_16_le>[^\0]\0)"
)
"""The first character without a byte order mark: it is ASCII in every JSON (RFC 4627 §3)."""
_ONE_BYTE = re.compile(r"iso8859-\d+|cp125\d|cp874|koi8-r|ascii")
_GZIP, _ZLIB, _BARE = 31, 15, -15


class AnswerText(NamedTuple):
    """An answer as UTF-8. `charset` is what it was written in, "" for UTF-8; `plain` are its bytes without a content coding."""

    utf8: bytes
    charset: str
    plain: bytes

    def written(self, utf8: bytes) -> bytes:
        """Another text, encoded as this one was."""
        return utf8.decode().encode(self.charset, "surrogatepass") if self.charset else utf8


def text_of(
    raw: bytes, headers: CIMultiDict[str] | CIMultiDictProxy[str] | Mapping[str, str], largest: int
) -> AnswerText | None:
    """None for what cannot be read, or would be more than `largest` bytes."""
    plain = _decoded(raw, headers, largest) if hdrs.CONTENT_ENCODING in headers else raw
    if plain is None:
        return None
    charset = _charset(plain, headers.get(hdrs.CONTENT_TYPE, ""))
    if charset is None:
        return None
    if not charset:
        return AnswerText(plain, "", plain)
    try:
        text = plain.decode(charset)
        utf8 = text.encode()
    except UnicodeError:
        return None
    return (
        AnswerText(utf8, charset, plain) if text.encode(charset) == plain and len(utf8) <= largest else None
    )


def _decoded(
    raw: bytes, headers: CIMultiDict[str] | CIMultiDictProxy[str] | Mapping[str, str], largest: int
) -> bytes | None:
    """Without its content codings."""
    plain: bytes | None = raw
    codings = [one.strip().lower() for one in _all(headers, hdrs.CONTENT_ENCODING).split(",")]
    codings = [one for one in codings if one not in ("", "identity")]
    if len(codings) > _MOST_CODINGS:
        return None
    for coding in reversed(codings):
        undo = _UNDO.get(coding)
        plain = undo(plain, largest) if undo is not None and plain is not None else None
    return plain


def _all(headers: Mapping[str, str], name: str) -> str:
    if isinstance(headers, CIMultiDict | CIMultiDictProxy):
        return ",".join(headers.getall(name, ()))
    return headers.get(name, "")


# ---- content codings ----


def _gunzip(raw: bytes, largest: int) -> bytes | None:
    """One member or several, one after the other."""
    parts: list[bytes] = []
    while raw:
        inflated = _inflated(raw, largest, _GZIP)
        if inflated is None:
            return None
        part, rest = inflated
        parts.append(part)
        largest -= len(part)
        raw = rest.lstrip(b"\0")
    return b"".join(parts)


def _undeflate(raw: bytes, largest: int) -> bytes | None:
    """In zlib's format, as it should be, or bare, as some servers send it."""
    inflated = _inflated(raw, largest, _ZLIB) or _inflated(raw, largest, _BARE)
    return inflated[0] if inflated else None


def _inflated(raw: bytes, largest: int, wbits: int) -> tuple[bytes, bytes] | None:
    """The stream at the beginning of `raw`, and what follows it."""
    inflater = zlib.decompressobj(wbits=wbits)
    try:
        found = inflater.decompress(raw, largest + 1)
    except zlib.error:
        return None
    return (found, inflater.unused_data) if inflater.eof and len(found) <= largest else None


_UNDO: dict[str, Callable[[bytes, int], bytes | None]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
}


# ---- charsets ----


def _charset(raw: bytes, content_type: str) -> str | None:
    """Its codec: "" for UTF-8, None for an unknown one."""
    if raw.isascii() and b"\0" not in raw[:4]:
        return ""
    for mark, charset in _WIDE_BOMS:
        if raw.startswith(mark):
            return charset
    wide = _WIDE.match(raw)
    if wide is not None and wide.lastgroup is not None:
        return wide.lastgroup.replace("_", "-")
    if is_utf8(raw):
        return ""
    declared = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(declared[1]).name if declared else ""
    except LookupError:
        return None
    return name if _ONE_BYTE.fullmatch(name) else None
