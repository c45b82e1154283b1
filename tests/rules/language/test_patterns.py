"""Which regular expressions a rule file may hold."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.patterns import LONGEST_PATTERN, LONGEST_VALUE, objection


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "test",
        r"^\d{8,16}$",
        r"^[0-]*$",
        r"^(\d)\1{6,}$",
        r"^(0?1234567|9876543)",
        r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$",
        r"^(?:\d{4}-){3}\d{4}$",
        r"^(?i:gb|de)-\d+$",
        r"^.*@.*$",
        r"\A\d+-\d+",
        r"\d+$",
        r"^(?:[0-9a-f]{2}:?){6}$",
        r"^a++b$",
        r"^(?>ab?)$",
    ],
)
def test_a_pattern_with_few_ways_to_match_is_accepted(pattern: str) -> None:
    assert objection(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"^(a+)+$", "run away"),
        (r"^(?:a*)*$", "run away"),
        (r"^(?:a?){30}$", "run away"),
        (r"^(?:a|ab|abc)*$", "run away"),
        (r"^(?:a|a){40}$", "run away"),
        (r"^(?:(?:aa|a{1,2}){400}x)$", "run away"),
        (r"^.*a.*b.*$", "run away"),
        (r"\d+-\d+", "run away"),
        (r"(?m)^\d+-\d+", "run away"),
        (r"^(\d)\1*\1*\1*$", "run away"),
        (r"^(?=a)b", "look-around"),
        (r"^(?<!a)b", "look-around"),
        (r"^(ab)\1$", "refers back"),
        (r"^(a+)\1$", "refers back"),
        (r"^(a)?(?(1)b|c)$", "conditional"),
        (r"^(", "not a regular expression"),
        (r"^[z-a]$", "not a regular expression"),
        (r"a{99999999999}", "not a regular expression"),
        (r"^[[a]$", "ambiguous"),
        ("a" * (LONGEST_PATTERN + 1), "longer"),
    ],
)
def test_a_pattern_that_could_run_away_is_refused(pattern: str, reason: str) -> None:
    assert reason in objection(pattern)


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", r"\d", "^", "$"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2,}", "{3}", "*?"])),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(PATTERNS, st.sampled_from(["a", "ab", "aab"]))
def test_an_accepted_pattern_terminates_on_the_longest_value(pattern: str, repeated: str) -> None:
    value = (repeated * LONGEST_VALUE)[: LONGEST_VALUE - 1] + "!"
    if not objection(pattern):
        re.search(pattern, value)


@given(st.text(max_size=30))
def test_any_text_is_judged_without_raising(pattern: str) -> None:
    objection(pattern)
