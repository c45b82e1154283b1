"""The chunks of one import, in the order in which they came: one is taken while the next is read."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class ChunkQueue:
    def __init__(self) -> None:
        self._reading = asyncio.Lock()
        self._taking = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def turn(self, read: Callable[[], Awaitable[T]]) -> AsyncGenerator[T]:
        """What `read` gave, once all chunks that came before were taken."""
        async with self._reading:
            found = await read()
            await self._taking.acquire()
        try:
            yield found
        finally:
            self._taking.release()

    async def settled(self) -> None:
        """Wait until whatever came before was taken."""
        async with self._reading, self._taking:
            pass
