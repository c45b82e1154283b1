"""Each page in a real browser: wide and narrow, light and dark, without a finding of axe-core, whatever a name contains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import axe_playwright_python
import pytest
import pytest_asyncio

from tests.console.conftest import log_in

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, BrowserContext, Page

    from tests.console.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LARGEST = 100_000
LOOKS = [(1280, "light"), (390, "dark")]
OTHER_LOOKS = [(1280, "dark"), (390, "light")]
PAGES = (
    "",
    "merges",
    "merges?rule=operator",
    "merges/{merge}",
    "jobs",
    "operators",
    "imports",
    "campaigns",
    "rules/preset-email-or-mobile-1",
    "log-in",
    "find",
    "duplicates",
    "duplicates?reason=number_ending",
    "odd-profiles",
    "generic-values",
    "profiles/{ann}",
    "profiles/{hostile}",
    "profiles/{merged}",
    "profiles/{merged}?at=0s",
    "profiles/prf_0000000000000001",
    "reviews",
    "reviews?state=open&channel=web",
    "reviews/people?sort=points",
    "reviews/{review}",
    "suggestions",
    "suggestions/searches/{search}",
    "reviews/{suggested}",
    "achievements",
    "deliveries",
    "audit",
    "audit/verify?run=yes&state=yes",
    "rules",
    "rules/new",
    "lists",
    "lists/stores",
    "system",
    "api",
    "api/find_profiles",
    "api/merge_profiles",
)


class Window(NamedTuple):
    """A page of the browser, and what went wrong in it."""

    page: Page
    trouble: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def window(inside: BrowserContext) -> AsyncGenerator[Window]:
    """One for all addresses: a new one starts a process of its own, which has to learn axe-core again."""
    page = await inside.new_page()
    trouble: list[str] = []
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(line.text) if "Security" in line.text else None)
    yield Window(page, trouble)
    await page.close()


async def findings(page: Page) -> list[str]:
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], iframes: false})", RULES
    )
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "looks", [LOOKS, pytest.param(OTHER_LOOKS, marks=pytest.mark.soak)], ids=["", "other"]
)
async def test_a_page_is_accessible_wide_and_narrow_light_and_dark(
    window: Window, shop: Shop, path: str, looks: list[tuple[int, Literal["light", "dark"]]]
) -> None:
    address = "/console/" + path.format(**shop.ids)
    page, trouble = window
    trouble.clear()
    answer = await page.goto(shop.url(address))
    assert answer is not None
    body = await answer.body()
    assert len(body) <= LARGEST
    assert not {0x1B, 0x00} & {*body}
    assert "\u202e" not in body.decode()
    await page.evaluate(AXE)
    for width, scheme in looks:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=scheme)
        assert not await findings(page), (width, scheme)
    for width in (1280, 390, 320):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert not trouble


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_pages_of_work_on_many_are_accessible(chromium: Browser, shop: Shop, scripts: bool) -> None:
    """First the undo of a merge; then, without scripts, a no to every question."""
    path, show, title, go = (
        ("merges?rule=operator", "Show what their undo would do", "Undo 1 merge?", "Undo them all")
        if scripts
        else (
            "reviews?state=open&channel=web",
            "Show what no to all would do",
            "Answer 1 question with no?",
            "Answer them all with no",
        )
    )
    context = await chromium.new_context(
        java_script_enabled=scripts, viewport={"width": 390, "height": 900}, reduced_motion="reduce"
    )
    page = await context.new_page()
    await log_in(page, shop)
    await page.goto(shop.url(f"/console/{path}"))
    await page.get_by_label("Reason, for the audit log").fill("a broken rule")
    await page.get_by_role("button", name=show).click()
    assert await page.get_by_role("heading", name=title).is_visible()
    await check(page, scripts)
    await page.get_by_label("Type the number of matches").fill("1")
    await page.get_by_role("button", name=go).click()
    assert "The job runs now." in await page.get_by_role("status").inner_text()
    while await page.get_by_text("running", exact=True).count():
        await page.get_by_role("link", name="Refresh").click()
    assert await page.locator(".badge", has_text="done").count() == 1
    await check(page, scripts)
    await page.goto(shop.url("/console/jobs"))
    assert await page.locator('a[href^="/console/jobs/job_"]').count() >= 1
    await context.close()


async def check(page: Page, scripts: bool) -> None:
    """axe-core is a script itself."""
    if scripts:
        await page.evaluate(AXE)
        assert not await findings(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
