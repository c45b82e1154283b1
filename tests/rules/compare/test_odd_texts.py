"""Texts that no person writes: no pair of them is a fault, and long ones are alike only if they are the same."""

from itertools import combinations
from typing import get_args

import pytest

from rules.compare import compare_values
from rules.ruleset import AttributeKind

KINDS: tuple[AttributeKind, ...] = get_args(AttributeKind)
ODD = (
    *(
        "ь",
        "ъ",
        "ьъ",
        "Анна ъ",
        "Анна К",
        "x",
        "'",
        "-",
        "ʼ",
        "\u0301",
        "a\u0301",
        "\u200f",
        "\u202e",
        "\x00",
        "\ud800",
    ),
    *(
        "٣",
        "٣٤",
        "ß",
        "ﷺ",
        "ﬃ",
        "가",
        "各",
        "ก",
        "5 ь",
        "5 ъ",
        "1/2",
        "0",
        "😀",
        "😀😀",
        " ",
        "…",
        "ıİ",
        "ـــ",
        "א",
        "ء",
        "ءء",
        "علي ء",
        "ٱء",
        "Dr",
        "van",
    ),
)


@pytest.mark.parametrize("kind", KINDS)
def test_no_pair_of_odd_texts_is_a_fault_and_the_order_does_not_matter(kind: AttributeKind) -> None:
    for one, other in combinations(ODD, 2):
        assert compare_values(kind, one, other) == compare_values(kind, other, one)
    for one in ODD:
        assert compare_values(kind, one, one).likeness in ("equal", "missing")


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_any_length_that_differ_at_their_end_are_not_equal(kind: AttributeKind) -> None:
    for text in ("word " * 200, "7" * 1_000, "a" + "\u0301\u0316" * 20_000):
        assert compare_values(kind, f"{text}a", f"{text}b").likeness != "equal"
        assert compare_values(kind, f"{text}a", f"{text}a").likeness == "equal"
