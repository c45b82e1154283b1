"""Which rules fire between a request and one profile, and what casts doubt on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rules.decision import Decision, Step
from rules.identifier import Evidence
from rules.ruleset import IdentifierRules, IdSpaceRules, Rule, RuleSet
from tests.support.rules_state import DAY, State, canonical, key, rule_set, says

EMAIL = IdentifierRules("email", strength=70)
MOBILE = IdentifierRules("phone", strength=80)


def meeting(rules: RuleSet, first: list[Evidence], second: list[Evidence], *, days: int = 0) -> Decision:
    """What becomes of a second record after a first one, `days` later; both are web records."""
    state = State(rules)
    state.ask("web:first", first)
    state.now += days * DAY
    decision = state.ask("web:second", second)
    assert decision is not None
    return decision


def steps(decision: Decision) -> list[tuple[str, str, str]]:
    return [(step.what, step.result, step.detail) for step in decision.trace]


BOTH = Rule("both", ("mobile", "email"))
EITHER = (BOTH, Rule("mobile", ("mobile",)), Rule("email", ("email",), unless_differs=("mobile",)))


@pytest.mark.parametrize(
    ("first", "second", "outcome", "rule"),
    [
        (says(mobile="1"), says(mobile="1"), "attached", "mobile"),
        (says(mobile="1"), says(mobile="2"), "created", ""),
        (says(mobile="1", email="a"), says(mobile="1", email="a"), "attached", "both"),
        (says(mobile="1", email="a"), says(mobile="1", email="b"), "attached", "mobile"),
        (says(mobile="1", email="a"), says(mobile="2", email="a"), "review", "email"),
        (says(mobile="1 2", email="a"), says(mobile="2 3", email="a"), "attached", "both"),
        (says(email="a"), says(mobile="2", email="a"), "attached", "email"),
    ],
)
def test_the_first_rule_with_the_strongest_outcome_is_recorded(
    first: list[Evidence], second: list[Evidence], outcome: str, rule: str
) -> None:
    decision = meeting(rule_set(*EITHER), first, second)
    assert (decision.outcome, decision.rule) == (outcome, rule)


def test_every_rule_that_fires_leaves_a_step_with_the_guard_that_stopped_it() -> None:
    stopped = replace(EITHER[1], unless_differs=("loyalty_id",))
    decision = meeting(
        rule_set(stopped, EITHER[2]),
        says(mobile="1", email="a", loyalty_id="7"),
        says(mobile="1", email="a", loyalty_id="8"),
    )
    assert decision.trace == (
        Step("rule:mobile", 1, "review", "unless_differs:loyalty_id"),
        Step("rule:email", 1, "merge", "email"),
    )


def test_a_rule_over_several_types_needs_one_record_that_agrees_on_all_of_them() -> None:
    state = State(rule_set(BOTH, Rule("loyalty", ("loyalty_id",))))
    state.send("web:1", mobile="1", loyalty_id="7")
    state.send("web:2", email="a", loyalty_id="7")
    assert state.send("web:3", mobile="1", email="a").outcome == "created"


def test_a_value_learned_earlier_completes_a_rule_over_several_types() -> None:
    state = State(rule_set(BOTH))
    state.send("web:1", mobile="1", email="a")
    assert state.send("web:2", mobile="1").outcome == "created"
    assert state.send("web:2", email="a").outcome == "merged"


def test_keys_that_others_own_still_join_the_records_that_hold_them_together() -> None:
    state = State(rule_set(BOTH))
    state.send("web:1", mobile="1")
    state.send("web:2", email="a")
    state.send("web:3", mobile="1", email="a")
    assert state.send("web:4", mobile="1", email="a").outcome == "attached"
    assert state.at("web:4") == state.at("web:3")


def test_a_single_key_matches_only_its_owner() -> None:
    state = State(rule_set(Rule("email", ("email",), unless_differs=("mobile",))))
    state.send("web:owner", mobile="1", email="a")
    state.send("web:other", mobile="2", email="a")
    state.send("web:third", email="a")
    assert state.at("web:third") == state.at("web:owner")


def test_a_rule_with_outcome_review_asks_and_joins_no_records() -> None:
    decision = meeting(rule_set(Rule("email", ("email",), "review")), says(email="a"), says(email="a"))
    assert (decision.outcome, decision.profile_id, decision.reason) == ("review", None, "rule:email")
    [question] = decision.reviews
    assert (question.profile_a, question.profile_b, question.types) == (1, None, ("email",))


def test_a_never_rule_stops_what_another_rule_would_join() -> None:
    rules = rule_set(Rule("email", ("email",)), Rule("twins", ("mobile", "email"), "never"))
    decision = meeting(rules, says(email="a", mobile="1"), says(email="a", mobile="1"))
    assert (decision.outcome, decision.reviews) == ("created", ())
    assert ("rule:twins", "never", "mobile+email") in steps(decision)


def test_a_never_rule_keeps_two_candidates_apart() -> None:
    rules = rule_set(
        Rule("email", ("email",)), Rule("mobile", ("mobile",)), Rule("no", ("loyalty_id",), "never")
    )
    state = State(rules)
    state.send("web:1", email="a", loyalty_id="7")
    state.send("web:2", mobile="1", loyalty_id="7")
    decision = state.send("web:3", email="a", mobile="1")
    assert (decision.outcome, decision.reason) == ("created", "ambiguous")


@pytest.mark.parametrize(
    ("id_spaces", "outcome"), [(("*",), "attached"), (("web",), "attached"), (("web", "pos"), "attached"),
                               (("pos",), "created")],
)  # fmt: skip
def test_a_rule_applies_only_between_records_of_its_id_spaces(
    id_spaces: tuple[str, ...], outcome: str
) -> None:
    rules = rule_set(Rule("email", ("email",), id_spaces=id_spaces))
    assert meeting(rules, says(email="a"), says(email="a")).outcome == outcome


@pytest.mark.parametrize("types", [("loyalty_id",), ("loyalty_id", "mobile")])
def test_differing_values_turn_a_merge_into_a_question_only_where_both_sides_have_some(
    types: tuple[str, ...],
) -> None:
    rules = rule_set(Rule("email", ("email",), unless_differs=types))
    with_id = says(email="a", loyalty_id="7")
    assert meeting(rules, with_id, says(email="a")).outcome == "attached"
    assert meeting(rules, with_id, says(email="a", loyalty_id="8 7")).outcome == "attached"
    assert meeting(rules, with_id, says(email="a", loyalty_id="8")).outcome == "review"


def test_a_difference_is_seen_on_the_records_whole_profile() -> None:
    rules = rule_set(Rule("mobile", ("mobile",)), Rule("email", ("email",), unless_differs=("loyalty_id",)))
    state = State(rules)
    state.send("web:1", email="a", loyalty_id="7")
    state.send("web:2", mobile="1", loyalty_id="8")
    state.send("web:3", mobile="1")
    assert state.send("web:3", email="a").outcome == "review"


def test_a_type_that_may_not_merge_still_tells_people_apart() -> None:
    rules = rule_set(
        Rule("email", ("email",), unless_differs=("card",)),
        identifiers={"card": IdentifierRules("opaque", merge=False)},
    )
    assert meeting(rules, says(email="a", card="7"), says(email="a", card="8")).outcome == "review"
    assert meeting(rules, says(card="7"), says(card="7")).outcome == "created"


def test_a_generic_value_keeps_no_records_apart() -> None:
    state = State(rule_set(Rule("email", ("email",), unless_differs=("mobile",))))
    state.states[key("mobile", "shop")] = "generic"
    state.send("web:1", email="a", mobile="1")
    assert state.send("web:2", email="a", mobile="shop").outcome == "attached"


# ---- doubts ----


@pytest.mark.parametrize(
    ("cap", "outcome"), [("merge", "attached"), ("review", "review"), ("off", "created")]
)
def test_a_provider_form_goes_no_further_than_its_type_allows(cap: Any, outcome: str) -> None:
    rules = rule_set(Rule("email", ("email",)), identifiers={"email": replace(EMAIL, provider_canonical=cap)})
    first = [*says(email="a.nn@gmail.com"), canonical("ann@gmail.com")]
    second = [*says(email="ann+x@gmail.com"), canonical("ann@gmail.com")]
    assert meeting(rules, first, second).outcome == outcome
    assert meeting(rules, first, first).outcome == "attached"


VERIFIED, STATED = Evidence(key("email", "a"), verified=True), Evidence(key("email", "a"))


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (VERIFIED, VERIFIED, "attached"),
        (VERIFIED, STATED, "review"),
        (STATED, VERIFIED, "review"),
    ],
)
def test_a_rule_that_needs_verified_values_needs_them_on_both_sides(
    first: Evidence, second: Evidence, outcome: str
) -> None:
    assert (
        meeting(rule_set(Rule("email", ("email",), needs_verified=True)), [first], [second]).outcome
        == outcome
    )


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (VERIFIED, VERIFIED, "attached"),
        (VERIFIED, STATED, "review"),
        (STATED, VERIFIED, "review"),
    ],
)
def test_a_type_that_requires_verification_neither_joins_nor_owns_without_it(
    first: Evidence, second: Evidence, outcome: str
) -> None:
    rules = rule_set(Rule("email", ("email",)), identifiers={"email": replace(EMAIL, require_verified=True)})
    assert meeting(rules, [first], [second]).outcome == outcome


def test_an_id_space_that_verifies_a_type_vouches_for_all_its_values() -> None:
    rules = rule_set(
        Rule("email", ("email",), needs_verified=True),
        id_spaces={"web": IdSpaceRules(verified=frozenset({"email"}))},
    )
    assert meeting(rules, says(email="a"), says(email="a")).outcome == "attached"


@pytest.mark.parametrize(
    ("days", "second", "outcome"),
    [
        (540, says(mobile="1"), "attached"),
        (541, says(mobile="1"), "review"),
        (541, says(mobile="1", email="a"), "attached"),
    ],
)
def test_a_stale_key_needs_a_second_one_beside_it(days: int, second: list[Evidence], outcome: str) -> None:
    rules = rule_set(
        Rule("mobile", ("mobile",)), identifiers={"mobile": replace(MOBILE, stale_after=540 * DAY)}
    )
    assert meeting(rules, says(mobile="1", email="a"), second, days=days).outcome == outcome


def test_a_key_seen_again_by_any_record_of_the_profile_is_fresh() -> None:
    rules = rule_set(
        Rule("mobile", ("mobile",)), identifiers={"mobile": replace(MOBILE, stale_after=540 * DAY)}
    )
    state = State(rules)
    state.send("web:1", mobile="1")
    state.now += 400 * DAY
    state.send("web:2", mobile="1")
    state.now += 400 * DAY
    assert state.send("web:3", mobile="1").outcome == "attached"


@pytest.mark.parametrize(
    ("ours", "theirs", "options", "outcome"),
    [
        ({"name": " Sara  ALI"}, {"name": "sara ali"}, {}, "attached"),
        ({"name": "Sara"}, {"name": "Omar"}, {}, "review"),
        ({"name": "Sara"}, {"name": "Omar"}, {"not_confirmed": "refuse"}, "created"),
        ({"name": "Sara", "born": "1990"}, {"name": "Omar", "born": "1990"}, {}, "attached"),
        ({"name": "Sara"}, {"born": "1990"}, {}, "attached"),
        ({"name": "Sara"}, {}, {"confirm_missing": "review"}, "review"),
    ],
)
def test_an_attribute_confirms_a_rule_or_makes_it_a_question(
    ours: Mapping[str, str], theirs: dict[str, str], options: dict[str, Any], outcome: str
) -> None:
    state = State(rule_set(Rule("mobile", ("mobile",), confirm_any=("name", "born"), **options)))
    state.send("web:1", mobile="1")
    state.attributes[1] = theirs
    decision = state.ask("web:2", says(mobile="1"), attributes=ours)
    assert decision is not None
    assert decision.outcome == outcome


# ---- values that match no profile ----


@pytest.mark.parametrize("fate", ["generic", "shared", "blocked"])
def test_a_key_that_is_not_in_the_normal_state_matches_no_profile(fate: Any) -> None:
    state = State()
    state.states[key("mobile", "1")] = fate
    assert [state.send(f"web:{n}", mobile="1").outcome for n in (1, 2)] == ["created", "created"]
    assert state.owners == {}


def test_a_household_value_is_stored_as_shared_and_never_joins() -> None:
    state = State(rule_set(identifiers={"mobile": replace(MOBILE, max_profiles=4)}))
    assert state.send("web:1", mobile="1").shared == (key("mobile", "1"),)
    assert state.send("web:2", mobile="1").outcome == "created"


@pytest.mark.parametrize(
    ("on_fanout", "outcome", "generic"),
    [("quarantine", "created", 1), ("review", "review", 0), ("ignore", "attached", 0)],
)
def test_a_value_on_more_records_than_its_limit_stops_matching(
    on_fanout: Any, outcome: str, generic: int
) -> None:
    limited = replace(MOBILE, fanout_limit=2, on_fanout=on_fanout)
    state = State(rule_set(identifiers={"mobile": limited}))
    state.send("web:1", mobile="1")
    assert state.send("web:2", mobile="1").outcome == "attached"
    decision = state.send("web:3", mobile="1")
    assert (decision.outcome, len(decision.generic)) == (outcome, generic)


def test_a_blocked_or_invalid_value_takes_no_part_and_only_the_blocked_one_is_stored() -> None:
    state = State()
    state.send("web:1", mobile="1", email="a")
    blocked = Evidence(key("mobile", "1"), "blocked", "builtin")
    invalid = Evidence(key("email", "a"), "invalid", "syntax")
    decision = state.ask("web:2", [blocked, invalid])
    assert decision is not None
    assert (decision.outcome, decision.evidence) == ("created", (blocked,))
    assert state.send("web:1", email="a").reason == "known"


def test_an_undeclared_type_is_stored_and_joins_no_records() -> None:
    decision = meeting(rule_set(), says(fax="1"), says(fax="1"))
    assert (decision.outcome, decision.own, len(decision.evidence)) == ("created", (), 1)
