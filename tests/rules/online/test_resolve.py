"""One request and the decision that follows: outcomes, guards, conflict policies."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from rules.decision import Decision
from rules.identifier import Evidence
from rules.online.resolve import teaches_nothing
from rules.policy import Policy
from rules.ruleset import Conflict, IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.rules_state import DAY, State, key, rule_set, says

LOYALTY = IdentifierRules("opaque", strength=100, max_per_profile=1, immutable=True)
MOBILE = IdentifierRules("phone", strength=80)
EMAIL = IdentifierRules("email", strength=70)
EITHER = (Rule("mobile", ("mobile",)), Rule("email", ("email",)))


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


def known(state: State, *evidence: Evidence) -> bool:
    record = state.record("web", "1")
    assert record is not None
    return teaches_nothing(state, Policy(state.rules), record, evidence)


def test_a_known_request_is_decided_without_reading_a_profile() -> None:
    state = State()
    state.send("web:1", mobile="1", email="a")
    guarded = ProfilesMayNotBeRead(state.rules, state.now, state.records, state.profiles, state.owners)
    record = guarded.record("web", "1")
    assert record is not None
    evidence = says(mobile="1", email="a")
    assert teaches_nothing(guarded, Policy(state.rules), record, evidence)
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


# ---- guards ----


def two_profiles(rules: RuleSet) -> State:
    state = State(rules)
    state.send("web:1", mobile="1")
    state.send("web:2", email="a")
    return state


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


PROVED = Rule("email", ("email",), needs_verified=True)


def stating(value: str, *, verified: bool = False) -> list[Evidence]:
    return [Evidence(key("email", value), verified=verified)]


def decided(state: State, where: str, value: str, *, verified: bool = False) -> Decision:
    state.now += 1
    decision = state.ask(where, stating(value, verified=verified))
    assert decision is not None
    return decision


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
