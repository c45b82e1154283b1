"""Pins: an operator's decision that two records must, or cannot, be the same person."""

from dataclasses import dataclass
from typing import Literal

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused
from rules.record import Pin


@dataclass(slots=True, frozen=True)
class PinRow(Pin):
    """A pin, with its author, reason and time."""

    actor: str = ""
    reason: str = ""
    created_at: int = 0


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
