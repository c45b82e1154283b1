"""Conditions on attributes in a rule file: kinds, levels, several together, and the mistakes in them."""

import pytest

from rules.compare.conditions import Condition
from rules.language.parse import parse
from rules.language.problems import describe
from rules.policy import Policy
from rules.ruleset import RuleSet

FILE = """[rules]
schema = 1
version = "1"
[identifier.mobile]
kind = "phone"
fanout_limit = 5
[attribute."custom.maidenName"]
kind = "family_name"
[[rule]]
name = "mobile"
all_of = ["mobile"]
confirm_any = [{}]
unless_differs = [{}]
"""


def read(confirm: str = "", differs: str = "", text: str = FILE) -> Policy:
    rules = parse(text.format(confirm, differs))
    assert isinstance(rules, RuleSet), describe(rules)
    return Policy(rules)


def told(confirm: str = "", differs: str = "", text: str = FILE) -> str:
    result = parse(text.format(confirm, differs))
    return "" if isinstance(result, RuleSet) else describe(result)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("lastName", [("lastName", "similar")]),
        ("firstName", [("firstName", "similar")]),
        ("displayName", [("displayName", "similar")]),
        ("dateOfBirth", [("dateOfBirth", "equal")]),
        ("zip", [("zip", "equal")]),
        ("city", [("city", "equal")]),
        ("email", [("email", "equal")]),
        ("custom.anything", [("custom.anything", "equal")]),
        ("custom.maidenName", [("custom.maidenName", "similar")]),
        ("custom.a:b:near", [("custom.a:b", "near")]),
        ("lastName:equal", [("lastName", "equal")]),
        ("firstName and lastName:near", [("firstName", "similar"), ("lastName", "near")]),
    ],
)
def test_a_condition_has_the_level_that_is_written_or_the_usual_one(
    written: str, meant: list[tuple[str, str]]
) -> None:
    (rule,) = read(f'"{written}"').rules
    assert rule.confirm_any == (tuple(Condition(*one) for one in meant),)  # type: ignore[arg-type]


def test_a_rule_may_demote_by_types_and_by_attributes() -> None:
    text = FILE.replace("[attribute.", '[identifier.card]\nkind = "opaque"\nstrength = 3\n[attribute.')
    (rule,) = read(differs='"card", "dateOfBirth:near", "gender"', text=text).rules
    assert rule.unless_differs == ("card",)
    assert rule.unless_apart == (Condition("dateOfBirth", "near"), Condition("gender", "equal"))


def test_beside_a_name_the_other_attributes_that_may_hold_it_are_looked_at() -> None:
    assert set(read('"lastName"').kinds) == {"firstName", "lastName", "displayName", "custom.maidenName"}
    assert set(read('"dateOfBirth:near"').kinds) == {"dateOfBirth"}
    assert not read().compares_attributes


@pytest.mark.parametrize(
    ("confirm", "differs", "place", "remedy"),
    [
        ('"lastName:similiar"', "", "line 12: rule[1].confirm_any[1]: similiar is not a level", "similar"),
        ('"lastName:"', "", "line 12: rule[1].confirm_any[1]: '' is not a level", "known: equal"),
        ('"gender:near"', "", "gender is compared as code, which has no level near", "known: equal"),
        (
            '"city:compatible"',
            "",
            "city is compared as text, which has no level compatible",
            "[attribute.city]",
        ),
        ('"city", "surname:near"', "", "rule[1].confirm_any[2]: no customer has", "lastName"),
        ('"firstName and lastname"', "", "no customer has the attribute lastname", "lastName"),
        ('"firstName and firstName:near"', "", "names an attribute twice", "stricter"),
        ('"firstName and "', "", "is not the name of an attribute", "firstName and dateOfBirth:near"),
        ("", '"dateOfBirth:nearly"', "line 13: rule[1].unless_differs[1]: nearly is not a level", "near"),
        ("", '"mobil"', "rule[1].unless_differs[1]: mobil is not declared", "mobile"),
        ("", '"mobile:near"', "mobile is a type, and types have no levels", 'write "mobile"'),
        ('"mobile:near"', "", "mobile is compared as code", "known: equal"),
    ],
)
def test_a_mistake_in_a_condition_is_reported_with_its_line_and_a_remedy(
    confirm: str, differs: str, place: str, remedy: str
) -> None:
    said = told(confirm, differs)
    assert place in said
    assert remedy in said


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[attribute.lastName]\nkind = "surname"', "attribute.lastName.kind: must be one of the known words"),
        ("[attribute.lastName]", "attribute.lastName.kind: is missing"),
        ('[attribute.surname]\nkind = "family_name"', "no customer has the attribute surname"),
        ('[attribute.totalSpent]\nkind = "text"', "is not a text, and only texts are compared"),
        ('[attribute."custom.*"]\nkind = "text"', "is a pattern"),
        (
            '[attribute.lastName]\nkind = "name"\nlevel = "near"',
            "attribute.lastName.level: is not a known key",
        ),
    ],
)
def test_a_mistake_in_the_kind_of_an_attribute_is_reported(table: str, said: str) -> None:
    assert said in told(text=f"{FILE.replace('{}', '')}{table}\n")


def test_a_file_may_compare_an_attribute_in_another_way() -> None:
    table = '[attribute.city]\nkind = "code"\n'
    assert "city is compared as code" in told(
        text=FILE.replace("[{}]", '["city:near"]', 1).replace("{}", "") + table
    )


def test_a_rule_that_keeps_apart_is_not_confirmed() -> None:
    text = FILE.replace("[[rule]]", '[[rule]]\noutcome = "never"')
    assert "a rule that keeps apart is not confirmed" in told('"lastName"', text=text)
