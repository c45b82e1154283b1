"""What attributes say about a match: who is confirmed, who is asked about, and that a household stays several people."""

from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.batch.partition import partition
from rules.decision import Step
from rules.explain import Compared, why
from rules.policy import Policy
from rules.ruleset import Rule, RuleSet
from tests.support.rules_state import State, rule_set, says

Person = Mapping[str, str]
FAULT = ("lastName", "firstName", "dateOfBirth")
PERSON = ("firstName and lastName", "lastName and dateOfBirth:near")


def by(*conditions: str, **options: object) -> RuleSet:
    return rule_set(Rule("mobile", ("mobile",), confirm_any=conditions, **options))  # type: ignore[arg-type]


def meeting(rules: RuleSet, one: Person, other: Person) -> tuple[str, State]:
    state = State(rules)
    state.send("web:1", mobile="1")
    state.attributes[1] = dict(one)
    decision = state.ask("pos:2", says(mobile="1"), attributes=other)
    assert decision is not None
    state.attributes[2] = dict(other)
    return decision.outcome, state


def named(first: str, last: str, born: str = "") -> Person:
    return {"firstName": first, "lastName": last, **({"dateOfBirth": born} if born else {})}


SAME_PERSON = [
    (named("Katharina", "Lehmann"), named("Katarina", "Lehman")),
    (named("Mohamed", "Adel"), named("Mohammed", "Adel")),
    (named("محمد", "عادل"), named("Mohamed", "Adel")),
    (named("Bob", "Stone"), named("Robert", "Stone")),
    (named("Lehmann", "Katharina"), named("Katharina", "Lehmann")),
    ({"displayName": "Lehmann Katharina"}, named("Katharina", "Lehmann")),
    ({"firstName": "Katharina Lehmann"}, {"firstName": "Katharina", "lastName": "Lehmann"}),
    (named("Katharina", "Lehmann", "1990-05-03"), named("K.", "Lehmann", "1990-03-05")),
]


@pytest.mark.parametrize(("one", "other"), SAME_PERSON)
def test_a_name_that_is_written_in_another_way_confirms_a_rule_that_names_no_level(
    one: Person, other: Person
) -> None:
    assert meeting(by(*FAULT), one, other)[0] == "attached"
    assert meeting(by(*FAULT), other, one)[0] == "attached"


FAMILY = [
    (named("John", "Smith", "1960-05-03"), named("John", "Smith Jr", "1990-05-03")),
    (named("Jan", "Stein", "1990-05-03"), named("Jana", "Stein", "1990-05-03")),
    (named("Ali", "Hassan", "2001-02-03"), named("Alia", "Hassan", "2001-02-03")),
    (named("John", "Smith"), named("Jane", "Smith")),
    (named("Hassan", "Salem"), named("Hussein", "Salem")),
    (named("Ahmed", "Hassan"), named("Mohamed", "Ahmed Hassan")),
    (named("Mohamed", "Ali"), named("Mohamed", "Adel")),
]


@pytest.mark.parametrize(("one", "other"), FAMILY)
def test_two_of_a_household_are_not_confirmed_by_given_and_family_name(one: Person, other: Person) -> None:
    rules = by("firstName and lastName:similar and dateOfBirth:near", "firstName:similar and lastName")
    if one["firstName"] == other["firstName"] and "dateOfBirth" in one:
        rules = by("firstName and lastName and dateOfBirth:near")
    assert meeting(rules, one, other)[0] == "review"
    assert meeting(rules, other, one)[0] == "review"


def test_a_family_name_alone_confirms_a_whole_household() -> None:
    assert meeting(by("lastName"), named("John", "Smith"), named("Jane", "Smith"))[0] == "attached"


@pytest.mark.parametrize(
    ("conditions", "other", "outcome"),
    [
        (("lastName:equal",), {"lastName": "Lehman"}, "review"),
        (("lastName:equal",), {"lastName": "LEHMANN"}, "attached"),
        (("dateOfBirth",), {"dateOfBirth": "1990-03-05"}, "review"),
        (("dateOfBirth:near",), {"dateOfBirth": "1990-03-05"}, "attached"),
        (("lastName and dateOfBirth:near",), {"lastName": "Lehman", "dateOfBirth": "1990-03-05"}, "attached"),
        (("lastName and dateOfBirth",), {"lastName": "Lehman", "dateOfBirth": "1990-03-05"}, "review"),
        (("lastName and dateOfBirth",), {"lastName": "Lehman"}, "attached"),  # nothing to compare
        (("lastName and dateOfBirth",), {"lastName": "Otto"}, "review"),  # one part fails already
    ],
)
def test_all_parts_of_an_alternative_have_to_reach_their_level(
    conditions: tuple[str, ...], other: Person, outcome: str
) -> None:
    assert meeting(by(*conditions), named("Anna", "Lehmann", "1990-05-03"), other)[0] == outcome


@pytest.mark.parametrize(
    ("condition", "born", "outcome"),
    [
        ("dateOfBirth:near", "1990-03-05", "attached"),
        ("dateOfBirth:near", "1958-03-05", "review"),
        ("dateOfBirth", "1990-03-05", "review"),
        ("dateOfBirth", "", "attached"),
    ],
)
def test_an_attribute_that_differs_makes_a_merge_a_question(condition: str, born: str, outcome: str) -> None:
    rules = rule_set(Rule("mobile", ("mobile",), unless_differs=(condition,)))
    found, state = meeting(rules, {"dateOfBirth": "1990-05-03"}, {"dateOfBirth": born})
    assert found == outcome
    guard = why(
        state, Policy(rules), 1, state.at("pos:2"), state.now, lambda one: state.attributes[one]
    ).guard
    assert guard == ("unless_differs:dateOfBirth" if outcome == "review" else "")


def test_a_review_rule_can_be_limited_to_records_whose_attributes_agree() -> None:
    rules = rule_set(Rule("mobile", ("mobile",), "review", confirm_any=("lastName",), not_confirmed="refuse"))
    assert meeting(rules, {"lastName": "Lehmann"}, {"lastName": "Lehman"})[0] == "review"
    assert meeting(rules, {"lastName": "Lehmann"}, {"lastName": "Otto"})[0] == "created"


def test_any_record_of_a_profile_confirms() -> None:
    state = State(rule_set(Rule("mobile", ("mobile",), confirm_any=("lastName",)), Rule("email", ("email",))))
    state.send("web:1", mobile="1", email="a")
    state.send("web:2", email="a")
    state.attributes |= {1: {"lastName": "Lehmann"}, 2: {"lastName": "Otto"}}
    for name in ("Lehman", "Otto"):
        decision = state.ask(f"pos:{name}", says(mobile="1"), attributes={"lastName": name})
        assert decision is not None
        assert decision.outcome == "attached"


def test_a_records_earlier_values_count_beside_its_new_ones() -> None:
    state = State(by("lastName"))
    state.send("web:1", mobile="1")
    state.send("pos:2", email="a")
    state.attributes |= {1: {"lastName": "Lehmann"}, 2: {"lastName": "Lehman"}}
    decision = state.ask("pos:2", says(mobile="1"), attributes={"city": "Cairo"})
    assert decision is not None
    assert decision.outcome == "merged"


def test_a_trace_names_the_attribute_its_level_and_how_it_agrees_but_no_value() -> None:
    state = State(by("dateOfBirth", "firstName and lastName"))
    state.send("web:1", mobile="1")
    state.attributes[1] = dict(named("Bob", "Lehmann"))
    decision = state.ask("pos:2", says(mobile="1"), attributes=named("Robert", "Lehman"))
    assert decision is not None
    assert decision.trace[:2] == (
        Step("rule:mobile", 1, "merge", "mobile"),
        Step(
            "confirmed:mobile",
            1,
            "merge",
            "firstName similar (a short form or another spelling of the name)"
            " and lastName similar (spelt differently, sounds alike)",
        ),
    )


def test_an_explanation_names_each_attribute_with_the_level_that_was_wanted_and_the_one_found() -> None:
    rules = by("lastName:equal and dateOfBirth:near")
    one, other = named("Anna", "Lehmann", "1990-05-03"), named("Anna", "Lehman", "1990-03-05")
    _, state = meeting(rules, one, other)
    found = why(state, Policy(rules), 1, state.at("pos:2"), state.now, lambda one: state.attributes[one])
    assert found.rules[0].doubt == found.guard == "not_confirmed"
    assert found.rules[0].compared == (
        Compared("mobile", "equal"),
        Compared("lastName", "similar", "equal", "spelt differently, sounds alike"),
        Compared("dateOfBirth", "near", "near", "day and month swapped"),
    )


# ---- orders ----

NAMES = ("Katharina", "Katarina", "Kate", "Otto", "محمد", "Mohamed", "Jan", "Jana")
people = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "firstName": st.sampled_from(NAMES),
            "lastName": st.sampled_from(("Lehmann", "Lehman", "Adel")),
            "dateOfBirth": st.sampled_from(("1990-05-03", "1990-03-05", "1958-05-03")),
        },
    ),
    min_size=2,
    max_size=4,
)


@given(people, st.sampled_from([FAULT, PERSON, ("lastName:near",)]))
def test_i8_one_call_after_another_joins_only_records_that_the_partition_joins(
    everybody: list[Person], conditions: tuple[str, ...]
) -> None:
    rules = by(*conditions, confirm_missing="review")
    state = State(rules)
    for number, person in enumerate(everybody, 1):
        state.attributes[number] = {}
        decision = state.ask(f"web:{number}", says(mobile="1"), attributes=person)
        assert decision is not None
        state.attributes[number] = dict(person)
    whole = partition(
        list(state.records.values()),
        (),
        Policy(rules),
        now=state.now,
        attributes=lambda one: state.attributes[one],
    )
    joined = [{record.record_id for record in profile.records.values()} for profile in state.live()]
    assert all(any(group <= together for together in whole.groups) for group in joined)


@given(people, st.sampled_from([FAULT, PERSON]))
def test_i7_of_two_people_the_order_does_not_matter(
    everybody: list[Person], conditions: tuple[str, ...]
) -> None:
    rules = by(*conditions, confirm_missing="review")
    for one, other in permutations(everybody[:2]):
        assert meeting(rules, one, other)[0] == meeting(rules, other, one)[0]
