"""Between which profiles nothing is asked: a person said that they are two, or is asked already."""

from collections.abc import Callable, Collection, Mapping

from gateway.search.people import Pair
from gateway.store.snapshot import Snapshot
from rules.record import Apart, Pin


class Settled:
    """`asked` are pairs of profiles; `homes` has the profile of each record."""

    def __init__(self, state: Snapshot, homes: Mapping[int, int], asked: Collection[Pair]) -> None:
        pins = [one for one in state.pins if isinstance(one, Pin) and one.kind == "cannot"]
        sides = [(homes.get(one.record_a, 0), homes.get(one.record_b, 0)) for one in pins]
        splits = [one for one in state.pins if isinstance(one, Apart)]
        self._pairs = {(min(pair), max(pair)) for pair in (*sides, *asked)}
        self._splits = [
            {homes[record]: side for record, side in split.sides.items() if record in homes}
            for split in splits
        ]

    def has(self, pair: Pair) -> bool:
        """The smaller id first."""
        one, other = pair
        return pair in self._pairs or any(
            one in sides and other in sides and sides[one] != sides[other] for sides in self._splits
        )

    def merge(self, root: Callable[[int], int]) -> None:
        """Some profiles have become one: `root` says which."""
        rooted = ((root(one), root(other)) for one, other in self._pairs)
        self._pairs = {(min(pair), max(pair)) for pair in rooted}
        self._splits = [{root(home): side for home, side in sides.items()} for sides in self._splits]
