"""What a partition would change for the profiles that there are."""

from collections.abc import Collection, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.batch.partition import Edge, Partition, RefusedEdge
from rules.plan import Plan, PlannedChange, plan
from tests.support.properties import ANY_HEALTH

EASY = settings(max_examples=100, deadline=None, suppress_health_check=ANY_HEALTH)


def planned(
    before: Mapping[int, Collection[int]],
    groups: Collection[Collection[int]],
    joined: Collection[Edge] = (),
    refused: Collection[RefusedEdge] = (),
    balances: Mapping[int, int] | None = None,
    sample: int = 5,
) -> Plan:
    ordered = tuple(sorted(map(frozenset, groups), key=min))
    return plan(before, Partition(ordered, tuple(joined), tuple(refused)), balances or {}, sample=sample)


def edge(a: int, b: int) -> Edge:
    return Edge(a, b, "email", ("email",))


def test_profiles_that_stay_as_they_are_make_an_empty_plan() -> None:
    found = planned({7: [1, 2], 8: [3]}, [[1, 2], [3]], [edge(1, 2)], balances={1: 9})
    assert found == Plan(2, 2, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, ())


def test_a_merge_moves_the_smaller_side_and_names_the_edge_between_the_profiles() -> None:
    joined = [edge(1, 2), Edge(2, 3, "mobile", ("mobile",))]
    found = planned({7: [1, 2], 8: [3]}, [[1, 2, 3]], joined, balances={1: 50, 2: 50, 3: 30})
    assert (found.merged, found.split, found.points, found.largest_before, found.largest) == (2, 0, 30, 2, 3)
    assert found.cases == (PlannedChange("merge", (7, 8), (3,), 30, "mobile", ("mobile",)),)


def test_a_split_names_the_guard_between_the_parts_or_none_where_no_rule_joins_them() -> None:
    refused = [RefusedEdge(1, 2, "email", ("email",), "max_records", asks=True)]
    before = {7: [1, 2], 8: [3, 4]}
    found = planned(before, [[1], [2], [3], [4]], refused=refused, balances={1: 5, 2: 3})
    assert (found.split, found.points, found.reviews, found.in_review) == (2, 3, 1, 1)
    assert found.cases == (
        PlannedChange("split", (7,), (2,), 3, "email", ("email",), "max_records"),
        PlannedChange("split", (8,), (4,), 0),
        PlannedChange("review", (7,), (1, 2), 0, "email", ("email",), "max_records"),
    )


def test_silently_blocked_edges_are_distinguished_from_questions() -> None:
    refused = [
        RefusedEdge(1, 2, "email", ("email",), "cannot", asks=False),
        RefusedEdge(1, 3, "m", ("m",), "review", asks=True),
    ]
    found = planned({7: [1], 8: [2], 9: [3]}, [[1], [2], [3]], refused=refused)
    assert (found.blocked, found.in_review, found.reviews) == (2, 2, 1)
    assert [case.kind for case in found.cases] == ["blocked", "review"]


def test_records_that_are_new_are_created_or_attached() -> None:
    found = planned({7: [1]}, [[1, 2], [3, 4]], [edge(1, 2), edge(3, 4)])
    assert (found.created, found.attached, found.merged, found.profiles_after) == (1, 1, 0, 2)


def test_a_new_record_may_be_what_joins_two_profiles() -> None:
    found = planned({7: [1], 8: [2]}, [[1, 2, 3]], [edge(1, 3), edge(2, 3)])
    assert found.cases == (PlannedChange("merge", (7, 8), (2,), 0, "email", ("email",)),)
    assert found.attached == 1


def test_a_part_that_moves_to_another_profile_is_counted_once() -> None:
    found = planned({7: [1, 2], 8: [3]}, [[1], [2, 3]], [edge(2, 3)], balances={1: 10, 2: 4, 3: 20})
    assert (found.merged, found.split, found.points) == (2, 1, 4)


def test_a_negative_balance_moves_like_a_positive_one() -> None:
    assert planned({7: [1], 8: [2]}, [[1, 2]], [edge(1, 2)], balances={1: 10, 2: -3}).points == 3


def test_the_sample_shows_the_most_points_first() -> None:
    before = {number: [number] for number in range(8)}
    groups = [[0, 1], [2, 3], [4, 5], [6, 7]]
    balances = dict(zip(range(8), [1, 1, 9, 9, 5, 5, 0, 0], strict=True))
    found = planned(before, groups, [edge(a, b) for a, b in groups], balances=balances, sample=2)
    assert [(case.profiles, case.points) for case in found.cases] == [((2, 3), 9), ((4, 5), 5)]
    assert (found.merged, found.points) == (8, 15)


RECORDS = range(1, 9)
GROUPINGS = st.lists(st.integers(0, 4), min_size=len(RECORDS), max_size=len(RECORDS))


@EASY
@given(GROUPINGS, GROUPINGS, st.lists(st.integers(-5, 20), min_size=len(RECORDS), max_size=len(RECORDS)))
def test_i21_every_profile_and_point_is_counted(
    before: list[int], after: list[int], points: list[int]
) -> None:
    profiles, groups = _grouped(before), _grouped(after)
    joined = [edge(group[0], other) for group in groups.values() for other in group[1:]]
    balances = dict(zip(RECORDS, points, strict=True))
    found = planned(profiles, list(groups.values()), joined, balances=balances, sample=99)
    merging = [{before[one - 1] for one in group} for group in groups.values()]
    assert found.merged == len({one for parts in merging if len(parts) > 1 for one in parts})
    assert found.split == sum(len({after[one - 1] for one in held}) > 1 for held in profiles.values())
    assert (found.profiles_before, found.profiles_after) == (len(profiles), len(groups))
    assert found.largest == max(map(len, groups.values()))
    assert found.points <= sum(map(abs, points))
    assert (found.merged == found.split == 0) == (sorted(profiles.values()) == sorted(groups.values()))


def _grouped(labels: list[int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for record_id, label in zip(RECORDS, labels, strict=True):
        groups.setdefault(label, []).append(record_id)
    return groups
