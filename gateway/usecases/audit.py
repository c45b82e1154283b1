"""Events that stand alone in the audit log: refused calls, and notes of the start, the stop, a reload or an export."""

from gateway.audit.event import Action
from gateway.model import Done, NoteEvent, RefuseCall
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet


def refuse_call(command: RefuseCall, ws: WorkingSet, env: Env) -> Done:
    caller = command.caller
    counted = {"count": command.count} if command.count > 1 else {}
    ws.record_event(
        Action.CALL_REFUSED,
        outcome="refused",
        channel=caller.channel,
        actor=caller.actor,
        request_id=caller.request_id,
        reason=command.reason,
        detail={"route": command.route, "status": command.status, "code": command.code, **counted},
    )
    return Done()


def note_event(command: NoteEvent, ws: WorkingSet, env: Env) -> Done:
    ws.record_event(
        Action(command.action),
        actor=command.caller.actor,
        profile=command.profile,
        subject=command.subject,
        request_id=command.caller.request_id,
        detail=command.detail,
    )
    return Done()
