"""What every command is, and the outcomes that many of them share."""

from typing import Any, Generic, TypeVar

import msgspec

Outcome = TypeVar("Outcome", covariant=True)


class Command(msgspec.Struct, Generic[Outcome], frozen=True):
    """Something to be decided and stored as a whole. Each one names the outcomes that it may have."""


AnyCommand = Command[Any]


class Done(msgspec.Struct, frozen=True):
    """An operator's command was carried out; `changed` is False when it already was so."""

    changed: bool = True


class Refused(msgspec.Struct, frozen=True):
    """An operator's command cannot be carried out; `code` is stable and documented."""

    code: str
    message: str
