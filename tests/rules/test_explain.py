"""Why two are one or are not, and how a profile came to be."""

from copy import deepcopy
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.explain import (
    Arrival,
    Compared,
    HowStep,
    Merging,
    RuleReading,
    Splitting,
    how,
    replay,
    why,
    why_records,
)
from rules.identifier import Evidence, Identifier
from rules.policy import Policy
from rules.record import Profile
from rules.ruleset import IdentifierRules, IdSpaceRules, Merge, Rule, RuleSet
from tests.support.properties import ANY_HEALTH
from tests.support.rules_state import DAY, State, canonical, rule_set, says

EASY = settings(max_examples=80, deadline=None, suppress_health_check=ANY_HEALTH)
EMAIL = Rule("email", ("email",))


def asked(state: State, one: str = "web:1", other: str = "web:2"):
    return why(state, Policy(state.rules), state.at(one), state.at(other), state.now)


# ---- why ----


def test_each_rule_is_shown_with_what_was_compared() -> None:
    rules = rule_set(
        Rule("mobile", ("mobile",)), Rule("email", ("email",), "review", unless_differs=("loyalty_id",))
    )
    state = State(rules)
    state.send("web:1", email="e", loyalty_id="a", mobile="m")
    state.send("web:2", email="e", loyalty_id="b")
    found = asked(state)
    assert found.rules == (
        RuleReading("mobile", "none", "", (Compared("mobile", "missing"),)),
        RuleReading("email", "review", "", (Compared("email", "equal"), Compared("loyalty_id", "different"))),
    )
    assert (found.together, found.outcome, found.rule, found.guard) == (False, "review", "email", "review")


def test_a_key_of_a_third_profile_in_doubt_is_named() -> None:
    state = State(rule_set(Rule("email", ("email",), unless_differs=("mobile",))))
    for number, mobile in enumerate("122", start=1):
        state.send(f"web:{number}", email="a", mobile=mobile)
    found = asked(state, "web:2", "web:3")
    assert (found.outcome, found.guard) == ("review", "owned_elsewhere")


def test_two_known_profiles_are_one_too_many_at_once() -> None:
    state = State(rule_set(merge=Merge(max_profiles_at_once=1)))
    state.send("web:1", email="a")
    state.send("web:2", mobile="1")
    state.send("web:2", email="a")
    found = asked(state)
    assert (found.outcome, found.guard, found.detail) == ("merge", "max_profiles_at_once", "2>1")


def test_nothing_in_common_needs_no_guard() -> None:
    state = State()
    state.send("web:1", email="e")
    state.send("web:2", email="f")
    found = asked(state)
    assert (found.outcome, found.rule, found.guard) == ("none", "", "")


def test_a_limit_is_named_with_its_counts() -> None:
    state = State(rule_set(EMAIL, merge=Merge(max_records=1)))
    state.send("web:1", email="e")
    state.send("web:2", email="e")
    found = asked(state)
    assert (found.outcome, found.guard, found.detail) == ("merge", "max_records", "2>1")


def test_the_doubt_of_a_rule_is_named() -> None:
    state = State(rule_set(replace(EMAIL, unless_differs=("loyalty_id",))))
    state.send("web:1", email="e", loyalty_id="a")
    state.send("web:2", email="e", loyalty_id="b")
    found = asked(state)
    assert found.rules[0].doubt == found.guard == "unless_differs:loyalty_id"


def test_a_provider_form_is_told_from_the_address() -> None:
    state = State(rule_set(EMAIL))
    state.ask("web:1", [*says(email="a.b@x"), canonical("ab@x")])
    state.ask("web:2", [*says(email="ab@x"), canonical("ab@x")])
    found = asked(state)
    assert found.rules[0].compared == (Compared("email", "provider_form"),)
    assert found.guard == "provider_canonical"


def test_a_value_that_stopped_matching_is_shown_as_such() -> None:
    state = State(
        rule_set(EMAIL, identifiers={"email": IdentifierRules("email", strength=1, fanout_limit=1)})
    )
    state.send("web:1", email="e")
    state.send("web:2", email="e")
    found = asked(state)
    assert found.rules == (RuleReading("email", "none", "", (Compared("email", "powerless"),)),)
    assert found.guard == ""


@pytest.mark.parametrize(
    ("outcome", "pin", "expected"),
    [
        ("never", None, ("never", "email", "never:email", ())),
        ("merge", "cannot", ("never", "pin:cannot", "cannot", ("cannot",))),
        ("review", "must", ("merge", "pin:must", "", ("must",))),
    ],
)
def test_pins_outrank_rules_and_never_outranks_the_others(
    outcome: str, pin: str | None, expected: tuple[object, ...]
) -> None:
    state = State(
        rule_set(replace(EMAIL, outcome=outcome), id_spaces={"web": IdSpaceRules(ids_per_profile=9)})
    )  # type: ignore[arg-type]
    state.send("web:1", loyalty_id="a")
    state.send("web:2", email="e")
    if pin:
        state.pin("web:1", "web:2", pin)
    state.send("web:1", email="e") if pin == "cannot" or outcome == "never" else None
    found = asked(state)
    assert (found.outcome, found.rule, found.guard, found.pins) == expected


def test_a_mode_that_does_not_merge_is_the_guard() -> None:
    state = State(rule_set(EMAIL, mode="shadow"))
    state.send("web:1", email="e")
    state.send("web:2", email="e")
    assert asked(state).guard == "mode:shadow"


def test_two_records_of_one_profile_are_compared_by_what_each_says() -> None:
    state = State()
    state.send("web:1", email="e")
    state.send("web:2", email="e", mobile="m")
    state.send("web:3", mobile="m")
    one, three = (state.records["web", number] for number in "13")
    found = why_records(state, Policy(state.rules), one, three, state.now)
    assert (found.together, found.outcome, found.guard) == (True, "none", "")
    assert why_records(state, Policy(state.rules), one, state.records["web", "2"], state.now).rule == "email"


def test_an_explanation_contains_no_value() -> None:
    state = State(rule_set(EMAIL, merge=Merge(max_records=1)))
    state.send("web:1", email="ann@secret.eg", mobile="+201000000000")
    state.send("web:2", email="ann@secret.eg", mobile="+201000000000")
    assert not any(word in repr(asked(state)) for word in ("secret", "+20"))


MOBILE = Rule("mobile", ("mobile",))
UNLESS_MOBILE_DIFFERS = replace(EMAIL, unless_differs=("mobile",))
TYPES = ("loyalty_id", "mobile", "email")
SENT = st.tuples(
    st.sampled_from([f"web:{number}" for number in range(5)]),
    st.lists(
        st.builds(Identifier, st.sampled_from(TYPES), st.sampled_from("abc")), max_size=3, unique=True
    ).map(lambda held: [Evidence(each) for each in held]),
)
RULES = st.sampled_from(
    [
        rule_set(merge=Merge(max_records=2)),
        rule_set(id_spaces={"web": IdSpaceRules(ids_per_profile=1)}),
        rule_set(MOBILE, UNLESS_MOBILE_DIFFERS),
        rule_set(Rule("two", ("mobile", "email")), Rule("email", ("email",), "review")),
        rule_set(Rule("not", ("loyalty_id",), "never"), Rule("email", ("email",))),
    ]
)


NO_LONGER_BETWEEN_THEM = [
    ("web:0", says(email="a")),
    ("web:1", says(mobile="a")),
    ("web:2", says(mobile="a")),
    ("web:3", says(mobile="a", email="a")),
    ("web:0", says(mobile="b")),
]
"""The fourth would have joined two others to too many ids of its space; the fifth then says that one of them is another person."""


def join_when_asked_again(state: State, one: Profile, other: Profile) -> bool:
    """Whether they are one as soon as any of their records says again all that it said."""
    for record in (*one.records.values(), *other.records.values()):
        again = deepcopy(state)
        again.ask(
            f"{record.id_space}:{record.customer_id}",
            [Evidence(identifier) for identifier in record.observations],
        )
        if again.profile(one.profile_id) is again.profile(other.profile_id):
            return True
    return False


@EASY
@given(RULES, st.lists(SENT, max_size=8))
@example(rule_set(MOBILE, UNLESS_MOBILE_DIFFERS), NO_LONGER_BETWEEN_THEM)
def test_i20_a_guard_is_named_exactly_where_a_rule_fires_between_two_that_stay_apart(
    rules: RuleSet, requests: list[tuple[str, list[Evidence]]]
) -> None:
    state = State(rules)
    for where, said in requests:
        state.ask(where, said)
    for one, other in combinations(state.live(), 2):
        found = why(state, Policy(rules), one.profile_id, other.profile_id, state.now)
        fires = any(reading.outcome != "none" for reading in found.rules)
        assert bool(found.guard) == (fires and not join_when_asked_again(state, one, other))
        assert found == replace(
            why(state, Policy(rules), other.profile_id, one.profile_id, state.now),
            profile_a=one.profile_id,
            profile_b=other.profile_id,
        )


# ---- how ----


def test_the_steps_of_a_profile_are_listed_in_order_and_nothing_else() -> None:
    arrivals = [
        Arrival(1, 10, 1, 1),
        Arrival(2, 20, 2, 2),
        Arrival(3, 20, 3, 3),
        Arrival(5, 40, 4, 1, "email"),
    ]
    steps = how(1, arrivals, [Merging(4, 30, 1, 2, (2,), "mobile")])
    assert steps == (
        HowStep(10, "arrived", 1, None, (1,), ""),
        HowStep(20, "arrived", 2, None, (2,), ""),
        HowStep(30, "merged", 1, 2, (2,), "mobile"),
        HowStep(40, "arrived", 1, None, (4,), "email"),
    )
    assert replay(1, steps) == {1, 2, 4}


def test_undone_and_split_off_steps_are_listed_and_not_counted() -> None:
    arrivals = [Arrival(number, number, number, number) for number in (1, 2, 3)]
    merges = [Merging(4, 4, 1, 2, (2,), "email", undone_at=8), Merging(5, 5, 1, 3, (3,), "email")]
    splits = [Splitting(6, 6, 1, 9, (3,))]
    steps = how(1, arrivals, merges, splits)
    assert [step.what for step in steps] == ["arrived"] * 3 + ["merged", "merged", "split", "undone"]
    assert replay(1, steps) == {1}
    assert replay(9, how(9, arrivals, merges, splits)) == {3}


class Told(State):
    """Keeps what a store keeps: arrivals and merges."""

    def __init__(self, rules: RuleSet) -> None:
        super().__init__(rules)
        self.arrivals: list[Arrival] = []
        self.merges: list[Merging] = []

    def apply(self, decision: object, id_space: str, customer_id: str) -> None:
        known = (id_space, customer_id) in self.records
        before = {profile_id: tuple(profile.records) for profile_id, profile in self.profiles.items()}
        super().apply(decision, id_space, customer_id)  # type: ignore[arg-type]
        record = self.records[id_space, customer_id]
        if not known:
            self.arrivals.append(Arrival(self._next(), self.now, record.record_id, record.profile_id))
        for absorbed in decision.absorbed:  # type: ignore[attr-defined]
            self.merges.append(Merging(self._next(), self.now, record.profile_id, absorbed, before[absorbed]))

    def _next(self) -> int:
        return len(self.arrivals) + len(self.merges)


@EASY
@given(st.lists(SENT, max_size=10), st.lists(st.integers(0, 2), min_size=10, max_size=10))
def test_i20_the_steps_of_any_profile_give_its_members(
    requests: list[tuple[str, list[Evidence]]], pauses: list[int]
) -> None:
    state = Told(rule_set(id_spaces={"web": IdSpaceRules(on_many_ids="allow")}))
    for (where, said), pause in zip(requests, pauses, strict=False):
        state.now += pause * DAY
        state.ask(where, said)
    for profile in state.live():
        steps = how(profile.profile_id, state.arrivals, state.merges)
        assert replay(profile.profile_id, steps) == frozenset(profile.records)
