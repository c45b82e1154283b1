"""HTTP as clients speak it, and what of it the platform gets to see."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import TYPE_CHECKING

import pytest

from gateway.http.gameball.webhook import _signature
from tests.support.forwarding import forwarding
from tests.support.loyalty_platform import SECRET_KEY
from tests.support.public_api import ask, send_raw

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

KEYS = b"apikey: pos-api-key-0123456789\r\nsecretkey: pos-secret-key-0123456789\r\n"
BODY = b'{"customerId":"ann","tags":"a","note":1.50}'
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("path", ["customers", "customers/ann/tags", "events"])
async def test_the_platform_sees_a_plain_body_of_the_right_length(
    forward: RunningGateway, platform: Platform, path: str
) -> None:
    platform.ensure("ann")
    kind = {"Content-Type": "application/json; odata=verbose"}
    for headers, data in (
        ({"Content-Encoding": "gzip"}, gzip.compress(BODY)),
        ({"Content-Encoding": "deflate", "Digest": "sha-256=x"}, zlib.compress(BODY)),
        ({"Content-Encoding": "identity"}, BODY),
        ({"Digest": "sha-256=x"}, BOM + BODY),
        ({"Content-Encoding": "gzip"}, gzip.compress(BOM + BODY)),
    ):
        assert (await ask(forward, "POST", path, headers=kind | headers, data=data)).status == 200, headers
        seen = platform.seen[-1]
        assert seen.body == BODY
        assert seen.headers["Content-Length"] == str(len(BODY))
        assert seen.headers["Content-Type"] == kind["Content-Type"]
        assert not {"Content-Encoding", "Digest"} & set(seen.headers)


async def test_a_compressed_body_without_a_customer_passes_unchanged(
    forward: RunningGateway, platform: Platform
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "br"}
    await ask(forward, "PUT", "configurations/coupon", headers=headers, data=b"packed")
    assert platform.seen[0].body == b"packed"
    assert platform.seen[0].headers["Content-Encoding"] == "br"


@pytest.mark.parametrize(
    ("content_type", "sent"),
    [
        ("application/json; charset=latin1", "application/json; charset=utf-8"),
        ("application/vnd.api+json;charset=utf-16", "application/vnd.api+json; charset=utf-8"),
        ("application/json;charset=utf8", "application/json;charset=utf8"),
        ("text/json", "text/json"),
    ],
)
async def test_a_body_that_was_read_as_utf8_is_sent_as_utf8(
    forward: RunningGateway, platform: Platform, content_type: str, sent: str
) -> None:
    headers = {"Content-Type": content_type}
    raw = '{"customerId":"Jos\xe9"}'
    assert (await ask(forward, "POST", "customers", headers=headers, data=raw.encode())).status == 200
    assert platform.seen[0].headers["Content-Type"] == sent
    assert (await ask(forward, "POST", "customers", headers=headers, data=raw.encode("latin1"))).status in {
        400,
        415,
    }
    assert len(platform.seen) == 1


@pytest.mark.parametrize(
    "line",
    [
        "DELETE /api/v4.1/integrations/customers/ann/tags/a",
        "POST /api/v4.1/integrations/customers/ann/notifications/read",
        "POST /api/v4.1/integrations/orders?customerId=ann",
        "DELETE /api/v3.0/integrations/player/ann/tags",
        "DELETE /api/v4.1/integrations/customers/ann",
    ],
)
async def test_a_body_of_chunks_without_a_byte_is_no_body(
    forward: RunningGateway, platform: Platform, line: str
) -> None:
    platform.ensure("ann")
    head = f"{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n".encode()
    status, _ = await send_raw(forward, head + KEYS + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert status == 200
    assert (platform.seen[0].raw_path, platform.seen[0].body) == (line.partition(" ")[2], b"")


async def test_other_headers_pass_byte_for_byte(forward: RunningGateway, platform: Platform) -> None:
    head = (
        b"GET http://x/api/v4.1/integrations/customers/ann/?a=1 HTTP/1.0\r\nX_Shop: 7\r\nX-Name: Jos\xe9\r\n"
    )
    platform.ensure("ann")
    assert (await send_raw(forward, head + KEYS + b"\r\n"))[0] == 200
    (seen,) = platform.seen
    assert seen.raw_path == "/api/v4.1/integrations/customers/ann?a=1"
    assert seen.headers["X_Shop"] == "7"
    assert seen.headers["X-Name"].encode("utf-8", "surrogateescape") == b"Jos\xe9"


async def test_what_follows_an_upgrade_in_the_same_packet_is_carried_out(
    forward: RunningGateway, platform: Platform
) -> None:
    head = (
        b"POST /api/v4.1/integrations/customers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        + KEYS
    )
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    reader, writer = await asyncio.open_connection(*forward.url.removeprefix("http://").split(":"))
    bodies = [b'{"customerId":"ann"}', b'{"customerId":"bob"}']
    length = b"Content-Length: 20\r\n"
    last = b"Connection: close\r\n"
    writer.write(head + upgrade + length + b"\r\n" + bodies[0] + head + last + length + b"\r\n" + bodies[1])
    answers = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert [seen.json["customerId"] for seen in platform.seen] == ["ann", "bob"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("signed_with_mark", [False, True])
async def test_a_webhook_of_the_platform_may_begin_with_a_byte_order_mark(
    forward: RunningGateway, packed: bool, signed_with_mark: bool
) -> None:
    text = json.dumps({"event": "customer.profile.updated", "customer_id": "ann", "created_at": 1}).encode()
    headers = {"X-GB-Signature": _signature(BOM + text if signed_with_mark else text, SECRET_KEY).decode()}
    data = BOM + text
    if packed:
        data, headers["Content-Encoding"] = gzip.compress(data), "gzip"
    async with forward.client.post(f"{forward.url}/webhooks/gameball/", data=data, headers=headers) as answer:
        assert answer.status == 200


async def test_a_report_that_the_platform_answers_may_be_compressed(start: Start, platform: Platform) -> None:
    platform.ensure("ann")
    report = b'{"customerId":"ann","challengeId":11664}'
    headers = {"Content-Type": "text/json", "Content-Encoding": "gzip"}
    async with forwarding(start, platform, more='[achievements]\ndelivery = "direct"\n') as gateway:
        await ask(gateway, "POST", "customers", json={"customerId": "ann"})
        reply = await ask(
            gateway, "POST", "customers/social-challenges", headers=headers, data=gzip.compress(BOM + report)
        )
    assert reply.status == 202
    assert platform.seen[-1].body == report
    assert "Content-Encoding" not in platform.seen[-1].headers


async def test_an_old_client_gets_an_answer_of_unknown_length_whole(
    forward: RunningGateway, platform: Platform
) -> None:
    platform.always = "unmeasured"
    request = b"GET /api/v4.1/integrations/configurations/tiers HTTP/1.0\r\n" + KEYS + b"\r\n"
    status, answer = await send_raw(forward, request)
    assert status == 200
    assert b"Transfer-Encoding" not in answer
    assert answer.endswith(b"\r\n\r\n{}")
