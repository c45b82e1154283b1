"""The effects of a command, without carrying it out."""

from typing import Any, Literal, NamedTuple

import msgspec

from gateway.model.command import AnyCommand, Command
from gateway.model.reviews import ReviewState
from rules.identifier import Identifier


class ProfileAfter(NamedTuple):
    """A profile that is live afterwards and was changed. `is_new`: its id is drawn only when the command is carried out."""

    profile_id: int
    is_new: bool
    version: int
    canonical_id: str
    points: int
    records: tuple[int, ...]


class Lead(NamedTuple):
    """A profile id that leads elsewhere afterwards; None: its person was erased."""

    profile_id: int
    to: int | None


class KeyMoved(NamedTuple):
    """An identifier with the profiles that own it before and afterwards, if any."""

    identifier: Identifier
    before: int | None
    after: int | None


class ReviewAfter(NamedTuple):
    """A question that is opened, closed, passed on to another profile or erased with one of its profiles."""

    review_id: int
    is_new: bool
    profiles: tuple[int, int]
    reason: str
    state: ReviewState | Literal["erased"]


class PinChange(NamedTuple):
    record_a: int
    record_b: int
    kind: Literal["must", "cannot"]
    is_set: bool


class Sending(NamedTuple):
    """A delivery that is queued: `what` is the topic of an event, and the kind of any other delivery."""

    target: str
    what: str


class Effects(msgspec.Struct, frozen=True):
    """What a command changes. `undone` are merges that are marked as undone."""

    profiles: tuple[ProfileAfter, ...] = ()
    leads: tuple[Lead, ...] = ()
    keys: tuple[KeyMoved, ...] = ()
    reviews: tuple[ReviewAfter, ...] = ()
    pins: tuple[PinChange, ...] = ()
    undone: tuple[int, ...] = ()
    sendings: tuple[Sending, ...] = ()

    def is_new(self, profile_id: int) -> bool:
        """Whether the id is only drawn when the command is carried out."""
        return any(one.is_new and one.profile_id == profile_id for one in self.profiles)


class Previewed(msgspec.Struct, frozen=True):
    """The outcome that the command would have now, and its effects."""

    outcome: Any
    effects: Effects


class Preview(Command[Previewed], frozen=True):
    """Carry `command` out, report its effects, and store nothing of it."""

    command: AnyCommand
