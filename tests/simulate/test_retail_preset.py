"""The preset `retail` in families and shops: whom it joins, about whom it asks, and whom it leaves alone."""

import pytest

from gateway.simulate.labelled import Labelled
from gateway.simulate.score import Score, score
from rules.language.parse import parse, preset
from rules.ruleset import RuleSet

PHONE, MAIL = {"mobile": "+201001234501"}, {"email": "us@example.com"}


@pytest.fixture(scope="module")
def retail() -> RuleSet:
    rules = parse(preset("retail"))
    assert isinstance(rules, RuleSet), rules
    return rules


def who(person: str, name: str = "", born: str = "") -> dict[str, str]:
    first, _, last = name.partition(" ")
    said = {"firstName": first, "lastName": last, "dateOfBirth": born}
    return {"person": person} | {attribute: text for attribute, text in said.items() if text}


def scored(rules: RuleSet, *people: dict[str, str], by: dict[str, str] = PHONE) -> Score:
    rows = [
        Labelled("web", f"c{place}", one["person"], "EG", by, {k: v for k, v in one.items() if k != "person"})
        for place, one in enumerate(people)
    ]
    return score(rows, rules)


@pytest.mark.parametrize("by", [PHONE, MAIL])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (who("a", "Mohamed Adel"), who("a", "محمد عادل")),
        (who("a", "Katharina Lehmann"), who("a", "Katarina Lehman")),
        (who("a", "Robert Stone"), who("a", "Bob Stone")),
        (who("a", "R. Stone", "1980-05-06"), who("a", "Robert Stone", "1980-06-05")),
        (who("a", born="1980-05-06"), who("a", "Ann Stone", "1980-05-06")),
    ],
)
def test_one_person_in_two_spellings_is_joined(
    retail: RuleSet, one: dict[str, str], other: dict[str, str], by: dict[str, str]
) -> None:
    found = scored(retail, one, other, by=by)
    assert (found.profiles, found.questions) == (1, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (who("a", "Anna Stone", "2010-05-06"), who("b", "Emma Stone", "2010-05-06")),
        (who("a", "John Stone", "1980-05-06"), who("b", "John Stone", "2010-01-20")),
        (who("a"), who("b", "Emma Stone")),
    ],
    ids=["twins", "a child named after its parent", "no name"],
)
def test_a_person_is_asked_where_the_facts_contradict_or_are_missing(
    retail: RuleSet, one: dict[str, str], other: dict[str, str]
) -> None:
    found = scored(retail, one, other)
    assert (found.profiles, found.questions) == (2, 1)


def test_a_mother_and_her_child_on_one_phone_are_two_people_without_a_question(retail: RuleSet) -> None:
    found = scored(retail, who("a", "Anna Stone", "1980-05-06"), who("b", "Emma Stone", "2010-01-20"))
    assert (found.profiles, found.questions) == (2, 0)


def test_the_shops_own_number_on_records_without_names_joins_no_records(retail: RuleSet) -> None:
    found = scored(retail, *(who(str(place)) for place in range(9)))
    assert found.unattended.joined == 0


def test_number_and_address_together_join_where_no_name_is_known(retail: RuleSet) -> None:
    found = scored(retail, who("a"), who("a"), by=PHONE | MAIL)
    assert (found.profiles, found.questions) == (1, 0)


def test_ten_accounts_of_one_person_at_one_channel_are_one_profile(retail: RuleSet) -> None:
    found = scored(retail, *(who("a", "Ann Stone") for _ in range(10)))
    assert (found.profiles, found.questions) == (1, 0)
