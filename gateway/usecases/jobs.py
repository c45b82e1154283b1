"""Jobs: an operator starts one, the gateway works it off step by step, and an operator may cancel it. Each change has its own event
with the job's id as the request id; the job has one where it begins and one where it ends.

A job is worked on as the audit log vouches for it: a step names that job, and is refused if the row is another one by then. It runs
in the name of an operator. Once they are removed it fails, until another one resumes it in theirs.
"""

from msgspec.structs import replace

from gateway.audit.event import Action, Words
from gateway.ids import show
from gateway.model import (
    JOB_DIGESTED,
    Caller,
    CancelDamagedJob,
    CancelJob,
    DelayJob,
    Job,
    JobState,
    Refused,
    RehearseJob,
    ResumeJob,
    StartJob,
    Step,
    WorkJob,
    includes,
    shown_thing,
)
from gateway.usecases.backoff import MOST_FAILURES, pause
from gateway.usecases.env import Env
from gateway.usecases.job_steps import Task, step, wants_of_step
from gateway.workingset import NotLoaded, WorkingSet

_OPERATOR = "operator:"
_ENDS = {
    "done": Action.JOB_ENDED,
    "failed": Action.JOB_FAILED,
    "cancelled": Action.JOB_CANCELLED,
}


# ---- its beginning ----


def start(command: StartJob, ws: WorkingSet, env: Env) -> Job:
    actor = command.caller.actor
    job = Job(
        job_id=ws.next_id(),
        kind=command.kind,
        filter=command.filter,
        reason=command.reason,
        matched=command.matched,
        created_by=actor,
        created_at=ws.now,
        above=command.above,
        run_by=actor,
        run_since=ws.now,
        before=command.above,
    )
    ws.jobs.add(job.job_id, job)
    ws.record_event(
        Action.JOB_STARTED,
        actor=actor,
        subject=show("job", job.job_id),
        request_id=command.caller.request_id,
        reason=job.kind,
        detail={"filter": dict(job.filter), "matched": job.matched},
        words=Words({"note": job.reason}, (), env.pseudonyms),
    )
    return job


# ---- its steps ----


def wants_of_work(command: WorkJob, ws: WorkingSet, env: Env) -> bool:
    job = command.job
    ws.operators.want(_name_of(job))
    return ws.jobs.want(job.job_id) and (
        command.item is None or wants_of_step(_task(command.caller, job), command.item, ws, env)
    )


def work(command: WorkJob, ws: WorkingSet, env: Env) -> Job | Refused:
    """A thing that the job has passed already is left alone. No job changes more things than were counted when it was started."""
    job = _as_trusted(command.job, ws)
    if isinstance(job, Refused):
        return job
    if (why := _lost_operator(job, ws)) is not None:
        ws.source = "gateway"
        return _end(replace(job, stuck_at=None), "failed", replace(command.caller, actor="gateway"), ws, why)
    if command.item is None or _dealt_with(job) >= job.matched:
        return _end(job, "done", command.caller, ws)
    if not command.item < min(job.before, job.above):
        return job
    made = step(_task(command.caller, job), command.item, ws, env)
    job = replace(
        job,
        before=command.item,
        done=job.done + (made.result == "done"),
        refused=job.refused + (made.result == "refused"),
        closed=job.closed + made.closed,
        failures=0,
        due_at=0,
        stuck_at=None,
    )
    ws.move_on(job)
    return job


def _dealt_with(job: Job) -> int:
    return job.done + job.refused + job.closed + job.skipped


def _task(caller: Caller, job: Job) -> Task:
    return Task(caller, job.kind, job.filter, job.reason, job.created_at)


def _as_trusted(trusted: Job, ws: WorkingSet) -> Job | Refused:
    """The job as it is now, with how far it has come; refused unless it is the running one that is trusted."""
    job = ws.jobs[trusted.job_id]
    if job is None or job.state != "running" or not _is_same(job, trusted):
        return _over(trusted.job_id)
    return job


def _is_same(job: Job, trusted: Job) -> bool:
    return all(getattr(job, name) == getattr(trusted, name) for name in JOB_DIGESTED)


def _name_of(job: Job) -> str:
    return job.run_by.removeprefix(_OPERATOR)


def _lost_operator(job: Job, ws: WorkingSet) -> str | None:
    """Why the job must not continue in the name of its operator, if so. The shared token and a proxy's operators are not stored."""
    operator = ws.operators[_name_of(job)]
    if operator is None:
        return None
    is_gone = operator.removed_at is not None and operator.removed_at >= job.run_since
    if is_gone or operator.created_at > job.run_since or not includes(operator.role, "steward"):
        return f"{job.run_by} was removed; resume the job to continue it in your name"
    return None


# ---- steps that fail ----


def wants_of_job(command: DelayJob | ResumeJob, ws: WorkingSet, env: Env) -> bool:
    return ws.jobs.want(command.job.job_id)


def delay(command: DelayJob, ws: WorkingSet, env: Env) -> Job | Refused:
    job = _as_trusted(command.job, ws)
    if isinstance(job, Refused):
        return job
    job = replace(job, failures=job.failures + 1, stuck_at=command.item)
    if job.failures >= MOST_FAILURES:
        return _end(job, "failed", command.caller, ws, f"{command.error}, {job.failures} times")
    job = replace(job, due_at=ws.now + pause(job.failures))
    ws.move_on(job)
    return job


def resume(command: ResumeJob, ws: WorkingSet, env: Env) -> Job | Refused:
    job, caller = ws.jobs[command.job.job_id], command.caller
    if job is None or not _is_same(job, command.job) or job.state != "failed":
        return Refused("job_not_failed", "Only a failed job can be resumed; look at it again.")
    told: dict[str, str] = {}
    if command.skip:
        if job.stuck_at is None:
            return Refused(
                "nothing_to_skip", "The job did not fail at a single thing; resume it without skip."
            )
        told["skip"] = shown_thing(job.kind, job.stuck_at)
        job = replace(job, before=min(job.before, job.stuck_at), skipped=job.skipped + 1)
    job = replace(
        job,
        state="running",
        why="",
        ended_at=None,
        run_by=caller.actor,
        run_since=ws.now,
        failures=0,
        due_at=0,
        stuck_at=None,
    )
    ws.jobs.keep(job.job_id, job)
    _note(Action.JOB_RESUMED, job, "running", caller, ws, told)
    return job


# ---- its end ----


def wants_of_cancel(command: CancelJob, ws: WorkingSet, env: Env) -> bool:
    return ws.jobs.want(command.job_id)


def cancel(command: CancelJob, ws: WorkingSet, env: Env) -> Job | Refused:
    job = ws.jobs[command.job_id]
    if job is None:
        return Refused("not_found", "There is no such job.")
    if job.state not in ("running", "failed"):
        return _over(job.job_id)
    return _end(job, "cancelled", command.caller, ws)


def wants_of_damaged(command: CancelDamagedJob, ws: WorkingSet, env: Env) -> bool:
    return ws.unended_jobs.want(command.job.job_id)


def cancel_damaged(command: CancelDamagedJob, ws: WorkingSet, env: Env) -> Job | Refused:
    job = command.job
    if not ws.unended_jobs[job.job_id]:
        return _over(job.job_id)
    ws.unended_jobs.put(job.job_id, False)
    ws.jobs.drop(job.job_id)
    ws.jobs.add(job.job_id, job)
    return _end(job, "cancelled", command.caller, ws, f"its row was damaged: {', '.join(command.columns)}")


def _over(job_id: int) -> Refused:
    return Refused("job_over", f"{show('job', job_id)} is over.")


def _end(job: Job, state: JobState, caller: Caller, ws: WorkingSet, why: str = "") -> Job:
    """End the job. If it is done, items that it never reached count as passed: others had dealt with them before."""
    left = max(0, job.matched - _dealt_with(job))
    job = replace(job, state=state, ended_at=ws.now, why=why, passed=left if state == "done" else 0)
    ws.jobs.keep(job.job_id, job)
    _note(_ENDS[state], job, state, caller, ws, {"why": why} if why else {})
    return job


def _note(
    action: Action, job: Job, outcome: str, caller: Caller, ws: WorkingSet, more: dict[str, str] | None = None
) -> None:
    counts = {
        name: getattr(job, name) for name in ("matched", "done", "refused", "closed", "passed", "skipped")
    }
    ws.record_event(
        action,
        outcome=outcome,
        actor=caller.actor,
        subject=show("job", job.job_id),
        request_id=caller.request_id,
        reason=job.kind,
        detail={**counts, **(more or {})},
    )


# ---- a rehearsal ----


def wants_of_rehearsal(command: RehearseJob, ws: WorkingSet, env: Env) -> bool:
    """All things are asked for at once."""
    task, is_loaded = _rehearsed(command, ws), True
    for item in command.items:
        is_loaded &= wants_of_step(task, item, ws, env)
    return is_loaded


def rehearse(command: RehearseJob, ws: WorkingSet, env: Env) -> tuple[Step, ...]:
    """Rehearse the steps in one transaction, although a job makes each in its own. So the rehearsal ends before a step that would
    have to look something up again."""
    steps: list[Step] = []
    for item in command.items:
        try:
            steps.append(step(_rehearsed(command, ws), item, ws, env))
        except NotLoaded:
            break
    return tuple(steps)


def _rehearsed(command: RehearseJob, ws: WorkingSet) -> Task:
    return Task(command.caller, command.kind, command.filter, command.reason, ws.now)
