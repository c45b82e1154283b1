"""Pieces: what becomes of the profiles that there are when their records are to form other groups.

A profile whose records fall into several groups goes on with its main piece: the one with the record that the profile is
named after, else with its oldest record. How many points or records the other pieces have does not matter: the name is an
account elsewhere, and it is that record's. A group goes on as one of the profiles whose main pieces it holds, the one that a
merge of these pieces would leave; where it holds none, as a profile of its own. What does not end on its former profile
changes hands, and its points with it. The plan counts by this, and whoever carries a partition out follows it (I21).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """The records of one profile that one group holds; `group` is its place in the partition."""

    profile_id: int
    group: int
    records: tuple[int, ...]
    points: int


Names = Mapping[int, int]
"""By profile id, the record that the profile is named after."""
Survivor = Callable[[Sequence[Piece]], Piece]
"""Which of several main pieces a merge would leave."""


def pieces(
    before: Mapping[int, Collection[int]],
    groups: Iterable[Collection[int]],
    balances: Mapping[int, int],
) -> Iterator[Piece]:
    """The pieces of all groups that are not simply a profile as it was. `before` are the profiles' record ids; records of
    the groups that are on none of these profiles are left out."""
    profile_of = {record_id: profile_id for profile_id, records in before.items() for record_id in records}
    for number, group in enumerate(groups):
        by_profile: defaultdict[int, list[int]] = defaultdict(list)
        for record_id in group:
            if record_id in profile_of:
                by_profile[profile_of[record_id]].append(record_id)
        if len(by_profile) == 1 and all(len(before[one]) == len(held) for one, held in by_profile.items()):
            continue
        for profile_id, held in by_profile.items():
            points = sum(balances.get(record_id, 0) for record_id in held)
            yield Piece(profile_id, number, tuple(sorted(held)), points)


def main_pieces(found: Iterable[Piece], names: Names) -> dict[int, Piece]:
    """By profile, the piece with which it goes on."""
    main: dict[int, Piece] = {}
    for piece in sorted(found, key=lambda one: (names.get(one.profile_id) not in one.records, one.records)):
        main.setdefault(piece.profile_id, piece)
    return main


def leaving(found: Collection[Piece], survivor: Survivor, names: Names) -> set[Piece]:
    """The pieces that change hands."""
    by_group: defaultdict[int, list[Piece]] = defaultdict(list)
    for piece in main_pieces(found, names).values():
        by_group[piece.group].append(piece)
    staying = {survivor(main) if len(main) > 1 else main[0] for main in by_group.values()}
    return set(found) - staying


def oldest(found: Sequence[Piece]) -> Piece:
    """The piece of the profile with the lowest id, which is the oldest."""
    return min(found, key=lambda piece: piece.profile_id)
