"""Imports: customers from a file, in chunks of lines, one request and one transaction each. The database stores the progress,
so the sender can stop anywhere and resume later. The sender derives an import's id from its file."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.config import Channel
from gateway.errors import CommandFailed, Refusal
from gateway.http.admin.ids_and_names import channel_named
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown_or_none
from gateway.http.rows.frames import MOST_ROWS, Answer, Chunk, Line, Rows
from gateway.http.rows.queue import ChunkQueue
from gateway.http.services import Services
from gateway.model import (
    Caller,
    Imported,
    ImportPosition,
    ImportRows,
    ImportRun,
    Refused,
    RefusedLine,
    SaveCustomer,
    WarnedLine,
)
from gateway.pipeline import Pipeline
from gateway.store.queries import imports as queries
from gateway.telemetry.tracing import Attributes

_IMPORT_ID = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
_IDLE_CHUNK, _BUSY_CHUNK = MOST_ROWS, 100
_HALVES = "halves"
"""The name of a block where only some lines are taken. Lines without a block are in the order of the file. A sender may start
the same lines again in another block."""
_Read = SaveCustomer | str


class ImportQuery(Query, kw_only=True):
    channel: Annotated[str, Meta(description="the channel that the customers belong to")]


class UnreadLine(msgspec.Struct, array_like=True):
    """A line that the sender could not read, and the reason as a code."""

    line: Line
    reason: Annotated[str, Meta(pattern=r"^[a-z_]{1,40}$(?!\n)")]


class _Lines(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    channel: str
    first_line: Line
    next_line: Line
    ahead: Annotated[int, Meta(ge=0)] = 0
    block: Annotated[str, Meta(pattern=r"^[0-9a-f]{0,64}$(?!\n)")] = ""
    columns: Annotated[list[str], Meta(max_length=200)]
    unread: Annotated[list[UnreadLine], Meta(max_length=MOST_ROWS)] = []
    last: bool = False

    @property
    def ends_inside_a_block(self) -> bool:
        return bool(self.block) and self.next_line == self.first_line


class NewRows(_Lines, kw_only=True):
    """The lines from `first_line` up to, but not including, `next_line`; or a part of the block that begins at `first_line`, in
    an order that the sender chose. In that case `block` is the name of that order, and these lines come after its first `ahead`
    lines. `next_line` is then `first_line`, except for the last lines of the block, where it is the line after it. `columns`
    says what each value of a row is: `customer_id`, `guest`, an identifier type, an attribute, or `custom.` and a name. `last`:
    the file ends here."""

    rows: Rows


class _Sent(_Lines, kw_only=True):
    """New rows, these themselves not looked at."""

    rows: msgspec.Raw


class ImportView(msgspec.Struct):
    """All lines before `next_line` are taken, and the first `ahead` of the next lines in the order `block`. `counts` are rows
    by decision, `unchanged` and `rejected`; `unusable` are identifiers by `<type>:<reason>`. `identifiers` are the types of the
    active rules. `chunk`: how many rows to send next; fewer while calls arrive."""

    id: str
    channel: str
    next_line: int
    ahead: int
    block: str
    counts: dict[str, int]
    unusable: dict[str, int]
    finished_at: Time | None
    identifiers: list[str]
    chunk: int


async def show_import(call: Call[ImportQuery]) -> ImportView:
    """An import that has not begun stands at line 1. Chunks that are still being processed count: their sender may be gone, and
    a new one asks."""
    channel, import_id = channel_named(call.services, call.query.channel), import_id_of(call)
    await _queue(call, import_id).drained()
    run = await queries.import_run(call.services.store, import_id)
    return _view(call, run or ImportRun(import_id, channel.name, 0), _IDLE_CHUNK)


async def import_rows(call: Call[Query]) -> ImportView:
    """Take the next lines, each as a call would save it. The same lines again are refused and change nothing.

    While the previous chunk is being decided, this one is already parsed. Chunks are committed in the order of arrival. If the
    previous chunk fails, this one is refused because it is not the next one.
    """
    asked = await call.body(_Sent, any_text=True)
    channel, import_id = channel_named(call.services, asked.channel), import_id_of(call)
    caller = Caller(
        channel.name,
        channel.id_space,
        call.caller.actor,
        call.caller.request_id,
        "import",
        trace=call.caller.trace,
        declared=call.caller.declared,
    )
    pipeline = call.services.pipeline
    async with _queue(call, import_id).turn(partial(_read, call.services, channel, caller, asked)) as lines:
        calls = pipeline.calls_taken
        bringing = _Bringing(pipeline, caller, import_id)
        started = perf_counter()
        run = await bringing.take(*_positions(asked, len(lines)), lines, last=asked.last)
        _note_span(call, import_id, len(lines), perf_counter() - started)
        busy = pipeline.calls_taken != calls or pipeline.waiting > 0
    refused = sum(isinstance(row, str) for _, row in lines)
    rows = call.services.telemetry.metrics.import_rows
    rows.labels("refused").inc(refused)
    rows.labels("taken").inc(len(lines) - refused)
    return _view(call, run, _BUSY_CHUNK if busy else _IDLE_CHUNK)


def _note_span(call: Call[Query], import_id: str, lines: int, seconds: float) -> None:
    if (tracing := call.services.telemetry.tracing) is not None:
        known: Attributes = {"gateway.import.id": import_id, "gateway.import.lines": lines}
        tracing.note_part(call.caller.trace, call.caller.request_id, "import", seconds, known)


class _Bringing:
    """Sends chunks into the pipeline. A chunk that fails as a whole is split in halves, down to the line that fails. A row's
    effect on other rows may need more than was loaded, and one row must not stop a file."""

    def __init__(self, pipeline: Pipeline, caller: Caller, import_id: str) -> None:
        self._pipeline, self._caller, self._import_id = pipeline, caller, import_id

    async def take(
        self, start: ImportPosition, end: ImportPosition, lines: Sequence[tuple[int, _Read]], *, last: bool
    ) -> ImportRun:
        try:
            return await self._submit(start, end, lines, last=last)
        except CommandFailed:
            if not lines:
                raise
            if len(lines) == 1:
                failed = [(lines[0][0], "failed")]
                return await self._submit(start, end, failed, last=last)
        middle = len(lines) // 2
        between = ImportPosition(start.next_line, start.ahead + middle, start.block or _HALVES)
        await self.take(start, between, lines[:middle], last=False)
        return await self.take(between, end, lines[middle:], last=last)

    async def _submit(
        self, start: ImportPosition, end: ImportPosition, lines: Sequence[tuple[int, _Read]], *, last: bool
    ) -> ImportRun:
        outcome = await self._pipeline.submit_background(
            ImportRows(
                self._caller,
                self._import_id,
                start,
                end,
                tuple(row for _, row in lines if not isinstance(row, str)),
                tuple(RefusedLine(line, row) for line, row in lines if isinstance(row, str)),
                tuple(_warned(lines)),
                last,
            )
        )
        if isinstance(outcome, Refused) and outcome.code == "import_undoing":
            raise Refusal(outcome.code, outcome.message)
        if not isinstance(outcome, Imported):
            raise Refusal(
                "import_moved",
                f"the import does not stand at line {start.next_line}: another command is sending it too, or an answer was lost; "
                "get its position and resume there",
            )
        return outcome.run


def _warned(lines: Iterable[tuple[int, _Read]]) -> Iterator[WarnedLine]:
    for line, row in lines:
        for identifier, status, reason, _ in () if isinstance(row, str) else row.evidence:
            if status != "ok":
                yield WarnedLine(line, identifier.type, reason)


def import_id_of(call: Call[Any]) -> str:
    found = call.request.match_info["id"]
    if not _IMPORT_ID.fullmatch(found):
        raise Refusal(
            "not_found", "there can be no such import; an id is 16 to 64 lower-case hexadecimal digits"
        )
    return found


def _queue(call: Call[Any], import_id: str) -> ChunkQueue:
    return call.services.importing.setdefault(import_id, ChunkQueue())


async def _read(
    services: Services, channel: Channel, caller: Caller, asked: _Sent
) -> list[tuple[int, _Read]]:
    """For each row, the command that saves it or the reason why it cannot be saved. Lines that the sender could not read come
    first."""
    read = await services.row_reader.read(
        Chunk(channel.id_space, channel.default_region, asked.columns, asked.rows)
    )
    if read.refused:
        raise Refusal("bad_body", read.refused)
    _check_lines(asked, read)
    lines: list[tuple[int, _Read]] = [(one.line, one.reason) for one in asked.unread]
    lines += [
        (
            row.line,
            row.fault or SaveCustomer(caller, row.customer_id, row.evidence, row.attributes, row.guest),
        )
        for row in read.rows
    ]
    return lines


def _check_lines(asked: _Sent, read: Answer) -> None:
    lines = [one.line for one in (*read.rows, *asked.unread)]
    behind = max(lines, default=0) + 1 if asked.ends_inside_a_block else asked.next_line
    inside = not lines or asked.first_line <= min(lines) <= max(lines) < behind
    if not inside or asked.next_line < asked.first_line or len(set(lines)) < len(lines):
        raise Refusal(
            "bad_body",
            "lines: each number must appear once, from first_line up to next_line - 1; correct the numbers",
        )


def _positions(asked: _Sent, lines: int) -> tuple[ImportPosition, ImportPosition]:
    """The first and the last line of the chunk."""
    start = ImportPosition(asked.first_line, asked.ahead, asked.block)
    if asked.ends_inside_a_block:
        return start, ImportPosition(asked.first_line, asked.ahead + lines, asked.block)
    return start, ImportPosition(asked.next_line)


def _view(call: Call[Any], run: ImportRun, chunk: int) -> ImportView:
    return ImportView(
        id=run.import_id,
        channel=run.channel,
        next_line=run.reached.next_line,
        ahead=run.reached.ahead,
        block=run.reached.block,
        counts=dict(run.counts),
        unusable=dict(run.unusable),
        finished_at=shown_or_none(run.finished_at),
        identifiers=list(call.services.env.rules.identifiers),
        chunk=chunk,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/imports/{id}",
        handler=show_import,
        role="viewer",
        summary="The progress of an import",
        query=ImportQuery,
        answer=ImportView,
        refusals=("unknown_channel",),
    ),
    Operation(
        method="POST",
        path="/imports/{id}/rows",
        handler=import_rows,
        role="admin",
        summary="Import the next lines, all of them or none; each is saved as a call would save it",
        body=NewRows,
        answer=ImportView,
        refusals=("unknown_channel", "import_moved", "import_undoing", "reading_failed"),
    ),
)
