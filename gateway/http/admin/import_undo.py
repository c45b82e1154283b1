"""Undoing a whole import: a preview, record by record, and the undo itself, chunk by chunk. The database stores the progress,
so that a stopped command can resume."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.ids_and_names import Reason
from gateway.http.admin.imports import import_id_of
from gateway.http.admin.listing import Id, ListQuery, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.ids import show
from gateway.model import ChangedRecord, ImportRun, Refused, UndoImport
from gateway.store.queries import imports as queries

_AT_ONCE = 200
Effect = Literal["removed", "restored", "stays", "gone"]


class ImportUndoing(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason
    limit: Annotated[int, Meta(ge=1, le=_AT_ONCE)] = _AT_ONCE


class UndoneRecordView(msgspec.Struct):
    """`removed`: the import created it. `restored`: it existed before; what the import added is removed and what it overwrote
    is restored, unless it changed since. `stays`: `touched` says what happened to it since: earned, pinned, tagged,
    deactivated, imported_again or seen_again. `gone`: it was erased. `others` are the other records of its profile. `merges`
    that the import caused with this record are undone, which splits profiles."""

    record: str
    profile: str | None
    effect: Effect
    touched: str
    others: int
    merges: list[str]


class ImportUndoneView(msgspec.Struct):
    """Call again until it is `finished`."""

    id: str
    finished: bool
    records: list[UndoneRecordView]


async def plan_import_undo(call: Call[ListQuery]) -> Page[UndoneRecordView]:
    """Starts where the undo stands."""
    import_id, query = import_id_of(call), call.query
    run = await _run(call, import_id)
    after = read_cursor(query.cursor, Id, run.undo_after or 0)
    found = await queries.changed_records(call.services.store, import_id, after, query.limit + 1)
    return page(found, query.limit, _view, lambda one: one.record_id)


async def undo_import(call: Call[Query]) -> ImportUndoneView:
    asked, import_id = await call.body(ImportUndoing), import_id_of(call)
    run = await _run(call, import_id)
    command = UndoImport(call.caller, import_id, run.undo_after or 0, asked.limit, asked.reason)
    outcome = await call.services.pipeline.submit_background(command)
    if isinstance(outcome, Refused):
        raise Refusal(outcome.code, outcome.message)
    return ImportUndoneView(
        import_id, outcome.run.undo_after is None, [_view(one) for one in outcome.records]
    )


async def _run(call: Call[ListQuery] | Call[Query], import_id: str) -> ImportRun:
    run = await queries.import_run(call.services.store, import_id)
    if run is None:
        raise Refusal("not_found", "there is no such import; its id is what gateway import printed")
    if run.undone_at is not None:
        raise Refusal("import_undone", "the import was undone before, and nothing was imported since")
    return run


def _view(one: ChangedRecord) -> UndoneRecordView:
    return UndoneRecordView(
        show("rec", one.record_id),
        None if one.profile_id is None else show("prf", one.profile_id),
        one.effect,
        one.touched if one.effect == "stays" else "",
        max(one.records - 1, 0),
        [show("mrg", merge_id) for merge_id in one.merges] if one.effect in ("removed", "restored") else [],
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/imports/{id}/undo",
        handler=plan_import_undo,
        role="viewer",
        summary="What an undo of an import would do, record by record; nothing is changed",
        query=ListQuery,
        answer=Page[UndoneRecordView],
        refusals=("bad_cursor", "import_undone"),
    ),
    Operation(
        method="POST",
        path="/imports/{id}/undo",
        handler=undo_import,
        role="admin",
        summary="Undo the next records of an import; repeat until it is finished",
        body=ImportUndoing,
        answer=ImportUndoneView,
        refusals=("import_undone", "import_moved"),
    ),
)
