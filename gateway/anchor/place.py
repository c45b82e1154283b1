"""Where anchors go, as the one who brings them sees it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.audit.checkpoint import Checkpoint


class NotTaken(Exception):
    """The place has not taken a checkpoint. `pause`: after so many ms it is worth trying again."""

    def __init__(self, reason: str, pause: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class Mark(NamedTuple):
    """By what a checkpoint is known again."""

    checkpoint_id: int
    signature: str
    """In hexadecimal digits."""


def mark_of(point: Checkpoint) -> Mark:
    return Mark(point.checkpoint_id, point.signature.hex())


class Place(Protocol):
    """`is_shared`: the gateways of one database bring to the same place, so one of them does it for all."""

    name: str
    is_shared: bool

    async def last(self) -> Mark | None:
        """What it took last, as far as that is known. Raises NotTaken."""
        ...

    async def take(self, points: Sequence[Checkpoint]) -> int:
        """Hand over the next ones, in their order; of how many it is known that it has them. Raises NotTaken where that is
        none."""
        ...
