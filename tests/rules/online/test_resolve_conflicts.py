"""One request that breaks a limit, under each conflict policy."""

from typing import Any

from rules.ruleset import Conflict
from tests.support.resolving import LOYALTY
from tests.support.rules_state import State, key, rule_set, says

# ---- the four policies on one scenario ----


def two_cards(policy: Any) -> State:
    """Card 7 with mobile 1 and e-mail a; card 8 with mobile 2. A profile holds one card only."""
    state = State(rule_set(identifiers={"loyalty_id": LOYALTY}, conflict=Conflict(policy=policy)))
    state.send("web:7", loyalty_id="7", mobile="1", email="a")
    state.send("web:8", loyalty_id="8", mobile="2")
    return state


REQUEST = {"mobile": "2", "email": "a"}


def test_policy_review_joins_nothing_and_asks_about_every_pair() -> None:
    state = two_cards("review")
    decision = state.send("pos:1", **REQUEST)
    assert (decision.outcome, decision.profile_id) == ("review", None)
    assert [(q.profile_a, q.profile_b) for q in decision.reviews] == [(1, None), (2, None), (1, 2)]
    assert {q.reason for q in decision.reviews} == {"conflict:max_per_profile:loyalty_id"}
    assert state.at("pos:1") == 3


def test_policy_refuse_joins_nothing_and_asks_no_question() -> None:
    state = two_cards("refuse")
    decision = state.send("pos:1", **REQUEST)
    assert (decision.outcome, decision.profile_id, decision.reviews) == ("refused", None, ())
    assert state.at("pos:1") == 3


def test_policy_drop_lowest_leaves_the_weakest_identifier_out_and_tries_again() -> None:
    state = two_cards("drop_lowest")
    decision = state.send("pos:1", **REQUEST)
    assert (decision.outcome, decision.profile_id, decision.reason) == ("attached", 2, "rule:mobile")
    assert decision.warnings == ("dropped:email",)
    assert (decision.own, decision.evidence) == ((), tuple(says(**REQUEST)))
    assert state.owners[key("email", "a")] == 1


def test_policy_move_to_newest_gives_the_weaker_key_to_the_newest_assertion() -> None:
    state = two_cards("move_to_newest")
    decision = state.send("pos:1", **REQUEST)
    assert (decision.outcome, decision.profile_id) == ("attached", 2)
    assert decision.taken == ((key("email", "a"), 1),)
    assert decision.warnings == ("moved:email",)
    assert state.owners[key("email", "a")] == 2
    assert state.records["web", "7"].observations[key("email", "a")].retired


def test_moving_to_the_newest_brings_keys_to_a_known_records_own_profile() -> None:
    state = two_cards("move_to_newest")
    decision = state.send("web:8", mobile="1", email="a")
    assert (decision.profile_id, decision.outcome) == (2, "attached")
    assert {identifier.type for identifier, _ in decision.taken} == {"mobile", "email"}


def test_moving_to_the_newest_asks_when_the_conflict_is_over_what_cannot_move() -> None:
    state = two_cards("move_to_newest")
    decision = state.send("web:8", loyalty_id="7")
    assert (decision.outcome, decision.taken, decision.warnings) == ("review", (), ())
    assert [(q.profile_a, q.profile_b) for q in decision.reviews] == [(1, 2)]


def test_nothing_moves_on_the_word_of_a_request_that_contradicts_itself() -> None:
    decision = two_cards("move_to_newest").send("pos:1", loyalty_id="7 8")
    assert (decision.outcome, decision.taken, decision.profile_id) == ("review", (), None)


def test_a_new_card_with_a_strangers_mobile_stays_a_stranger_under_every_policy() -> None:
    for policy in ("review", "refuse", "drop_lowest", "move_to_newest"):
        state = two_cards(policy)
        state.send("pos:9", loyalty_id="9", mobile="1")
        assert state.at("pos:9") not in {state.at("web:7"), state.at("web:8")}
