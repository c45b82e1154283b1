"""What every command is, and the outcomes that many of them share."""

from typing import Any, Generic, TypeVar

import msgspec

Outcome = TypeVar("Outcome", covariant=True)


class Command(msgspec.Struct, Generic[Outcome], frozen=True):
    """Something to decide and store as a whole. Each command names the outcomes that it may have."""


AnyCommand = Command[Any]


class Done(msgspec.Struct, frozen=True):
    """An operator's command was carried out. `changed` is False if the state was already as requested."""

    changed: bool = True


class Refused(msgspec.Struct, frozen=True):
    """An operator's command cannot be carried out; `code` is stable and documented."""

    code: str
    message: str
