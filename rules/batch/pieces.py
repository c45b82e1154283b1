"""Pieces: what happens to existing profiles when their records are to form other groups.

A profile whose records fall into several groups keeps its id for its main piece: the piece with the record after which the
profile is named, or else with its oldest record. The number of points or records in the other pieces does not matter, because
the name is that record's account on the platform. Another piece takes the id of the oldest absorbed profile that is named after
one of its records. If there is none, it becomes a new profile.

A group takes the id of one of its pieces: the one that a merge of these would leave. If no piece has an id, the group becomes a
new profile. A piece that does not end on its present profile changes hands, with its points. The plan counts by these rules,
and the use case that carries a partition out follows them (I21).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """The records of one profile that one group holds. `group` is its index in the partition. `lives_as` is the profile that
    the piece would be if it stood alone: its present one, one that was absorbed, or 0 for a new one."""

    profile_id: int
    group: int
    records: tuple[int, ...]
    points: int
    lives_as: int

    @property
    def is_main(self) -> bool:
        return self.lives_as == self.profile_id


Names = Mapping[int, int]
"""By record id, the profile that is named after the record, live or absorbed."""
Survivor = Callable[[Sequence[Piece]], Piece]
"""Chooses the id that a merge of several pieces would leave."""


def pieces(
    before: Mapping[int, Collection[int]],
    groups: Iterable[Collection[int]],
    balances: Mapping[int, int],
    names: Names,
) -> Iterator[Piece]:
    """The pieces of all groups that differ from a profile as it was. `before` holds the profiles' record ids. Records that are
    on none of these profiles are left out."""
    profile_of = {record_id: profile_id for profile_id, records in before.items() for record_id in records}
    namesakes = {profile_id: record_id for record_id, profile_id in names.items() if profile_id in before}
    for number, group in enumerate(groups):
        by_profile: defaultdict[int, list[int]] = defaultdict(list)
        for record_id in group:
            if record_id in profile_of:
                by_profile[profile_of[record_id]].append(record_id)
        if len(by_profile) == 1 and all(len(before[one]) == len(held) for one, held in by_profile.items()):
            continue
        for profile_id, held in by_profile.items():
            points = sum(balances.get(record_id, 0) for record_id in held)
            named_after = namesakes.get(profile_id)
            if named_after not in before[profile_id]:
                named_after = min(before[profile_id])
            former = min((names[one] for one in held if one in names), default=0)
            lives_as = profile_id if named_after in held else former
            yield Piece(profile_id, number, tuple(sorted(held)), points, lives_as)


def leaving(found: Iterable[Piece], survivor: Survivor) -> set[Piece]:
    """The pieces that change hands."""
    by_group: defaultdict[int, list[Piece]] = defaultdict(list)
    for piece in found:
        by_group[piece.group].append(piece)
    stays = {
        survivor(known) for parts in by_group.values() if (known := [one for one in parts if one.lives_as])
    }
    return {
        piece for parts in by_group.values() for piece in parts if piece not in stays or not piece.is_main
    }


def oldest(found: Sequence[Piece]) -> Piece:
    """The piece whose profile has the lowest id, which is the oldest."""
    return min(found, key=lambda piece: piece.lives_as)
