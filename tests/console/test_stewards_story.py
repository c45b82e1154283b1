"""The story of a steward, from the demo's shop: a rule's spike is found and its merges are undone, a person who was two is
understood and split, the next call is watched staying apart, and the log tells who did it. By keyboard on a narrow screen, and
without JavaScript."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import aiohttp
import pytest

from gateway.demo.people import TABLETS
from gateway.demo.shop import Shop, ShopRun
from tests.console.test_pages import AXE, LOOKS, OTHER_LOOKS, findings
from tests.support.chromium import browsing

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

PEOPLE = 60
MERGES = PEOPLE // TABLETS
Check = Callable[[], Awaitable[None]]


class Clicks:
    """How a page is used with a mouse, or by a finger."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def press(self, target: Locator) -> None:
        await target.click()

    async def write(self, target: Locator, text: str) -> None:
        await target.fill(text)


class Keys:
    """How it is used with the keyboard alone: Tab to a place, then a key."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def press(self, target: Locator) -> None:
        await self._reach(target)
        kind = await target.evaluate("element => element.tagName")
        if kind in ("INPUT", "SUMMARY"):
            await self.page.keyboard.press("Space")
            return
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def write(self, target: Locator, text: str) -> None:
        await self._reach(target)
        await self.page.keyboard.type(text)

    async def _reach(self, target: Locator) -> None:
        await target.wait_for()
        for _ in range(400):
            if await target.evaluate("element => element === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached with Tab")


@asynccontextmanager
async def demo(directory: Path) -> AsyncGenerator[Shop]:
    deaths: list[str] = []
    async with ShopRun(directory, PEOPLE, 1, deaths.append).open(lambda: None) as shop:
        yield shop
    assert not deaths


async def story(hands: Clicks | Keys, shop: Shop, check: Check, *, is_live: bool) -> None:
    page = hands.page
    main = page.locator("main")
    steward = next(operator for operator in shop.operators if operator.role == "steward")
    await page.goto(f"{shop.admin_url}/console/")
    await hands.write(page.get_by_label("Your token"), steward.token)
    await hands.press(page.get_by_role("button", name="Log in"))
    await main.get_by_role("heading", name="Waits for you").or_(main.locator("#waits")).first.wait_for()
    await check()

    await hands.press(page.get_by_role("navigation").get_by_role("link", name="Merges", exact=True))
    await check()
    spike = main.get_by_role("row").filter(has=page.get_by_role("link", name="device", exact=True))
    assert re.search(rf": {MERGES}\b", await spike.inner_text())
    await hands.press(spike.get_by_role("link", name="device", exact=True))
    await check()
    by_device = page.url

    await hands.press(main.locator('table a[href^="/console/profiles/"]').first)
    customer_id = await split_person(hands, check)

    await page.goto(by_device)
    await undo_the_others(hands, check)
    await watch_the_next_call(hands, shop, customer_id, check, is_live=is_live)

    await hands.write(main.get_by_label("Action"), "identity.split")
    await hands.press(main.get_by_role("button", name="Show", exact=True))
    done = await main.locator(".timeline summary").all_inner_texts()
    assert len(done) == MERGES
    assert all(f"by operator:{steward.name}" in one for one in done)
    await check()


async def split_person(hands: Clicks | Keys, check: Check) -> str:
    """The mobile customer id of the one who leaves."""
    _page, main = hands.page, hands.page.locator("main")
    graph = main.locator("svg[role=group]")
    assert await graph.locator("path.joined").count()
    assert "tablet-" in (await graph.text_content() or "")
    await check()
    boxes = main.locator('input[name="records"]')
    labels = [
        await boxes.nth(place).get_attribute("aria-label") or "" for place in range(await boxes.count())
    ]
    persons = {label.rpartition("-")[2] for label in labels}
    assert len(persons) == 2
    leaves = max(persons)
    for place, label in enumerate(labels):
        if label.endswith(leaves):
            await hands.press(boxes.nth(place))
    await hands.press(main.locator("summary", has_text="Split"))
    await hands.write(main.locator("#f-why-split"), "a family's tablet")
    await hands.press(main.locator("#split").get_by_role("button"))
    await main.get_by_role("heading", name="Split this profile?").wait_for()
    await check()
    await hands.press(main.get_by_role("button", name="Split"))
    await main.get_by_text("The records left this profile.").wait_for()
    await check()
    return f"app-{leaves}"


async def undo_the_others(hands: Clicks | Keys, check: Check) -> None:
    page, main = hands.page, hands.page.locator("main")
    await hands.write(main.get_by_label("Reason, for the audit log"), "the till's tablets")
    await hands.press(main.get_by_role("button", name="Show what their undo would do"))
    await main.get_by_role("heading", name=f"Undo {MERGES - 1} merges?").wait_for()
    await check()
    await hands.write(main.get_by_label("Type the number of matches"), str(MERGES - 1))
    await hands.press(main.get_by_role("button", name="Undo them all"))
    async with asyncio.timeout(30):
        while not await main.get_by_text("done", exact=True).count():
            await hands.press(main.get_by_role("link", name="Refresh"))
    await check()
    await page.goto(page.url.partition("/console/")[0] + "/console/merges?rule=device&state=standing")
    assert not await main.locator("a[data-walk]").count()


async def watch_the_next_call(
    hands: Clicks | Keys, shop: Shop, customer_id: str, check: Check, *, is_live: bool
) -> None:
    page, main = hands.page, hands.page.locator("main")
    await page.goto(f"{shop.admin_url}/console/audit?channel=mobile&action=customer.updated")
    shown = main.get_by_text("Mobile changed displayName")
    before = await shown.count()
    await check()
    channels = tomllib.loads(shop.config.read_text(encoding="utf-8"))["channel"]
    keys = next(one for one in channels if one["name"] == "mobile")
    headers = {"APIKey": keys["api_key"], "SecretKey": keys["secret_key"]}
    body = {"customerId": customer_id, "customerAttributes": {"displayName": "Newly Seen"}}
    url = f"{shop.public_url}/api/v4.1/integrations/customers"
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        assert answer.status == 200
    if not is_live:
        await page.reload()
    await shown.nth(before).wait_for(timeout=20_000)
    event = main.locator(".timeline li").first
    await hands.press(event.locator("summary"))
    await hands.press(event.locator('a[href^="/console/profiles/"]').first)
    found = await main.inner_text()
    assert customer_id in found
    assert set(re.findall(r"\b(?:app|cc)-(\d+)\b", found)) == {customer_id.partition("-")[2]}
    await check()
    await page.goto(f"{shop.admin_url}/console/audit")


async def nothing() -> None:
    """Without JavaScript, axe-core cannot run."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "looks", [LOOKS, pytest.param(OTHER_LOOKS, marks=pytest.mark.soak)], ids=["", "other"]
)
async def test_a_steward_finds_the_spike_and_repairs_it_by_keyboard_on_a_narrow_screen(
    tmp_path: Path, looks: list[tuple[int, Literal["light", "dark"]]]
) -> None:
    async with demo(tmp_path) as shop, browsing() as browser:
        page = await (await browser.new_context(reduced_motion="reduce")).new_page()
        await page.set_viewport_size({"width": 390, "height": 800})

        async def check() -> None:
            await page.evaluate(AXE)
            for width, scheme in looks:
                await page.set_viewport_size({"width": width, "height": 800})
                await page.emulate_media(color_scheme=scheme)
                assert not await findings(page), (page.url, width, scheme)

        await story(Keys(page), shop, check, is_live=True)


async def test_a_steward_finds_the_spike_and_repairs_it_without_javascript(tmp_path: Path) -> None:
    async with demo(tmp_path) as shop, browsing() as browser:
        context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
        await story(Clicks(await context.new_page()), shop, nothing, is_live=False)
