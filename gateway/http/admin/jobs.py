"""Jobs: how far each has come. An operator cancels one, or resumes one that failed. The database stores how far a job has come, so
a restart does not end it."""

from typing import Literal

import msgspec

from gateway.errors import Refusal
from gateway.http.admin.listing import NEWEST, Id, ListQuery, Page, Query, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import (
    CancelDamagedJob,
    CancelJob,
    Job,
    JobKind,
    JobState,
    ResumeJob,
    shown_thing,
)
from gateway.store.queries import jobs as queries
from gateway.store.row_digests import row_key
from gateway.store.tables.jobs import JOB


class Resuming(msgspec.Struct, forbid_unknown_fields=True):
    """`skip`: leave out the thing whose change failed (`stuck_at`)."""

    skip: bool = False


class JobView(msgspec.Struct):
    """Of what `matched`, `done` was changed, and `refused` could not be changed: the list with the job's filter still shows it.
    `closed` are questions that the job's answers closed beside their own. `passed` was already dealt with when the job reached it;
    it is counted at the end. `skipped` was left out by an operator who resumed the job, because its change failed: `stuck_at` is
    the thing whose change fails now. Times in the filter are milliseconds.

    `run_by` is the operator in whose name it changes things. `failures` are attempts in a row at the same step; the next is at
    `due_at`. `why` is what made it fail. A `distrusted` job is not run: its row is not as the audit log says.
    `damaged` are the columns of its row that cannot be read, because they were changed outside the gateway; they are empty here.
    Such a job can only be cancelled, if it is not over: `gateway jobs cancel`. Then start it again.
    """

    id: str
    kind: JobKind | Literal["unreadable"]
    state: JobState
    filter: dict[str, str | int]
    reason: str
    matched: int
    done: int
    refused: int
    closed: int
    passed: int
    skipped: int
    created_by: str
    created_at: Time
    run_by: str
    failures: int
    due_at: Time | None
    stuck_at: str | None
    why: str
    ended_at: Time | None
    distrusted: bool
    damaged: tuple[str, ...]


async def list_jobs(call: Call[ListQuery]) -> Page[JobView]:
    query = call.query
    before = read_cursor(query.cursor, Id, NEWEST)
    found = await queries.jobs(call.services.store, before, query.limit + 1)
    views = {one.job.job_id: await _view(call.services, one) for one in found[: query.limit]}
    return page(found, query.limit, lambda one: views[one.job.job_id], lambda one: one.job.job_id)


async def show_job(call: Call[Query]) -> JobView:
    return await _view(call.services, await _stored(call))


async def cancel_job(call: Call[Query]) -> JobView:
    found = await _stored(call)
    if found.damaged:
        ended = await call.submit(CancelDamagedJob(call.caller, found.job, found.damaged))
    else:
        ended = await call.submit(CancelJob(call.caller, found.job.job_id))
    return await job_view(call.services, ended)


async def resume_job(call: Call[Query]) -> JobView:
    job, damaged = await _stored(call)
    if damaged:
        raise Refusal(
            "job_distrusted", f"the row of {show('job', job.job_id)} is damaged; cancel it and start it again"
        )
    if await _is_distrusted(call.services, job):
        raise Refusal(
            "job_distrusted", "the job is not as the audit log says; look at `gateway audit verify --state`"
        )
    skip = call.has_body and (await call.body(Resuming)).skip
    return await job_view(call.services, await call.submit(ResumeJob(call.caller, job, skip)))


async def _stored(call: Call[Query]) -> queries.ReadJob:
    found = await queries.job(call.services.store, call.id("job"))
    if found is None:
        raise Refusal("not_found", "there is no such job")
    return found


async def _view(services: Services, found: queries.ReadJob) -> JobView:
    """One that is damaged is not run, whatever the log says."""
    if found.damaged:
        return _shown(found.job, found.damaged, is_distrusted=True)
    return await job_view(services, found.job)


async def _is_distrusted(services: Services, job: Job) -> bool:
    """It matters while the job may run, or run again."""
    if job.state not in ("running", "failed"):
        return False
    trust = await queries.trust_in(services.store, JOB.row(job), row_key(services.checkpoint_key))
    return trust != "trusted"


async def job_view(services: Services, job: Job) -> JobView:
    return _shown(job, (), is_distrusted=await _is_distrusted(services, job))


def _shown(job: Job, damaged: tuple[str, ...], *, is_distrusted: bool) -> JobView:
    return JobView(
        show("job", job.job_id),
        job.kind,
        job.state,
        dict(job.filter),
        job.reason,
        job.matched,
        job.done,
        job.refused,
        job.closed,
        job.passed,
        job.skipped,
        job.created_by,
        shown(job.created_at),
        job.run_by,
        job.failures,
        shown_or_none(job.due_at or None),
        None if job.stuck_at is None or "kind" in damaged else shown_thing(job.kind, job.stuck_at),
        job.why,
        shown_or_none(job.ended_at),
        is_distrusted,
        damaged,
    )


OPERATIONS = (
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
    Operation(
        method="POST",
        path="/jobs/{id}/resume",
        handler=resume_job,
        role="steward",
        summary="Continue a failed job where it stopped, or behind that thing, in the caller's name",
        body=Resuming,
        answer=JobView,
        refusals=("job_distrusted", "job_not_failed", "nothing_to_skip"),
    ),
)
