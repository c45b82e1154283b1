"""A gateway with a small shop in it, and a browser that is logged in. Both serve a whole module, because they are slow to start."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.support.chromium import browsing
from tests.support.running_gateway import ADMIN_TOKEN, RunningGateway, serving_gateway, settings
from tests.support.suggestions import leave_suggestion

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

HOSTILE = "<script>alert(1)</script>\u202e\u0623\u062d\u0645\u062f [31m" + "\U0001f600" * 100
"""A name that is markup, turns the direction of the text, and is long."""


@dataclass(frozen=True, slots=True)
class Shop:
    """The gateway, and the ids of what is in it."""

    gateway: RunningGateway
    ann: str
    hostile: str
    review: str
    merged: str
    merge: str
    suggested: str
    search: str

    @property
    def ids(self) -> dict[str, str]:
        names = ("ann", "hostile", "review", "merged", "merge", "suggested", "search")
        return {name: getattr(self, name) for name in names}

    def url(self, path: str) -> str:
        return self.gateway.admin_url + path


async def save(gateway: RunningGateway, channel: str, customer_id: str, **more: Any) -> None:
    attributes = {"customerAttributes": {"displayName": more.pop("name", customer_id)}}
    body = {"customerId": customer_id, **attributes, **more}
    async with gateway.call("POST", "customers", channel=channel, json=body) as response:
        assert response.status == 200, await response.text()


async def found(gateway: RunningGateway, path: str) -> str:
    async with gateway.admin("GET", path) as response:
        return (await response.json())["items"][0]["id"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Shop]:
    directory = tmp_path_factory.mktemp("shop")
    environment = {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}
    async with serving_gateway(directory, settings(directory), environment) as gateway:
        await save(gateway, "web", "ann", name="Ann Mansour", email="ann@example.com", mobile="01001234567")
        await save(gateway, "pos", "till-1", name="Ann", mobile="01001234567")
        report = {"customerId": "ann", "challengeId": 11664}
        async with gateway.call("POST", "customers/social-challenges", json=report) as response:
            assert response.status == 202
        await save(gateway, "web", "<b>'\"evil", name=HOSTILE, email="evil@example.com")
        await save(gateway, "web", "mona", name="Mona", email="family@example.com", mobile="01009990001")
        await save(gateway, "mobile", "adel", name="Adel", email="family@example.com", mobile="01009990002")
        await save(gateway, "web", "joe", name="Joe", email="joe@example.com")
        await save(gateway, "mobile", "joseph", name="Joseph", email="joseph@example.com")
        joe, joseph = [await found(gateway, f"profiles?q={one}") for one in ("joe", "joseph")]
        body = {"profiles": [joe, joseph], "reason": HOSTILE}
        async with gateway.admin("POST", "merges", json=body) as response:
            merged = (await response.json())["profile"]
        question = await found(gateway, "reviews?state=open")
        for number in range(6):
            await save(gateway, "pos", f"guest-{number}", mobile="01550001000")
        await gateway.regroup()
        search, suggested = await _suggestion(gateway)
        yield Shop(
            gateway,
            await found(gateway, "profiles?q=ann"),
            await found(gateway, "profiles?q=evil@example.com"),
            question,
            merged,
            await found(gateway, "merges"),
            suggested,
            search,
        )


async def _suggestion(gateway: RunningGateway) -> tuple[str, str]:
    """The search and its question."""
    await save(gateway, "pos", "rita", name="Rita Nader", email="rita.nader@example.com")
    await save(gateway, "mobile", "ritta", name="Ritta Nader", email="ritta.nader@example.com")
    rows = await gateway.rows("SELECT record_id FROM record WHERE customer_id IN ('rita', 'ritta')")
    search = await leave_suggestion(gateway.services, [f"rec_{number:016x}" for (number,) in rows])
    return search, await found(gateway, "suggestions")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncGenerator[Browser]:
    async with browsing() as browser:
        yield browser


async def log_in(page: Page, shop: Shop, token: str = ADMIN_TOKEN) -> None:
    if "log-in" not in page.url:
        await page.goto(shop.url("/console/log-in"))
    await page.get_by_label("Your token").fill(token)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "log-in" not in url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inside(chromium: Browser, shop: Shop) -> AsyncGenerator[BrowserContext]:
    """A browser in which an admin is logged in."""
    context = await chromium.new_context(reduced_motion="reduce")
    page = await context.new_page()
    await log_in(page, shop)
    await page.close()
    yield context
    await context.close()
