"""The partition under any rules and any records, and its questions in any order of requests."""

from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.identifier import Identifier
from rules.record import Pin, Record
from rules.ruleset import IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.partitions import (
    EASY,
    FORMED,
    RULES,
    TYPES,
    Sent,
    all_answered_yes,
    bound,
    canon,
    free,
    questions,
    record,
    run,
    see,
    whole,
)
from tests.support.rules_state import State, rule_set

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
