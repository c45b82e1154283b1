"""Answers in every encoding and charset: those that can be read, and those that cannot."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


# ---- reading bytes ----

JSON = b'{"customerId":"ann","name":"\xc3\xa9"}'


def deflated(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


READABLE: dict[str, tuple[Callable[[bytes], bytes], dict[str, str]]] = {
    "plain": (lambda raw: raw, {}),
    "identity": (lambda raw: raw, {"Content-Encoding": "identity"}),
    "gzip": (gzip.compress, {"Content-Encoding": "gzip"}),
    "x-gzip": (gzip.compress, {"Content-Encoding": "X-GZIP"}),
    "gzip in members": (lambda raw: gzip.compress(raw[:9]) + gzip.compress(raw[9:]), {"Content-Encoding": "gzip"}),
    "deflate": (zlib.compress, {"Content-Encoding": "deflate"}),
    "bare deflate": (deflated, {"Content-Encoding": "deflate"}),
    "gzip twice": (lambda raw: gzip.compress(gzip.compress(raw)), {"Content-Encoding": "gzip, gzip"}),
    "deflate, then gzip": (lambda raw: gzip.compress(zlib.compress(raw)), {"Content-Encoding": "deflate,gzip"}),
    "a mark": (lambda raw: b"\xef\xbb\xbf" + raw, {}),
    "UTF-16 with a mark": (lambda raw: raw.decode().encode("utf-16"), {}),
    "UTF-16 without one": (lambda raw: raw.decode().encode("utf-16-be"), {}),
    "UTF-32": (lambda raw: raw.decode().encode("utf-32"), {"Content-Type": "application/json; charset=utf-32"}),
    "Latin-1": (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "application/json; charset=ISO-8859-1"}),
    "Windows": (lambda raw: raw.decode().encode("cp1252"), {"Content-Type": 'text/json;charset="windows-1252"'}),
    "text": (lambda raw: raw, {"Content-Type": "text/plain"}),
    "bytes": (lambda raw: raw, {"Content-Type": "application/octet-stream"}),
    "no type": (lambda raw: raw, {"Content-Type": ""}),
}  # fmt: skip
UNREADABLE: dict[str, tuple[Callable[[bytes], bytes], dict[str, str]]] = {
    "br": (lambda raw: b"\x0b\x10\x80" + raw, {"Content-Encoding": "br"}),
    "zstd": (lambda raw: b"\x28\xb5\x2f\xfd" + raw, {"Content-Encoding": "zstd"}),
    "br in gzip": (gzip.compress, {"Content-Encoding": "br, gzip"}),
    "four codings": (lambda raw: raw, {"Content-Encoding": "gzip,gzip,gzip,gzip"}),
    "no gzip at all": (lambda raw: raw, {"Content-Encoding": "gzip"}),
    "half a gzip": (lambda raw: gzip.compress(raw)[:-9], {"Content-Encoding": "gzip"}),
    "gzip without its header": (gzip.compress, {}),
    "gzip in two headers": (gzip.compress, {"Content-Encoding": "gzip", "content-encoding": "br"}),
    "a bomb": (lambda raw: gzip.compress(raw + b" " * (17 << 20)), {"Content-Encoding": "gzip"}),
    "Latin-1 without its header": (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "application/json"}),
    "an unknown charset": (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "text/json; charset=x-klingon"}),
    "a charset that is none": (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "text/json; charset=base64"}),
}  # fmt: skip
