"""Jobs: undo all merges that match a filter, in the background. The database stores how far a job has come, so a restart does not
end it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.http.admin.listing import (
    NEWEST,
    Id,
    ListQuery,
    Page,
    Query,
    page,
    read_cursor,
)
from gateway.http.admin.merge_list import Actor, Channel, ImportId, MergeView, merge_views, wanted_merges
from gateway.http.admin.named import Reason
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, When, shown, shown_or_none
from gateway.ids import show
from gateway.model import CancelJob, Job, JobKind, JobState, Refused, StartJob, UndoMerge
from gateway.store.queries import jobs as queries
from gateway.store.queries.merges import WantedMerges, count, merges

_FIRST = 20
Count = Annotated[int, Meta(ge=0, le=NEWEST)]


class UndoingMany(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """At least one filter; all that are given must hold. Only merges that stand are undone."""

    rule: str = ""
    channel: Channel = ""
    actor: Actor = ""
    import_id: ImportId = ""
    since: When = ""
    until: When = ""
    reason: Annotated[
        Reason, Meta(description="why; it is kept in the job and the audit log: name no person")
    ]
    expected: Annotated[
        Count | None, Meta(description="`matched` of the dry run; refused if it is another number now")
    ] = None
    dry_run: Annotated[bool, Meta(description="change nothing, and tell what matches")] = False


class JobView(msgspec.Struct):
    """`refused` merges stayed as they are; `GET /merges` with the job's filter and `state=standing` lists them. Merges that
    another change has undone in the meantime count as neither `done` nor `refused`. Times in the filter are milliseconds."""

    id: str
    kind: JobKind
    state: JobState
    filter: dict[str, str | int]
    reason: str
    matched: int
    done: int
    refused: int
    created_by: str
    created_at: Time
    ended_at: Time | None


class PlannedUndoView(msgspec.Struct):
    """`refused` is the code if this merge, undone alone, would be refused now. `records_moved` may come from a newer merge; the job
    undoes that one first."""

    merge: MergeView
    refused: str | None
    why: str


class MergesUndoneView(msgspec.Struct):
    """A dry run has the `first` 20, newest first, and no job."""

    matched: int
    first: list[PlannedUndoView]
    job: JobView | None


async def undo_merges(call: Call[Query]) -> MergesUndoneView:
    asked = await call.body(UndoingMany)
    wanted = wanted_merges(call.services, asked, "standing")
    if not wanted.stored():
        raise Refusal("bad_body", "give a filter: rule, channel, actor, import_id, since or until")
    matched, before = await count(call.services.store, wanted)
    if asked.dry_run:
        return MergesUndoneView(matched, await _first(call, wanted), None)
    if asked.expected is None:
        raise Refusal("bad_body", "expected: is missing; dry_run tells how many merges match")
    if asked.expected != matched:
        raise Refusal("count_changed", f"{matched:,} merges match now, not {asked.expected:,}; look again")
    command = StartJob(call.caller, "undo_merges", wanted.stored(), asked.reason, matched, before)
    return MergesUndoneView(matched, [], _view(await call.submit(command)))


async def _first(call: Call[Query], wanted: WantedMerges) -> list[PlannedUndoView]:
    found, behind = await merges(call.services.store, wanted, NEWEST, _FIRST)
    while len(found) < _FIRST and behind is not None:
        more, behind = await merges(call.services.store, wanted, behind, _FIRST - len(found))
        found += more
    planned: list[PlannedUndoView] = []
    for row, view in zip(found, await merge_views(call.services, found), strict=True):
        outcome, _ = await call.services.pipeline.preview(UndoMerge(call.caller, row.merge_id, ""))
        refused = outcome if isinstance(outcome, Refused) else None
        planned.append(
            PlannedUndoView(view, refused.code if refused else None, refused.message if refused else "")
        )
    return planned


async def list_jobs(call: Call[ListQuery]) -> Page[JobView]:
    query = call.query
    before = read_cursor(query.cursor, Id, NEWEST)
    found = await queries.jobs(call.services.store, before, query.limit + 1)
    return page(found, query.limit, _view, lambda one: one.job_id)


async def show_job(call: Call[Query]) -> JobView:
    job = await queries.job(call.services.store, call.id("job"))
    if job is None:
        raise Refusal("not_found", "there is no such job")
    return _view(job)


async def cancel_job(call: Call[Query]) -> JobView:
    return _view(await call.submit(CancelJob(call.caller, call.id("job"))))


def _view(job: Job) -> JobView:
    return JobView(
        show("job", job.job_id),
        job.kind,
        job.state,
        dict(job.filter),
        job.reason,
        job.matched,
        job.done,
        job.refused,
        job.created_by,
        shown(job.created_at),
        shown_or_none(job.ended_at),
    )


OPERATIONS = (
    Operation(
        method="POST",
        path="/merges/undo",
        handler=undo_merges,
        role="steward",
        summary="Undo all merges that match a filter, as a job in the background",
        body=UndoingMany,
        answer=MergesUndoneView,
        refusals=("count_changed", "unknown_channel"),
    ),
    Operation(
        method="GET",
        path="/jobs",
        handler=list_jobs,
        role="viewer",
        summary="Jobs, newest first",
        query=ListQuery,
        answer=Page[JobView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="GET",
        path="/jobs/{id}",
        handler=show_job,
        role="viewer",
        summary="One job, and how far it has come",
        answer=JobView,
    ),
    Operation(
        method="POST",
        path="/jobs/{id}/cancel",
        handler=cancel_job,
        role="steward",
        summary="Cancel a job; what it did stays done",
        answer=JobView,
        refusals=("job_over",),
    ),
)
