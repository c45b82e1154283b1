"""What the order in which customers first come changes after a walk: nothing, except where a limit has no room for all
(docs/contributing/decisions/0030-who-came-first-stays.md)."""

from dataclasses import replace
from itertools import combinations, permutations
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.batch.partition import partition
from rules.identifier import CANONICAL_SUFFIX, Evidence, Identifier
from rules.policy import Policy
from rules.record import Pin
from rules.ruleset import IdSpaceRules, Merge, Rule, RuleSet
from tests.support.partitions import (
    EASY,
    FORMED,
    RULES,
    Sent,
    bound,
    free,
    kinds,
    run,
)
from tests.support.rules_state import State, rule_set, says

Groups = frozenset[frozenset[tuple[str, str]]]
PLACES = [("web", "a"), ("web", "b"), ("web", "c")]
EMAIL = Rule("email", ("email",))


def after_a_walk(
    state: State, pins: list[tuple[int, int, Literal["must", "cannot"]]] | None = None
) -> Groups:
    """The groups, by the places of their records. `pins` are pairs of places, by their order in the alphabet."""
    place_of = {record.record_id: place for place, record in state.records.items()}
    ids = [state.records[place].record_id for place in sorted(state.records)]
    made = [
        Pin(min(ids[a], ids[b]), max(ids[a], ids[b]), kind)
        for a, b, kind in pins or ()
        if a != b and max(a, b) < len(ids)
    ]
    found = partition(state.records.values(), made, Policy(state.rules), now=state.now)
    return frozenset(frozenset(place_of[one] for one in group) for group in found.groups)


def without_room(rules: RuleSet, kind: str) -> RuleSet:
    """Rules with a guard that is about values or pairs of records, not about how much one profile may hold."""
    match kind:
        case "free":
            return rules
        case "a generic value":
            few = {name: replace(one, fanout_limit=2) for name, one in rules.identifiers.items()}
            return replace(rules, identifiers=few)
        case "a crowded value":
            return bound(rules, "fanout_review")
        case "a shared type":
            return replace(rules, identifiers=kinds(mobile={"max_profiles": 2}))
        case _:
            return bound(rules, kind)


HARMLESS = [
    "free",
    "a generic value",
    "a crowded value",
    "a shared type",
    "outcome",
    "needs_verified",
    "require_verified",
]


@EASY
@given(
    RULES,
    FORMED,
    st.sampled_from(HARMLESS),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.just("must")), max_size=2),
    st.randoms(use_true_random=False),
)
def test_i7_a_walk_gives_one_partition_in_every_order_where_no_profile_lacks_room(
    rules: tuple[Rule, ...],
    requests: list[Sent],
    kind: str,
    pins: list[tuple[int, int, Literal["must", "cannot"]]],
    random: Random,
) -> None:
    chosen = without_room(free(rules), kind)
    one, other = run(chosen, requests), run(chosen, random.sample(requests, len(requests)))
    assert after_a_walk(one, pins) == after_a_walk(other, pins)


def guards() -> list[Any]:
    """A rule set, what three customers say, and pins. The first two have room, or are allowed, together; so have the last two;
    all three have not."""
    same = ({"email": "e"},) * 3
    web = {"web": IdSpaceRules(ids_per_profile=2)}
    cards = ({"email": "e", "loyalty_id": "1"}, {"email": "e"}, {"email": "e", "loyalty_id": "2"})
    unique = kinds(loyalty_id={"max_per_profile": 1, "immutable": True})
    differs = replace(EMAIL, unless_differs=("loyalty_id",))
    return [
        pytest.param(rule_set(EMAIL, merge=Merge(max_records=2)), same, [], id="max_records"),
        pytest.param(rule_set(EMAIL, id_spaces=web), same, [], id="ids_per_profile"),
        pytest.param(rule_set(EMAIL, identifiers=unique), cards, [], id="max_per_profile"),
        pytest.param(rule_set(differs), cards, [], id="unless_differs"),
        pytest.param(rule_set(EMAIL), same, [(0, 2, "cannot")], id="a cannot pin"),
    ]


@pytest.mark.parametrize(("rules", "said", "pins"), guards())
def test_where_a_profile_is_full_the_first_record_stays_so_the_order_counts(
    rules: RuleSet, said: tuple[dict[str, str], ...], pins: list[tuple[int, int, Literal["must", "cannot"]]]
) -> None:
    """Each order ends with two of the three together, as they were called, and not always with the same two."""
    ends: set[Groups] = set()
    for order in permutations(range(3)):
        state = State(rules)
        for number in order:
            state.now += 1
            state.ask(":".join(PLACES[number]), says(**said[number]))
        ends.add(after_a_walk(state, pins))
    assert len(ends) > 1
    assert all(sorted(map(len, groups)) == [1, 2] for groups in ends)


def test_with_one_profile_at_once_it_matters_whether_the_connecting_record_comes_last() -> None:
    rules = rule_set(merge=Merge(max_profiles_at_once=1))
    said = ({"email": "e"}, {"email": "e", "mobile": "m"}, {"mobile": "m"})
    sizes: dict[tuple[int, ...], list[int]] = {}
    for order in permutations(range(3)):
        state = State(rules)
        for number in order:
            state.now += 1
            state.ask(":".join(PLACES[number]), says(**said[number]))
        sizes[order] = sorted(map(len, after_a_walk(state)))
    assert all(found == ([1, 2] if order[2] == 1 else [3]) for order, found in sizes.items())


@pytest.mark.parametrize(("one", "other"), list(combinations(range(3), 2)))
def test_the_last_record_displaces_no_earlier_one(one: int, other: int) -> None:
    """The promise that rules an order by content out: whatever record comes, and under whatever id, the two stay together."""
    state = State(rule_set(EMAIL, merge=Merge(max_records=2)))
    (last,) = {0, 1, 2} - {one, other}
    for number in (one, other, last):
        state.now += 1
        state.ask(":".join(PLACES[number]), [Evidence(Identifier("email", "e"))])
    assert frozenset({PLACES[one], PLACES[other]}) in after_a_walk(state)


def test_a_provider_form_leaves_no_order_in_a_walk() -> None:
    form = Evidence(Identifier("email" + CANONICAL_SUFFIX, "e"))
    ends = set[Groups]()
    for order in permutations(PLACES):
        state = State(rule_set(EMAIL))
        for place in order:
            state.now += 1
            state.ask(":".join(place), [form])
        ends.add(after_a_walk(state))
    assert ends == {frozenset(frozenset({place}) for place in PLACES)}
