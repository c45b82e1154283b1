"""A web shop's page calls the gateway from a real browser: in both modes, with its keys in headers, from another origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.chromium import serving_page
from tests.support.forwarding import forwarding

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.support.loyalty_platform import Platform
    from tests.support.running_gateway import RunningGateway, Start

SERVER = '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
LIMITED = """
[[channel]]
name = "limited"
api_key = "limited-api-key-0123456789"
secret_key = "limited-secret-key-0123456789"
rate_limit = { per_second = 1, burst = 1 }
"""
SHOP = """<!doctype html><title>Shop</title><script>
async function call(url, method, keys, body, more) {
  const headers = {apikey: keys + '-api-key-0123456789', secretkey: keys + '-secret-key-0123456789', lang: 'ar'};
  if (body) headers['Content-Type'] = 'application/json';
  try {
    const answer = await fetch(url, {method, headers, body: body && JSON.stringify(body), ...more});
    const text = await answer.text();
    return {status: answer.status, body: text && JSON.parse(text), read: [...answer.headers.keys()].sort()};
  } catch (error) { return {failed: error.name}; }
}
</script>"""


async def shop(
    page: Page, gateway: RunningGateway, method: str, path: str, body: Any = None, **more: Any
) -> Any:
    url = f"{gateway.url}/api/v4.1/integrations/{path}"
    keys = more.pop("keys", "web")
    return await page.evaluate("parts => call(...parts)", [url, method, keys, body, more])


async def visit(page: Page, gateway: RunningGateway) -> None:
    """Everything a shop's page does, and everything that may go wrong with it."""
    saved = await shop(page, gateway, "POST", "customers", {"customerId": "ann", "email": "ann@example.com"})
    assert saved["status"] == 200
    assert {"x-request-id", "x-gateway-profile", "x-gateway-decision"} <= set(saved["read"])
    found = await shop(page, gateway, "GET", "customers/ann")
    assert (found["status"], found["body"]["customerId"]) == (200, "ann")
    assert (await shop(page, gateway, "PUT", "customers/ann/activate", {"isActive": True}))["status"] == 200
    report = {"customerId": "ann", "challengeId": 11664}
    assert (await shop(page, gateway, "POST", "customers/social-challenges", report))["status"] == 202
    for method, path, status, keys in (
        ("GET", "customers/nobody", 404, "web"),
        ("GET", "customers/ann", 401, "wrong"),
        ("GET", "customers/nobody", 404, "limited"),
        ("GET", "customers/nobody", 429, "limited"),
    ):
        refused = await shop(page, gateway, method, path, keys=keys)
        assert refused["status"] == status, (path, refused)
        assert "x-request-id" in refused["read"]
    assert "retry-after" in refused["read"]
    assert await shop(page, gateway, "PATCH", "customers/ann") == {"failed": "TypeError"}
    assert await shop(page, gateway, "GET", "customers/ann", credentials="include") == {"failed": "TypeError"}
    assert (await shop(page, gateway, "DELETE", "customers/ann"))["status"] == 200


async def test_a_shop_calls_from_its_own_origin_and_no_other_page_can(
    start: Start, platform: Platform, browser: Browser
) -> None:
    platform.limits = False
    platform.headers["Access-Control-Allow-Origin"] = "*"
    platform.headers["Access-Control-Allow-Credentials"] = "true"
    async with serving_page(SHOP) as port:
        allowed = await browser.new_page()
        await allowed.goto(f"http://127.0.0.1:{port}/")
        other = await browser.new_page()
        await other.goto(f"http://localhost:{port}/")
        more = f'{SERVER}cors_origins = ["http://127.0.0.1:{port}"]\n{LIMITED}'
        async with start(more) as gateway:
            await visit(allowed, gateway)
            assert await shop(other, gateway, "GET", "customers/ann") == {"failed": "TypeError"}
        async with forwarding(start, platform, more=more) as gateway:
            await visit(allowed, gateway)
            seen = len(platform.seen)
            assert await shop(other, gateway, "DELETE", "customers/ann") == {"failed": "TypeError"}
            assert len(platform.seen) == seen
    assert {request.headers["lang"] for request in platform.seen} == {"ar"}
