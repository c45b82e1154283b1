"""Bodies: from bytes to one JSON object that every reader would read alike, or a fault. Size, content encoding, content type and
JSON are checked in this order."""

import asyncio
import json
from typing import Any

import msgspec
from aiohttp import hdrs, web

from gateway.clock import SECOND
from gateway.config import ServerSettings
from gateway.http.gameball.content_type import read_content_type
from gateway.http.gameball.envelope import (
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    INVALID_PAYLOAD,
    WRONG_CONTENT_TYPE,
    Fault,
)
from gateway.http.gameball.framing import go_on
from gateway.http.gameball.inflate import unpacked
from gateway.http.gameball.spelling import with_known_names

DEEPEST = 32
_decode = msgspec.json.Decoder().decode
_BOM = b"\xef\xbb\xbf"


async def read_object(
    request: web.BaseRequest, server: ServerSettings, names: tuple[str, ...]
) -> dict[str, Any] | Fault:
    """The object in the body. Members that are meant by one of the names have it, however they are spelled: frameworks read them
    so."""
    raw = await read_json(request, server.max_body, server)
    body = parse_object(raw) if isinstance(raw, bytes) else raw
    if isinstance(body, Fault):
        return body
    found = with_known_names(body, names)
    return INVALID_PAYLOAD if found is None else found


async def read_json(request: web.BaseRequest, largest: int, server: ServerSettings) -> bytes | Fault:
    """The bytes of a JSON body, at most `largest` of them, decompressed and without a byte order mark."""
    raw = await read_plain(request, largest, server)
    if isinstance(raw, Fault):
        return raw
    kind = read_content_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if not kind.is_json or not (kind.is_utf8 or is_utf8(raw)):
        return WRONG_CONTENT_TYPE
    return without_bom(raw)


async def read_plain(request: web.BaseRequest, largest: int, server: ServerSettings) -> bytes | Fault:
    """The decompressed body: at most `largest` bytes of it, before as well as after."""
    raw = await read_bytes(request, largest, server)
    encodings = request.headers.getall(hdrs.CONTENT_ENCODING, None)
    return raw if isinstance(raw, Fault) or encodings is None else unpacked(raw, encodings, largest)


def without_bom(raw: bytes) -> bytes:
    return raw.removeprefix(_BOM)


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


async def read_bytes(request: web.BaseRequest, largest: int, server: ServerSettings) -> bytes | Fault:
    """The body, at most `largest` bytes of it."""
    if (request.content_length or 0) > largest:
        return BODY_TOO_LARGE
    try:
        if request.content.is_eof():  # it came complete with the head: nothing to wait for
            raw = await request.read()
        else:
            await go_on(request)
            async with asyncio.timeout(server.body_timeout / SECOND):
                raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return BODY_TOO_LARGE
    except TimeoutError:
        return BODY_TOO_SLOW
    return raw if len(raw) <= largest else BODY_TOO_LARGE


def parse_object(raw: bytes) -> dict[str, Any] | Fault:
    value = parse(raw)
    return value if isinstance(value, dict | Fault) else INVALID_PAYLOAD


def parse(raw: bytes) -> Any | Fault:
    """Any JSON in UTF-8, except repeated names and deep nesting."""
    try:
        value = _decode(raw)
    except (ValueError, RecursionError):
        return INVALID_PAYLOAD
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and _is_deeper(value, DEEPEST):
        return INVALID_PAYLOAD
    if not _names_each_once(raw, value) and _repeats_a_name(raw):
        return INVALID_PAYLOAD
    return value


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for node in level for child in _children(node)]
    return any(isinstance(node, dict | list) for node in level)


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _names_each_once(raw: bytes, value: Any) -> bool:
    """True if that can be told by counting: every name ends in `":`, and there are as many of these as members. A blank before a
    colon or an escaped quote before one could hide a repetition or look like a name, so that needs a second check."""
    names = raw.count(b'":')
    if raw.count(b":") == names and b"\\" not in raw:
        return names == _count_members(value)
    if b" :" in raw or b"\t:" in raw or b"\n:" in raw or b"\r:" in raw or b'\\":' in raw:
        return False
    return names == _count_members(value)


def _count_members(value: Any) -> int:
    count, nodes = 0, [value]
    for node in nodes:
        if type(node) is dict:
            count += len(node)
            nodes += node.values()
        elif type(node) is list:
            nodes += node
    return count


def _repeats_a_name(raw: bytes) -> bool:
    try:
        json.loads(raw, object_pairs_hook=_object_without_repeats)
    except ValueError:
        return True
    return False


def _object_without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError
    return found
