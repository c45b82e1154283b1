"""`gateway import`: customers from a file, chunk by chunk through the admin API. The gateway remembers how far it got, so a
command that was stopped, however, goes on when it is run again, and one that is done changes nothing."""

import asyncio
import contextlib
import gc
import hashlib
import itertools
import json as plain_json
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from gateway.cli.blocks import Block, Blocks
from gateway.cli.columns import picked, positions, read_mapping, with_usual
from gateway.cli.connection import Admin, as_json, connect
from gateway.cli.failure import MISUSED, Failure
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, settings
from gateway.cli.output import note, print_json, print_rows
from gateway.cli.sheet import Format, Found, Lines, format_of, header_of, read_objects, read_table
from gateway.cli.trial import copied
from gateway.config import Config

_FULL = 512 << 10
"""Bytes of the records in one chunk, well below the admin listener's limit."""
_MOST_REFUSALS = 200
_MORE_THAN_A_CHUNK = 1_000_000
"""Objects that may come to be before cycles are looked for."""


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header line, or JSON lines.")],
    channel: Annotated[str, typer.Option(help="Whose customers they are; its id space and region count.")],
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(help="csv or jsonl; from the file's name unless given.")
    ] = "",
    map: Annotated[  # noqa: A002
        list[str] | None,
        typer.Option(
            help="TARGET=COLUMN, any number of times: customer_id, guest, an identifier type, an attribute of the API such as"
            " firstName, or custom.NAME. customer_id, guest and identifiers are found by their names."
        ),
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help='The same in a TOML file: TARGET = "COLUMN".')] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="Where refused lines are listed, with their reasons; FILE.rejects.csv unless given."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Import into a copy of the database that is deleted afterwards, and say what would happen."
            " A row's decision depends on the rows before it, so only the whole import can tell.",
        ),
    ] = False,
    resume: Annotated[
        str,
        typer.Option(
            metavar="IMPORT",
            help="Go on with this import (imp_…) though the file or the mapping changed behind its last line.",
        ),
    ] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Bring customers from a file; stopped anywhere, the same command goes on where it was."""
    loaded = settings(config)
    job = _Job(file, format_of(file, format), channel, read_mapping(map or (), mapping), resume)
    listed = rejects or file.with_name(f"{file.name}.rejects.csv")
    if dry_run:
        with copied(loaded) as trial:
            state = asyncio.run(_bring(trial, job, listed))
    else:
        state = asyncio.run(_bring(loaded, job, listed))
    if json:
        print_json({**state, "dry_run": dry_run})
        return
    print_rows(
        [
            {"what": what, "rows": rows}
            for counted in (state["counts"], state["unusable"])
            for what, rows in counted.items()
        ],
        {"what": "what", "rows": "rows"},
    )
    did = "would be finished (nothing was changed)" if dry_run else "is finished"
    print(f"imp_{state['id']} {did}: {sum(state['counts'].values())} lines")


@dataclass(frozen=True, slots=True)
class _Job:
    """`said` is the mapping as the operator gave it."""

    file: Path
    kind: Format
    channel: str
    said: dict[str, str]
    resume: str

    def import_id(self) -> str:
        """The same for the same content, channel and mapping, whatever the file is called."""
        if self.resume:
            return self.resume.removeprefix("imp_")
        with _opened(self.file) as opened:
            found = hashlib.file_digest(opened, "sha256")
        found.update(plain_json.dumps([self.kind, self.channel, sorted(self.said.items())]).encode())
        return found.hexdigest()[:32]


class _Sheet(NamedTuple):
    """The records of an opened file, under the names by which the gateway knows their values."""

    columns: list[str]
    lines: Lines
    records: Iterator[Found]


def _opened(file: Path) -> BufferedReader:
    try:
        return file.open("rb")
    except OSError as error:
        raise Failure(f"{file}: cannot be read ({error.strerror}); name a file", MISUSED) from None


def _sheet(job: _Job, opened: BufferedReader, identifiers: list[str]) -> _Sheet:
    lines = Lines(opened)
    names, delimiter = header_of(lines, job.file, job.kind)
    if job.kind == "csv":
        mapping = with_usual(job.said, names, identifiers)
        return _Sheet(
            list(mapping),
            lines,
            read_table(lines, delimiter, positions(job.file, mapping, names), len(names)),
        )
    mapping = with_usual(job.said, [*names, *identifiers], identifiers)
    opened.seek(0)
    lines = Lines(opened)
    paths = list(mapping.values())
    return _Sheet(
        list(mapping), lines, read_objects(lines, lambda one: [picked(one, path) for path in paths])
    )


async def _bring(config: Config, job: _Job, rejects: Path) -> Any:
    """The import's last state."""
    import_id = job.import_id()
    with _rare_collections():
        async with connect(config, changes=True) as admin:
            state = await admin.get(f"/imports/{import_id}", channel=job.channel)
            if state["finished_at"] and not job.resume:
                note(f"imp_{import_id} was finished on {state['finished_at']}; there is nothing to do")
            else:
                if state["counts"]:
                    note(f"imp_{import_id} goes on; {sum(state['counts'].values())} lines are taken")
                with _opened(job.file) as opened:
                    sheet = _sheet(job, opened, state["identifiers"])
                    state = await _Sending(admin, job, import_id, sheet, state).all()
            await _list_refusals(admin, import_id, state["counts"].get("rejected", 0), rejects)
    return state


@contextlib.contextmanager
def _rare_collections() -> Generator[None]:
    """Millions of short-lived objects in no cycles: looking for cycles all the time costs a tenth of the speed."""
    usual = gc.get_threshold()
    gc.set_threshold(_MORE_THAN_A_CHUNK, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class _Chunk(NamedTuple):
    """A request's body, and how far the file is sent with it, in bytes."""

    body: dict[str, Any]
    position: float


class _OnItsWay(NamedTuple):
    answer: "asyncio.Task[Any]"
    position: float


class _Sending:
    """A file on its way: while one chunk is being committed, the gateway reads the next one, and this process the next block."""

    def __init__(self, admin: Admin, job: _Job, import_id: str, sheet: _Sheet, state: Any) -> None:
        self._admin, self._job, self._import_id, self._columns = admin, job, import_id, sheet.columns
        self._state = state
        self._lines_before = sum(state["counts"].values())
        self._on_the_way: deque[_OnItsWay] = deque()
        records = itertools.dropwhile(lambda one: one.line < state["next_line"], sheet.records)
        self._blocks = Blocks(sheet.columns, state["identifiers"], sheet.lines, records)
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
        """If there is a next chunk."""
        async for chunk in chunks:
            before = self._on_the_way[-1].answer if self._on_the_way else None
            answer = asyncio.create_task(self._send(chunk.body, before))
            self._on_the_way.append(_OnItsWay(answer, chunk.position))
            await asyncio.sleep(0)
            return

    async def _give_up(self) -> None:
        """Of what is still on its way nothing is waited for; what the first failure said is what counts."""
        answers = [sent.answer for sent in self._on_the_way]
        for answer in answers:
            answer.cancel()
        await asyncio.gather(*answers, return_exceptions=True)

    async def _chunks(self) -> AsyncGenerator[_Chunk]:
        """Block by block, beginning behind what is taken; while one is sent, the next one is read."""
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
        """As many records at a time as the gateway asked for last, or as a request may hold; `position` is where the block
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
        """One that overtook the chunk before it is sent again behind it."""
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


async def _list_refusals(admin: Admin, import_id: str, count: int, rejects: Path) -> None:
    """The gateway keeps them, so the list is whole however often the import was stopped."""
    if not count:
        return
    with rejects.open("w", encoding="utf-8") as opened:
        opened.write("line,reason\n")
        cursor = ""
        while True:
            answer = await admin.get(f"/imports/{import_id}/refusals", limit=_MOST_REFUSALS, cursor=cursor)
            opened.writelines(f"{one['line']},{one['reason']}\n" for one in answer["items"])
            cursor = answer["next"]
            if not cursor:
                break
    note(f"{count} lines were refused; they are in {rejects}")
