"""The survivor of a merge, and the winning value of an attribute."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.record import Observation, Profile, Record
from rules.ruleset import Attributes, IdSpaceRules, Merge, RuleSet
from rules.survivor import AttributeValue, strategy_of, survivor, winning
from tests.support.rules_state import key, rule_set

SPACES = {"pos": IdSpaceRules(trust=30), "web": IdSpaceRules(trust=60)}


def profile(profile_id: int, created_at: int, *held: str, id_space: str = "web", records: int = 1) -> Profile:
    observations = {key(type_, "1"): Observation(key(type_, "1"), 0, 0) for type_ in held}
    made = Profile(profile_id, created_at)
    for number in range(records):
        record_id = profile_id * 100 + number
        made.records[record_id] = Record(
            record_id, id_space, str(record_id), profile_id, 0, dict(observations)
        )
    return made


A = profile(1, 30, "email")
B = profile(2, 10, "mobile", id_space="pos")
C = profile(3, 20, "loyalty_id", records=3)
D = profile(4, 10, "mobile", id_space="pos")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (("oldest", "lowest_id"), B),
        (("newest", "lowest_id"), A),
        (("lowest_id",), A),
        (("most_records", "lowest_id"), C),
        (("has:loyalty_id", "oldest"), C),
        (("has:mobile", "newest"), B),
        (("id_space:pos", "newest"), B),
        (("has:absent", "oldest"), B),
    ],
)
def test_the_first_criterion_that_tells_profiles_apart_picks_the_survivor(
    order: tuple[str, ...], expected: Profile
) -> None:
    assert survivor(rule_set(merge=Merge(survivor=order)), [D, A, C, B]) is expected


def test_a_retired_value_does_not_count_as_held() -> None:
    retired = profile(9, 1, "loyalty_id")
    next(iter(retired.records.values())).observations[key("loyalty_id", "1")].retired = True
    assert survivor(rule_set(merge=Merge(survivor=("has:loyalty_id", "oldest"))), [retired, C]) is C


@given(st.permutations([A, B, C, D]), st.sampled_from(["oldest", "newest", "most_records", "has:email"]))
def test_i7_the_survivor_does_not_depend_on_the_order_of_the_profiles(
    profiles: list[Profile], first: str
) -> None:
    rules = rule_set(merge=Merge(survivor=(first,)))
    assert survivor(rules, profiles) is survivor(rules, [A, B, C, D])


def valuing(attributes: Attributes) -> RuleSet:
    return rule_set(attributes=attributes, id_spaces=SPACES)


def said(*values: tuple[Any, str, int], name: str = "x") -> list[AttributeValue]:
    """(value, id space, at); record ids count up."""
    return [
        AttributeValue(name, value, number, space, at) for number, (value, space, at) in enumerate(values, 1)
    ]


@pytest.mark.parametrize(
    ("strategy", "values", "expected"),
    [
        ("newest", [("a", "web", 1), ("b", "pos", 2)], "b"),
        ("oldest", [("a", "web", 2), ("b", "pos", 1)], "b"),
        ("newest", [("a", "pos", 1), ("b", "web", 1)], "b"),
        ("newest", [("a", "pos", 1), ("b", "pos", 1)], "a"),
        ("newest", [("a", "web", 1), ("  ", "web", 2)], "a"),
        ("id_space_order:pos,web", [("a", "web", 9), ("b", "pos", 1), ("c", "pos", 2)], "c"),
        ("id_space_order:pos", [("a", "web", 1), ("b", "app", 9)], "b"),
        ("most_frequent", [("a", "web", 9), ("b", "pos", 1), ("b", "pos", 2)], "b"),
        ("most_frequent", [("a", "pos", 9), ("b", "web", 1)], "b"),
        ("most_frequent", [(1, "web", 1), ("1", "pos", 1), ("1", "pos", 2)], "1"),
        ("longest", [("Al", "web", 1), ("Alexandra", "pos", 2)], "Alexandra"),
        ("union", [("a", "pos", 1), (["b", "a"], "web", 2), ("b", "pos", 3)], ["b", "a"]),
        ("sum", [(10**400, "web", 1), (1.5, "pos", 2), (1e308, "pos", 3), (-1e308, "web", 4)], 1.5),
        ("sum", [(3, "web", 1), (4.5, "pos", 2), ("many", "pos", 3), (True, "pos", 4)], 7.5),
        ("first_non_empty", [("", "web", 1), ("a", "pos", 2)], "a"),
        ("most_restrictive", [(True, "web", 9), (False, "pos", 1)], False),
        ("most_restrictive", [("granted", "web", 9), (" Denied ", "pos", 1)], " Denied "),
        ("most_restrictive", [("granted", "web", 9), ("No", "pos", 1)], "No"),
        ("most_restrictive", [("granted", "web", 9), ("FALSE", "pos", 1)], "FALSE"),
        ("most_restrictive", [("granted", "web", 9), ("yes", "pos", 1)], "granted"),
        ("longest", [(["éé"], "pos", 9), (["abcd"], "web", 1)], ["abcd"]),
        ("longest", [("abc", "pos", 9), ("def", "web", 1)], "def"),
        ("union", [({"a": 1, "b": 2}, "pos", 1), ({"b": 2, "a": 1}, "web", 2)], [{"a": 1, "b": 2}]),
    ],
)
def test_each_strategy_chooses_by_its_own_measure_then_by_trust_then_by_the_lowest_record(
    strategy: str, values: list[tuple[Any, str, int]], expected: object
) -> None:
    assert winning(valuing(Attributes(default=strategy)), said(*values)) == {"x": expected}


def test_an_empty_value_wins_only_where_empties_count() -> None:
    values = said(("a", "web", 1), ("", "web", 2))
    assert winning(valuing(Attributes()), values) == {"x": "a"}
    assert winning(valuing(Attributes(ignore_empty=False)), values) == {"x": ""}
    first = Attributes(default="first_non_empty", ignore_empty=False)
    assert winning(valuing(first), said(("", "web", 1), ({}, "web", 2), ("a", "pos", 3))) == {"x": "a"}


def test_an_attribute_without_any_usable_value_is_absent() -> None:
    assert winning(valuing(Attributes()), said((None, "web", 1), ([], "pos", 2))) == {}
    assert winning(valuing(Attributes(default="sum")), said(("many", "web", 1))) == {}


def test_the_exact_name_comes_before_the_longest_pattern_and_that_before_the_default() -> None:
    rules = Attributes(
        default="newest",
        strategies={"consent.*": "oldest", "consent.sms.*": "longest", "consent.sms.promo": "union"},
    )
    names = ["consent.sms.promo", "consent.sms.news", "consent.email", "consent", "name"]
    assert [strategy_of(rules, name) for name in names] == ["union", "longest", "oldest", "newest", "newest"]


STRATEGIES = [
    "newest", "oldest", "id_space_order:web,pos", "most_frequent", "longest", "union", "sum",
    "first_non_empty", "most_restrictive",
]  # fmt: skip
VALUES = st.lists(
    st.tuples(
        st.sampled_from(["a", "bb", "", None, True, False, 3, "no"]),
        st.sampled_from(["web", "pos", "app"]),
        st.integers(0, 3),
    ),
    max_size=6,
)


@given(VALUES, st.sampled_from(STRATEGIES), st.randoms(use_true_random=False))
def test_i7_the_winning_value_does_not_depend_on_the_order_of_the_values(
    values: list[tuple[Any, str, int]], strategy: str, random: Any
) -> None:
    rules, ordered = Attributes(default=strategy), said(*values)
    shuffled = random.sample(ordered, len(ordered))
    assert winning(valuing(rules), shuffled) == winning(valuing(rules), ordered)
