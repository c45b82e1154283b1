"""Pages that stay open while the gateway restarts or is upgraded: they go on or say so, and nothing is half done."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.http.console import render, routes
from tests.console.conftest import found, save
from tests.support.running_gateway import ADMIN_TOKEN, RunningGateway, serving_gateway, settings

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVER = '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:{port}"\n'


@pytest.fixture
def served(tmp_path: Path) -> Any:
    """Starts a gateway: each time on the same database, at the same address of the console."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    text = settings(tmp_path, SERVER.format(port=port))
    return lambda: serving_gateway(tmp_path, text, {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN})


@asynccontextmanager
async def logged_in(chromium: Browser, gateway: RunningGateway) -> AsyncGenerator[Page]:
    context = await chromium.new_context()
    page = await context.new_page()
    await page.goto(f"{gateway.admin_url}/console/log-in")
    await page.get_by_label("Your token").fill(ADMIN_TOKEN)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "log-in" not in url)
    yield page
    await context.close()


def upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next page is of another version of the console."""
    monkeypatch.setattr(routes, "BUILD", "of-another-version")
    environment = render._ENVIRONMENT  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setitem(environment.globals, "build", "of-another-version")


async def test_a_live_page_goes_on_after_a_restart(chromium: Browser, served: Any) -> None:
    async with served() as gateway:
        await save(gateway, "pos", "till-1", name="Before")
        browsing = logged_in(chromium, gateway)
        page = await browsing.__aenter__()
        await page.goto(f"{gateway.admin_url}/console/audit?action=customer.updated")
        shown = page.get_by_text("Pos changed displayName")
        before = await shown.count()
    async with served() as gateway:
        await save(gateway, "pos", "till-1", name="After")
        await shown.nth(before).wait_for(timeout=30_000)
        assert not await page.locator(".note.warn").count()
        await browsing.__aexit__(None, None, None)


async def test_a_live_page_says_that_the_gateway_was_upgraded(
    chromium: Browser, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served() as gateway, logged_in(chromium, gateway) as page:
        await page.goto(f"{gateway.admin_url}/console/audit?action=customer.updated")
        upgrade(monkeypatch)
        await save(gateway, "pos", "till-1", name="After")
        note = page.locator(".note.warn", has_text="The gateway was upgraded")
        await note.wait_for(timeout=30_000)
        assert "upgraded" in await page.locator("#live").inner_text()
        await note.get_by_role("link", name="Load it again").click()
        assert await page.get_by_text("Pos changed displayName").count()
        assert not await note.count()


async def test_a_live_page_says_that_it_is_one_too_many(chromium: Browser, served: Any) -> None:
    async with served() as gateway, logged_in(chromium, gateway) as page:
        stream = f"{gateway.admin_url}/admin/v1/audit/stream"
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        others = [await gateway.client.get(stream, headers=headers) for _ in range(10)]
        await page.goto(f"{gateway.admin_url}/console/audit")
        await page.get_by_text("This page no longer refreshes itself.").first.wait_for()
        for other in others:
            other.close()


async def test_a_form_from_before_an_upgrade_changes_nothing_and_says_so(
    chromium: Browser, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served() as gateway, logged_in(chromium, gateway) as page:
        await save(gateway, "web", "joe", name="Joe", email="joe@example.com")
        await save(gateway, "web", "ann", name="Ann", email="ann@example.com")
        joe, ann = [await found(gateway, f"profiles?q={name}") for name in ("joe", "ann")]
        await page.goto(f"{gateway.admin_url}/console/profiles/{joe}")
        await page.locator("summary", has_text="Merge").click()
        merge = page.locator(f'form[action="/console/profiles/{joe}/merge"]')
        await merge.get_by_role("textbox").first.fill(ann)
        await merge.get_by_role("textbox").last.fill("one person")
        upgrade(monkeypatch)
        await merge.get_by_role("button").click()
        assert await page.get_by_role("heading", name="This page is from before an upgrade").is_visible()
        assert "Nothing was changed." in await page.locator("main").inner_text()
        async with gateway.admin("GET", "merges") as response:
            assert (await response.json())["items"] == []
        await page.locator("main").get_by_role("link").first.click()
        assert await page.get_by_role("heading", name="Joe").first.is_visible()
