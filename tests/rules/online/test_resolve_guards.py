"""One request against pins, guards and the limits of a type."""

from dataclasses import replace
from typing import Any

import pytest

from rules.ruleset import Conflict, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.resolving import EITHER, EMAIL, LOYALTY, MOBILE, two_profiles
from tests.support.rules_state import DAY, State, key, rule_set

# ---- pins ----


def test_a_cannot_pin_keeps_records_apart_whatever_the_rules_say() -> None:
    state = State()
    state.send("web:1", mobile="1")
    state.send("web:2")
    state.pin("web:1", "web:2", "cannot")
    state.pin("web:1", "web:2", "must")
    decision = state.send("web:2", mobile="1")
    assert (decision.outcome, decision.profile_id, decision.reviews) == ("attached", 2, ())
    assert ("pin:cannot", 1, "none", "") in decision.trace


def test_a_pin_ends_when_its_time_has_come() -> None:
    state = State()
    state.send("web:1", mobile="1")
    state.send("web:2")
    state.pin("web:1", "web:2", "cannot", until=state.now + DAY)
    assert state.send("web:2", mobile="1").outcome == "attached"
    state.now += DAY
    assert state.send("web:2", mobile="1").outcome == "merged"


@pytest.mark.parametrize("outcome", ["review", "never"])
def test_a_must_pin_outranks_every_rule(outcome: Any) -> None:
    state = State(rule_set(Rule("mobile", ("mobile",), outcome)))
    state.send("web:1", mobile="1")
    state.send("web:2")
    state.pin("web:1", "web:2", "must")
    decision = state.send("web:2", mobile="1")
    assert (decision.outcome, decision.reason) == ("merged", "pin:must")


@pytest.mark.parametrize(
    ("ambiguous", "outcome", "profile_id", "reviews"),
    [("separate", "created", None, 0), ("best", "attached", 1, 0), ("review", "review", None, 2)],
)
def test_a_record_that_fits_two_profiles_pinned_apart_goes_where_the_rule_set_says(
    ambiguous: Any, outcome: str, profile_id: int | None, reviews: int
) -> None:
    state = State(rule_set(*EITHER, conflict=Conflict(ambiguous=ambiguous)))
    state.send("web:1", mobile="1")
    state.send("web:2", email="a")
    state.pin("web:1", "web:2", "cannot")
    decision = state.send("web:3", mobile="1", email="a")
    assert (decision.outcome, decision.profile_id, len(decision.reviews)) == (outcome, profile_id, reviews)


@pytest.mark.parametrize("ambiguous", ["separate", "best"])
def test_a_candidate_that_the_records_own_profile_can_never_join_is_given_up(ambiguous: Any) -> None:
    never = Rule("card", ("loyalty_id",), "never")
    state = State(rule_set(*EITHER, never, conflict=Conflict(ambiguous=ambiguous)))
    state.send("web:1", mobile="1", loyalty_id="7")
    state.send("web:2", email="a", loyalty_id="7")
    state.send("web:3", email="a")
    assert state.send("web:3", mobile="1").profile_id == state.at("web:2")


@pytest.mark.parametrize(
    ("options", "guard", "outcome"),
    [
        ({"merge": Merge(max_records=2)}, "max_records", "review"),
        ({"merge": Merge(max_profiles_at_once=1)}, "max_profiles_at_once", "review"),
        ({"merge": Merge(protect_balance_over=99)}, "protect_balance_over", "review"),
        ({"id_spaces": {"web": IdSpaceRules(ids_per_profile=1)}}, "ids_per_profile:web", "review"),
        (
            {"id_spaces": {"web": IdSpaceRules(ids_per_profile=1, on_many_ids="refuse")}},
            "ids_per_profile:web",
            "refused",
        ),
    ],
)
def test_a_guard_stops_the_merge_and_is_named(options: dict[str, Any], guard: str, outcome: str) -> None:
    state = two_profiles(rule_set(*EITHER, **options))
    state.balances[2] = 100
    decision = state.send("pos:1", mobile="1", email="a")
    assert (decision.outcome, decision.profile_id) == (outcome, None)
    assert decision.reason == f"conflict:{guard}"
    assert f"guard:{guard}" in [step.what for step in decision.trace]
    assert decision.own == decision.absorbed == ()


@pytest.mark.parametrize(
    "options",
    [
        {"merge": Merge(max_records=3, max_profiles_at_once=2, protect_balance_over=100)},
        {"id_spaces": {"web": IdSpaceRules(ids_per_profile=1, on_many_ids="allow")}},
    ],
)
def test_at_its_limit_a_guard_lets_the_merge_pass(options: dict[str, Any]) -> None:
    state = two_profiles(rule_set(*EITHER, **options))
    state.balances[2] = 100
    assert state.send("pos:1", mobile="1", email="a").outcome == "merged"


@pytest.mark.parametrize(("most", "outcome"), [(2, "review"), (3, "review"), (4, "merged"), (5, "merged")])
def test_two_profiles_of_two_records_each_are_four_records(most: int, outcome: str) -> None:
    """Who asks is one of the four."""
    state = State(rule_set(*EITHER, merge=Merge(max_records=most)))
    for where in ("web:1", "pos:1"):
        state.send(where, mobile="1")
    for where in ("web:2", "pos:2"):
        state.send(where, email="a")
    decision = state.send("web:1", mobile="1", email="a")
    assert decision.outcome == outcome
    told = [step.detail for step in decision.trace if step.what == "guard:max_records"]
    assert told == ([] if outcome == "merged" else [f"4>{most}"])


def test_an_excess_that_one_profile_has_already_is_not_held_against_it() -> None:
    state = State(rule_set(*EITHER, id_spaces={"web": IdSpaceRules(ids_per_profile=3)}))
    for number in range(3):
        state.send(f"web:{number}", mobile="1")
    state.rules = rule_set(*EITHER, id_spaces={"web": IdSpaceRules(ids_per_profile=1)})
    assert state.send("pos:1", mobile="1").outcome == "attached"
    assert state.send("web:9", mobile="1").outcome == "review"


# ---- limits of a type ----


def limited(**options: Any) -> RuleSet:
    return rule_set(*EITHER, identifiers={"mobile": replace(MOBILE, max_per_profile=2, **options)})


def full(rules: RuleSet) -> State:
    """One profile with the mobiles 1 and 2, the first seen a day before the second."""
    state = State(rules)
    state.send("web:1", mobile="1", email="a")
    state.now += DAY
    state.send("web:1", mobile="2")
    state.now += DAY
    return state


@pytest.mark.parametrize("where", ["web:1", "pos:1"])
def test_keep_old_stores_one_value_too_many_but_does_not_own_it(where: str) -> None:
    state = full(limited())
    decision = state.send(where, mobile="3", email="a")
    assert (decision.outcome, decision.own, decision.warnings) == ("attached", (), ("limit:mobile",))
    assert state.send("app:9", mobile="3").outcome == "created"


def test_drop_oldest_lets_go_of_the_value_that_was_not_seen_longest() -> None:
    state = full(limited(at_limit="drop_oldest"))
    state.send("web:1", mobile="1")
    decision = state.send("pos:1", mobile="3", email="a")
    assert (decision.own, decision.dropped) == ((key("mobile", "3"),), (key("mobile", "2"),))
    assert state.send("app:9", mobile="2").outcome == "created"


def test_at_limit_review_asks_before_a_record_joins_and_warns_on_its_own_profile() -> None:
    state = full(limited(at_limit="review"))
    decision = state.send("pos:1", mobile="3", email="a")
    assert (decision.outcome, decision.reason) == ("review", "conflict:max_per_profile:mobile")
    assert state.send("web:1", mobile="4").warnings == ("limit:mobile",)


def test_values_outside_the_window_do_not_count() -> None:
    state = full(limited(window=3 * DAY))
    state.now += 2 * DAY
    assert state.send("web:1", mobile="3").own == (key("mobile", "3"),)


def test_a_request_with_more_new_values_than_the_limit_keeps_the_first_ones() -> None:
    decision = State(limited()).send("web:1", mobile="1 2 3")
    assert (decision.own, decision.warnings) == (
        (key("mobile", "1"), key("mobile", "2")), ("limit:mobile",),
    )  # fmt: skip


@pytest.mark.parametrize("policy", ["review", "drop_lowest", "refuse", "move_to_newest"])
def test_a_second_value_of_an_immutable_type_is_not_taken_up_by_a_known_record(policy: Any) -> None:
    state = State(rule_set(identifiers={"loyalty_id": LOYALTY}, conflict=Conflict(policy=policy)))
    state.send("web:1", loyalty_id="7")
    decision = state.send("web:1", loyalty_id="8")
    assert (decision.outcome, decision.profile_id) == ("refused" if policy == "refuse" else "attached", 1)
    assert decision.own == decision.taken == decision.dropped == ()
    assert decision.warnings


def test_moving_to_the_newest_replaces_the_one_value_of_a_type_that_may_change() -> None:
    rules = rule_set(
        identifiers={"email": replace(EMAIL, max_per_profile=1)}, conflict=Conflict(policy="move_to_newest")
    )
    state = State(rules)
    state.send("web:1", mobile="1", email="a")
    decision = state.send("web:2", mobile="1", email="b")
    assert (decision.outcome, decision.own, decision.dropped) == (
        "attached", (key("email", "b"),), (key("email", "a"),),
    )  # fmt: skip
