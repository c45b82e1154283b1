"""Names of attributes in a rule file: those that a customer can have, and those that refer to nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.attributes import KINDS, RESERVED
from rules.language.parse import parse
from rules.language.problems import describe
from rules.ruleset import RuleSet

FILE = """[rules]
schema = 1
version = "1"
[identifier.mobile]
kind = "phone"
fanout_limit = 5
[[rule]]
name = "mobile"
all_of = ["mobile"]
confirm_any = [{}]
[attributes]
{}
"""


def told(confirm: str = "", attributes: str = "") -> str:
    result = parse(FILE.format(confirm, attributes))
    return "" if isinstance(result, RuleSet) else describe(result)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lastname", "lastName"),
        ("last_name", "lastName"),
        ("LASTNAME", "lastName"),
        ("lastNmae", "lastName"),
        ("surname", ""),
        ("birthday", ""),
        ("dateofbirth", "dateOfBirth"),
        ("date_of_birth", "dateOfBirth"),
        ("postcode", ""),
        ("zipp", "zip"),
        ("e-mail", "email"),
        ("tags", ""),
        ("loyalty_id", ""),
        ("custom.email", "email"),
        ("custom.", ""),
    ],
)
def test_an_unknown_attribute_is_reported_with_its_line_and_the_known_ones(name: str, meant: str) -> None:
    said = told(f'"city", "{name}"')
    assert said.startswith("line 10: rule[1].confirm_any[2]: ")
    assert all(f"{known}" in said for known in ("firstName", "dateOfBirth", '"custom.NAME"'))
    assert (f'did you mean "{meant}"?' in said) == bool(meant), said


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind != "string"])
def test_attributes_that_are_not_text_are_never_compared(name: str) -> None:
    assert "only texts are compared" in told(f'"{name}"')


@pytest.mark.parametrize("name", ["custom.*", "custom.family.*", "lastName.*"])
def test_a_pattern_confirms_nothing(name: str) -> None:
    assert "is a pattern" in told(f'"{name}"')


@given(st.sampled_from([name for name, kind in KINDS.items() if kind == "string"]))
def test_each_text_that_a_customer_can_have_confirms(name: str) -> None:
    assert told(f'"{name}"') == ""


@given(st.from_regex(r"[A-Za-zäß][A-Za-z0-9_. ]{0,30}[a-z]", fullmatch=True))
def test_any_custom_attribute_confirms_and_has_a_strategy(name: str) -> None:
    expected = name.casefold() in RESERVED
    assert bool(told(f'"custom.{name}"')) == expected
    assert bool(told(attributes=f'"custom.{name}" = "oldest"')) == expected


@pytest.mark.parametrize(
    "name", ["lastname", "lastNmae", "LastName", "dateOfBirt", "citty", "custom.email", "e-mail"]
)
def test_a_strategy_for_a_mistyped_attribute_is_refused(name: str) -> None:
    said = told(attributes=f'"{name}" = "oldest"')
    assert said.startswith("line 12: attributes.")
    assert "did you mean" in said


@pytest.mark.parametrize(
    "name", ["lastName", "totalSpent", "utms", "custom.*", "custom.consent.*", "consent.*", "birthday"]
)
def test_a_strategy_for_what_there_is_or_may_be_is_taken(name: str) -> None:
    assert told(attributes=f'"{name}" = "oldest"') == ""


def test_a_rule_set_that_was_in_use_stays_readable() -> None:
    text = FILE.format('"birthday"', "")
    assert not isinstance(parse(text), RuleSet)
    assert isinstance(parse(text, stored=True), RuleSet)
