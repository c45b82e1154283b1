"""Operators who click through the console, one process: `python -m gateway.bench.clicks`, a `Clicks` as JSON on stdin, a `Clicked`
on stdout. Each reads a whole page, thinks, and opens the next one."""

import asyncio
import itertools
import random
import sys
import time

import aiohttp
import msgspec
import uvloop

_PAGES = (
    "",
    "find",
    "duplicates",
    "reviews",
    "merges",
    "jobs",
    "achievements",
    "deliveries",
    "campaigns",
    "audit",
    "rules",
    "lists",
    "system",
    "operators",
    "imports",
    "api",
    "profiles/{profile}",
    "rules/{rules}",
)


class Clicks(msgspec.Struct, frozen=True):
    """`pause` is how long an operator thinks, on average. With 0 `seconds`, one operator looks at each page once."""

    port: int
    token: str
    seconds: float
    operators: int = 5
    pause: float = 0.5
    seed: int = 1


class Clicked(msgspec.Struct, frozen=True):
    """By page: how long each first byte took, in ms, and the largest answer in bytes."""

    first_bytes: dict[str, list[float]]
    sizes: dict[str, int]


class _Console:
    def __init__(self, session: aiohttp.ClientSession, asked: Clicks) -> None:
        self._session, self._asked = session, asked
        self._names: dict[str, str] = {}
        self.clicked = Clicked({page: [] for page in _PAGES}, dict.fromkeys(_PAGES, 0))

    async def look_around(self) -> None:
        """What the pages of one thing are about."""
        async with self._session.get("/admin/v1/profiles?limit=1") as answer:
            self._names["profile"] = (await answer.json())["items"][0]["id"]
        async with self._session.get("/admin/v1/overview") as answer:
            self._names["rules"] = (await answer.json())["rules"]

    async def visit(self, page: str) -> None:
        began = time.perf_counter()
        async with self._session.get(f"/console/{page.format(**self._names)}") as answer:
            took = time.perf_counter() - began
            body = await answer.read()
            answer.raise_for_status()
        self.clicked.first_bytes[page].append(took * 1_000)
        self.clicked.sizes[page] = max(self.clicked.sizes[page], len(body))

    async def click(self, operator: int) -> None:
        chance = random.Random(f"{self._asked.seed} {operator}")  # noqa: S311
        ends = time.perf_counter() + self._asked.seconds
        start = operator * len(_PAGES) // self._asked.operators
        for page in itertools.cycle((*_PAGES[start:], *_PAGES[:start])):
            await asyncio.sleep(chance.expovariate(1 / self._asked.pause))
            if time.perf_counter() >= ends:
                return
            await self.visit(page)


async def perform(asked: Clicks) -> Clicked:
    headers = {"Authorization": f"Bearer {asked.token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{asked.port}", headers=headers) as session:
        console = _Console(session, asked)
        await console.look_around()
        if asked.seconds:
            await asyncio.gather(*map(console.click, range(asked.operators)))
        else:
            for page in _PAGES:
                await console.visit(page)
        return console.clicked


def main() -> None:
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Clicks)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(perform(asked))))


if __name__ == "__main__":
    main()
