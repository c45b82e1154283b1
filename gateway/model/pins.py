"""Pins: an operator's decision that two records must, or cannot, be the same person."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused
from rules.record import Pin


@dataclass(slots=True, frozen=True)
class PinRow(Pin):
    """A pin, with its author, reason and time."""

    actor: str = ""
    reason: str = ""
    created_at: int = 0


class Split(msgspec.Struct, frozen=True):
    """A split whose sides are kept apart until it ends. Its author, reason and time are those of the split."""

    split_id: int
    until: int | None
    actor: str
    reason: str
    created_at: int


class SplitSide(msgspec.Struct, frozen=True):
    """One record of a split, and the side that it was on."""

    record_id: int
    split_id: int
    side: int


class SetPin(Command[Done | Refused], frozen=True):
    """A person's decision on two records; `until` None means forever."""

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


class LiftSplit(Command[Done], frozen=True):
    """The sides of a split are no longer kept apart."""

    caller: Caller
    split_id: int


class EndSplits(Command[Done], frozen=True):
    """Lift these splits, if they have expired."""

    caller: Caller
    split_ids: tuple[int, ...]
