"""A pipeline over a store that a test can hold, watch and make fail."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from gateway.audit.event import Action
from gateway.model import (
    Command,
    NoteEvent,
)
from gateway.store import BatchSource, Store, Work
from tests.support.in_process_gateway import InProcessGateway, caller


class WatchedStore:
    """The real store behind a gate; it notes each batch, and fails where the test says so."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.under_way = False
        self.batches: list[list[Command]] = []
        self.fail: Callable[[list[Command]], Exception | None] = lambda _: None

    async def run(self, work: Work) -> None:
        commands: list[Command] = list(work.commands)  # type: ignore[attr-defined]
        self.batches.append(commands)
        self.entered.set()
        self.under_way = True
        try:
            await self.gate.wait()
            if error := self.fail(commands):
                raise error
            await self._store.run(work)
        finally:
            self.under_way = False

    async def run_all(self, source: BatchSource) -> None:
        while (work := source.next()) is not None:
            await self.run(work)
            source.stored(work)

    async def open(self) -> None:
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return await self._store.fetch(sql, parameters)

    async def probe(self) -> None:
        await self._store.probe()

    async def take_lead(self, work: str) -> bool:
        return await self._store.take_lead(work)

    async def maintain(self, limit: int) -> int:
        return await self._store.maintain(limit)

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


class Watched:
    """A core whose pipeline sees the watched store; `hold` keeps one call inside it until `release`."""

    def __init__(self, core: InProcessGateway, store: WatchedStore) -> None:
        self.core = core
        self.store = store

    async def hold(self, command: Command) -> asyncio.Task[Any]:
        self.store.gate.clear()
        self.store.entered.clear()
        held = self.submit(command)
        await self.store.entered.wait()
        return held

    def submit(self, command: Command) -> asyncio.Task[Any]:
        return asyncio.create_task(self.core.send(command))

    async def queued(self, *commands: Command) -> list[asyncio.Task[Any]]:
        """Submitted one after the other, waiting behind what is held."""
        tasks = [self.submit(command) for command in commands]
        await asyncio.sleep(0)
        return tasks

    async def batch(self, *commands: Command) -> list[Any]:
        """The outcomes, or the exceptions, of commands that came as one batch."""
        held = await self.hold(note())
        tasks = await self.queued(*commands)
        self.store.gate.set()
        await held
        return await asyncio.gather(*tasks, return_exceptions=True)


Build = Callable[..., Any]


def note() -> NoteEvent:
    return NoteEvent(caller(), Action.GATEWAY_STARTED)
