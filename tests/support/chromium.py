"""A real browser for tests: Debian's Chromium, driven by Playwright, and pages of another origin for it to show."""

import contextlib
import shutil
from collections.abc import AsyncGenerator

from aiohttp import web
from playwright.async_api import Browser, async_playwright

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.asynccontextmanager
async def browsing() -> AsyncGenerator[Browser]:
    """A browser without a window. `new_page` has a profile of its own."""
    path = shutil.which("chromium")
    assert path, "Chromium is missing: make .venv/servers"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def serving_page(html: str) -> AsyncGenerator[int]:
    """A server on 127.0.0.1 that shows one page at every path; its port. `localhost` is another origin."""

    async def show(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=html, content_type="text/html")

    runner = web.ServerRunner(web.Server(show, access_log=None), shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
