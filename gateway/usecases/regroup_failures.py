"""Regroupings whose step meets an unexpected error. It is tried again after pauses that grow, and given up in the end, until an
operator resumes it. Others are worked on in the meantime."""

from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.ids import show
from gateway.model import Caller, DelayRegrouping, Refused, Regrouping, ResumeRegroupings
from gateway.usecases.backoff import MOST_FAILURES, pause
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet


def wants(command: DelayRegrouping, ws: WorkingSet, env: Env) -> bool:
    return ws.regroupings.want(command.regrouping_id)


def delay(command: DelayRegrouping, ws: WorkingSet, env: Env) -> Regrouping | Refused:
    run = ws.regroupings[command.regrouping_id]
    if run is None or run.finished_at or run.failed_at or run.cursor != command.after:
        return Refused("regrouping_over", "The regrouping has moved on.")
    run = replace(run, failures=run.failures + 1, held_by="", held_until=0)
    if run.failures < MOST_FAILURES:
        run = replace(run, due_at=ws.now + pause(run.failures))
        ws.keep_regrouping(run)
    elif command.is_known:
        ws.forget_regrouping(run)
    else:
        run = replace(run, failed_at=ws.now, why=f"{command.error}, {run.failures} times")
        ws.keep_regrouping(run)
        _note(Action.REGROUPING_FAILED, run, "failed", command.caller, ws, {"why": run.why})
    return run


def wants_of_resuming(command: ResumeRegroupings, ws: WorkingSet, env: Env) -> bool:
    return ws.regroupings.want_all(command.regroupings)


def resume(command: ResumeRegroupings, ws: WorkingSet, env: Env) -> int:
    runs = [ws.regroupings[one] for one in command.regroupings]
    failed = [run for run in runs if run is not None and run.failed_at and not run.finished_at]
    for run in failed:
        ws.keep_regrouping(replace(run, failures=0, due_at=0, failed_at=None, why=""))
        _note(Action.REGROUPING_RESUMED, run, "running", command.caller, ws, {})
    return len(failed)


def _note(
    action: Action, run: Regrouping, outcome: str, caller: Caller, ws: WorkingSet, more: dict[str, str]
) -> None:
    about = {"profile": show("prf", run.profile_id)} if run.scope == "profile" else {}
    ws.record_event(
        action,
        outcome=outcome,
        actor=caller.actor,
        request_id=caller.request_id,
        reason=run.cause,
        detail={"scope": run.scope, "type": run.type, "looked": run.looked, **about, **more},
    )
