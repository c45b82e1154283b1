"""A plan: what would change if the profiles became the groups of a partition. It is made before anything changes (I21).

Every profile and record is counted; the cases are only a sample. `rules.batch.pieces` decides which profile id a group keeps
and what changes hands.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from types import MappingProxyType
from typing import Literal, NamedTuple

from rules.batch.partition import Edge, Partition, RefusedEdge
from rules.batch.pieces import Names, Piece, Survivor, leaving, oldest, pieces

Kind = Literal["merge", "split", "blocked", "review"]
NO_NAMES: Names = MappingProxyType({})


class PlannedChange(NamedTuple):
    """One change, with its reason. `profiles` are the profiles concerned. `records` are those that move, or between which the
    reason was found. `points` would change hands. A merge names the rule that joins; a split, block or question names the
    guard, which is empty if no rule joins the parts any more."""

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
    `in_review` the profiles in them; `by_score`: merges of the next
    search, None if it makes none or cannot tell; `largest`: records on the largest profile; `points`: change hands."""

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
    cases: tuple[PlannedChange, ...]
    by_score: int | None = None


def plan(
    before: Mapping[int, Collection[int]],
    after: Partition,
    balances: Mapping[int, int],
    *,
    sample: int = 5,
    survivor: Survivor = oldest,
    names: Names = NO_NAMES,
) -> Plan:
    """Compare the profiles' record ids with a partition of the same records, and maybe of new ones. `balances` holds points by
    record id. `sample` is the number of cases of each kind. A profile that is not in `names` is named after its oldest
    record."""
    profile_of = {record_id: profile_id for profile_id, records in before.items() for record_id in records}
    found = list(pieces(before, after.groups, balances, names))
    moving = leaving(found, survivor)
    merges = list(_merges(found, moving, after, profile_of))
    splits = list(_splits(found, moving, after, profile_of))
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
        points=sum(abs(piece.points) for piece in moving),
        cases=tuple(case for cases in kinds for case in nsmallest(sample, cases, key=_weight)),
    )


def _merges(
    found: Iterable[Piece], moving: Collection[Piece], after: Partition, profile_of: Mapping[int, int]
) -> Iterator[PlannedChange]:
    """Groups with records of several profiles. The reason is the first edge between records that are apart now."""
    by_group: defaultdict[int, list[Piece]] = defaultdict(list)
    for piece in found:
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
        yield _case("merge", parts, moving)._replace(rule=edge.rule, types=edge.types)


def _splits(
    found: Iterable[Piece], moving: Collection[Piece], after: Partition, profile_of: Mapping[int, int]
) -> Iterator[PlannedChange]:
    """Profiles that are split. The reason is the first refused edge between the parts, if there is one."""
    by_profile: defaultdict[int, list[Piece]] = defaultdict(list)
    for piece in found:
        by_profile[piece.profile_id].append(piece)
    reasons: dict[int | None, RefusedEdge] = {}
    for refused in after.refused:
        profile_id = profile_of.get(refused.record_a)
        if profile_id == profile_of.get(refused.record_b):
            reasons.setdefault(profile_id, refused)
    for profile_id, parts in by_profile.items():
        if len(parts) > 1:
            case, why = _case("split", parts, moving), reasons.get(profile_id)
            yield case._replace(rule=why.rule, types=why.types, guard=why.guard) if why else case


def _case(kind: Kind, parts: Collection[Piece], leavers: Collection[Piece]) -> PlannedChange:
    moving = [piece for piece in parts if piece in leavers]
    return PlannedChange(
        kind,
        tuple(sorted({piece.profile_id for piece in parts})),
        tuple(sorted(record_id for piece in moving for record_id in piece.records)),
        sum(abs(piece.points) for piece in moving),
    )


def _refusal(refused: RefusedEdge, profile_of: Mapping[int, int]) -> PlannedChange:
    records = (refused.record_a, refused.record_b)
    profiles = tuple(sorted({profile_of[record_id] for record_id in records if record_id in profile_of}))
    kind = "review" if refused.asks else "blocked"
    return PlannedChange(kind, profiles, records, 0, refused.rule, refused.types, refused.guard)


def _profiles(cases: Iterable[PlannedChange]) -> int:
    return len({profile_id for case in cases for profile_id in case.profiles})


def _weight(case: PlannedChange) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
    """The most points first, then the most records."""
    return -case.points, -len(case.records), case.profiles, case.records
