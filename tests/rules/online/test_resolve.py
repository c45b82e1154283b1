"""One request and the decision that follows, in every mode."""

from dataclasses import replace
from typing import Any

import pytest

from rules.decision import Decision
from rules.identifier import Evidence
from rules.online.resolve import teaches_nothing
from rules.policy import Policy
from rules.ruleset import Merge, Rule
from tests.support.resolving import MOBILE, known
from tests.support.rules_state import State, key, rule_set, says

# ---- outcomes ----


def test_a_request_without_a_match_creates_a_profile_that_owns_its_keys() -> None:
    decision = State().send("web:1", mobile="1", email="a")
    assert decision == Decision(
        "created",
        None,
        reason="new",
        evidence=tuple(says(mobile="1", email="a")),
        own=(key("mobile", "1"), key("email", "a")),
    )


def test_a_new_record_that_matches_one_profile_joins_it_and_brings_its_other_keys() -> None:
    state = State()
    state.send("web:1", mobile="1")
    decision = state.send("pos:1", mobile="1", email="a")
    assert (decision.outcome, decision.profile_id, decision.reason) == ("attached", 1, "rule:mobile")
    assert decision.own == (key("email", "a"),)


def test_a_known_record_with_news_stays_on_its_profile() -> None:
    state = State()
    state.send("web:1", mobile="1")
    decision = state.send("web:1", email="a")
    assert (decision.outcome, decision.reason, decision.own) == (
        "attached", "same_profile", (key("email", "a"),),
    )  # fmt: skip


def test_a_request_that_fits_several_profiles_makes_them_one() -> None:
    state = State()
    state.send("web:1", mobile="1")
    state.now += 1
    state.send("pos:1", email="a")
    decision = state.send("app:1", mobile="1", email="a")
    assert (decision.outcome, decision.profile_id, decision.absorbed) == ("merged", 1, (2,))
    assert state.send("call:1", email="a").profile_id == 1


def test_a_known_record_merges_its_own_profile_with_the_one_that_it_newly_matches() -> None:
    state = State()
    state.send("web:1", mobile="1")
    state.send("pos:1", email="a")
    assert state.send("pos:1", mobile="1").outcome == "merged"
    assert state.at("pos:1") == state.at("web:1") == 1


def test_a_question_beside_a_join_is_asked_about_the_profile_that_was_joined() -> None:
    state = State(rule_set(Rule("mobile", ("mobile",)), Rule("email", ("email",), "review")))
    state.send("web:1", mobile="1")
    state.send("web:2", email="a")
    decision = state.send("web:3", mobile="1", email="a")
    assert (decision.outcome, decision.reason) == ("attached", "rule:mobile")
    assert [(q.profile_a, q.profile_b, q.reason) for q in decision.reviews] == [(2, 1, "rule:email")]


@pytest.mark.parametrize("mobile", ["1", "2"])
def test_a_call_that_never_creates_finds_a_profile_or_nothing(mobile: str) -> None:
    state = State(rule_set(Rule("mobile", ("mobile",)), Rule("email", ("email",), "review")))
    state.send("web:1", mobile="1", email="a")
    decision = state.ask("pos:1", says(mobile=mobile, email="a"), may_create=False)
    assert (decision and decision.outcome) == ("attached" if mobile == "1" else None)


def test_a_call_that_never_creates_serves_a_known_record() -> None:
    state = State()
    state.send("web:1")
    decision = state.ask("web:1", says(email="a"), may_create=False)
    assert decision is not None
    assert decision.outcome == "attached"


@pytest.mark.parametrize("said", ["x y", "y x"])
def test_the_order_of_the_values_in_a_request_decides_nothing(said: str) -> None:
    state = State(rule_set(merge=Merge(max_records=1)))
    state.send("web:1", mobile="x")
    state.send("web:2", mobile="x y")
    decision = state.send("web:3", mobile=said)
    asked = {(one.profile_a, one.profile_b) for one in decision.reviews}
    assert asked == {(1, 2), (1, None), (2, None)}


def test_no_decision_changes_hands_of_an_owned_key() -> None:
    state = State(rule_set(Rule("email", ("email",), "review")))
    state.send("web:1", email="a")
    assert state.send("web:2", email="a").own == ()
    assert state.owners == {key("email", "a"): 1}


# ---- requests that teach nothing ----


class ProfilesMayNotBeRead(State):
    def profile(self, profile_id: int) -> Any:
        raise AssertionError(profile_id)


def test_a_known_request_is_decided_without_reading_a_profile() -> None:
    state = State()
    state.send("web:1", mobile="1", email="a")
    guarded = ProfilesMayNotBeRead(state.rules, state.now, state.records, state.profiles, state.owners)
    record = guarded.record("web", "1")
    assert record is not None
    evidence = says(mobile="1", email="a")
    assert teaches_nothing(guarded.key, Policy(state.rules), record, evidence)
    decision = state.send("web:1", mobile="1", email="a")
    assert decision == Decision("attached", 1, reason="known", evidence=tuple(evidence))


def test_a_request_that_states_less_than_is_known_is_no_news() -> None:
    state = State()
    state.send("web:1", mobile="1", email="a")
    assert known(state)
    assert known(state, *says(email="a"))
    assert known(state, Evidence(key("email", "?"), "invalid"))


@pytest.mark.parametrize(
    "news",
    [
        Evidence(key("email", "b")),
        Evidence(key("email", "a"), verified=True),
        Evidence(key("email", "a"), "blocked"),
        Evidence(key("email", "bad"), "blocked"),
    ],
)
def test_a_new_value_a_verification_and_a_changed_status_are_news(news: Evidence) -> None:
    state = State()
    state.send("web:1", email="a")
    assert not known(state, news)
    state.ask("web:1", [news])
    assert known(state, news)


def test_a_key_that_another_profile_owns_stays_news() -> None:
    state = State(rule_set(Rule("email", ("email",), "review")))
    state.send("web:0", email="a")
    state.send("web:1", email="a")
    assert not known(state, *says(email="a"))


def test_a_value_that_no_profile_can_own_is_known_once_it_is_stored() -> None:
    shared = rule_set(identifiers={"mobile": replace(MOBILE, max_profiles=3)})
    careful = rule_set(identifiers={"mobile": replace(MOBILE, require_verified=True)})
    for rules in (shared, careful):
        state = State(rules)
        state.send("web:1", mobile="1", fax="2")
        assert known(state, *says(mobile="1", fax="2"))


def test_a_retired_value_is_news() -> None:
    state = State()
    state.send("web:1", email="a")
    state.records["web", "1"].observations[key("email", "a")].retired = True
    assert not known(state, *says(email="a"))


# ---- modes ----


def test_shadow_mode_decides_as_if_and_keeps_every_record_alone() -> None:
    state = State(rule_set(mode="shadow"))
    state.send("web:1", mobile="1")
    decision = state.send("web:2", mobile="1", email="a")
    assert (decision.outcome, decision.profile_id, decision.enforced) == ("attached", 1, False)
    assert state.at("web:2") == 2
    assert state.owners == {key("mobile", "1"): 1, key("email", "a"): 2}
    assert state.ask("web:3", says(mobile="1"), may_create=False) is None


def test_mode_off_judges_nothing_and_still_learns_keys() -> None:
    state = State(rule_set(mode="off"))
    state.send("web:1", mobile="1")
    decision = state.send("web:2", mobile="1", email="a")
    assert (decision.outcome, decision.own, decision.trace) == ("created", (key("email", "a"),), ())
