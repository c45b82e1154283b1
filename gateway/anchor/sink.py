"""The interface of what keeps anchors: a file or a webhook."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.audit.checkpoint import Checkpoint


class NotAccepted(Exception):
    """The sink did not accept a checkpoint. `pause`: milliseconds until another attempt makes sense."""

    def __init__(self, reason: str, pause: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class CheckpointRef(NamedTuple):
    """Identifies a checkpoint."""

    checkpoint_id: int
    signature: str
    """In hexadecimal digits."""


def ref_of(point: Checkpoint) -> CheckpointRef:
    return CheckpointRef(point.checkpoint_id, point.signature.hex())


class AnchorSink(Protocol):
    """`is_shared`: all gateways of one database write to the same sink, so one of them does it for all."""

    name: str
    is_shared: bool

    async def last(self) -> CheckpointRef | None:
        """The last checkpoint that the sink has, as far as that is known. Raises NotAccepted."""
        ...

    async def take(self, points: Sequence[Checkpoint]) -> int:
        """Hand over the next checkpoints, in order. Returns how many the sink has for certain; raises NotAccepted if that is
        none."""
        ...
