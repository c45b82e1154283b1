"""Commands that do nothing but write an audit event."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.model.caller import Caller


class RefuseCall(msgspec.Struct, frozen=True):
    """A call that was refused before it reached a use case; recorded, nothing else. `count`: it stands for so many."""

    caller: Caller
    route: str
    status: int
    code: int
    reason: str
    count: int = 1


class NoteEvent(msgspec.Struct, frozen=True):
    """Write one audit event that changes nothing: of the gateway's own life (start, stop), or that somebody looked."""

    caller: Caller
    action: str
    detail: Mapping[str, Any] = {}
    profile: str = ""
