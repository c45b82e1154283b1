"""The client's own protection against repeats: one key, one request, one answer, inside one (channel, route)."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from gateway.http.gameball.envelope import WRONG_IDEMPOTENCY_KEY, Fault

HEADER = "Idempotency-Key"
_BARE = re.compile(r"[!-~]{1,255}")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_canonical = msgspec.json.Encoder(order="sorted").encode


def token(request: web.BaseRequest) -> str | Fault | None:
    """The key, the same whether it came bare or as a quoted string (RFC 8941); None if there is none."""
    values = request.headers.getall(HEADER, None)
    if values is None:
        return None
    text = values[0].strip()
    if quoted := _QUOTED.fullmatch(text):
        text = quoted[1].replace('\\"', '"').replace("\\\\", "\\")
    if len(values) > 1 or not _BARE.fullmatch(text):
        return WRONG_IDEMPOTENCY_KEY
    return text


def fingerprint(channel: str, route: str, body: Mapping[str, Any]) -> bytes:
    """SHA-256 over channel, method, route template and canonical JSON: spacing and the order of members do not count."""
    return hashlib.sha256(f"{channel}\n{route}\n".encode() + _canonical(body)).digest()
