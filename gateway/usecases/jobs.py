"""Jobs: an operator starts one, the gateway works it off step by step, and an operator may cancel it. Each change has its own event
with the job's id as the request id; the job has one where it begins and one where it ends."""

from typing import Literal

from msgspec.structs import replace

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import Caller, CancelJob, Job, Refused, StartJob, UndoMerge, WorkJob
from gateway.usecases import split
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet


def wants_nothing(command: StartJob, ws: WorkingSet, env: Env) -> bool:
    return True


def start(command: StartJob, ws: WorkingSet, env: Env) -> Job:
    job = Job(
        job_id=ws.next_id(),
        kind=command.kind,
        filter=command.filter,
        reason=command.reason,
        matched=command.matched,
        created_by=command.caller.actor,
        created_at=ws.now,
        before=command.before,
    )
    ws.jobs.add(job.job_id, job)
    ws.record_event(
        Action.JOB_STARTED,
        actor=command.caller.actor,
        subject=show("job", job.job_id),
        request_id=command.caller.request_id,
        reason=job.kind,
        detail={"filter": dict(job.filter), "matched": job.matched},
        words=Words({"note": job.reason}, (), env.pseudonyms),
    )
    return job


def wants_of_work(command: WorkJob, ws: WorkingSet, env: Env) -> bool:
    if not ws.jobs.want(command.job_id):
        return False
    job = ws.jobs[command.job_id]
    undo = None if job is None else _undo(command, job)
    return undo is None or split.wants_of_undo(undo, ws, env)


def work(command: WorkJob, ws: WorkingSet, env: Env) -> Job | Refused:
    """A merge that cannot be undone is counted, and the job goes on. One that the job has passed already is left alone."""
    job = ws.jobs[command.job_id]
    if job is None or job.state != "running":
        return _over(command.job_id)
    if command.merge_id is None:
        return _end(job, "done", command.caller, ws)
    undo = _undo(command, job)
    if undo is None:
        return job
    outcome = split.undo(undo, ws, env)
    refused = isinstance(outcome, Refused)
    done = not isinstance(outcome, Refused) and outcome.changed
    job = replace(job, before=undo.merge_id, done=job.done + done, refused=job.refused + refused)
    ws.jobs.keep(job.job_id, job)
    return job


def _undo(command: WorkJob, job: Job) -> UndoMerge | None:
    if command.merge_id is None or command.merge_id >= job.before:
        return None
    return UndoMerge(command.caller, command.merge_id, job.reason)


def wants_of_cancel(command: CancelJob, ws: WorkingSet, env: Env) -> bool:
    return ws.jobs.want(command.job_id)


def cancel(command: CancelJob, ws: WorkingSet, env: Env) -> Job | Refused:
    job = ws.jobs[command.job_id]
    if job is None:
        return Refused("not_found", "There is no such job.")
    if job.state != "running":
        return _over(job.job_id)
    return _end(job, "cancelled", command.caller, ws)


def _over(job_id: int) -> Refused:
    return Refused("job_over", f"{show('job', job_id)} runs no more.")


def _end(job: Job, state: Literal["done", "cancelled"], caller: Caller, ws: WorkingSet) -> Job:
    job = replace(job, state=state, ended_at=ws.now)
    ws.jobs.keep(job.job_id, job)
    ws.record_event(
        Action.JOB_ENDED if state == "done" else Action.JOB_CANCELLED,
        outcome=state,
        actor=caller.actor,
        subject=show("job", job.job_id),
        request_id=caller.request_id,
        reason=job.kind,
        detail={"matched": job.matched, "done": job.done, "refused": job.refused},
    )
    return job
