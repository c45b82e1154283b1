"""The chunks of one import: read one after the other, and taken in the order in which they came."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class ChunkQueue:
    def __init__(self) -> None:
        self._reading = asyncio.Lock()
        self._on_the_way: set[asyncio.Future[None]] = set()

    @contextlib.asynccontextmanager
    async def turn(self, read: Callable[[], Awaitable[T]]) -> AsyncGenerator[T]:
        """The result of `read`, once all earlier chunks were read. Commands that are submitted without waiting for anything else
        keep that order."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_the_way.add(taken)
        try:
            async with self._reading:
                found = await read()
            yield found
        finally:
            self._on_the_way.discard(taken)
            taken.set_result(None)

    async def drained(self) -> None:
        """Wait until all earlier chunks were taken."""
        if self._on_the_way:
            await asyncio.wait(self._on_the_way)
