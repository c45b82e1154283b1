"""Pins: an operator's decisions that two records must, or cannot, be the same person; and splits whose sides stay apart."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from gateway.ids import Ids
from gateway.model import PinRow, Split, SplitSide
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of
from rules.record import Apart, Judgement, Profile

Pair = tuple[int, int]
"""Two records, or two profiles, the smaller id first."""


class Pins(BatchContext):
    """Pins are loaded with the profiles of their records, and so are the sides that these records have in splits. `pinned` are the
    pairs by each of their records; `parted` are the splits. A split has all its sides only once it was asked for in
    `whole_splits`."""

    all_pins = Of(Collection[Pair, PinRow | None])
    splits = Of(Collection[int, Split | None])
    split_sides = Of(Collection[Pair, SplitSide | None])
    whole_splits = Of(Collection[int, bool])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.pinned: dict[int, list[Pair]] = {}
        self.parted: dict[int, list[int]] = {}
        self.sides_of: dict[int, dict[int, int]] = {}

    @property
    def standing_pins(self) -> list[PinRow]:
        """All that were loaded and not dropped."""
        return [pin for pin in self.all_pins.values() if pin is not None]

    @property
    def judgements(self) -> list[Judgement]:
        """The standing pins, and the splits whose sides are kept apart, as far as they were loaded."""
        return [*self.standing_pins, *self._aparts(self.sides_of)]

    def _aparts(self, split_ids: Iterable[int]) -> list[Apart]:
        known = ((split_id, self.splits[split_id]) for split_id in split_ids)
        return [Apart(one, self.sides_of[one], row.until) for one, row in known if row is not None]

    def apart(self, record_ids: Iterable[int]) -> list[Apart]:
        """The splits of these records."""
        of = dict.fromkeys(one for record_id in record_ids for one in self.parted.get(record_id, ()))
        return self._aparts(of)

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

    # ---- the sides of splits ----

    def know_side(self, row: Split | None, side: SplitSide) -> None:
        """Note a split, None if it was lifted, and one record of it, unless they are known."""
        if side.split_id not in self.splits:
            self.splits.put(side.split_id, row)
        place = side.record_id, side.split_id
        if place not in self.split_sides:
            self.split_sides.put(place, side)
            self._note_side(side)

    def _note_side(self, side: SplitSide) -> None:
        self.sides_of.setdefault(side.split_id, {})[side.record_id] = side.side
        of = self.parted.setdefault(side.record_id, [])
        if side.split_id not in of:
            of.append(side.split_id)

    def keep_apart(self, row: Split, sides: Mapping[int, int]) -> None:
        """A new split. `sides`: by record, its side."""
        self.splits.add(row.split_id, row)
        self.whole_splits.put(row.split_id, True)
        for record_id, number in sides.items():
            side = SplitSide(record_id, row.split_id, number)
            self.split_sides.add((record_id, row.split_id), side)
            self._note_side(side)

    def split_between(self, one: Profile, other: Profile) -> PinRow | None:
        """The pin for which a split stands that keeps the two apart."""
        for apart in self._aparts(self.sides_of):
            row = self.splits[apart.split_id]
            if row is not None and apart.is_in_force(self.now) and (pair := apart.pair(one, other)):
                return PinRow(
                    min(pair), max(pair), "cannot", row.until, row.actor, row.reason, row.created_at
                )
        return None

    def join_sides(self, split_id: int, pair: Pair) -> bool:
        """The sides of two records become one. The split has to be whole. False if that leaves no other side."""
        sides = self.sides_of[split_id]
        kept, gone = sides[pair[0]], sides[pair[1]]
        for record_id in [one for one, side in sides.items() if side == gone]:
            side = SplitSide(record_id, split_id, kept)
            self.split_sides.keep((record_id, split_id), side)
            self._note_side(side)
        return len(set(sides.values())) > 1

    def lift_split(self, row: Split) -> None:
        """Its sides have no effect from now on. They are dropped later."""
        self.splits.remove(row.split_id, None)

    def drop_sides(self, split_id: int) -> None:
        """All that is left of a split that was lifted."""
        for record_id in list(self.sides_of.get(split_id, ())):
            self.drop_side(record_id, split_id)

    def drop_side(self, record_id: int, split_id: int) -> None:
        self.split_sides.remove((record_id, split_id), None)
        self.sides_of[split_id].pop(record_id)
        self.parted[record_id].remove(split_id)

    def forget_reason(self, row: Split) -> None:
        """What was written of the split may be about someone who is erased."""
        self.splits.keep(row.split_id, replace(row, reason=""))
