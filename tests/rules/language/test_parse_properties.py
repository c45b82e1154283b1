"""No text at all makes the parser raise."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.parse import parse
from rules.language.problems import describe
from rules.ruleset import (
    RuleSet,
)
from tests.support.rule_texts import FULL

SYNTAX = [
    "[",
    "]",
    "[[rule]]",
    "{",
    "}",
    '"',
    "'",
    "\n",
    "\r\n",
    "#",
    ".",
    ",",
    "=",
    "0",
    "-1",
    "true",
    "\\",
    "\0",
]
SNIPPETS = st.sampled_from([*SYNTAX, '"' * 3, "'" * 3]) | st.text(max_size=4)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The full file after a few cuts, insertions and swapped lines."""
    text = FULL
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        text = text[:start] + draw(SNIPPETS) + text[end:]
    lines = text.split("\n")
    one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


@settings(max_examples=300, deadline=None)
@given(mutated() | st.text())
def test_no_text_raises_and_every_reported_line_is_in_the_file(text: str) -> None:
    result = parse(text)
    if isinstance(result, RuleSet):
        return
    assert result
    assert all(0 <= problem.line <= text.count("\n") + 1 for problem in result)
    assert [problem.line for problem in result] == sorted(problem.line for problem in result)
    assert len(describe(result).splitlines()) == len(result)


VALUES = ["0", "-1", "true", "'x'", "[]", "[[1]]", "{}", "{a = 1}", "1979-05-27", "nan", "['*']", "[1, 'a']"]
PLACES = [number for number, line in enumerate(FULL.split("\n")) if " = " in line]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(PLACES), st.sampled_from(VALUES), min_size=1, max_size=5))
def test_a_value_of_any_type_in_any_place_raises_nothing(written: dict[int, str]) -> None:
    lines = [*FULL.split("\n")]
    for place, value in written.items():
        lines[place] = f"{lines[place].partition(' = ')[0]} = {value}"
    parse("\n".join(lines))
