"""Pages that call through to the platform: what it says of origins itself stays there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.http.gameball.cors import EXPOSED
from tests.support.forwarding import forwarding
from tests.support.public_api import ask

if TYPE_CHECKING:
    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import Start

SHOP = "https://shop.example.com"
SERVER = '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
THEIRS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "*",
    "Access-Control-Expose-Headers": "X-Theirs",
    "access-control-allow-private-network": "true",
}


async def test_the_platforms_cors_headers_are_replaced(start: Start, platform: Platform) -> None:
    platform.limits = False
    platform.headers.update(THEIRS)
    platform.headers.add("Vary", "Accept-Encoding, origin")
    platform.headers.add("Vary", "Accept")
    async with forwarding(start, platform, more=f'{SERVER}cors_origins = ["{SHOP}"]\n') as gateway:
        for path in ("configurations/tiers", "customers/ann", "nothing-there"):
            for origin, allowed in ((SHOP, [SHOP]), ("https://evil.example.com", [])):
                async with gateway.call("GET", path, headers={"Origin": origin}) as answer:
                    assert answer.headers.getall("Access-Control-Allow-Origin", []) == allowed
                    found = {name for name in answer.headers if name.lower().startswith("access-control-")}
                    assert found == (
                        {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"} if allowed else set()
                    )
                    if allowed:
                        assert answer.headers["Access-Control-Expose-Headers"] == ", ".join(EXPOSED)
                    varies = [name.strip().lower() for name in answer.headers["Vary"].split(",")]
                    assert varies.count("origin") == 1
        assert not [seen for seen in platform.seen if seen.method == "OPTIONS"]


async def test_a_preflight_never_reaches_the_platform(start: Start, platform: Platform) -> None:
    more = f'{SERVER}cors_origins = ["{SHOP}"]\n'
    asks = {"Origin": SHOP, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "lang"}
    async with forwarding(start, platform, more=more) as gateway:
        for path in ("configurations/coupon", "customers/ann/unheard-of"):
            reply = await ask(gateway, "OPTIONS", path, headers=asks | {"apikey": "", "secretkey": ""})
            assert reply.status == 204
            assert "PUT" in reply.headers["Access-Control-Allow-Methods"]
            assert "lang" in reply.headers["Access-Control-Allow-Headers"]
        url = f"{gateway.url}/api/v3.0/integrations/player/ann/info"
        async with gateway.client.options(url, headers=asks) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert not platform.seen


async def test_without_origins_the_platforms_cors_headers_are_removed(
    start: Start, platform: Platform
) -> None:
    platform.headers.update(THEIRS)
    async with forwarding(start, platform) as gateway:
        reply = await ask(gateway, "GET", "configurations/tiers", headers={"Origin": SHOP})
        assert reply.status == 200
        assert not [name for name in reply.headers if name.lower().startswith("access-control-")]
