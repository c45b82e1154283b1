"""What a browser is told of which pages may call, and which answers they may read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.errors import StoreUnavailable
from gateway.http.gameball.cors import EXPOSED
from gateway.pipeline import Pipeline
from tests.support.public_api import ACHIEVE, Reply, ask, names, save, send_raw

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

SHOP, OTHER = "https://shop.example.com", "https://evil.example.com"
SETTINGS = f'[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\ncors_origins = ["{SHOP}", "http://localhost:3000"]\n'
NO_KEYS = {"apikey": "", "secretkey": ""}


def told(reply: Reply) -> dict[str, str]:
    prefix = "Access-Control-"
    return {
        name.removeprefix(prefix): text for name, text in reply.headers.items() if name.startswith(prefix)
    }


def varies(reply: Reply) -> set[str]:
    return set(reply.headers.get("Vary", "").split(", "))


async def preflight(
    gateway: RunningGateway,
    path: str,
    method: str = "POST",
    *,
    origin: str = SHOP,
    asks: str = "",
    version: str = "v4.1",
) -> Reply:
    headers = NO_KEYS | {"Origin": origin, "Access-Control-Request-Method": method}
    if asks:
        headers["Access-Control-Request-Headers"] = asks
    return await ask(gateway, "OPTIONS", path, headers=headers, version=version)


async def test_a_preflight_is_told_the_methods_and_headers_of_the_operation(start: Start) -> None:
    async with start(SETTINGS) as gateway:
        for path, method, methods, headers in (
            ("customers", "POST", "POST", "apikey secretkey content-type x-gb-token"),
            ("customers/", "POST", "POST", "apikey secretkey content-type x-gb-token"),
            (ACHIEVE, "POST", "POST", "apikey secretkey content-type idempotency-key"),
            ("customers/ann", "GET", "DELETE GET HEAD", "apikey secretkey"),
            ("customers/ann", "DELETE", "DELETE GET HEAD", "apikey secretkey content-type"),
            ("customers/ann/tags", "DELETE", "DELETE POST", "apikey secretkey content-type"),
            ("customers/ann/activate", "PUT", "PUT", "apikey secretkey content-type"),
            ("customers/ann/activate", "PATCH", "PUT", "apikey secretkey content-type"),
            ("payments", "POST", "POST", "apikey secretkey content-type"),
            ("nothing", "POST", "DELETE GET HEAD PATCH POST PUT", "apikey secretkey content-type"),
        ):
            reply = await preflight(gateway, path, method)
            assert reply.status == 204
            assert told(reply) == {
                "Allow-Origin": SHOP,
                "Allow-Methods": methods.replace(" ", ", "),
                "Allow-Headers": headers.replace(" ", ", "),
                "Max-Age": "600",
                "Expose-Headers": ", ".join(EXPOSED),
            }, path
            assert varies(reply) == names(
                "Origin Access-Control-Request-Method Access-Control-Request-Headers"
            )


async def test_a_page_may_send_other_headers_but_none_that_poses_as_another(start: Start) -> None:
    async with start(SETTINGS) as gateway:
        reply = await preflight(
            gateway, "customers/ann", "GET", asks="APIKey, lang,traceparent , a b, X_Real_IP, é,"
        )
        assert told(reply)["Allow-Headers"] == "apikey, secretkey, lang, traceparent"


async def test_no_more_headers_are_named_than_a_request_may_have(start: Start) -> None:
    async with start(SETTINGS) as gateway:
        asks = ",".join(f"x-{number}" for number in range(1_000))
        allowed = told(await preflight(gateway, "customers/ann", "GET", asks=asks))["Allow-Headers"]
        assert allowed.split(", ")[:3] == ["apikey", "secretkey", "x-0"]
        assert len(allowed.split(", ")) == 102


async def test_a_page_of_another_origin_is_told_nothing(start: Start) -> None:
    async with start(SETTINGS) as gateway:
        for origin in (
            OTHER,
            "null",
            "",
            SHOP.upper(),
            f"{SHOP}.evil.example.com",
            f"{SHOP}/",
            f"{SHOP}:443",
            f"{SHOP}, {SHOP}",
            SHOP.replace("https", "http"),
            "http://localhost:3001",
            "*",
        ):
            asked = await preflight(gateway, "customers", origin=origin)
            called = await ask(gateway, "GET", "customers/ann", headers={"Origin": origin})
            assert (asked.status, called.status) == (204, 404)
            assert not told(asked)
            assert not told(called)
            assert "Origin" in varies(asked) & varies(called)


async def test_every_answer_can_be_read_and_says_what_it_varies_by(start: Start) -> None:
    channels = """
[[channel]]
name = "web"
api_key = "web-api-key-0123456789"
secret_key = "web-secret-key-0123456789"
rate_limit = { per_second = 1, burst = 4 }
"""
    readable = {"Allow-Origin": SHOP, "Expose-Headers": ", ".join(EXPOSED)}
    async with start(SETTINGS, channels=channels) as gateway:

        async def statuses(origin: str) -> list[int]:
            replies = [
                await ask(
                    gateway, "GET", "customers/ann", headers=headers | ({"Origin": origin} if origin else {})
                )
                for headers in ({}, NO_KEYS, {"X_Real_IP": "1"})
            ]
            replies.append(await ask(gateway, "PATCH", "customers/ann", headers={"Origin": origin}))
            replies.append(await ask(gateway, "GET", "nothing", headers={"Origin": origin}))
            for reply in replies:
                assert told(reply) == (readable if origin == SHOP else {})
                assert "Origin" in varies(reply)
            return [reply.status for reply in replies]

        for origin in (SHOP, OTHER, ""):
            assert await statuses(origin) == [404, 401, 400, 405, 404]
        full = await ask(gateway, "POST", "customers", headers={"Origin": SHOP}, json=[])
        limited = await ask(gateway, "GET", "customers/ann", headers={"Origin": SHOP})
        while limited.status == 404:  # more tokens came in the meantime
            limited = await ask(gateway, "GET", "customers/ann", headers={"Origin": SHOP})
        assert (full.status, limited.status) == (400, 429)
        assert told(limited) == readable
        async with gateway.client.get(f"{gateway.url}/healthz", headers={"Origin": SHOP}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == SHOP


async def test_an_outage_can_be_read_too(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start(SETTINGS) as gateway:
        for error, status in ((StoreUnavailable("away"), 503), (RuntimeError(), 500)):

            async def fails(*_: object, error: Exception = error) -> None:
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(Pipeline, "submit", fails)
                reply = await ask(
                    gateway, "POST", "customers", json={"customerId": "a"}, headers={"Origin": SHOP}
                )
            assert reply.status == status
            assert told(reply)["Allow-Origin"] == SHOP
            assert varies(reply) == {"Origin"}


async def test_a_request_that_cannot_be_read_is_answered_with_origins_too(start: Start) -> None:
    async with start(SETTINGS) as gateway:
        status, answer = await send_raw(gateway, f"GET /a b HTTP/1.1\r\nOrigin: {SHOP}\r\n\r\n".encode())
        assert status == 400
        assert b"Vary: Origin\r\n" in answer


async def test_a_preflight_needs_no_key_and_spends_nothing(start: Start) -> None:
    limits = "[limits]\nfailures_per_minute = 1\n"
    async with start(SETTINGS + limits) as gateway:
        before = await gateway.rows("SELECT COUNT(*) FROM audit")
        for origin in (SHOP, OTHER) * 3:
            assert (await preflight(gateway, "customers", origin=origin)).status == 204
        assert await gateway.rows("SELECT COUNT(*) FROM audit") == before
        assert (await ask(gateway, "GET", "customers/ann", headers=NO_KEYS)).status == 401


async def test_without_origins_no_page_may_call(gateway: RunningGateway) -> None:
    await save(gateway)
    replies = [
        await preflight(gateway, "customers"),
        await ask(gateway, "GET", "customers/ann", headers={"Origin": SHOP}),
    ]
    assert [reply.status for reply in replies] == [204, 200]
    assert not any(told(reply) or "Vary" in reply.headers for reply in replies)


def test_every_header_of_the_gateway_can_be_read_by_a_page() -> None:
    root = Path(__file__).parents[3] / "gateway/http"
    sources = [*root.glob("gameball/*.py"), *root.glob("proxy/*.py")]
    text = "".join(path.read_text() for path in sources)
    ours = set(re.findall(r'"(X-Gateway-[A-Za-z-]+|X-Request-Id|Idempotent-Replayed|Retry-After)"', text))
    assert len(ours) > 4
    assert ours <= set(EXPOSED)
