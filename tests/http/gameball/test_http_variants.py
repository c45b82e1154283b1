"""HTTP as clients speak it: spellings of targets, headers and bodies that mean what the plain ones mean."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.gameball.content_type import read_content_type
from gateway.http.gameball.envelope import BODY_TOO_LARGE, INVALID_PAYLOAD, WRONG_CONTENT_ENCODING, Fault
from gateway.http.gameball.header_names import poses_as_another
from gateway.http.gameball.inflate import unpacked
from tests.support.public_api import ask, save, send_raw

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

KEYS = "apikey: web-api-key-0123456789\r\nsecretkey: web-secret-key-0123456789\r\n"
ANN = "/api/v4.1/integrations/customers/ann"
BODY = b'{"customerId":"ann"}'
BOM = b"\xef\xbb\xbf"
TYPES = [
    "application/json",
    "application/json;charset=utf8",
    "application/json; odata=verbose",
    "application/json;odata.metadata=minimal;IEEE754Compatible=true",
    "application/json; version=1",
    "application/json; charset='utf-8'",
    'Application/JSON;charset="UTF-8"',
    "application/json; charset=us-ascii",
    "application/json; charset=latin1",
    "application/json; charset=utf-16",
    "application/json;",
    "application/json; charset",
    "application/json ; a=b ; charset = utf-8",
    "application/vnd.api+json",
    "application/problem+json; charset=utf-8",
    "application/vnd.shop.v1+json",
    "text/json",
    "",
]
OTHER_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=json",
    "application/xml",
    "application/jsonp",
    "application/x-json",
    "text/json+xml",
    "application/json, text/plain",
    "application/+json",
    "json",
]


def _raw_deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


PACKED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "GZIP": gzip.compress(BODY[:5]) + gzip.compress(BODY[5:]),
    "deflate": zlib.compress(BODY),
    "Deflate": _raw_deflate(BODY),
    "identity": BODY,
    "": BODY,
    "gzip, identity": gzip.compress(BODY),
    "identity,gzip": gzip.compress(BOM + BODY),
}


@pytest.mark.parametrize("content_type", TYPES)
def test_parameters_of_json_have_no_meaning(content_type: str) -> None:
    assert read_content_type(content_type).is_json


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_other_types_are_no_json(content_type: str) -> None:
    assert not read_content_type(content_type).is_json


async def test_a_body_is_read_with_any_media_type_parameter_and_compression(
    gateway: RunningGateway,
) -> None:
    for content_type in TYPES:
        headers = {"Content-Type": content_type}
        for data in (BODY, BOM + BODY):
            reply = await ask(gateway, "POST", "customers", headers=headers, data=data)
            assert reply.status == 200, content_type
    for encoding, data in PACKED.items():
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        reply = await ask(gateway, "POST", "customers", headers=headers, data=data)
        assert reply.status == 200, encoding


async def test_a_body_without_a_content_type_is_read(gateway: RunningGateway) -> None:
    head = f"POST {ANN[:-4]} HTTP/1.1\r\nHost: x\r\n{KEYS}Connection: close\r\n"
    status, _ = await send_raw(gateway, f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
    assert status == 200


@pytest.mark.parametrize(
    ("encodings", "raw", "fault"),
    [
        (["gzip"], gzip.compress(b"x" * 100_001), BODY_TOO_LARGE),
        (["gzip"], gzip.compress(b"x" * 10_000_000), BODY_TOO_LARGE),
        (["deflate"], zlib.compress(b"x" * 100_001), BODY_TOO_LARGE),
        (["gzip"], gzip.compress(b"x" * 60_000) * 2, BODY_TOO_LARGE),
        (["gzip"], gzip.compress(gzip.compress(b"x"))[:-1], INVALID_PAYLOAD),
        (["gzip"], gzip.compress(BODY) + b"more", INVALID_PAYLOAD),
        (["gzip"], gzip.compress(b"") * 10_000, INVALID_PAYLOAD),
        (["gzip"], BODY, INVALID_PAYLOAD),
        (["gzip"], b"", INVALID_PAYLOAD),
        (["deflate"], zlib.compress(BODY) * 2, INVALID_PAYLOAD),
        (["gzip, gzip"], gzip.compress(gzip.compress(BODY)), WRONG_CONTENT_ENCODING),
        (["gzip", "gzip"], gzip.compress(gzip.compress(BODY)), WRONG_CONTENT_ENCODING),
        (["gzip", "deflate"], BODY, WRONG_CONTENT_ENCODING),
        (["br"], BODY, WRONG_CONTENT_ENCODING),
        (["zstd"], BODY, WRONG_CONTENT_ENCODING),
        (["utf-8"], BODY, WRONG_CONTENT_ENCODING),
    ],
)
def test_a_broken_or_oversized_compressed_body_is_refused(
    encodings: list[str], raw: bytes, fault: Fault
) -> None:
    assert unpacked(raw, encodings, 100_000) == fault


def test_a_small_body_may_not_expand_up_to_the_limit() -> None:
    assert unpacked(gzip.compress(b" " * 900_000), ["gzip"], 1 << 20) == BODY_TOO_LARGE


@given(st.binary(max_size=2_000), st.sampled_from(["gzip", "deflate"]), st.integers(0, 2_000))
def test_decompression_gives_the_original_or_fails(raw: bytes, encoding: str, largest: int) -> None:
    packed = (gzip if encoding == "gzip" else zlib).compress(raw)
    assert unpacked(packed, [encoding], largest) == (raw if len(raw) <= largest else BODY_TOO_LARGE)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_decompressed_or_refused(raw: bytes, encoding: str) -> None:
    assert isinstance(unpacked(raw, [encoding], 10_000), bytes | Fault)


SPELLINGS = [
    (f"GET http://shop.example{ANN} HTTP/1.1", "Host: shop.example", 200),
    (f"GET HTTP://Shop.Example:80{ANN} HTTP/1.1", "Host: shop.example", 200),
    (f"GET https://shop.example{ANN}?a=b HTTP/1.1", "Host: shop.example:443", 200),
    (f"GET http://[::1]:8080{ANN}/ HTTP/1.1", "Host: [::1]:8080", 200),
    (f"GET http://shop.example{ANN} HTTP/1.0", "X-A: 1", 200),
    (f"GET http://other.example{ANN} HTTP/1.1", "Host: shop.example", 400),
    (f"GET http://shop.example:81{ANN} HTTP/1.1", "Host: shop.example", 400),
    (f"GET http://ann@shop.example{ANN} HTTP/1.1", "Host: shop.example", 400),
    (f"GET ftp://shop.example{ANN} HTTP/1.1", "Host: shop.example", 400),
    (f"GET http://shop.example//{ANN} HTTP/1.1", "Host: shop.example", 400),
    ("GET http://shop.example HTTP/1.1", "Host: shop.example", 404),
    ("GET http://shop.example/healthz HTTP/1.1", "Host: shop.example", 200),
    (f"GET {ANN} HTTP/1.0", "X-A: 1", 200),
    (f"GET {ANN} HTTP/1.0", "Host: shop.example", 200),
    (f"GET {ANN} HTTP/1.0", "Host: a b", 421),
    (f"GET {ANN}/ HTTP/1.1", "Host: x", 200),
    (f"GET {ANN}/?a=b/ HTTP/1.1", "Host: x", 200),
    (f"GET {ANN}// HTTP/1.1", "Host: x", 400),
    (f"GET {ANN}/./ HTTP/1.1", "Host: x", 400),
    (f"GET {ANN}/#a HTTP/1.1", "Host: x", 400),
    ("GET /healthz/ HTTP/1.1", "Host: x", 200),
    (f"HEAD {ANN} HTTP/1.1", "Host: x", 200),
    (f"GET {ANN} HTTP/1.1", "Host: x\r\nX_Shop: 7", 200),
    (f"GET {ANN} HTTP/1.1", "Host: x\r\nX_Forwarded_For: 7", 400),
    (f"GET {ANN} HTTP/1.1", "Host: x\r\nX-Name: Jos\xe9", 200),
    (f"GET {ANN} HTTP/1.1", "Host: x\r\nUser-Agent: Caf\xe9/1", 200),
    (f"GET {ANN} HTTP/1.1", "Host: x\r\nCookie: a=\xff\xfe", 200),
    (f"GET {ANN} HTTP/1.1", "Host: x\r\nIdempotency-Key: \xe9", 400),
]


async def test_every_spelling_of_a_request_is_served_or_refused(gateway: RunningGateway) -> None:
    await save(gateway)
    for line, headers, status in SPELLINGS:
        request = f"{line}\r\n{headers}\r\n{KEYS}Connection: close\r\n\r\n"
        assert (await send_raw(gateway, request.encode("latin-1")))[0] == status, (line, headers)


@pytest.mark.parametrize(
    ("name", "poses"),
    [
        *[(name, False) for name in ("X_Shop", "shop_id", "_", "X-Real-IP", "my_apikey_", "X_Origin")],
        *[
            (name, True)
            for name in (
                "X_Forwarded_For",
                "x_real_ip",
                "Content_Length",
                "TRANSFER_ENCODING",
                "api_key",
                "secret_key",
                "X_GB_TOKEN",
                "X_Gateway_Profile",
                "X_Forwarded-Anything",
                "Idempotency_Key",
                "X_HTTP_Method_Override",
                "Accept_Language",
                "Host_",
            )
        ],
    ],
)
def test_an_underscore_may_not_stand_for_a_hyphen(name: str, poses: bool) -> None:
    assert poses_as_another(name) is poses


async def test_a_packed_body_is_bounded_by_what_it_unpacks_to(gateway: RunningGateway) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    for blanks, status in ((60_000, 200), (70_000, 413)):
        data = gzip.compress(b" " * blanks + BODY)
        assert (await ask(gateway, "POST", "customers", headers=headers, data=data)).status == status
