"""Mobile numbers of former numbering plans: which are rewritten, and that no number of today is."""

import dataclasses
import re

import phonenumbers
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from rules.identifier import Normalized
from rules.normalize import normalize_phone
from rules.normalize.renumbering import CHANGES, Change, renumbered
from rules.ruleset import IdentifierRules

MOBILES = IdentifierRules("phone")
AS_WRITTEN = IdentifierRules("phone", renumbered=False)
BOTH = IdentifierRules("phone", types=frozenset({"MOBILE", "FIXED_LINE_OR_MOBILE", "FIXED_LINE"}))
BOTH_AS_WRITTEN = dataclasses.replace(BOTH, renumbered=False)
MOBILE_TYPES = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        ("+52 1 55 1234 5678", None, "+525512345678"),
        ("+52 1 55 1234 5678", "MX", "+525512345678"),
        ("5215512345678", "MX", "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("445512345678", "MX", "+525512345678"),
        ("455512345678.0", "MX", "+525512345678"),
        ("(11) 8765-4321", "BR", "+5511987654321"),
        ("011 8765-4321", "BR", "+5511987654321"),
        ("+55 21 8765-4321", None, "+5521987654321"),
        ("551187654321", "BR", "+5511987654321"),
        ("8765 4321", "CL", "+56987654321"),
        ("09 8765 4321", "CL", "+56987654321"),
        ("01-234-5678", "TH", "+66812345678"),
        ("0162 123 4567", "VN", "+84321234567"),
        ("+84 121 123 4567", None, "+84791234567"),
        ("010 123 4567", "EG", "+201001234567"),
        ("+20 18 123 4567", None, "+201281234567"),
        ("061 234567", "MA", "+212661234567"),
        ("061 234567", "DZ", "+213661234567"),
        ("07 12 34 56", "CI", "+2250707123456"),
        ("+225 45 12 34 56", None, "+2250545123456"),
        ("41 12 34 56", "CI", "+2250141123456"),
        ("97 12 34 56", "BJ", "+2290197123456"),
        ("+230 712 3456", None, "+23057123456"),
        ("7712 3456", "CM", "+237677123456"),
        ("+240 212345", None, "+240222212345"),
        ("0945 123456", "GR", "+306945123456"),
        ("+30 932 123456", None, "+306932123456"),
        ("991 234", "CV", "+2389991234"),
        ("021 123 456", "LU", "+352621123456"),
        ("09 612345", "CY", "+35799612345"),
        ("512 345", "SC", "+2482512345"),
        ("602 3456", "SZ", "+26876023456"),
        ("+371 912 3456", None, "+37129123456"),
        ("381 2345", "CR", "+50683812345"),
        ("09 123 4567", "EC", "+593991234567"),
        ("723 4567", "TL", "+67077234567"),
        ("512 3456", "QA", "+97455123456"),
        ("77 123456", "GE", "+995577123456"),
    ],
)
def test_a_mobile_number_of_a_former_plan_is_read_as_todays(raw: str, region: str | None, value: str) -> None:
    assert (
        normalize_phone(raw, region, MOBILES)
        == normalize_phone(value, None, MOBILES)
        == Normalized("ok", value)
    )
    assert normalize_phone(raw, region, AS_WRITTEN).status == "invalid"


def _written(change: Change, national: str) -> str:
    return f"+{change.calling_code}{national}"


def _old_numbers(change: Change) -> st.SearchStrategy[str]:
    return st.from_regex(re.compile(change.old, re.ASCII), fullmatch=True)


ROWS = pytest.mark.parametrize("change", CHANGES, ids=[f"{one.calling_code}:{one.old}" for one in CHANGES])


@ROWS
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_row_finds_mobile_numbers_and_leaves_every_number_of_today_alone(
    change: Change, data: st.DataObject
) -> None:
    national = data.draw(_old_numbers(change))
    raw = _written(change, national)
    found = normalize_phone(raw, None, BOTH)
    if phonenumbers.is_valid_number(phonenumbers.parse(raw)):
        assert found == normalize_phone(raw, None, BOTH_AS_WRITTEN)
    elif found.status == "ok":
        assert phonenumbers.number_type(phonenumbers.parse(found.value)) in MOBILE_TYPES
    today = [phonenumbers.parse(value) for value in renumbered(change.calling_code, national)]
    assert sum(map(phonenumbers.is_valid_number, today)) <= 1


@ROWS
def test_every_row_rewrites_some_number(change: Change) -> None:
    def is_rewritten(national: str) -> bool:
        raw = _written(change, national)
        return normalize_phone(raw, None, MOBILES).status == "ok" and not phonenumbers.is_valid_number(
            phonenumbers.parse(raw)
        )

    find(
        _old_numbers(change),
        is_rewritten,
        settings=settings(deadline=None, max_examples=2_000, phases=[Phase.generate]),
    )


def test_the_numbers_of_all_regions_are_never_rewritten() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
            if number := phonenumbers.example_number_for_type(region, kind):
                e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
                assert normalize_phone(e164, None, BOTH).value == e164


@pytest.mark.parametrize(
    "raw",
    [
        "11 2345-6789",
        "011 2345-6789",
        "+54 11 2345 6789",
        "541123456789",
        "011 15 2345-6789",
        "+54 9 11 2345 6789",
    ],
)
def test_argentinas_mobiles_need_no_mark_where_only_mobiles_are_meant(raw: str) -> None:
    assert normalize_phone(raw, "AR", MOBILES) == Normalized("ok", "+5491123456789")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("+54 9 11 15-2345-6789", "+5491123456789"),
        ("549 11 15 2345 6789", "+5491123456789"),
        ("+54 9 011 15 2345-6789", "+5491123456789"),
        ("+54 9 011 2345 6789", "+5491123456789"),
        ("+54 9 0351 15 234-5678", "+5493512345678"),
        ("+54 9 351 15 234 5678", "+5493512345678"),
        ("+54 9 02966 15 234567", "+5492966234567"),
        ("0054 9 2966 15 23-4567", "+5492966234567"),
    ],
)
def test_argentinas_mobiles_may_have_the_marks_for_home_and_for_abroad_at_once(raw: str, value: str) -> None:
    for region in ("AR", "ES"):
        if raw[0] in "+0" or region == "AR":
            assert normalize_phone(raw, region, MOBILES) == Normalized("ok", value)
    assert normalize_phone(raw, "AR", BOTH) == Normalized("ok", value)


def test_argentinas_landlines_stay_landlines_where_both_are_meant_or_the_rules_say_so() -> None:
    assert normalize_phone("11 2345-6789", "AR", BOTH) == Normalized("ok", "+541123456789")
    assert normalize_phone("11 2345-6789", "AR", AS_WRITTEN).reason == "wrong_type"


def test_an_extension_stays_with_a_rewritten_number() -> None:
    assert normalize_phone("+52 1 55 1234 5678 ext. 12", None, MOBILES).value == "+525512345678;ext=12"
    assert normalize_phone("+54 11 2345 6789 ext. 12", None, MOBILES).value == "+5491123456789;ext=12"
