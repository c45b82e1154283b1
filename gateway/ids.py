"""Ids: 63-bit integers that grow with time; prefixed text (`prf_`, `rec_`, `ach_` …) wherever a person or a program sees them.

Layout: 42 bits of milliseconds since 2024-01-01, 10 bits of writer, 11 bits of counter. Growing keys keep every insert at the right
edge of its tree.
"""

from typing import Literal

Prefix = Literal["prf", "rec", "ach", "led", "mrg", "rev", "evt", "dlv", "job", "srh", "spl", "val"]

_EPOCH = 1_704_067_200_000
_NODE_BITS = 10
_COUNTER_BITS = 11
_COUNTER_MASK = (1 << _COUNTER_BITS) - 1


class Ids:
    """A source of ids for one writer: always growing, whatever the clock does. Not for use from two threads."""

    def __init__(self, node: int) -> None:
        self._tick = 0
        self.move(node)

    def move(self, node: int) -> None:
        """Continue as another writer, still growing: from the next millisecond."""
        self._node = (node & ((1 << _NODE_BITS) - 1)) << _COUNTER_BITS
        self._tick |= _COUNTER_MASK

    def next(self, now: int) -> int:
        """The next id at `now` (ms); more than 2,048 in one millisecond use the next one."""
        tick = (now - _EPOCH) << _COUNTER_BITS
        if tick <= self._tick:
            tick = self._tick + 1
        self._tick = tick
        return (tick >> _COUNTER_BITS << (_COUNTER_BITS + _NODE_BITS)) | self._node | (tick & _COUNTER_MASK)


def show(prefix: Prefix, number: int) -> str:
    return f"{prefix}_{number:016x}"


def read(prefix: Prefix, text: str) -> int | None:
    """The number of `text`; None if it is not an id of this kind."""
    try:
        number = int(text.removeprefix(f"{prefix}_"), 16)
    except ValueError:
        return None
    return number if 0 <= number < 1 << 63 and show(prefix, number) == text else None


def api_number(number: int) -> int:
    """The id as a JSON number that every client can hold (53 bits): without the writer's bits, in the same order."""
    return (number >> (_COUNTER_BITS + _NODE_BITS) << _COUNTER_BITS) | (number & _COUNTER_MASK)


def later(number: int, span: int) -> int:
    """An id above every one that was drawn up to `span` ms after `number`."""
    return number + ((span + 1) << (_COUNTER_BITS + _NODE_BITS))


def earliest(at: int) -> int:
    """Not above any id that is drawn at `at` (ms UTC)."""
    return max(0, at - _EPOCH) << (_COUNTER_BITS + _NODE_BITS)


def moment(number: int) -> int:
    """When the id was drawn (ms UTC)."""
    return (number >> (_COUNTER_BITS + _NODE_BITS)) + _EPOCH
