"""Decisions about profiles, by rules or by people: merges, pins and reviews, with their commands."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused
from rules.explain import Explanation
from rules.record import Pin

ReviewState = Literal["open", "accepted", "rejected", "stale"]


class MergeRow(msgspec.Struct, frozen=True):
    """One absorbed profile, with the records of both sides before the merge. An undo needs nothing else."""

    merge_id: int
    survivor_id: int
    absorbed_id: int
    survivor_records: tuple[int, ...]
    absorbed_records: tuple[int, ...]
    rule: str
    rule_set: str
    actor: str
    request_id: str
    merged_at: int
    undone_at: int | None = None


@dataclass(slots=True, frozen=True)
class PinRow(Pin):
    """A pin, with its author, reason and time."""

    actor: str = ""
    reason: str = ""
    created_at: int = 0


@dataclass(slots=True)
class ReviewItem:
    """An open or answered question. Most are about an unordered pair of profiles, `profile_a < profile_b`: are they one, or
    (`split:contested`) which side owns the keys that both hold? One with `records` is about one profile, which is both a and b:
    should these records leave it? `evidence` are the rules (`rule:<name>`) and types that supported it so far."""

    review_id: int
    profile_a: int
    profile_b: int
    state: ReviewState
    reason: str
    rule: str
    types: tuple[str, ...]
    opened_at: int
    closed_at: int | None = None
    closed_by: str = ""
    records: tuple[int, ...] = ()
    evidence: frozenset[str] = frozenset()


class Shaped(msgspec.Struct, frozen=True):
    """A profile after an operator changed its records; `parts` are the profiles that were split off."""

    profile_id: int
    version: int
    changed: bool = True
    merge_id: int | None = None
    parts: tuple[int, ...] = ()


class Explained(msgspec.Struct, frozen=True):
    explanation: Explanation


class MergeProfiles(Command[Shaped | Refused], frozen=True):
    """Join two profiles by hand. `version` is that of the first profile, as the operator saw it; None does not check."""

    caller: Caller
    profiles: tuple[int, int]
    reason: str
    version: int | None = None


class SplitProfile(Command[Shaped | Refused], frozen=True):
    """Take records out of a profile: `plain` just these, `tree` with all that was absorbed together with them, `all`
    every record onto a profile of its own."""

    caller: Caller
    profile_id: int
    records: tuple[int, ...]
    mode: Literal["plain", "tree", "all"]
    reason: str
    version: int | None = None


class UndoMerge(Command[Shaped | Refused], frozen=True):
    """Undo one merge. With `tree`, records that have moved since stay where they are. `version` is that of the profile that the
    records leave; None does not check."""

    caller: Caller
    merge_id: int
    reason: str
    tree: bool = False
    version: int | None = None


class SetPin(Command[Done | Refused], frozen=True):
    """A person's decision on two records; `until` None is for ever."""

    caller: Caller
    record_a: int
    record_b: int
    kind: Literal["must", "cannot"]
    reason: str
    until: int | None = None


class DropPin(Command[Done], frozen=True):
    caller: Caller
    record_a: int
    record_b: int


class EndPins(Command[Done], frozen=True):
    """Remove the pins of these pairs of records, if they have expired."""

    caller: Caller
    pairs: tuple[tuple[int, int], ...]


class AnswerReview(Command[Done | Shaped | Refused], frozen=True):
    """Accept joins the two profiles, reject pins them apart."""

    caller: Caller
    review_id: int
    accept: bool
    reason: str


class CloseStaleReviews(Command[Done], frozen=True):
    """Close these questions if they are still open and older than the rules allow."""

    caller: Caller
    reviews: tuple[int, ...]


class ExplainPair(Command[Explained | Refused], frozen=True):
    """Explain why two profiles (or two records, with `records`) are one or are not. Changes nothing."""

    a: int
    b: int
    records: bool = False
