"""Opaque identifiers: only their writing is normalised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.identifier import Normalized
from rules.normalize import normalize_opaque
from rules.ruleset import IdentifierRules

ANY = IdentifierRules("opaque")
CARD = IdentifierRules("opaque", pattern=r"^\d{8,16}$")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("60012345", "60012345"),
        ("  60012345\n", "60012345"),
        ("٦٠٠١٢٣٤٥", "60012345"),
        ("６００１２３４５", "60012345"),
        ("\u202a60012345\u202c", "60012345"),
        ("'60012345", "60012345"),
        ("\u201960012345", "60012345"),
        ('="60012345"', "60012345"),
        ('"60012345"', "60012345"),
    ],
)
def test_one_card_number_is_one_key_on_any_keyboard(raw: str, value: str) -> None:
    assert normalize_opaque(raw, CARD) == Normalized("ok", value)


def test_case_and_inner_spaces_are_part_of_the_identifier() -> None:
    assert normalize_opaque("Ab 1", ANY) == Normalized("ok", "Ab 1")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        (" \u200b ", "empty"),
        ("1234567", "pattern"),
        ("6.00123E+12", "rounded"),
        ("6,00123e+12", "rounded"),
        ("6001-2345", "pattern"),
        ("6001\x002345", "control"),
        ("6001\ud8002345", "control"),
        ("6001\n2345", "control"),
        ("6" * 10_000_000, "too_long"),
    ],
)
def test_an_invalid_card_number_is_refused_with_its_reason(raw: str, reason: str) -> None:
    assert normalize_opaque(raw, CARD) == Normalized("invalid", "", reason)


@given(raw=st.text())
def test_i22_any_text_has_an_answer_and_an_identifier_normalises_to_itself(raw: str) -> None:
    found = normalize_opaque(raw, ANY)
    assert bool(found.value) == (found.status == "ok")
    if found.value:
        assert normalize_opaque(found.value, ANY) == found
