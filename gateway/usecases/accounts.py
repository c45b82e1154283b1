"""Operators and their sessions: who may use the admin listener."""

from msgspec.structs import replace

from gateway.audit.event import Action
from gateway.model import (
    AddOperator,
    Caller,
    Done,
    EndSession,
    OpenSession,
    OperatorSession,
    Refused,
    RemoveOperator,
    RotateOperator,
    StoredOperator,
)
from gateway.usecases.env import Env
from gateway.workingset import WorkingSet

_SESSIONS_PER_OPERATOR = 20


def wants_of_add(command: AddOperator, ws: WorkingSet, env: Env) -> bool:
    return ws.operators.want(command.operator.name)


def add(command: AddOperator, ws: WorkingSet, env: Env) -> Done | Refused:
    """The name of a removed operator can be used again; the audit log tells the two apart by their times."""
    operator = command.operator
    known = ws.operators[operator.name]
    if known is not None and known.removed_at is None:
        return Refused(
            "operator_exists",
            f"There is an operator {operator.name}; rotate their token, or choose another name.",
        )
    ws.operators.keep(operator.name, operator)
    _note(Action.OPERATOR_ADDED, command.caller, operator, ws)
    return Done()


def wants_of_change(command: RotateOperator | RemoveOperator, ws: WorkingSet, env: Env) -> bool:
    ws.operators.want(command.name)
    return ws.sessions_of.want(command.name)


def rotate(command: RotateOperator, ws: WorkingSet, env: Env) -> StoredOperator | Refused:
    operator = _active(command.name, ws)
    if isinstance(operator, Refused):
        return operator
    changed = replace(
        operator,
        token_hash=command.token_hash,
        previous_hash=operator.token_hash,
        previous_until=command.previous_until,
    )
    ws.operators.keep(operator.name, changed)
    ws.end_sessions(operator.name, ws.sessions_of[operator.name])
    _note(Action.OPERATOR_ROTATED, command.caller, changed, ws)
    return changed


def remove(command: RemoveOperator, ws: WorkingSet, env: Env) -> Done | Refused:
    operator = _active(command.name, ws)
    if isinstance(operator, Refused):
        return operator
    removed = replace(operator, removed_at=ws.now, previous_hash=None, previous_until=None)
    ws.operators.keep(operator.name, removed)
    ws.end_sessions(operator.name, ws.sessions_of[operator.name])
    _note(Action.OPERATOR_REMOVED, command.caller, removed, ws)
    return Done()


def wants_of_session(command: OpenSession | EndSession, ws: WorkingSet, env: Env) -> bool:
    return ws.sessions_of.want(command.session.name if isinstance(command, OpenSession) else command.name)


def open_session(command: OpenSession, ws: WorkingSet, env: Env) -> Done:
    session = command.session
    opened, seen = command.over_before
    held = ws.sessions_of[session.name]
    over = [one for one in held if one.opened_at <= opened or one.seen_at <= seen]
    left = sorted((one for one in held if one not in over), key=lambda one: (one.opened_at, one.session_id))
    ws.end_sessions(session.name, [*over, *left[: max(0, len(left) + 1 - _SESSIONS_PER_OPERATOR)]])
    ws.open_session(session)
    _note_session(Action.SESSION_OPENED, command.caller, session, ws)
    return Done()


def end_session(command: EndSession, ws: WorkingSet, env: Env) -> Done:
    ended = [one for one in ws.sessions_of[command.name] if one.session_id == command.session_id]
    ws.end_sessions(command.name, ended)
    for session in ended:
        _note_session(Action.SESSION_ENDED, command.caller, session, ws)
    return Done(changed=bool(ended))


def _active(name: str, ws: WorkingSet) -> StoredOperator | Refused:
    operator = ws.operators[name]
    if operator is None or operator.removed_at is not None:
        return Refused("operator_unknown", "There is no such operator; `gateway operators list` shows them.")
    return operator


def _note(action: Action, caller: Caller, operator: StoredOperator, ws: WorkingSet) -> None:
    ws.record_event(
        action,
        actor=caller.actor,
        subject=operator.name,
        request_id=caller.request_id,
        detail={"role": operator.role},
    )


def _note_session(action: Action, caller: Caller, session: OperatorSession, ws: WorkingSet) -> None:
    """The session's id is the digest of a secret; its first digits identify it."""
    ws.record_event(
        action,
        actor=caller.actor,
        subject=session.name,
        request_id=caller.request_id,
        detail={"session": session.session_id[:12]},
    )
