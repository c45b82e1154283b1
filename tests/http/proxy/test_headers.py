"""Who says what in a header, and who believes it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.forwarding import forward_settings, forwarding
from tests.support.loyalty_platform import API_KEY, SECRET_KEY
from tests.support.public_api import ask

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

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
BELIEVED = """
Client-IP X-Client-IP Client_IP X-Cluster-Client-IP X-Real-IP True-Client-IP CF-Connecting-IP CF-Connecting-IPv6 Fastly-Client-IP
X-Azure-ClientIP X-Azure-SocketIP X-Source-IP X-Originating-IP X-Remote-IP X-Remote-Addr Remote-Addr X-ProxyUser-Ip X-IP
WL-Proxy-Client-IP Proxy-Client-IP X-Envoy-External-Address X-Appengine-User-IP Fly-Client-IP X-NF-Client-Connection-IP
Forwarded X-Forwarded X-Forwarded-For X-Forward-For Forwarded-For X-Forwarder-For X-Forwarded-Host X-Forwarded-Proto
X-Forwarded-Scheme X-Forwarded-Prefix X-Forwarded-Path X-Forwarded-Port X-Forwarded-Server X-Forwarded-User X-Forwarded-Client-Cert
X-Host X-HTTP-Host-Override X-Original-Host X-Host-Override X-Server-Name X-Original-URL X-Rewrite-URL X-Original-URI X-Override-URL
X-HTTP-DestinationURL Request-Uri X-Url Base-Url X-Base-Path X-Script-Name X-Path-Info X-Middleware-Subrequest X-Accel-Redirect
X-HTTP-Method-Override X-HTTP-Method X-Method-Override X-Method X-Scheme X-Url-Scheme X-Proto Front-End-Https X-SSL-Client-Cert
SSL-Client-Verify Client-Cert Client-Cert-Chain X-Client-Cert X-Client-DN X-Client-Verify Remote-User X-Remote-User X-Remote-Groups
X-WebAuth-User X-Authenticated-User X-Auth-Request-Email X-Goog-Authenticated-User-Email X-Goog-IAP-JWT-Assertion
X-Amzn-Oidc-Identity X-MS-Client-Principal X-MS-Client-Principal-Id CF-Access-Jwt-Assertion X-Consumer-Username
X-Credential-Identifier Tailscale-User-Login X-ARR-SSL X-ARR-LOG-ID Proxy Proxy-Host X-Gateway-Profile
"""
UNBELIEVED = """
X-Client-Version X-Client-Name X-Device-Id X-Shop X-Zip X-Tips X-Ghost-Mode X-Pathway X-Urls X-Hosts-Seen X-Api-Version X-Schema
X-Methods X-Correlation-Id lang Referer From Prefer DNT X-Remotely X-CFO
"""
PASSED = {
    "lang": "ar",
    "Accept-Language": "ar",
    "User-Agent": "till/7",
    "Accept": "*/*",
    "X-Shop": "7",
    "Cookie": "a=1",
}


async def test_headers_that_only_the_gateway_may_set_are_dropped_from_a_client(
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


async def test_headers_that_servers_trust_are_dropped_from_every_client(
    forward: RunningGateway, platform: Platform
) -> None:
    names = [name for name in BELIEVED.split() if "_" not in name]
    for at in range(0, len(names), 60):
        headers = dict.fromkeys([*names[at : at + 60], *UNBELIEVED.split()], "6.6.6.6")
        assert (await ask(forward, "GET", "configurations/tiers", headers=headers)).status == 200
        seen = platform.seen[-1].headers
        arrived = {name.lower() for name, value in seen.items() if value == "6.6.6.6"}
        assert arrived == set(UNBELIEVED.lower().split())


@pytest.mark.parametrize("name", [name for name in BELIEVED.split() if "-" in name][::7])
async def test_a_trusted_header_name_is_not_accepted_with_an_underscore(
    forward: RunningGateway, platform: Platform, name: str
) -> None:
    reply = await ask(forward, "GET", "configurations/tiers", headers={name.replace("-", "_"): "6.6.6.6"})
    assert (reply.status, platform.seen) == (400, [])


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


async def test_a_client_that_expects_100_continue_gets_it(
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
async def test_only_trusted_channels_learn_the_profile_of_a_call(
    forward: RunningGateway, channel: str
) -> None:
    reply = await ask(forward, "POST", "customers", channel=channel, json={"customerId": "ann"})
    assert (
        ("X-Gateway-Profile" in reply.headers)
        == ("X-Gateway-Decision" in reply.headers)
        == (channel == "web")
    )


class Raw:
    """A platform that answers every request with one header of a test's own making."""

    def __init__(self) -> None:
        self.value = b"1"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-A: %b\r\nContent-Length: 2\r\n\r\n{}" % self.value)
        writer.close()


async def test_an_answer_with_a_control_character_in_a_header_is_a_502_in_the_log_too(start: Start) -> None:
    platform = Raw()
    server = await asyncio.start_server(platform.answer, "127.0.0.1", 0)
    url = "http://{}:{}".format(*server.sockets[0].getsockname())
    answered = dict[bytes, int]()
    async with server, start(forward_settings(url)) as gateway:
        for value in (
            *(b"a%cb" % code for code in (*range(9), *range(10, 32), 127)),
            b"a\tb",
            b"caf\xc3\xa9",
            b"caf\xe9",
        ):
            platform.value = value
            reply = await ask(gateway, "GET", "configurations/tiers")
            answered[value] = reply.status
    fine = {b"a\tb", b"caf\xc3\xa9", b"caf\xe9"}
    assert {value for value, status in answered.items() if status == 200} == fine
    log = map(json.loads, (gateway.directory / "gateway.log").read_text().splitlines())
    assert [line["status"] for line in log if line["event"] == "request"] == list(answered.values())
