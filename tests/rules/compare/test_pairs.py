"""How near two values are: the table of pairs, and what holds of all values."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.compare import LEVELS_OF, Likeness, compare_values
from rules.compare.levels import RANK
from rules.ruleset import AttributeKind

KINDS: tuple[AttributeKind, ...] = get_args(AttributeKind)
TABLE: Any = tomllib.loads(Path(__file__).with_name("pairs.toml").read_text())


def _pairs() -> Iterator[tuple[AttributeKind, Likeness, str, str]]:
    for kind, levels in TABLE.items():
        for level, listed in levels.items():
            for one, other in listed:
                yield kind, level, one, other


PAIRS = list(_pairs())


@pytest.mark.parametrize(("kind", "level", "one", "other"), PAIRS)
def test_two_values_have_the_level_that_a_person_would_give(
    kind: AttributeKind, level: Likeness, one: str, other: str
) -> None:
    assert compare_values(kind, one, other).likeness == level


@pytest.mark.parametrize(("kind", "level", "one", "other"), PAIRS)
def test_case_and_unicode_form_change_no_level_of_the_table(
    kind: AttributeKind, level: Likeness, one: str, other: str
) -> None:
    if "ı" in one + other or "I" in one + other:  # the case of the Turkish i is lost in every other language
        return
    assert compare_values(kind, one.upper(), f" {other} ").likeness == level


def listed(file: str) -> list[list[str]]:
    lines = Path(__file__).with_name(file).read_text().splitlines()
    return [line.split(" | ") for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("one", "other"), listed("one_person.txt"))
def test_the_name_of_one_person_is_similar_however_it_is_written(one: str, other: str) -> None:
    assert compare_values("name", one, other).reaches("similar")
    assert compare_values("name", other.upper(), one).reaches("similar")


@pytest.mark.parametrize(("one", "other"), listed("two_people.txt"))
def test_names_of_two_people_are_not_similar_however_alike_they_look(one: str, other: str) -> None:
    assert not compare_values("name", one, other).reaches("similar")
    assert not compare_values("name", other, one.upper()).reaches("similar")


@pytest.mark.parametrize(("what", "one", "other"), listed("other_kinds.txt"))
def test_values_of_other_kinds_are_alike_or_not(what: str, one: str, other: str) -> None:
    kind, level = what.split()
    found: Any = compare_values(kind, one, other)  # type: ignore[arg-type]
    assert found == compare_values(kind, other, one)  # type: ignore[arg-type]
    assert found.reaches("similar" if level == "apart" else level) == (level != "apart")


WORDS = sorted({word for _, _, *both in PAIRS for text in both for word in text.split()})
TEXTS = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=3).flatmap(
        lambda words: st.text(" .-'0123456789aeشع", max_size=4).map(lambda more: " ".join(words) + more)
    ),
)


@given(st.sampled_from(KINDS), TEXTS, TEXTS)
@example("name", "عبد", "abd")
@example("name", "el din", "El Din")
@example("date", "31/02/1990", "1990-02-31")
def test_it_does_not_matter_which_value_comes_first(kind: AttributeKind, one: str, other: str) -> None:
    assert compare_values(kind, one, other) == compare_values(kind, other, one)


@given(st.sampled_from(KINDS), TEXTS)
def test_a_value_is_equal_to_itself_or_says_nothing(kind: AttributeKind, text: str) -> None:
    assert compare_values(kind, text, text).likeness in ("equal", "missing")


@given(st.sampled_from(KINDS), TEXTS, TEXTS)
def test_a_kind_gives_the_levels_that_it_says_it_has(kind: AttributeKind, one: str, other: str) -> None:
    assert compare_values(kind, one, other).likeness in (*LEVELS_OF[kind], "different", "missing")


@given(st.sampled_from(KINDS), TEXTS, TEXTS)
def test_what_reaches_a_level_reaches_every_weaker_one(kind: AttributeKind, one: str, other: str) -> None:
    found = compare_values(kind, one, other)
    reached = [found.reaches(level) for level in LEVELS_OF[kind]]
    assert reached == sorted(reached)
    assert any(reached) == (RANK[found.likeness] < RANK["different"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    ["x" * 100_000, "ﷺ" * 50_000, "a b " * 30_000, "ي" * 5_000, "1" * 20_000, "\u202e\x00\x1b[31m" * 9],
)
def test_huge_and_hostile_values_are_compared_like_any_other(kind: AttributeKind, text: str) -> None:
    for other in ("Anna", text + "y", text):
        assert compare_values(kind, text, other).likeness in get_args(Likeness)
