"""Answers get the channel's own customer ids, while everything else keeps its bytes. Pure.

Members are found by their names and quotes, wherever they occur. So ids are also replaced in an answer that parsers would not read
alike (a name twice, `NaN`, deep nesting, a byte order mark), and in one of an operation that names no customer according to its
documentation.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_ID = rb"(?:" + _STRING + rb"|-?\d+(?:\.0+)?)(?![\w.])"
_AFTER = rb'"\s*:\s*(?=["\d\[-])'
_PLAIN = tuple(
    re.compile(name + _AFTER) for name in (rb"customer_?(?:unique_?)?ids?", rb"player_?unique_?ids?")
)
_ESCAPED = re.compile(rb"\\u00[3-7][0-9a-f][a-z0-9_\\]{0,120}" + _AFTER)
"""The end of a name, in lower case; a letter of it may be written as an escape."""
_LONGEST_NAME = 120
_NAME = re.compile(r"(customer_?(unique_?)?id|player_?unique_?id)s?", re.IGNORECASE)
_ONE = re.compile(_ID, re.DOTALL)
_NEXT = re.compile(rb"[\s,]*(" + _ID + rb")", re.DOTALL)
_STRINGS = re.compile(_STRING, re.DOTALL)
_IN_A_NAME = (b"customer", b"player", b"\\u00")
"""Each name for a customer id, in lower case, has one of these in it: a word, or a letter that is written as an escape."""
_BOM = b"\xef\xbb\xbf"
_ESCAPE = re.compile(rb"\\u([0-9A-Fa-f]{4})")
_decode = msgspec.json.Decoder().decode
_decode_root = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class IdSpan(NamedTuple):
    """A customer id in an answer, from `start` to `end` with its quotes. `at_root`: in the object that is the whole answer, and the
    only one of its member."""

    start: int
    end: int
    customer_id: str
    at_root: bool


def ids_in(raw: bytes) -> list[IdSpan]:
    """All customer ids in members with such a name; whole numbers are read by their digits."""
    spans: list[IdSpan] = []
    counted, depth = 0, 0
    members = _members(raw)
    maybe_at_root = bool(members) and _may_name_at_root(raw.removeprefix(_BOM))
    for start, end in members:
        if maybe_at_root:
            depth += _depth(raw[counted:start])
            counted = start
        at_root = depth == 1 and raw[end : end + 1] != b"["
        spans += [
            IdSpan(*found.span(found.lastindex or 0), text, at_root) for found, text in _ids_from(raw, end)
        ]
    return spans


def _may_name_at_root(raw: bytes) -> bool:
    """A parser tells, so that the depths in a long list need not be counted."""
    try:
        return any(_NAME.fullmatch(name) for name in _decode_root(raw))
    except (ValueError, RecursionError):
        return raw.lstrip().startswith(b"{")


def _members(raw: bytes) -> list[tuple[int, int]]:
    """Where each name for a customer id begins, and where its value does."""
    lower = raw.lower()
    if not any(part in lower for part in _IN_A_NAME):
        return []
    found = [
        (member.start() - 1, member.end())
        for name in _PLAIN
        for member in name.finditer(lower)
        if lower[member.start() - 1 : member.start()] == b'"'
    ]
    for member in _ESCAPED.finditer(lower):
        start = lower.rfind(b'"', max(0, member.start() - _LONGEST_NAME), member.start())
        if start >= 0 and _NAME.fullmatch(_text(raw[start : raw.index(b'"', member.start()) + 1])):
            found.append((start, member.end()))
    return sorted(set(found))


def _ids_from(raw: bytes, start: int) -> Iterator[tuple[re.Match[bytes], str]]:
    """The id at `start`, or those of the list there."""
    many = raw[start : start + 1] == b"["
    found = _NEXT.match(raw, start + 1) if many else _ONE.match(raw, start)
    while found is not None:
        text = _text(found[found.lastindex or 0])
        if text:
            yield found, text
        found = _NEXT.match(raw, found.end()) if many else None


def _text(token: bytes) -> str:
    if not token.startswith(b'"'):
        return token.partition(b".")[0].decode()
    try:
        return str(_decode(token))
    except ValueError:
        return ""


def _depth(part: bytes) -> int:
    """How much deeper it is after `part` than before it."""
    bare = _STRINGS.sub(b"", part)
    return bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")


def replaced(raw: bytes, spans: Sequence[IdSpan], names: Sequence[str]) -> bytes:
    """`raw` with another id at each span; the same bytes where nothing changes."""
    parts: list[bytes] = []
    end = 0
    for span, name in zip(spans, names, strict=True):
        if name != span.customer_id:
            parts += (raw[end : span.start], _encode(name))
            end = span.end
    return b"".join((*parts, raw[end:])) if parts else raw


def is_json(raw: bytes) -> bool:
    """Whether some reader of JSON accepts it, also one that accepts `NaN` and a byte order mark."""
    bare = raw.removeprefix(_BOM)
    try:
        _decode(bare)
    except (ValueError, RecursionError):
        try:
            json.loads(bare)
        except (ValueError, RecursionError):
            return False
    return True


def holds(raw: bytes, customer_ids: Iterable[str], *, in_quotes: bool) -> bool:
    """Whether one of the ids still occurs in it: as a text of its own, or without `in_quotes`, as a word."""
    if b"\\" in raw:
        raw = _ESCAPE.sub(_unescaped, raw.replace(b"\\/", b"/"))
    return any(_stands(raw, one.encode(), in_quotes=in_quotes) for one in customer_ids)


def _unescaped(found: re.Match[bytes]) -> bytes:
    return chr(int(found[1], 16)).encode("utf-8", "replace")


def _stands(raw: bytes, written: bytes, *, in_quotes: bool) -> bool:
    if written not in raw:
        return False
    escaped = re.escape(written)
    pattern = rb'"' + escaped + rb'\\*"' if in_quotes else rb"(?<![\w-])" + escaped + rb"(?![\w-])"
    return re.search(pattern, raw) is not None
