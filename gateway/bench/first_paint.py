"""The first contentful paint of a page, measured in headless Chromium over its DevTools protocol."""

import asyncio
import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)
_PATIENCE_SECONDS = 30
_PAINTED = """
new Promise(done => new PerformanceObserver(list => {
  const first = list.getEntriesByName("first-contentful-paint")[0];
  if (first) done([location.href, first.startTime]);
}).observe({type: "paint", buffered: true}))
"""


def chromium() -> str | None:
    """The path of Chromium; None if it is not installed."""
    return shutil.which("chromium")


async def first_paints(path: str, urls: Sequence[str], token: str) -> list[float]:
    """For each page, the time from its request to its first contentful paint, in ms. Each is loaded once before, so that style
    sheet and module are in the cache, as they are for someone who works."""
    async with _browser(path) as browser:
        await browser.ask("Network.setExtraHTTPHeaders", headers={"Authorization": f"Bearer {token}"})
        for url in urls:
            await browser.painted(url)
        return [await browser.painted(url) for url in urls]


class _Browser:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers, self._session = socket, itertools.count(1), ""

    async def ask(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        about = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": parameters, **about})
        while (told := await self._socket.receive_json()).get("id") != number:
            pass
        return told.get("result") or {}

    async def attach(self) -> None:
        """Speak to its first tab from now on."""
        tabs: list[Any] = []
        while not tabs:
            found = await self.ask("Target.getTargets")
            tabs = [one["targetId"] for one in found["targetInfos"] if one["type"] == "page"]
        attached = await self.ask("Target.attachToTarget", targetId=tabs[0], flatten=True)
        self._session = attached["sessionId"]
        await self.ask("Network.enable")

    async def painted(self, url: str) -> float:
        await self.ask("Page.navigate", url=url)
        while True:
            told = await self.ask(
                "Runtime.evaluate", expression=_PAINTED, awaitPromise=True, returnByValue=True
            )
            match told.get("result", {}).get("value"):
                case [str(shown), float() | int() as at] if shown == url:
                    return float(at)
                case _:  # still the page before
                    await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def _browser(path: str) -> AsyncGenerator[_Browser]:
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            path,
            *_FLAGS,
            *as_root,
            "--remote-debugging-port=0",
            f"--user-data-dir={home}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), aiohttp.ClientSession() as session:
                address = await _address(Path(home) / "DevToolsActivePort")
                async with session.ws_connect(address) as socket:
                    browser = _Browser(socket)
                    await browser.attach()
                    yield browser
        finally:
            process.terminate()
            await process.wait()


async def _address(file: Path) -> str:
    """The browser writes it once it listens."""
    while True:
        lines = _words(file)
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        await asyncio.sleep(0.05)


def _words(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split() if file.exists() else []
