"""CANON: the partition of the whole, and what deciding one by one has to do with it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.batch.partition import Edge, Partition, RefusedEdge, partition
from rules.decision import Decision
from rules.identifier import Evidence, Identifier
from rules.policy import MOST_RELATED, Policy
from rules.record import Apart, Judgement, Observation, Pin, Record
from rules.ruleset import Conflict, IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.properties import ANY_HEALTH
from tests.support.rules_state import DAY, State, key, rule_set

NOW = 1_000 * DAY
TYPES = ("loyalty_id", "mobile", "email")
PLACES = tuple(f"{space}:{number}" for space in ("web", "pos") for number in range(4))
EASY = settings(max_examples=80, deadline=None, suppress_health_check=ANY_HEALTH)


def record(record_id: int, at: int = 0, space: str = "web", **values: str) -> Record:
    """`record(1, email="a b")` was first and last seen at `NOW + at` and belongs to a profile of the same number."""
    made = Record(record_id, space, f"c{record_id}", record_id, NOW + at)
    for type_, text in values.items():
        for value in text.split():
            see(made, Identifier(type_.replace("__", "."), value), at)
    return made


def see(made: Record, identifier: Identifier, at: int = 0, **how: Any) -> Record:
    made.observations[identifier] = Observation(identifier, NOW + at, NOW + at, **how)
    return made


def canon(rules: RuleSet, *records: Record, pins: Iterable[Judgement] = (), **options: Any) -> Partition:
    return partition(records, pins, Policy(rules), now=NOW, **options)


def members(found: Partition) -> list[set[int]]:
    return [set(group) for group in found.groups]


def guards(found: Partition) -> list[tuple[str, bool]]:
    return [(refused.guard, refused.asks) for refused in found.refused]


def kinds(**changed: Any) -> dict[str, IdentifierRules]:
    """`kinds(mobile=dict(max_per_profile=1))` on top of the types without limits."""
    plain = rule_set().identifiers
    return {**plain, **{name: replace(plain[name], **options) for name, options in changed.items()}}


# ---- what joins ----


def test_records_that_agree_on_a_rule_are_one_and_so_on_through_others() -> None:
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


def test_nobody_is_joined_while_the_rules_are_off() -> None:
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
def test_what_stands_against_an_edge_is_named(
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


def test_nobody_is_asked_in_doubt_about_two_that_are_pinned_apart() -> None:
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


def test_a_newcomers_value_too_many_loses_its_power_and_joins_no_records_further() -> None:
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


def test_a_value_leads_to_its_owner_only_so_who_finds_it_full_stays_alone() -> None:
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


def test_a_value_without_power_at_its_first_holder_is_the_next_ones() -> None:
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
def test_a_record_joins_as_many_at_once_as_it_may_and_asks_about_the_rest(at_once: int) -> None:
    rules = rule_set(merge=Merge(max_profiles_at_once=at_once), id_spaces=SPACES)
    apart = [record(1, email="e"), record(2, mobile="m"), record(3, loyalty_id="l")]
    found = canon(rules, *apart, record(4, 1, email="e", mobile="m", loyalty_id="l"))
    assert len(found.groups) == 4 - at_once
    assert guards(found) == [("max_profiles_at_once", True)] * (3 - at_once)


def test_who_agrees_with_another_holder_is_asked_about_it_when_the_owner_is_in_doubt() -> None:
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


# ---- one by one and all at once ----


class Sent(NamedTuple):
    where: str
    evidence: tuple[Evidence, ...]


def evidence() -> st.SearchStrategy[tuple[Evidence, ...]]:
    identifiers = st.builds(Identifier, st.sampled_from(TYPES), st.sampled_from("abc"))
    said = st.builds(
        Evidence, identifiers, status=st.just("ok"), verified=st.sampled_from([False, False, True])
    )
    return st.lists(said, max_size=3, unique_by=lambda one: one.identifier).map(tuple)


REQUESTS = st.lists(st.builds(Sent, st.sampled_from(PLACES), evidence()), max_size=9)
RULES = st.lists(
    st.sampled_from(
        [("loyalty_id",), ("mobile",), ("email",), ("mobile", "email"), ("loyalty_id", "email"), TYPES]
    ),
    min_size=1,
    max_size=3,
    unique=True,
).map(lambda lists: tuple(Rule("+".join(types), types) for types in lists))
SPACES = {space: IdSpaceRules(on_many_ids="allow") for space in ("web", "pos")}


def free(rules: Sequence[Rule]) -> RuleSet:
    return rule_set(*rules, merge=Merge(max_records=999, max_profiles_at_once=999), id_spaces=SPACES)


class Watched(State):
    """Notes whether a value was ever left without power for want of room."""

    left_out = False

    def apply(self, decision: Decision, id_space: str, customer_id: str) -> None:
        self.left_out |= any(warning.startswith("limit:") for warning in decision.warnings)
        super().apply(decision, id_space, customer_id)


def run(rules: RuleSet, requests: Iterable[Sent]) -> Watched:
    state = Watched(rules)
    for request in requests:
        state.now += 1
        state.ask(request.where, request.evidence)
    return state


def whole(state: State) -> Partition:
    return partition(state.records.values(), state.all_pins, Policy(state.rules), now=state.now)


def by_profile(state: State) -> set[frozenset[int]]:
    return {frozenset(profile.records) for profile in state.live()}


def all_answered_yes(
    groups: Iterable[frozenset[int]], questions: Iterable[tuple[int, int]]
) -> set[frozenset[int]]:
    place = {one: group for group in groups for one in group}
    for a, b in questions:
        both = place[a] | place[b]
        place |= dict.fromkeys(both, both)
    return set(place.values())


def after_reviews(state: State) -> set[frozenset[int]]:
    first = {
        profile_id: min(state.profile(profile_id).records) for pair in state.reviews for profile_id in pair
    }
    return all_answered_yes(by_profile(state), ((first[a], first[b]) for a, b in state.reviews))


def after_questions(found: Partition) -> set[frozenset[int]]:
    return all_answered_yes(found.groups, ((r.record_a, r.record_b) for r in found.refused if r.asks))


@EASY
@given(RULES, REQUESTS)
def test_i8_deciding_one_by_one_gives_the_partition_of_the_whole(
    rules: tuple[Rule, ...], requests: list[Sent]
) -> None:
    state = run(free(rules), requests)
    found = whole(state)
    assert by_profile(state) == set(found.groups)
    assert found.refused == ()
    assert len(found.joined) == len(state.records) - len(found.groups)


def bound(rules: RuleSet, guard: str) -> RuleSet:
    """The same rules with one kind of guard, or doubt, that binds early."""
    identifiers = rules.identifiers
    one_type = [
        replace(rule, unless_differs=("loyalty_id",)) if rule.all_of[0] != "loyalty_id" else rule
        for rule in rules.rules
    ]
    changes: dict[str, dict[str, object]] = {
        "max_records": {"merge": replace(rules.merge, max_records=2)},
        "max_profiles_at_once": {"merge": replace(rules.merge, max_profiles_at_once=2)},
        "ids_per_profile": {"id_spaces": dict.fromkeys(SPACES, IdSpaceRules(ids_per_profile=1))},
        "unless_differs": {"rules": tuple(one_type)},
        "outcome": {
            "rules": tuple(
                replace(r, outcome="review") if r.all_of == ("mobile",) else r for r in rules.rules
            )
        },
        "needs_verified": {
            "rules": tuple(replace(r, needs_verified=len(r.all_of) == 1) for r in rules.rules)
        },
        "fanout_review": {
            "identifiers": {n: replace(k, fanout_limit=2, on_fanout="review") for n, k in identifiers.items()}
        },
        "require_verified": {"identifiers": kinds(mobile={"require_verified": True})},
        "unique": {"identifiers": kinds(loyalty_id={"max_per_profile": 1, "immutable": True})},
        "keep_old": {"identifiers": kinds(mobile={"max_per_profile": 2})},
        "at_limit_review": {"identifiers": kinds(mobile={"max_per_profile": 2, "at_limit": "review"})},
    }
    return replace(rules, **changes[guard])


@settings(EASY, max_examples=250)
@given(
    RULES,
    REQUESTS,
    st.sampled_from(
        [
            "max_records",
            "max_profiles_at_once",
            "ids_per_profile",
            "unless_differs",
            "outcome",
            "needs_verified",
            "fanout_review",
        ]
    ),
)
def test_i8_where_a_guard_binds_the_open_reviews_are_the_difference(
    rules: tuple[Rule, ...], requests: list[Sent], guard: str
) -> None:
    state = run(bound(free(rules), guard), requests)
    assert after_reviews(state) == after_questions(whole(state))


@settings(EASY, max_examples=120)
@given(RULES, REQUESTS, st.sampled_from(["unique", "keep_old", "at_limit_review"]))
def test_i8_the_same_holds_for_limits_of_values_as_long_as_no_value_was_left_without_power(
    rules: tuple[Rule, ...], requests: list[Sent], guard: str
) -> None:
    """Nor by the whole: of a record that states more values than its type allows, it is the oldest that counts, where a call
    may have found that one taken."""
    state = run(bound(free(rules), guard), requests)
    found = whole(state)
    assume(not state.left_out and all(refused.asks for refused in found.refused))
    assert after_reviews(state) == after_questions(found)


@EASY
@given(RULES, REQUESTS, st.sampled_from(["outcome", "require_verified"]))
def test_i8_rules_that_ask_and_verified_only_types_join_the_same_and_the_whole_asks_no_less(
    rules: tuple[Rule, ...], requests: list[Sent], doubt: str
) -> None:
    state = run(bound(free(rules), doubt), requests)
    found = whole(state)
    assert by_profile(state) == set(found.groups)
    asked = after_questions(found)
    assert all(any(group <= wider for wider in asked) for group in after_reviews(state))


GUARDS = ["max_records", "max_profiles_at_once", "ids_per_profile", "needs_verified"]
FIRST_WORDS = st.lists(
    st.tuples(st.sampled_from("ab"), st.booleans()), max_size=len(PLACES)
)  # fmt: skip


@EASY
@given(FIRST_WORDS, st.sampled_from(GUARDS))
def test_i8_where_each_record_states_one_value_a_full_owner_leaves_the_same_groups(
    words: list[tuple[str, bool]], guard: str
) -> None:
    said = [(Evidence(Identifier("email", value), verified=verified),) for value, verified in words]
    state = run(bound(free([Rule("email", ("email",))]), guard), map(Sent, PLACES, said))
    assert by_profile(state) == set(whole(state).groups)


@EASY
@given(RULES, REQUESTS, st.integers(1, 3))
def test_i8_a_value_that_turned_generic_only_leaves_profiles_too_wide(
    rules: tuple[Rule, ...], requests: list[Sent], limit: int
) -> None:
    plain = free(rules)
    identifiers = {name: replace(kind, fanout_limit=limit) for name, kind in plain.identifiers.items()}
    state = run(replace(plain, identifiers=identifiers), requests)
    wide = by_profile(state)
    assert all(any(group <= profile for profile in wide) for group in whole(state).groups)


# ---- any rules, any records ----

ANY_IDENTIFIERS = st.fixed_dictionaries(
    {
        "loyalty_id": st.builds(
            IdentifierRules,
            st.just("opaque"),
            strength=st.just(100),
            max_per_profile=st.integers(0, 2),
            immutable=st.booleans(),
        ),
        "mobile": st.builds(
            IdentifierRules,
            st.just("phone"),
            strength=st.just(80),
            max_per_profile=st.integers(0, 2),
            at_limit=st.sampled_from(["keep_old", "drop_oldest", "review"]),
            fanout_limit=st.sampled_from([0, 0, 3]),
            on_fanout=st.sampled_from(["quarantine", "review", "ignore"]),
            stale_after=st.sampled_from([0, 3]),
        ),
        "email": st.builds(
            IdentifierRules,
            st.just("email"),
            strength=st.just(70),
            require_verified=st.sampled_from([False, False, True]),
        ),
        "passport": st.just(IdentifierRules("opaque", strength=1)),
    }
)
ANY_RULES = st.builds(
    lambda rules, outcome, differs, identifiers, merge, many: rule_set(
        *(replace(rule, unless_differs=differs) for rule in rules),
        Rule("asks", ("mobile", "email"), outcome),
        identifiers=identifiers,
        merge=merge,
        id_spaces={"web": IdSpaceRules(ids_per_profile=2, on_many_ids=many)},
    ),
    RULES,
    st.sampled_from(["merge", "review", "never"]),
    st.sampled_from([(), ("loyalty_id",)]),
    ANY_IDENTIFIERS,
    st.builds(Merge, max_records=st.sampled_from([3, 50]), protect_balance_over=st.sampled_from([0, 10])),
    st.sampled_from(["allow", "review", "refuse"]),
)
HELD = st.dictionaries(
    st.builds(Identifier, st.sampled_from(TYPES), st.sampled_from("abc")),
    st.tuples(st.integers(-9, 0), st.booleans()),
    max_size=4,
)
RECORDS = st.lists(st.tuples(st.sampled_from(["web", "pos"]), HELD), max_size=7).map(
    lambda drawn: [held_by(number, space, held) for number, (space, held) in enumerate(drawn, start=1)]
)
KINDS: list[Literal["must", "cannot"]] = ["must", "cannot"]
PINS = st.lists(
    st.tuples(st.sampled_from(list(combinations(range(1, 8), 2))), st.sampled_from(KINDS)),
    max_size=3,
).map(lambda drawn: [Pin(a, b, kind) for (a, b), kind in drawn])


def held_by(record_id: int, space: str, held: dict[Identifier, tuple[int, bool]]) -> Record:
    made = record(record_id, space=space)
    for identifier, (at, verified) in held.items():
        see(made, identifier, at, verified=verified)
    return made


@settings(EASY, max_examples=150)
@given(ANY_RULES, RECORDS, PINS, st.randoms(use_true_random=False))
def test_i7_the_order_of_the_records_does_not_matter(
    rules: RuleSet, records: list[Record], pins: list[Pin], random: Random
) -> None:
    shuffled = [
        replace(
            each, observations=dict(random.sample(list(each.observations.items()), len(each.observations)))
        )
        for each in random.sample(records, len(records))
    ]
    assert canon(rules, *shuffled, pins=pins[::-1]) == canon(rules, *records, pins=pins)


@settings(EASY, max_examples=150)
@given(ANY_RULES, RECORDS)
def test_where_nothing_can_bind_looking_at_every_edge_changes_nothing(
    rules: RuleSet, records: list[Record]
) -> None:
    """A `never` rule that matches no records has every edge judged."""
    judged = replace(rules, rules=(*rules.rules, Rule("nobody", ("passport",), "never")))
    assert canon(judged, *records) == canon(rules, *records)


@settings(EASY, max_examples=150)
@given(ANY_RULES, RECORDS, PINS)
def test_i2_i5_i17_every_record_has_one_place_within_all_limits_and_pins(
    rules: RuleSet, records: list[Record], pins: list[Pin]
) -> None:
    found = canon(rules, *records, pins=pins)
    spaces = {each.record_id: each.id_space for each in records}
    assert sorted(one for group in found.groups for one in group) == sorted(spaces)
    joined_by_hand = [pin.record_a for pin in pins if pin.kind == "must"]
    for group in found.groups:
        if group.intersection(joined_by_hand):
            continue
        web = sum(spaces[one] == "web" for one in group)
        assert len(group) <= rules.merge.max_records
        assert web <= 2 or rules.id_space("web").on_many_ids == "allow"
    parted = [{pin.record_a, pin.record_b} for pin in pins if pin.kind == "cannot"]
    assert not any(pair <= group for pair in parted for group in found.groups)


@settings(EASY, max_examples=150)
@given(ANY_RULES, RECORDS, PINS)
def test_the_edges_build_the_groups_and_refusals_lie_between_them(
    rules: RuleSet, records: list[Record], pins: list[Pin]
) -> None:
    found = canon(rules, *records, pins=pins)
    alone = [frozenset({each.record_id}) for each in records]
    assert all_answered_yes(alone, (edge[:2] for edge in found.joined)) == set(found.groups)
    assert len(found.joined) == len(records) - len(found.groups)
    place = {one: group for group in found.groups for one in group}
    between = [frozenset({place[r.record_a], place[r.record_b]}) for r in found.refused]
    assert all(len(pair) == 2 for pair in between)
    assert len(set(between)) == len(between)


# ---- the questions do not depend on the order ----


def questions(state: State, found: Iterable[tuple[int, int]]) -> set[frozenset[frozenset[tuple[str, str]]]]:
    """Pairs of profiles as they are at the end, each by the places of its records."""
    group_of = {one: group for group in state.partition() for one in group}
    place_of = {record.record_id: place for place, record in state.records.items()}
    pairs = (frozenset(group_of[place_of[record_id]] for record_id in pair) for pair in found)
    return {pair for pair in pairs if len(pair) == 2}


def open_questions(state: State) -> set[frozenset[frozenset[tuple[str, str]]]]:
    """The pairs that were asked about and are not one by now."""
    lowest = {pair: tuple(min(state.profile(one).records) for one in pair) for pair in state.reviews}
    return questions(state, ((a, b) for a, b in lowest.values()))


def doubtful(rules: RuleSet, doubt: str) -> RuleSet:
    match doubt:
        case "provider_canonical":
            return rules
        case "a rule that asks":
            mobile = Rule("asks", ("mobile",), "review")
            return replace(rules, rules=(*(r for r in rules.rules if r.all_of != ("mobile",)), mobile))
        case _:
            return bound(rules, doubt)


FORMED = st.lists(
    st.builds(
        lambda where, said, form: Sent(
            where, (*said, *([Evidence(Identifier("email.canonical", form))] if form else []))
        ),
        st.sampled_from(PLACES),
        evidence(),
        st.sampled_from(["", "x", "y"]),
    ),
    max_size=7,
)
DOUBTS = ["provider_canonical", "a rule that asks", "require_verified"]


@settings(EASY, max_examples=250)
@given(RULES, FORMED, st.sampled_from(DOUBTS), st.randoms(use_true_random=False))
def test_i7_the_open_questions_are_the_same_in_every_order_and_those_of_the_whole(
    rules: tuple[Rule, ...], requests: list[Sent], doubt: str, random: Random
) -> None:
    chosen = doubtful(free(rules), doubt)
    one, other = run(chosen, requests), run(chosen, random.sample(requests, len(requests)))
    assert one.partition() == other.partition()
    assert open_questions(one) == open_questions(other)
    assert open_questions(one) == questions(
        one, ((r.record_a, r.record_b) for r in whole(one).refused if r.asks)
    )
