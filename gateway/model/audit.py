"""Commands that do nothing but write an audit event."""

from collections.abc import Mapping
from typing import Any

from gateway.model.caller import Caller
from gateway.model.command import Command, Done


class RefuseCall(Command[Done], frozen=True):
    """A call that was refused before it reached a use case; recorded, nothing else. `count`: it stands for so many."""

    caller: Caller
    route: str
    status: int
    code: int
    reason: str
    count: int = 1


class NoteEvent(Command[Done], frozen=True):
    """Write one audit event that changes nothing: of the gateway's own life (start, stop), or that somebody looked."""

    caller: Caller
    action: str
    detail: Mapping[str, Any] = {}
    profile: str = ""
