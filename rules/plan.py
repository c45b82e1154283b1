"""A plan: what would change if the profiles became the groups of a partition, before anything does (I21).

Every profile and record is counted, only the cases shown are a sample. A group goes on as one profile of those
whose records it holds, and a profile in one group at most: where pieces compete, the piece with the most points
keeps the profile, then the larger one. All other pieces change hands, and their points with them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from typing import Literal, NamedTuple

from rules.partition import Edge, Partition, Refusal

Kind = Literal["merge", "split", "blocked", "review"]


class Case(NamedTuple):
    """One change, with its reason. `profiles` are those concerned, `records` what moves or what the reason was found
    between; `points` would change hands. A merge names the rule that asks for it; a split, block or question the guard,
    which is empty where no rule joins the parts any more."""

    kind: Kind
    profiles: tuple[int, ...]
    records: tuple[int, ...]
    points: int
    rule: str = ""
    types: tuple[str, ...] = ()
    guard: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers of profiles, unless said otherwise. `created`: new profiles of records that are new themselves;
    `attached`: new records that join existing profiles; `reviews`: pairs that a person would be asked about, and
    `in_review` the profiles in them; `largest`: records on the largest profile; `points`: change hands."""

    profiles_before: int
    profiles_after: int
    created: int
    attached: int
    merged: int
    split: int
    blocked: int
    in_review: int
    reviews: int
    largest_before: int
    largest: int
    points: int
    cases: tuple[Case, ...]


class _Piece(NamedTuple):
    """The records of one profile that one group would hold."""

    profile_id: int
    group: int
    records: tuple[int, ...]
    points: int


def plan(
    before: Mapping[int, Collection[int]],
    after: Partition,
    balances: Mapping[int, int],
    *,
    sample: int = 5,
) -> Plan:
    """Compare the profiles' record ids with a partition of the same records, and maybe of new ones. `balances`
    are points by record id; `sample` is the number of cases of each kind."""
    profile_of = {record_id: profile_id for profile_id, records in before.items() for record_id in records}
    pieces = list(_pieces(before, after, profile_of, balances))
    leaving = _leaving(pieces)
    merges = list(_merges(pieces, leaving, after, profile_of))
    splits = list(_splits(pieces, leaving, after, profile_of))
    refusals = [_refusal(refused, profile_of) for refused in after.refused]
    new = [(sum(one not in profile_of for one in group), len(group)) for group in after.groups]
    kinds = (merges, splits, *([r for r in refusals if r.kind == kind] for kind in ("blocked", "review")))
    return Plan(
        profiles_before=len(before),
        profiles_after=len(after.groups),
        created=sum(count == size for count, size in new),
        attached=sum(count for count, size in new if count < size),
        merged=_profiles(merges),
        split=_profiles(splits),
        blocked=_profiles(kinds[2]),
        in_review=_profiles(kinds[3]),
        reviews=len(kinds[3]),
        largest_before=max(map(len, before.values()), default=0),
        largest=max(map(len, after.groups), default=0),
        points=sum(abs(piece.points) for piece in leaving),
        cases=tuple(case for cases in kinds for case in nsmallest(sample, cases, key=_weight)),
    )


def _pieces(
    before: Mapping[int, Collection[int]],
    after: Partition,
    profile_of: Mapping[int, int],
    balances: Mapping[int, int],
) -> Iterator[_Piece]:
    """The pieces of all groups that are not simply a profile as it was."""
    for number, group in enumerate(after.groups):
        by_profile: defaultdict[int, list[int]] = defaultdict(list)
        for record_id in group:
            if record_id in profile_of:
                by_profile[profile_of[record_id]].append(record_id)
        if len(by_profile) == 1 and all(len(before[one]) == len(held) for one, held in by_profile.items()):
            continue
        for profile_id, held in by_profile.items():
            points = sum(balances.get(record_id, 0) for record_id in held)
            yield _Piece(profile_id, number, tuple(sorted(held)), points)


def _leaving(pieces: Iterable[_Piece]) -> set[_Piece]:
    """The pieces that do not keep their profile."""
    leaving: set[_Piece] = set()
    profiles: set[int] = set()
    groups: set[int] = set()
    for piece in sorted(pieces, key=lambda one: (-abs(one.points), -len(one.records), one.records)):
        if piece.profile_id in profiles or piece.group in groups:
            leaving.add(piece)
        else:
            profiles.add(piece.profile_id)
            groups.add(piece.group)
    return leaving


def _merges(
    pieces: Iterable[_Piece], leaving: Collection[_Piece], after: Partition, profile_of: Mapping[int, int]
) -> Iterator[Case]:
    """Groups with records of several profiles; the reason is the first edge between records that are apart now."""
    by_group: defaultdict[int, list[_Piece]] = defaultdict(list)
    for piece in pieces:
        by_group[piece.group].append(piece)
    merging = {group: parts for group, parts in by_group.items() if len(parts) > 1}
    group_of = {record_id: group for group in merging for record_id in after.groups[group]}
    reasons: dict[int, Edge] = {}
    for edge in after.joined:
        group = group_of.get(edge.record_a)
        if group is not None and profile_of.get(edge.record_a) != profile_of.get(edge.record_b):
            reasons.setdefault(group, edge)
    for group, parts in merging.items():
        edge = reasons[group]
        yield _case("merge", parts, leaving)._replace(rule=edge.rule, types=edge.types)


def _splits(
    pieces: Iterable[_Piece], leaving: Collection[_Piece], after: Partition, profile_of: Mapping[int, int]
) -> Iterator[Case]:
    """Profiles that come apart; the reason is the first edge between the parts that was refused, if one was."""
    by_profile: defaultdict[int, list[_Piece]] = defaultdict(list)
    for piece in pieces:
        by_profile[piece.profile_id].append(piece)
    reasons: dict[int | None, Refusal] = {}
    for refused in after.refused:
        profile_id = profile_of.get(refused.record_a)
        if profile_id == profile_of.get(refused.record_b):
            reasons.setdefault(profile_id, refused)
    for profile_id, parts in by_profile.items():
        if len(parts) > 1:
            case, why = _case("split", parts, leaving), reasons.get(profile_id)
            yield case._replace(rule=why.rule, types=why.types, guard=why.guard) if why else case


def _case(kind: Kind, parts: Collection[_Piece], leaving: Collection[_Piece]) -> Case:
    moving = [piece for piece in parts if piece in leaving]
    return Case(
        kind,
        tuple(sorted({piece.profile_id for piece in parts})),
        tuple(sorted(record_id for piece in moving for record_id in piece.records)),
        sum(abs(piece.points) for piece in moving),
    )


def _refusal(refused: Refusal, profile_of: Mapping[int, int]) -> Case:
    records = (refused.record_a, refused.record_b)
    profiles = tuple(sorted({profile_of[record_id] for record_id in records if record_id in profile_of}))
    kind = "review" if refused.asks else "blocked"
    return Case(kind, profiles, records, 0, refused.rule, refused.types, refused.guard)


def _profiles(cases: Iterable[Case]) -> int:
    return len({profile_id for case in cases for profile_id in case.profiles})


def _weight(case: Case) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
    """The most points first, then the most records."""
    return -case.points, -len(case.records), case.profiles, case.records
