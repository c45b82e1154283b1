"""What a browser needs before it first paints a page: the page itself and the style sheet, and no script. The time it takes is for
`gateway bench --part console`, because it depends on the machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.console.test_pages import PAGES

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Request, Route

    from tests.console.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOST_BYTES = 120_000
"""Of a page and the style sheet."""
PAINTED = """
new Promise(done => new PerformanceObserver(list => {
  if (list.getEntriesByName("first-contentful-paint").length) done();
}).observe({type: "paint", buffered: true}))
"""
BLOCKING = """
performance.getEntriesByType('resource').filter(one => one.renderBlockingStatus === 'blocking')
.map(one => one.name.replace(/.*[/]([a-z]+)[.][0-9a-f]+[.]/, '$1.'))
"""


async def test_a_page_is_painted_from_itself_and_its_style_sheet_before_a_script_runs(
    inside: BrowserContext, shop: Shop
) -> None:
    page = await inside.new_page()
    asked: list[Request] = []
    shown = asyncio.Event()

    async def hold_back(route: Route) -> None:
        await shown.wait()
        await route.abort()

    page.on("request", lambda one: asked.append(one))
    await page.route("**/console.*.js", hold_back)
    for path in (path for path in PAGES if "?" not in path):
        asked.clear()
        shown.clear()
        answer = await page.goto(shop.url("/console/" + path.format(**shop.ids)), wait_until="commit")
        assert answer is not None
        async with asyncio.timeout(60):  # not a measure: a page that waits for the script never comes
            await page.evaluate(PAINTED)
        files = [one.url.rpartition("/")[2].split(".") for one in asked[1:]]
        kinds = sorted(f"{name[0]}.{name[-1]}" for name in files if name[0])
        assert set(kinds) <= {"console.css", "console.js", "icon.svg"}, (path, kinds)
        assert len(kinds) == len({*kinds}), (path, kinds)
        assert await page.evaluate(BLOCKING) == ["console.css"], path
        sheet = next(one for one in asked if one.url.endswith(".css"))
        styles = await sheet.response()
        assert styles is not None
        assert len(await answer.body()) + len(await styles.body()) <= MOST_BYTES, path
        shown.set()
    await page.close()
