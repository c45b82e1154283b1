"""Pins: an operator's decisions that two records must, or cannot, be the same person."""

from gateway.ids import Ids
from gateway.model import PinRow
from gateway.workingset.collection import Collection, Of
from gateway.workingset.moment import Moment

Pair = tuple[int, int]
"""Two records, or two profiles, the smaller id first."""


class Pins(Moment):
    """Pins are loaded with the profiles of their records. `pinned` are the pairs by each of their records."""

    all_pins = Of(Collection[Pair, PinRow | None])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.pinned: dict[int, list[Pair]] = {}

    @property
    def standing_pins(self) -> list[PinRow]:
        """All that were loaded and not dropped."""
        return [pin for pin in self.all_pins.values() if pin is not None]

    def know_pin(self, pin: PinRow) -> None:
        """Note a pin, unless the pair has one."""
        pair = pin.record_a, pin.record_b
        if pair not in self.all_pins:
            self._put_pin(pair, pin)

    def _put_pin(self, pair: Pair, pin: PinRow) -> None:
        self.all_pins.put(pair, pin)
        for record_id in pair:
            self.pinned.setdefault(record_id, []).append(pair)

    def set_pin(self, pin: PinRow) -> None:
        self.know_pin(pin)
        self.all_pins.keep((pin.record_a, pin.record_b), pin)

    def drop_pin(self, pin: PinRow) -> None:
        self.all_pins.remove((pin.record_a, pin.record_b), None)
