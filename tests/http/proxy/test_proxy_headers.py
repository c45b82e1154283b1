"""Who says what in a header, and who believes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from asking import ask
from forwarding import forwarding
from loyalty_platform import API_KEY, SECRET_KEY

if TYPE_CHECKING:
    from conftest import RunningGateway, Start
    from loyalty_platform import Platform

SPOOFED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Uri": "/admin",
    "X-Forwarded-Proto": "gopher",
    "Forwarded": "for=6.6.6.6",
    "X-Real-IP": "6.6.6.6",
    "X-Request-Id": "chosen",
    "X-Gateway-Profile": "prf_chosen",
    "X-Original-URL": "/admin",
    "X-Rewrite-URL": "/admin",
    "X-HTTP-Method-Override": "DELETE",
    "Remote-User": "root",
    "X-GB-TOKEN": "token",
    "TransactionKey": "key",
    "TE": "trailers",
    "Keep-Alive": "timeout=5",
    "Proxy-Authorization": "Basic eDp5",
    "Proxy-Connection": "keep-alive",
    "Trailer": "X-Late",
    "Upgrade": "h2c",
    "X-Hop": "by hop",
    "Connection": "close, X-Hop, apikey",
}
PASSED = {
    "lang": "ar",
    "Accept-Language": "ar",
    "User-Agent": "till/7",
    "Accept": "*/*",
    "X-Shop": "7",
    "Cookie": "a=1",
}


async def test_what_only_the_gateway_may_say_is_not_taken_from_a_client(
    forward: RunningGateway, platform: Platform
) -> None:
    reply = await ask(forward, "GET", "configurations/tiers", channel="pos", headers=SPOOFED | PASSED)
    assert reply.status == 200
    (seen,) = platform.seen
    ours = {"X-Forwarded-For": "127.0.0.1", "X-Request-Id": reply.headers["X-Request-Id"]}
    assert {name: seen.headers[name] for name in ours} == ours
    assert (seen.headers["apikey"], seen.headers["secretkey"]) == (API_KEY, SECRET_KEY)
    assert not {name for name in SPOOFED if name in seen.headers} - set(ours)
    assert {name: seen.headers[name] for name in PASSED} == PASSED
    assert seen.headers["Via"].startswith("1.1 gateway-")
    assert not {value for value in seen.headers.values() if value in SPOOFED.values()}


async def test_the_address_is_taken_from_a_proxy_of_ours_only(start: Start, platform: Platform) -> None:
    more = (
        '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\ntrusted_proxies = ["127.0.0.1/32"]'
    )
    async with forwarding(start, platform, more=more) as gateway:
        await ask(gateway, "GET", "configurations/tiers", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})
    assert platform.seen[0].headers.getall("X-Forwarded-For") == ["203.0.113.9"]


async def test_a_call_that_comes_back_is_refused(forward: RunningGateway, platform: Platform) -> None:
    await ask(forward, "GET", "configurations/tiers", headers={"Via": "1.0 fred, 1.1 gateway-00000000"})
    via = platform.seen[0].headers.getall("Via")
    assert via[0] == "1.0 fred, 1.1 gateway-00000000"
    reply = await ask(forward, "GET", "configurations/tiers", headers={"Via": ", ".join(via)})
    assert reply.fault == (508, 2000, "REQUEST_ERROR")
    assert len(platform.seen) == 1


async def test_the_upstreams_headers_are_relayed_without_those_of_its_connection(
    forward: RunningGateway, platform: Platform
) -> None:
    for name, value in {
        "apikey": API_KEY,
        "SecretKey": SECRET_KEY,
        "X-Request-Id": "theirs",
        "X-Gateway-Profile": "prf_theirs",
        "Connection": "X-Hop",
        "X-Hop": "1",
        "Keep-Alive": "timeout=5",
        "Proxy-Authenticate": "Basic",
        "Alt-Svc": 'h3=":443"',
        "X-Rate": "7",
        "ETag": '"1"',
    }.items():
        platform.headers.add(name, value)
    reply = await ask(forward, "GET", "configurations/tiers")
    assert reply.headers["X-Rate"] == "7"
    assert reply.headers["Server"] == "Kestrel"
    assert reply.headers["ETag"] == '"1"'
    assert reply.headers["X-Request-Id"].startswith("req_")
    assert not {
        "apikey",
        "secretkey",
        "X-Hop",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Alt-Svc",
        "X-Gateway-Profile",
    } & set(reply.headers)
    async with forward.call("GET", "configurations/tiers") as answer:
        assert len(answer.headers.getall("Set-Cookie")) == 2


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(
    forward: RunningGateway, platform: Platform
) -> None:
    body = b'{"anything":1}'
    head = (
        "PUT /api/v4.1/integrations/configurations/coupon HTTP/1.1\r\nHost: a\r\napikey: pos-api-key-0123456789\r\n"
        f"secretkey: pos-secret-key-0123456789\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(*forward.url.removeprefix("http://").split(":"))
    writer.write(head.encode())
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert not platform.seen
    writer.write(body)
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 200 OK")
    writer.close()
    assert platform.seen[0].body == body
    assert "Expect" not in platform.seen[0].headers


@pytest.mark.parametrize("channel", ["web", "callcenter"])
async def test_whom_a_call_led_to_is_told_to_trusted_channels_only(
    forward: RunningGateway, channel: str
) -> None:
    reply = await ask(forward, "POST", "customers", channel=channel, json={"customerId": "ann"})
    assert (
        ("X-Gateway-Profile" in reply.headers)
        == ("X-Gateway-Decision" in reply.headers)
        == (channel == "web")
    )
