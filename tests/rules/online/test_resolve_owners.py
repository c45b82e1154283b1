"""Which profiles a key matches, and about whom a person is asked."""

from dataclasses import replace
from itertools import permutations

import pytest

from rules.identifier import Evidence
from rules.ruleset import IdentifierRules, Merge, Rule
from tests.support.resolving import EITHER, EMAIL, PROVED, decided, stating, two_profiles
from tests.support.rules_state import State, key, rule_set, says

# ---- whom a key leads to ----


def test_a_key_of_earlier_requests_joins_no_records_by_itself() -> None:
    """It is another profile's by now, and this request does not state it."""
    state = State(rule_set(Rule("both", ("mobile", "email")), Rule("email", ("email",))))
    for where in ("web:1", "pos:1"):
        state.send(where)
    state.pin("web:1", "pos:1", "cannot")
    for where in ("pos:1", "web:1"):
        state.send(where, email="a")
    state.all_pins.clear()
    assert state.send("web:1", mobile="2").outcome == "attached"
    assert state.at("web:1") != state.at("pos:1")
    assert state.send("web:1", email="a").outcome == "merged"


def test_a_join_that_waits_for_a_proof_happens_when_the_owner_brings_it() -> None:
    state = State(rule_set(PROVED))
    decided(state, "web:1", "a")
    assert decided(state, "pos:1", "a", verified=True).outcome == "review"
    assert decided(state, "web:1", "a", verified=True).outcome == "merged"
    assert state.at("web:1") == state.at("pos:1")


def test_a_proof_given_before_a_pin_ended_joins_no_further_profile() -> None:
    state = State(rule_set(PROVED))
    for where in ("web:1", "pos:1"):
        state.send(where)
    state.pin("web:1", "pos:1", "cannot")
    for where in ("web:1", "pos:1"):
        decided(state, where, "a", verified=True)
    state.all_pins.clear()
    again = state.ask("web:1", [*stating("a", verified=True), *says(mobile="1")])
    assert again is not None
    assert (again.outcome, state.at("web:1") == state.at("pos:1")) == ("attached", False)


def test_a_proof_on_another_record_of_the_owner_counts_as_the_owners() -> None:
    state = State(rule_set(PROVED, Rule("mobile", ("mobile",))))
    decided(state, "web:1", "a")
    state.send("web:1", mobile="1")
    decided(state, "pos:1", "a", verified=True)
    state.send("app:1", mobile="1")
    decided(state, "app:1", "a", verified=True)
    assert state.at("web:1") == state.at("pos:1")


def test_two_records_with_a_verified_value_are_joined_though_a_third_owns_it_unverified() -> None:
    state = State(rule_set(PROVED))
    decided(state, "web:1", "a")
    decided(state, "pos:1", "a", verified=True)
    assert decided(state, "app:1", "a", verified=True).outcome == "attached"
    assert state.at("app:1") == state.at("pos:1") != state.at("web:1")


def test_a_verified_value_after_an_unverified_one_of_another_record_asks_in_either_order() -> None:
    strict = rule_set(Rule("email", ("email",)), identifiers={"email": replace(EMAIL, require_verified=True)})
    for steps in ([("web:1", False), ("pos:1", True)], [("pos:1", True), ("web:1", False)]):
        state = State(strict)
        first, second = (decided(state, where, "a", verified=verified) for where, verified in steps)
        assert (first.outcome, second.outcome) == ("created", "review")
        assert state.owners == {key("email", "a"): state.at("pos:1")}


def test_two_unverified_values_ask_no_question() -> None:
    strict = rule_set(Rule("email", ("email",)), identifiers={"email": replace(EMAIL, require_verified=True)})
    state = State(strict)
    decided(state, "web:1", "a")
    assert decided(state, "pos:1", "a").outcome == "created"


def test_a_rule_for_some_id_spaces_joins_them_though_another_one_owns_the_key() -> None:
    state = State(rule_set(Rule("email", ("email",), id_spaces=("web", "app"))))
    assert [state.send(where, email="a").outcome for where in ("pos:1", "web:1", "app:1")] == [
        "created", "created", "attached",
    ]  # fmt: skip
    assert state.at("web:1") == state.at("app:1") != state.at("pos:1")


# ---- several profiles side by side ----


def test_a_record_that_differs_from_one_that_joins_beside_it_is_asked_about() -> None:
    """The request fits two cards; what it would be told the second time, it is told the first time (I6)."""
    differs = Rule("email", ("email",), unless_differs=("loyalty_id",))
    state = State(rule_set(Rule("mobile", ("mobile",)), differs))
    state.send("web:1", mobile="1", loyalty_id="A")
    state.send("web:2", email="a", loyalty_id="B")
    first = state.send("pos:1", mobile="1", email="a")
    assert (first.outcome, first.profile_id) == ("attached", state.at("web:1"))
    assert [(one.profile_a, one.profile_b) for one in first.reviews] == [
        (state.at("web:2"), state.at("web:1"))
    ]
    second = state.send("pos:1", mobile="1", email="a")
    assert (second.profile_id, second.reviews) == (first.profile_id, first.reviews)


def test_a_join_that_settles_a_difference_takes_the_other_along() -> None:
    differs = Rule("email", ("email",), unless_differs=("loyalty_id",))
    state = State(rule_set(Rule("mobile", ("mobile",)), differs))
    state.send("web:1", loyalty_id="A", mobile="1")
    state.send("web:2", loyalty_id="A", email="a")
    state.send("pos:1", loyalty_id="B")
    assert state.send("pos:1", mobile="1", email="a").outcome == "merged"
    assert len(state.live()) == 1


def test_a_must_pin_of_a_profile_that_joins_counts_at_once() -> None:
    state = State(rule_set(Rule("mobile", ("mobile",)), Rule("email", ("email",), "review")))
    state.send("web:1", mobile="1")
    state.send("web:2", email="a")
    state.pin("web:1", "web:2", "must")
    assert state.send("pos:1", mobile="1", email="a").outcome == "merged"
    assert len(state.live()) == 1


def test_a_never_rule_does_not_hear_a_value_that_says_nothing_about_a_person() -> None:
    state = State(rule_set(Rule("mobile", ("mobile",)), Rule("email", ("email",), "never")))
    state.states[key("email", "shop")] = "generic"
    state.send("web:1", mobile="1", email="shop")
    state.send("web:2", email="shop")
    assert state.send("web:2", mobile="1").outcome == "merged"


def test_the_verified_one_of_two_shared_values_counts_in_either_order() -> None:
    for order in (1, -1):
        state = State(rule_set(PROVED))
        said = [Evidence(key("email", "a")), Evidence(key("email", "c"), verified=True)]
        state.ask("web:1", said)
        decision = state.ask("pos:1", said[::order])
        assert decision is not None
        assert decision.outcome == "attached"


# ---- who is asked about ----


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_record_in_doubt_is_asked_about_with_every_holder_in_any_order(order: tuple[int, ...]) -> None:
    state = State(rule_set(Rule("email", ("email",), "review")))
    for number in order:
        state.send(f"web:{number}", email="a")
    assert state.reviews == {(1, 2), (1, 3), (2, 3)}


def test_only_the_owner_of_a_crowded_value_is_asked_about() -> None:
    kinds = {"email": IdentifierRules("email", fanout_limit=1, on_fanout="review")}
    state = State(rule_set(Rule("email", ("email",)), identifiers=kinds))
    for number in range(4):
        state.send(f"web:{number}", email="a")
    assert state.reviews == {(1, 2), (1, 3), (1, 4)}


def a_family_of_one_mailbox() -> State:
    """The mailbox belongs to the first; the other two differ from her and not from each other."""
    state = State(rule_set(Rule("email", ("email",), unless_differs=("mobile",))))
    state.send("web:mother", email="a", mobile="1")
    state.send("web:son", email="a", mobile="2")
    return state


def test_a_record_that_agrees_with_another_holder_is_asked_about_while_the_owner_is_in_doubt() -> None:
    state = a_family_of_one_mailbox()
    decision = state.send("pos:son", email="a", mobile="2")
    assert decision.outcome == "review"
    assert state.reviews == {(1, 2), (1, 3), (2, 3)}
    steps = {step.profile_id: step.detail for step in decision.trace}
    assert steps == {1: "unless_differs:mobile", 2: "owned_elsewhere"}


def test_a_record_that_joins_the_owner_is_not_asked_about_other_holders() -> None:
    state = a_family_of_one_mailbox()
    decision = state.send("pos:anyone", email="a")
    assert (decision.outcome, decision.profile_id) == ("attached", state.at("web:mother"))
    assert state.reviews == {(1, 2)}


def test_with_one_profile_at_once_a_record_joins_one_and_asks_about_two() -> None:
    state = two_profiles(rule_set(*EITHER, merge=Merge(max_profiles_at_once=1)))
    assert state.send("pos:1", mobile="1").profile_id == state.at("web:1")
    assert state.send("pos:1", email="a").reason == "conflict:max_profiles_at_once"
    assert state.reviews == {(1, 2)}
    assert state.send("pos:2", mobile="1", email="a").profile_id is None
    assert state.reviews == {(1, 2), (1, 3), (2, 3)}
