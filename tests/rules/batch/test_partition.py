"""The partition: what joins, what is refused, and what limits do."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

import pytest

from rules.batch.partition import Edge, Partition, RefusedEdge, partition
from rules.policy import MOST_RELATED, Policy
from rules.record import Apart, Pin, Record
from rules.ruleset import Conflict, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.partitions import (
    NOW,
    SPACES,
    canon,
    guards,
    kinds,
    members,
    record,
    see,
)
from tests.support.rules_state import key, rule_set

# ---- what joins ----


def test_records_that_agree_on_a_rule_are_joined_transitively() -> None:
    found = canon(
        rule_set(),
        record(4),
        record(3, 3, mobile="m"),
        record(2, 2, email="e", mobile="m"),
        record(1, 1, email="e"),
    )
    assert members(found) == [{1, 2, 3}, {4}]
    assert found.joined == (Edge(2, 3, "mobile", ("mobile",)), Edge(1, 2, "email", ("email",)))
    assert found.refused == ()


def test_a_rule_of_two_types_wants_both_on_one_record() -> None:
    rules = rule_set(Rule("both", ("mobile", "email")))
    found = canon(
        rules,
        record(1, mobile="m", email="e"),
        record(2, mobile="m"),
        record(3, email="e"),
        record(4, mobile="x m", email="e y"),
    )
    assert members(found) == [{1, 4}, {2}, {3}]


def test_a_rule_for_some_id_spaces_joins_no_others() -> None:
    rules = rule_set(Rule("mobile", ("mobile",), id_spaces=("web",)))
    found = canon(rules, record(1, mobile="m"), record(2, space="pos", mobile="m"), record(3, mobile="m"))
    assert members(found) == [{1, 3}, {2}]


def test_the_earlier_rule_and_then_the_older_agreement_come_first() -> None:
    rules = rule_set(Rule("mobile", ("mobile",)), Rule("email", ("email",)), merge=Merge(max_records=2))
    by_rule = canon(
        rules, record(1, 0, email="e"), record(2, 1, email="e", mobile="m"), record(3, 9, mobile="m")
    )
    assert members(by_rule) == [{1}, {2, 3}]
    by_age = canon(rules, record(1, 5, email="e"), record(2, 1, email="e"), record(3, 2, email="e"))
    assert members(by_age) == [{1}, {2, 3}]


def test_no_records_are_joined_while_the_rules_are_off() -> None:
    records = record(1, email="e"), record(2, email="e")
    assert members(canon(rule_set(mode="off"), *records, pins=[Pin(1, 2, "must")])) == [{1}, {2}]
    assert members(canon(rule_set(mode="shadow"), *records)) == [{1, 2}]


def test_records_are_read_once_and_left_as_they_are() -> None:
    rules = rule_set(identifiers=kinds(email={"max_per_profile": 1, "at_limit": "drop_oldest"}))
    records = [record(1, email="e", mobile="m"), record(2, 1, email="f", mobile="m")]
    assert members(partition(iter(records), [], Policy(rules), now=NOW)) == [{1, 2}]
    assert not any(seen.retired for each in records for seen in each.observations.values())


# ---- values without power ----


def test_blocked_and_retired_values_join_no_records() -> None:
    first = see(see(record(1), key("email", "e"), blocked=True), key("mobile", "m"), retired=True)
    assert members(canon(rule_set(), first, record(2, email="e", mobile="m"))) == [{1}, {2}]


def test_a_value_held_by_too_many_records_joins_no_records() -> None:
    rules = rule_set(identifiers=kinds(email={"fanout_limit": 2}))
    records = [record(number, email="shop") for number in (1, 2, 3)]
    assert members(canon(rules, *records[:2])) == [{1, 2}]
    assert canon(rules, *records) == Partition((frozenset({1}), frozenset({2}), frozenset({3})), (), ())


def test_records_outside_the_window_do_not_make_a_value_generic() -> None:
    rules = rule_set(identifiers=kinds(email={"fanout_limit": 2, "fanout_window": 10}))
    records = [record(1, -11, email="shop"), record(2, -5, email="shop"), record(3, email="shop")]
    assert members(canon(rules, *records)) == [{1, 2, 3}]
    at_its_edge = record(1, -10, email="shop")
    assert members(canon(rules, at_its_edge, *records[1:])) == [{1}, {2}, {3}]


def test_a_crowded_value_asks_where_the_rules_say_so() -> None:
    rules = rule_set(identifiers=kinds(email={"fanout_limit": 2, "on_fanout": "review"}))
    found = canon(rules, *[record(number, email="shop") for number in (1, 2, 3)])
    assert members(found) == [{1}, {2}, {3}]
    assert [refused[:2] for refused in found.refused] == [(1, 2), (1, 3)]
    assert guards(found) == [("fanout_limit", True)] * 2


def test_a_value_known_to_be_crowded_joins_no_records_and_asks() -> None:
    rules = rule_set(Rule("email", ("email",)), Rule("mobile", ("mobile",)))
    records = record(1, email="e", mobile="m"), record(2, email="e"), record(3, mobile="m")
    found = canon(rules, *records, crowded={key("email", "e"), key("email", "other")})
    assert members(found) == [{1, 3}, {2}]
    assert guards(found) == [("fanout_limit", True)]


def test_shared_types_and_values_known_to_be_generic_join_no_records() -> None:
    records = record(1, email="e", mobile="m"), record(2, email="e", mobile="m")
    rules = rule_set(identifiers=kinds(mobile={"max_profiles": 2}))
    assert members(canon(rules, *records, generic={key("email", "e")})) == [{1}, {2}]


# ---- what is refused ----


def refusals() -> Iterable[tuple[str, RuleSet, list[Record], tuple[str, bool]]]:
    same = [record(1, email="e"), record(2, 1, email="e")]
    late = [record(1, email="e"), see(record(2), key("email", "e"), 1)]
    cards = [record(1, email="e", loyalty_id="a"), record(2, email="e", loyalty_id="b")]
    forms = [record(1, email="a.b", email__canonical="ab"), record(2, email="ab2", email__canonical="ab")]
    web = IdSpaceRules(ids_per_profile=1)
    email = Rule("email", ("email",))
    yield "max_records", rule_set(merge=Merge(max_records=1)), same, ("max_records", True)
    yield "ids, asking", rule_set(id_spaces={"web": web}), same, ("ids_per_profile:web", True)
    refuse = {"web": replace(web, on_many_ids="refuse")}
    yield "ids, silent", rule_set(id_spaces=refuse), same, ("ids_per_profile:web", False)
    unique = kinds(loyalty_id={"max_per_profile": 1, "immutable": True})
    yield (
        "profiles at once",
        rule_set(merge=Merge(max_profiles_at_once=1)),
        late,
        ("max_profiles_at_once", True),
    )
    yield "a unique type", rule_set(identifiers=unique), cards, ("max_per_profile:loyalty_id", True)
    silent = rule_set(identifiers=unique, conflict=Conflict("refuse"))
    yield "a unique type, silent", silent, cards, ("max_per_profile:loyalty_id", False)
    yield "a never rule", rule_set(email, replace(email, outcome="never")), same, ("never:email", False)
    differs = rule_set(replace(email, unless_differs=("loyalty_id",)))
    yield "a difference", differs, cards, ("unless_differs:loyalty_id", True)
    yield "a rule that asks", rule_set(replace(email, outcome="review")), same, ("review", True)
    yield "a provider form", rule_set(email), forms, ("provider_canonical", True)
    unproved = rule_set(email, identifiers=kinds(email={"require_verified": True}))
    one_proved = [see(record(1), key("email", "e"), verified=True), record(2, email="e")]
    yield "an unverified value", unproved, one_proved, ("require_verified", True)
    yield (
        "a rule for verified values",
        rule_set(replace(email, needs_verified=True)),
        same,
        ("needs_verified", True),
    )
    stale = rule_set(email, identifiers=kinds(email={"stale_after": 5}))
    yield (
        "a number given anew",
        stale,
        [record(1, -9, email="e"), record(2, email="e")],
        ("stale_after", True),
    )
    confirmed = replace(email, confirm_any=("city",), confirm_missing="review")
    yield "nothing to confirm by", rule_set(confirmed), same, ("confirm_missing", True)


@pytest.mark.parametrize(
    ("rules", "records", "expected"), [pytest.param(*case, id=name) for name, *case in refusals()]
)
def test_the_guard_that_objects_to_an_edge_is_named(
    rules: RuleSet, records: list[Record], expected: tuple[str, bool]
) -> None:
    found = canon(rules, *records)
    assert members(found) == [{1}, {2}]
    assert guards(found) == [expected]


def test_a_cannot_pin_keeps_two_apart_while_it_is_in_force() -> None:
    records = record(1, email="e"), record(2, email="e"), record(3, email="e", mobile="m")
    found = canon(rule_set(), *records, pins=[Pin(1, 2, "cannot"), Pin(2, 3, "cannot", until=NOW)])
    assert members(found) == [{1, 3}, {2}]
    assert found.refused == (RefusedEdge(1, 2, "email", ("email",), "cannot", asks=False),)


def test_the_sides_of_a_split_stay_apart_and_records_of_one_side_join() -> None:
    records = [record(number, email="e") for number in range(1, 6)]
    apart = Apart(1, {1: 0, 2: 0, 3: 1, 4: 2})
    found = canon(rule_set(id_spaces=SPACES), *records, pins=[apart])
    assert members(found) == [{1, 2, 5}, {3}, {4}]
    assert guards(found) == [("cannot", False)] * 2
    assert members(canon(rule_set(id_spaces=SPACES), *records, pins=[replace(apart, until=NOW)])) == [
        {1, 2, 3, 4, 5}
    ]


def test_no_question_is_asked_about_two_records_that_are_pinned_apart() -> None:
    rules = rule_set(Rule("email", ("email",), unless_differs=("mobile",)))
    one, other = record(1, email="e", mobile="m"), record(2, email="e", mobile="n")
    assert guards(canon(rules, one, other)) == [("unless_differs:mobile", True)]
    assert guards(canon(rules, one, other, pins=[Pin(1, 2, "cannot")])) == [("cannot", False)]


def test_a_must_pin_joins_without_evidence_beyond_any_limit_and_yields_to_a_cannot_pin() -> None:
    must = Pin(1, 2, "must")
    assert members(canon(rule_set(), record(1), record(2), pins=[must])) == [{1, 2}]
    kept = canon(
        rule_set(), record(1), record(2), record(3), pins=[must, Pin(2, 3, "must"), Pin(1, 3, "cannot")]
    )
    assert members(kept) == [{1, 2}, {3}]
    full = rule_set(merge=Merge(max_records=1))
    assert members(canon(full, record(1), record(2), pins=[must])) == [{1, 2}]


def test_a_pin_to_a_record_that_is_not_here_joins_no_records() -> None:
    assert members(canon(rule_set(), record(1), pins=[Pin(1, 7, "must")])) == [{1}]


def test_a_newcomers_excess_value_stops_matching() -> None:
    rules = rule_set(identifiers=kinds(mobile={"max_per_profile": 1, "at_limit": "drop_oldest"}))
    found = canon(rules, record(1, 0, email="e", mobile="m"), record(2, 1, email="e", mobile="n"))
    assert members(found) == [{1, 2}]
    keeping = rule_set(
        Rule("email", ("email",)),
        Rule("mobile", ("mobile",)),
        identifiers=kinds(mobile={"max_per_profile": 2}),
    )
    records = [
        record(1, 0, email="e", mobile="m n"),
        record(2, 1, email="e", mobile="o"),
        record(3, 2, mobile="o"),
    ]
    found = canon(keeping, *records)
    assert members(found) == [{1, 2}, {3}]
    assert found.refused == (RefusedEdge(2, 3, "mobile", ("mobile",), "max_per_profile:mobile", asks=False),)


def test_points_on_two_profiles_are_protected_and_points_on_one_are_not() -> None:
    rules = rule_set(merge=Merge(protect_balance_over=100))
    one, other = record(1, email="e"), record(2, email="e")
    assert guards(canon(rules, one, other, balances={1: 200, 2: 150})) == [("protect_balance_over", True)]
    assert members(canon(rules, one, other, balances={1: 200, 2: 100})) == [{1, 2}]
    other.profile_id = one.profile_id
    assert members(canon(rules, one, other, balances={1: 200, 2: 150})) == [{1, 2}]


def test_attributes_confirm_a_rule() -> None:
    rules = rule_set(Rule("email", ("email",), confirm_any=("city",), not_confirmed="refuse"))
    records = record(1, email="e"), record(2, email="e"), record(3, email="e")
    cities = {1: "Cairo", 2: "Giza", 3: "cairo"}

    found = canon(rules, *records, attributes=lambda record_id: {"city": cities[record_id]})
    assert members(found) == [{1, 3}, {2}]
    assert guards(found) == [("not_confirmed", False)]


def test_a_refusal_is_forgotten_where_another_edge_joins_the_two_after_all() -> None:
    rules = rule_set(Rule("email", ("email",), unless_differs=("loyalty_id",)), Rule("mobile", ("mobile",)))
    found = canon(
        rules,
        record(1, email="e", mobile="m", loyalty_id="a"),
        record(2, email="e", mobile="m", loyalty_id="b"),
    )
    assert members(found) == [{1, 2}]
    assert found.refused == ()


def test_edges_between_the_same_two_groups_make_one_refusal() -> None:
    rules = rule_set(id_spaces={"web": IdSpaceRules(ids_per_profile=3)})
    found = canon(
        rules,
        *[record(number, number, email="e") for number in range(3)],
        *[record(number, number, email="e", mobile="m") for number in (3, 4, 5)],
    )
    assert members(found) == [{0, 1, 2}, {3, 4, 5}]
    assert found.refused == (RefusedEdge(0, 3, "email", ("email",), "ids_per_profile:web", asks=True),)


def test_a_value_leads_only_to_its_owner_so_a_record_that_finds_it_full_stays_alone() -> None:
    rules = rule_set(merge=Merge(max_records=2))
    found = canon(rules, *[record(number, number, email="e") for number in range(4)])
    assert members(found) == [{0, 1}, {2}, {3}]
    assert [(refused.record_a, refused.record_b) for refused in found.refused] == [(0, 2), (0, 3)]


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_a_group_takes_as_many_records_as_it_may_have_and_not_one_more(most: int) -> None:
    rules = rule_set(merge=Merge(max_records=most), id_spaces={"web": IdSpaceRules(on_many_ids="allow")})
    found = canon(rules, *[record(number, number, email="e") for number in range(4)])
    assert members(found) == [set(range(most)), *[{number} for number in range(most, 4)]]
    assert {refused.guard for refused in found.refused} == ({"max_records"} if most < 4 else set())


def test_a_value_that_its_first_holder_may_not_own_belongs_to_the_next_holder() -> None:
    rules = rule_set(
        Rule("email", ("email",)),
        Rule("mobile", ("mobile",)),
        identifiers=kinds(mobile={"max_per_profile": 1, "at_limit": "drop_oldest"}),
    )
    found = canon(
        rules,
        record(1, 0, email="e", mobile="old"),
        record(2, 1, email="e", mobile="new"),
        record(3, 2, mobile="old"),
        record(4, 3, mobile="old"),
    )
    assert members(found) == [{1, 2}, {3, 4}]


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_a_record_joins_up_to_the_limit_at_once_and_asks_about_the_rest(at_once: int) -> None:
    rules = rule_set(merge=Merge(max_profiles_at_once=at_once), id_spaces=SPACES)
    apart = [record(1, email="e"), record(2, mobile="m"), record(3, loyalty_id="l")]
    found = canon(rules, *apart, record(4, 1, email="e", mobile="m", loyalty_id="l"))
    assert len(found.groups) == 4 - at_once
    assert guards(found) == [("max_profiles_at_once", True)] * (3 - at_once)


def test_a_record_that_agrees_with_another_holder_is_asked_about_while_the_owner_is_in_doubt() -> None:
    rules = rule_set(Rule("email", ("email",), unless_differs=("mobile",)))
    mobiles = enumerate("122", start=1)
    found = canon(rules, *[record(number, number, email="e", mobile=mobile) for number, mobile in mobiles])
    assert members(found) == [{1}, {2}, {3}]
    asked = {refused[:2]: refused.guard for refused in found.refused}
    differs = "unless_differs:mobile"
    assert asked == {(1, 2): differs, (1, 3): differs, (2, 3): "owned_elsewhere"}


def test_every_two_holders_of_a_doubtful_value_are_asked_about_unless_they_are_too_many() -> None:
    rules = rule_set(Rule("email", ("email",), "review"))
    few = canon(rules, *[record(number, email="e") for number in range(5)])
    assert {refused[:2] for refused in few.refused} == set(combinations(range(5), 2))
    many = canon(rules, *[record(number, email="e") for number in range(MOST_RELATED + 1)])
    assert [refused[:2] for refused in many.refused] == [(0, number) for number in range(1, MOST_RELATED + 1)]
