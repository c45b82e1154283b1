"""The interface of a place that keeps anchors."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.audit.checkpoint import Checkpoint


class NotTaken(Exception):
    """The place did not accept a checkpoint. `pause`: milliseconds until another attempt makes sense."""

    def __init__(self, reason: str, pause: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class Mark(NamedTuple):
    """Identifies a checkpoint."""

    checkpoint_id: int
    signature: str
    """In hexadecimal digits."""


def mark_of(point: Checkpoint) -> Mark:
    return Mark(point.checkpoint_id, point.signature.hex())


class Place(Protocol):
    """`is_shared`: all gateways of one database write to the same place, so one of them does it for all."""

    name: str
    is_shared: bool

    async def last(self) -> Mark | None:
        """The last checkpoint that the place has, as far as that is known. Raises NotTaken."""
        ...

    async def take(self, points: Sequence[Checkpoint]) -> int:
        """Hand over the next checkpoints, in order. Returns how many the place has for certain; raises NotTaken if that is
        none."""
        ...
