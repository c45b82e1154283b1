"""Requests on which two readers could disagree: what the gateway answers, and what of it the platform gets to see."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.nginx_server import serving_nginx

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway

KEYS = "apikey: pos-api-key-0123456789\r\nsecretkey: pos-secret-key-0123456789\r\n"
HEAD = f"Host: gateway.example\r\n{KEYS}"
GET = "GET /api/v4.1/integrations/customers/ann HTTP/1.1\r\n"
POST = "POST /api/v4.1/integrations/customers HTTP/1.1\r\n"
ORDERS = "POST /api/v4.1/integrations/batch/orders/transactions HTTP/1.1\r\n"
JSON = "Content-Type: application/json\r\n"
BODY = '{"customerId":"ann"}'
LENGTH = f"Content-Length: {len(BODY)}\r\n"
HIDDEN = f"DELETE /api/v4.1/integrations/customers/ann HTTP/1.1\r\n{HEAD}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKS = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"


class Case(NamedTuple):
    """What is sent and what it is answered; `passes` is how many requests the platform sees of it."""

    name: str
    raw: str
    status: int
    passes: int = 0


def _get(name: str, *headers: str, status: int = 400, passes: int = 0, line: str = GET) -> Case:
    lines = "".join(f"{header}\r\n" for header in headers)
    return Case(name, f"{line}{HEAD}{lines}Connection: close\r\n\r\n", status, passes)


def _post(name: str, framing: str, body: str, status: int = 400, passes: int = 0, head: str = HEAD) -> Case:
    return Case(name, f"{POST}{head}{JSON}{framing}\r\n{body}", status, passes)


CASES = [
    # ---- lengths and encodings ----
    _post("a plain body", LENGTH + "Connection: close\r\n", BODY, 200, 1),
    _post("a chunked body", CHUNKED + "Connection: close\r\n", CHUNKS, 200, 1),
    _post("length and chunks", LENGTH + CHUNKED, CHUNKS + HIDDEN),
    _post("chunks and length", CHUNKED + LENGTH, CHUNKS + HIDDEN),
    _post("two lengths", LENGTH + "Content-Length: 2\r\n", BODY + HIDDEN),
    _post("the same length twice", LENGTH + LENGTH, BODY + HIDDEN),
    _post("a list of lengths", f"Content-Length: {len(BODY)}, {len(BODY)}\r\n", BODY + HIDDEN),
    _post("a length with a sign", f"Content-Length: +{len(BODY)}\r\n", BODY + HIDDEN),
    _post("a negative length", "Content-Length: -1\r\n", BODY + HIDDEN),
    _post("a length in hex", "Content-Length: 0x14\r\n", BODY + HIDDEN),
    _post("a length with a blank in it", "Content-Length: 2 0\r\n", BODY + HIDDEN),
    _post("an empty length", "Content-Length: \r\n", BODY + HIDDEN),
    _post("a blank before the colon", f"Content-Length : {len(BODY)}\r\n", BODY + HIDDEN),
    _post("a tab before the colon", "Transfer-Encoding\t: chunked\r\n", CHUNKS + HIDDEN),
    _post("an unknown encoding", "Transfer-Encoding: xchunked\r\n", CHUNKS + HIDDEN),
    _post("chunked and something after it", "Transfer-Encoding: chunked, identity\r\n", CHUNKS + HIDDEN),
    _post("chunked twice", "Transfer-Encoding: chunked, chunked\r\n", CHUNKS + HIDDEN),
    _post("two encodings in two headers", CHUNKED + "Transfer-Encoding: identity\r\n", CHUNKS + HIDDEN),
    _post("identity", "Transfer-Encoding: identity\r\n", BODY + HIDDEN),
    _post("gzip before chunked", "Transfer-Encoding: gzip, chunked\r\n", CHUNKS + HIDDEN, 501),
    _post("an encoding with a control character", "Transfer-Encoding: \x0bchunked\r\n", CHUNKS + HIDDEN),
    _post("a quoted encoding", 'Transfer-Encoding: "chunked"\r\n', CHUNKS + HIDDEN),
    _post("an empty encoding", "Transfer-Encoding: \r\n", CHUNKS + HIDDEN),
    Case("chunks in HTTP/1.0", f"{POST.replace('1.1', '1.0')}{HEAD}{JSON}{CHUNKED}\r\n{CHUNKS}{HIDDEN}", 400),
    _post("a chunk size in 0x", CHUNKED, f"0x{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n" + HIDDEN),
    _post("a chunk size with a sign", CHUNKED, f"+{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n" + HIDDEN),
    _post("a chunk that ends in LF alone", CHUNKED, f"{len(BODY):x}\n{BODY}\r\n0\r\n\r\n" + HIDDEN),
    _post("a chunk extension that ends in LF", CHUNKED, f"{len(BODY):x};a\n{BODY}\r\n0\r\n\r\n" + HIDDEN),
    _post("a chunk longer than it says", CHUNKED, f"5\r\n{BODY}\r\n0\r\n\r\n" + HIDDEN),
    _post("a chunk size beyond all numbers", CHUNKED, f"{'f' * 20}\r\n{BODY}\r\n0\r\n\r\n" + HIDDEN),
    # ---- lines ----
    Case("a bare LF in the head", f"{GET}{HEAD}X-A: 1\nX-B: 2\r\n\r\n{HIDDEN}", 400),
    Case("a bare CR in the head", f"{GET}{HEAD}X-A: 1\rX-B: 2\r\n\r\n{HIDDEN}", 400),
    Case("a folded header", f"{GET}{HEAD}X-A: 1\r\n 2\r\n\r\n{HIDDEN}", 400),
    Case("NUL in a value", f"{GET}{HEAD}X-A: 1\x002\r\n\r\n{HIDDEN}", 400),
    _get("a control character in a value", "X-A: 1\x012"),
    _get("DEL in a value", "X-A: 1\x7f2"),
    _get("bytes that are no UTF-8 in a value", "X-A: \udcff", status=200, passes=1),
    _get("bytes that are no UTF-8 in a value that is read", "Via: 1.1 \udcff"),
    _get("an underscore in a name", "X_Forwarded_For: 1.2.3.4"),
    _get("an underscore in a name of HTTP's own", "Content_Type: text/xml"),
    _get("an underscore in a name without a meaning", "X_Shop: 7", status=200, passes=1),
    _get("a name with a bracket", "X-A[]: 1"),
    _get("an empty name", ": 1"),
    _get("a lower-case method", line=GET.replace("GET", "get")),
    _get("HTTP/1.2", line=GET.replace("1.1", "1.2")),
    _get("HTTP/2.0", line=GET.replace("1.1", "2.0")),
    _get("HTTP/0.9", line=GET.replace(" HTTP/1.1", "")),
    # ---- hosts ----
    Case("no host", f"{GET}{KEYS}\r\n", 400),
    Case("two hosts", f"{GET}{HEAD}Host: other.example\r\n\r\n", 400),
    Case("a host with a path", f"{GET}Host: a/b@c\r\n{KEYS}Connection: close\r\n\r\n", 421),
    Case("a host with a blank", f"{GET}Host: a b\r\n{KEYS}Connection: close\r\n\r\n", 421),
    # ---- targets ----
    _get(
        "absolute form of another host",
        line="GET http://other.example/api/v4.1/integrations/customers/ann HTTP/1.1\r\n",
    ),
    _get(
        "absolute form",
        line="GET http://gateway.example/api/v4.1/integrations/customers/ann HTTP/1.1\r\n",
        status=200,
        passes=1,
    ),
    _get("a fragment", line="GET /api/v4.1/integrations/customers/ann#x HTTP/1.1\r\n"),
    _get("a backslash", line="GET /api/v4.1/integrations\\customers/ann HTTP/1.1\r\n"),
    _get("an asterisk", line="OPTIONS * HTTP/1.1\r\n"),
    _get("CONNECT", line="CONNECT other.example:443 HTTP/1.1\r\n"),
    # ---- bodies where none belong, upgrades, expectations ----
    Case("a body on GET", f"{GET}{HEAD}{LENGTH}\r\n{BODY}{HIDDEN}", 400),
    Case("a chunked body on GET", f"{GET}{HEAD}{CHUNKED}\r\n{CHUNKS}{HIDDEN}", 400),
    _get("an upgrade to h2c", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", status=200, passes=1),
    _get("an upgrade to a web socket", "Upgrade: websocket", status=200, passes=1),
    _post("an unknown expectation", LENGTH + "Expect: 200-ok\r\n", BODY + HIDDEN, 417),
    _post(
        "a body that is not what it says", LENGTH + "Content-Encoding: gzip\r\nConnection: close\r\n", BODY
    ),
    _post("two encodings", LENGTH + "Content-Encoding: gzip, gzip\r\nConnection: close\r\n", BODY, 415),
    _post("an encoding of another kind", LENGTH + "Content-Encoding: br\r\nConnection: close\r\n", BODY, 415),
    _get("129 headers", *(f"X-{n}: 1" for n in range(129))),
    _get("a header of 9,000 bytes", f"X-A: {'a' * 9_000}"),
    _get("a target of 9,000 bytes", line=f"GET /api/v4.1/integrations/customers/{'a' * 9_000} HTTP/1.1\r\n"),
]


async def send(url: str, raw: str, patience: float = 10) -> list[int]:
    """The statuses of all answers on one connection, until it is closed or nothing more comes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw.encode("utf-8", "surrogateescape"))
    answer = b""
    with contextlib.suppress(TimeoutError):
        while piece := await asyncio.wait_for(reader.read(65_536), patience):
            answer += piece
    writer.close()
    return [int(status) for status in re.findall(rb"^HTTP/\d\.\d (\d{3}) ", answer, re.MULTILINE)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_no_ambiguous_request_gets_through(
    forward: RunningGateway, platform: Platform, case: Case
) -> None:
    async with forward.call("POST", "customers", channel="pos", json={"customerId": "ann"}) as answer:
        assert answer.status == 200
    platform.seen.clear()
    assert await send(forward.url, case.raw) == [case.status]
    assert len(platform.seen) == case.passes
    assert "ann" in platform.customers
    for seen in platform.seen:
        framing = {name for name in ("Content-Length", "Transfer-Encoding") if name in seen.headers}
        assert len(framing) == (seen.method == "POST")
        assert not {"Upgrade", "HTTP2-Settings", "TE", "Expect"} & set(seen.headers)


async def test_f30_requests_that_nginx_refuses_never_get_through(tmp_path: Path, platform: Platform) -> None:
    """A second opinion on every request above, by nginx in front of the same platform."""
    platform.limits = False
    stricter = set[str]()
    with serving_nginx(tmp_path, platform.url) as url:
        for case in CASES:
            platform.seen.clear()
            answers = await send(url, case.raw.replace("/api/", "/platform/api/", 1), 0.5)
            lets_through = bool(platform.seen)
            assert lets_through or not case.passes, (case.name, answers)
            if lets_through and not case.passes:
                stricter.add(case.name)
    assert {"a bare LF in the head", "an underscore in a name", "a body on GET"} <= stricter
