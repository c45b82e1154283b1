"""Commands that do nothing but write an audit event."""

from collections.abc import Mapping
from typing import Any

from gateway.model.caller import Caller
from gateway.model.command import Command, Done


class RefuseCall(Command[Done], frozen=True):
    """A call that was refused before it reached a use case. Only this is recorded. `count`: how many such calls it stands
    for."""

    caller: Caller
    route: str
    status: int
    code: int
    reason: str
    count: int = 1


class NoteEvent(Command[Done], frozen=True):
    """Write one audit event that changes nothing: a start or stop of the gateway, a look at personal data, or a job that is
    not run."""

    caller: Caller
    action: str
    detail: Mapping[str, Any] = {}
    profile: str = ""
    subject: str = ""
