"""Sends the records of a file to the gateway, chunk by chunk, two at a time."""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from gateway.cli.admin_client import Admin, as_json
from gateway.cli.blocks import Block, Blocks
from gateway.cli.customer_file import CustomerFile, Sheet
from gateway.cli.failure import Failure

_FULL = 512 << 10
"""The most bytes of the records in one chunk, well below the admin listener's limit."""


class _Chunk(NamedTuple):
    """A request's body, and how much of the file is sent with it, in bytes."""

    body: dict[str, Any]
    position: float


class _OnItsWay(NamedTuple):
    answer: "asyncio.Task[Any]"
    position: float


class Sending:
    """The transfer of a file: while one chunk is being committed, the gateway reads the next one, and this process reads the
    next block."""

    def __init__(self, admin: Admin, job: CustomerFile, import_id: str, sheet: Sheet, state: Any) -> None:
        self._admin, self._job, self._import_id = admin, job, import_id
        self._columns = sheet.assignment.targets
        self._state = state
        self._lines_before = sum(state["counts"].values())
        self._on_the_way: deque[_OnItsWay] = deque()
        records = itertools.dropwhile(lambda one: one.line < state["next_line"], sheet.records)
        self._blocks = Blocks(self._columns, state["identifiers"], sheet.place, records)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[counts]}"),
            console=Console(stderr=True),
            disable=not Console(stderr=True).is_terminal,
        )

    async def all(self) -> Any:
        with self._progress as progress:
            bar = progress.add_task("import", total=self._job.file.stat().st_size, counts="")
            async with contextlib.aclosing(self._chunks()) as chunks:
                try:
                    await self._send_next(chunks)
                    while self._on_the_way:
                        await self._send_next(chunks)
                        sent = self._on_the_way[0]
                        self._state = await sent.answer
                        self._on_the_way.popleft()
                        progress.update(bar, completed=sent.position, counts=self._said())
                finally:
                    await self._give_up()
        return self._state

    async def _send_next(self, chunks: AsyncGenerator[_Chunk]) -> None:
        """Sends the next chunk, if there is one."""
        async for chunk in chunks:
            before = self._on_the_way[-1].answer if self._on_the_way else None
            answer = asyncio.create_task(self._send(chunk.body, before))
            self._on_the_way.append(_OnItsWay(answer, chunk.position))
            await asyncio.sleep(0)
            return

    async def _give_up(self) -> None:
        """Abandons the requests that are still running; the first failure is the one to report."""
        answers = [sent.answer for sent in self._on_the_way]
        for answer in answers:
            answer.cancel()
        await asyncio.gather(*answers, return_exceptions=True)

    async def _chunks(self) -> AsyncGenerator[_Chunk]:
        """Sends block after block, starting after the taken lines. While one block is sent, the next one is read."""
        state, position = self._state, 0
        coming = self._read_block(state["next_line"], state["block"], state["ahead"])
        try:
            last = False
            while not last:
                block = await coming
                last = block.last
                with contextlib.closing(block):
                    if not last:
                        coming = self._read_block(block.next_line)
                    for chunk in self._chunks_of(block, position):
                        yield chunk
                position = block.position
        finally:
            coming.cancel()
            (left,) = await asyncio.gather(coming, return_exceptions=True)
            if isinstance(left, Block):
                left.close()

    def _read_block(self, *begun: Any) -> "asyncio.Task[Block]":
        return asyncio.create_task(asyncio.to_thread(self._blocks.read, *begun))

    def _chunks_of(self, block: Block, position: int) -> Iterator[_Chunk]:
        """Sends as many records at a time as the gateway last asked for, or as fit in a request. `position` is where the block
        begins in the file."""
        end, columns = block.start, msgspec.Raw(as_json(self._columns))
        is_taken = False
        while not is_taken:
            start, part = end, block.part(self._state["chunk"], _FULL)
            end = start + part.records
            is_taken = end == block.count
            body = {
                "channel": self._job.channel,
                "first_line": block.first_line,
                "next_line": block.next_line if is_taken else block.first_line,
                "ahead": start,
                "block": block.name,
                "columns": columns,
                "rows": msgspec.Raw(part.rows),
                "unread": msgspec.Raw(part.unread),
                "last": is_taken and block.last,
            }
            done = end / block.count if block.count else 1.0
            yield _Chunk(body, position + (block.position - position) * done)

    async def _send(self, chunk: dict[str, Any], before: "asyncio.Task[Any] | None") -> Any:
        """A chunk that overtook the one before it is sent again after it."""
        path = f"/imports/{self._import_id}/rows"
        may_overtake = before is not None and not before.done()
        try:
            return await self._admin.post(path, chunk)
        except Failure as failure:
            if failure.code != "import_moved" or before is None or not may_overtake:
                raise
        await before
        return await self._admin.post(path, chunk)

    def _said(self) -> str:
        task = self._progress.tasks[0]
        counts = self._state["counts"]
        speed = (sum(counts.values()) - self._lines_before) / task.elapsed if task.elapsed else 0
        return f"{speed:,.0f} rows/s  " + "  ".join(f"{name} {count:,}" for name, count in counts.items())
