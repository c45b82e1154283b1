"""The imports, newest first, and the lists of each: lines that it could not take, and identifiers that it could not use."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.http.admin.download import download, wanted_form
from gateway.http.admin.imports import import_id_of
from gateway.http.admin.listing import Id, ListQuery, Page, page, read_cursor, refuse_unknown
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.model import ImportRun, RefusedLine, WarnedLine
from gateway.store.queries import imports as queries

_PART = 1_000
State = Literal["under_way", "finished", "undoing", "undone"]
T = TypeVar("T")
P = TypeVar("P")


class ImportsQuery(ListQuery, kw_only=True):
    channel: Annotated[str, Meta(description="of this channel", max_length=50)] = ""


class ImportSummary(msgspec.Struct):
    """`lines` were taken so far. `counts` are rows by decision, `unchanged` and `rejected`; `unusable` are identifiers by
    `<type>:<reason>`."""

    id: str
    channel: str
    state: State
    started_at: Time
    finished_at: Time | None
    undone_at: Time | None
    lines: int
    counts: dict[str, int]
    unusable: dict[str, int]


class RefusedLineView(msgspec.Struct):
    line: int
    reason: str


class WarnedLineView(msgspec.Struct):
    """A line that was taken without an identifier of this type."""

    line: int
    identifier: str
    reason: str


async def list_imports(call: Call[ImportsQuery]) -> Page[ImportSummary]:
    query = call.query
    if query.channel:
        known = {channel.name for channel in call.services.config.channels}
        if query.channel not in known:
            refuse_unknown("channel", query.channel, known)
    before = read_cursor(query.cursor, tuple[Id, str], None)
    found = await queries.runs(call.services.store, before, query.limit + 1, query.channel)
    return page(found, query.limit, _summary, lambda run: (run.started_at, run.import_id))


async def list_refusals(call: Call[ListQuery]) -> Page[RefusedLineView] | web.StreamResponse:
    """With another `Accept`, all of them from the cursor on."""
    query, import_id, store = call.query, import_id_of(call), call.services.store
    after = read_cursor(query.cursor, Id, 0)
    if form := wanted_form(call):
        found = _parts(
            lambda place: queries.refusals(store, import_id, place, _PART),
            after,
            _refused,
            lambda one: one.line,
        )
        return await download(call, form, RefusedLineView, found)
    lines = await queries.refusals(store, import_id, after, query.limit + 1)
    return page(lines, query.limit, _refused, lambda one: one.line)


async def list_warnings(call: Call[ListQuery]) -> Page[WarnedLineView] | web.StreamResponse:
    """With another `Accept`, all of them from the cursor on."""
    query, import_id, store = call.query, import_id_of(call), call.services.store
    after = read_cursor(query.cursor, tuple[Id, str, str], (0, "", ""))
    if form := wanted_form(call):
        found = _parts(
            lambda place: queries.warnings(store, import_id, place, _PART), after, _warned, _place_of_warning
        )
        return await download(call, form, WarnedLineView, found)
    lines = await queries.warnings(store, import_id, after, query.limit + 1)
    return page(lines, query.limit, _warned, _place_of_warning)


async def _parts(
    read: Callable[[P], Awaitable[list[T]]],
    place: P,
    shown_as: Callable[[T], msgspec.Struct],
    place_of: Callable[[T], P],
) -> AsyncIterator[list[msgspec.Struct]]:
    while found := await read(place):
        yield [shown_as(one) for one in found]
        place = place_of(found[-1])


def _summary(run: ImportRun) -> ImportSummary:
    return ImportSummary(
        run.import_id,
        run.channel,
        state_of(run),
        shown(run.started_at),
        shown_or_none(run.finished_at),
        shown_or_none(run.undone_at),
        run.reached.next_line - 1,
        dict(run.counts),
        dict(run.unusable),
    )


def state_of(run: ImportRun) -> State:
    if run.undone_at is not None:
        return "undone"
    if run.undo_after is not None:
        return "undoing"
    return "under_way" if run.finished_at is None else "finished"


def _refused(one: RefusedLine) -> RefusedLineView:
    return RefusedLineView(one.line, one.reason)


def _warned(one: WarnedLine) -> WarnedLineView:
    return WarnedLineView(one.line, one.identifier, one.reason)


def _place_of_warning(one: WarnedLine) -> tuple[int, str, str]:
    return one.line, one.identifier, one.reason


OPERATIONS = (
    Operation(
        method="GET",
        path="/imports",
        handler=list_imports,
        role="viewer",
        summary="The imports, newest first",
        query=ImportsQuery,
        answer=Page[ImportSummary],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="GET",
        path="/imports/{id}/refusals",
        handler=list_refusals,
        role="viewer",
        summary="The lines that an import could not take, each with its reason",
        query=ListQuery,
        answer=Page[RefusedLineView],
        streams=True,
        csv=True,
        refusals=("bad_cursor",),
    ),
    Operation(
        method="GET",
        path="/imports/{id}/warnings",
        handler=list_warnings,
        role="viewer",
        summary="The identifiers that an import could not use, by line, each with its reason; their rows were taken",
        query=ListQuery,
        answer=Page[WarnedLineView],
        streams=True,
        csv=True,
        refusals=("bad_cursor",),
    ),
)
