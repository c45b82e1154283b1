"""Phone numbers as spreadsheets and exports leave them: decimals, guards, no plus, two in a cell."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from rules.identifier import Normalized
from rules.normalize import normalize_phone
from rules.ruleset import IdentifierRules

MOBILES = IdentifierRules("phone")
LENIENT = IdentifierRules(
    "phone", types=frozenset(map(PhoneNumberType.to_string, PhoneNumberType.values())), extension="drop"
)
BERLIN = "+491601234567"
CAIRO = "+201001234567"


def _mobiles() -> list[tuple[str, str]]:
    found = [
        (region, phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE))
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    ]
    return [(region, phonenumbers.format_number(one, PhoneNumberFormat.E164)) for region, one in found if one]


EXAMPLES = _mobiles()


def national(e164: str) -> str:
    return phonenumbers.national_significant_number(phonenumbers.parse(e164))


def invalid(reason: str) -> Normalized:
    return Normalized("invalid", "", reason)


def grouped(digits: str, mark: str) -> str:
    first = len(digits) % 3 or 3
    return mark.join([digits[:first], *(digits[at : at + 3] for at in range(first, len(digits), 3))])


def floats(digits: str) -> list[str]:
    return [
        *(f"{digits}{mark}{'0' * zeros}" for mark in ".," for zeros in (1, 2, 3)),
        f"{digits[0]}.{digits[1:]}E{len(digits) - 1}",
        f"{digits[0]}.{digits[1:]}E+{len(digits) - 1:03d}",
        f"{digits[:3]}.{digits[3:]}E{len(digits) - 3}",
        f"{digits[0]}.{digits[1:]}E+{len(digits) - 1:02d}",
        f"{digits[0]},{digits[1:]}e+{len(digits) - 1}",
        f"{grouped(digits, ',')}.00",
        f"{grouped(digits, '.')},00",
        f"{grouped(digits, ' ')},00",
        f"{grouped(digits, ' ')}.0",
        f"{grouped(digits, chr(0xA0))},0",
        f"{grouped(digits, chr(0x2019))}.00",
        grouped(digits, ","),
    ]


@pytest.mark.parametrize("raw", floats("1601234567"))
def test_a_spreadsheets_float_is_the_whole_number_that_it_was(raw: str) -> None:
    assert normalize_phone(raw, "DE", MOBILES) == Normalized("ok", BERLIN)


def test_a_float_is_no_other_number_in_any_region() -> None:
    wrong = {
        (region, raw): found
        for region, e164 in EXAMPLES
        for digits in (national(e164), e164[1:])
        for raw in floats(digits)
        if (found := normalize_phone(raw, region, MOBILES)).value
        and found != normalize_phone(digits, region, MOBILES)
    }
    assert wrong == {}


@settings(deadline=None, max_examples=300)
@given(
    example=st.sampled_from(EXAMPLES),
    tail=st.from_regex(r"[0-9]{1,6}", fullmatch=True),
    zeros=st.integers(1, 3),
)
def test_a_float_has_the_key_of_its_integer_or_none(example: tuple[str, str], tail: str, zeros: int) -> None:
    region, e164 = example
    digits = f"{national(e164)[: -len(tail)]}{tail}".lstrip("0") or "1"
    whole = normalize_phone(digits, region, LENIENT)
    for raw in (f"{digits}.{'0' * zeros}", f"{digits},{'0' * zeros}"):
        assert normalize_phone(raw, region, LENIENT).value in {whole.value, ""}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("4.91601E+11", "rounded"),
        ("1.6E9", "rounded"),
        ("1.60123456E9", "rounded"),
        ("1,60123E+09", "rounded"),
        ("4.915123456789E+9", "rounded"),
        ("1601234567.5", "not_a_number"),
        ("1601234567,25", "not_a_number"),
        ("491601234567.125", "not_a_number"),
    ],
)
def test_a_number_that_lost_digits_or_never_was_whole_is_refused(raw: str, reason: str) -> None:
    assert normalize_phone(raw, "DE", MOBILES) == invalid(reason)


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        ("06.12.34.56.00", "FR", "+33612345600"),
        ("+33.6.12.34.56.00", None, "+33612345600"),
        ("212.555.0000", "US", "+12125550000"),
        ("9123.0000", "SG", "+6591230000"),
        ("0988.6868.00", "VN", "+84988686800"),
        ("0100.1234.000", "EG", "+201001234000"),
        ("11 98765.0000", "BR", "+5511987650000"),
        ("+55.11.98765.0000", None, "+5511987650000"),
    ],
)
def test_zeros_after_a_dot_that_separates_are_part_of_the_number(
    raw: str, region: str | None, value: str
) -> None:
    assert normalize_phone(raw, region, MOBILES) == Normalized("ok", value)


@pytest.mark.parametrize(
    "raw",
    [
        "'+201001234567",
        "'+201001234567'",
        "'01001234567",
        "\u2019+201001234567",
        "\u2018+201001234567\u2019",
        "`01001234567",
        "\u00b401001234567",
        '="01001234567"',
        '="+201001234567"',
        '= "01001234567"',
        "='01001234567'",
        "=+201001234567",
        '"01001234567"',
        "\u201c01001234567\u201d",
        "\u201e01001234567\u201c",
        "\uff0701001234567",
        '"=""01001234567"""',
        '\t="\'01001234567"',
        "'1001234567.0",
    ],
)
def test_what_a_spreadsheet_puts_around_a_number_is_taken_off(raw: str) -> None:
    assert normalize_phone(raw, "EG", MOBILES) == Normalized("ok", CAIRO)


@pytest.mark.parametrize(
    "raw",
    [
        "4915123456789",
        "49 151 23456789",
        "49-151-23456789",
        "49/151/23456789",
        "(49) 151 23456789",
        "49 (0)151 23456789",
        "49015123456789",
        "tel:4915123456789",
        "004915123456789",
        "+004915123456789",
        "00 49 151 23456789",
        "00 (49) 151 23456789",
        "(0049) 151 23456789",
        "(+49) 151 23456789",
        "+ 49 151 23456789",
        "+49 (0)151 23456789",
        "+49 0151 23456789",
        "'4915123456789",
        "4915123456789.0",
        "4.915123456789E+12",
    ],
)
def test_the_country_code_of_the_region_may_lack_its_plus(raw: str) -> None:
    assert normalize_phone(raw, "DE", MOBILES) == Normalized("ok", "+4915123456789")


@pytest.mark.parametrize("form", ["{0}{1}", "{0} {1}", "00{0}{1}", "+00{0}{1}", "(+{0}) {1}", "({0}) {1}"])
def test_a_mobile_with_its_country_code_has_one_key_in_every_region(form: str) -> None:
    different = {
        (region, raw): found
        for region, e164 in EXAMPLES
        if (raw := form.format(phonenumbers.country_code_for_region(region), national(e164)))
        and (found := normalize_phone(raw, region, MOBILES)) != normalize_phone(e164, None, MOBILES)
    }
    assert different == {}


@pytest.mark.parametrize(
    "raw", ["201001234567+", "201001234567 +", "20 100 123 4567+", "٢٠١٠٠١٢٣٤٥٦٧+", "‏201001234567+‏"]
)
def test_a_plus_behind_the_number_is_one_before_it_where_text_runs_from_right_to_left(raw: str) -> None:
    assert normalize_phone(raw, "EG", MOBILES) == Normalized("ok", CAIRO)
    assert normalize_phone(raw, "DE", MOBILES) == invalid("not_a_number")


@pytest.mark.parametrize(
    "form", ["+{0} (0){1}", "+{0}0{1}", "+{0} 0 {1}", "00{0} (0) {1}", "{0} (0) {1}", "{0}0{1}", "{0}0{1}.0"]
)
def test_a_zero_behind_the_country_code_makes_no_other_mobile_in_any_region(form: str) -> None:
    different = {
        (region, raw): found
        for region, e164 in EXAMPLES
        if (raw := form.format(phonenumbers.country_code_for_region(region), national(e164)))
        and (found := normalize_phone(raw, region, MOBILES)) != normalize_phone(e164, None, MOBILES)
    }
    valid_as_landlines = {"AC", "IT", "VA"}
    assert {region for region, _ in different} <= valid_as_landlines
    assert {found.reason for found in different.values()} <= {"wrong_type"}


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        ("+34 (0)612 345 678", None, "+34612345678"),
        ("0034 0612345678", "FR", "+34612345678"),
        ("+39 (0)333 1234567", "DE", "+393331234567"),
        ("+351 (0)912 345 678", "DE", "+351912345678"),
        ("+974 (0)3312 3456", None, "+97433123456"),
        ("+965 050012345", None, "+96550012345"),
    ],
)
def test_a_zero_that_another_country_writes_is_dropped_behind_the_country_code(
    raw: str, region: str | None, value: str
) -> None:
    assert normalize_phone(raw, region, MOBILES) == Normalized("ok", value)


@pytest.mark.parametrize(
    ("raw", "region"),
    [("0612345678", "ES"), ("07700900123", "US"), ("0333 1234567", "IT"), ("07912345678", "DK")],
)
def test_a_national_number_with_a_zero_may_be_another_countrys_and_is_not_shortened(
    raw: str, region: str
) -> None:
    assert normalize_phone(raw, region, MOBILES).status == "invalid"


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        ("+966 966501234567", "SA", "+966501234567"),
        ("+966 00966501234567", None, "+966501234567"),
        ("+966 0966501234567", None, "+966501234567"),
        ("966966501234567", "SA", "+966501234567"),
        ("+971 971 50 123 4567", None, "+971501234567"),
        ("+20 20 100 123 4567", None, CAIRO),
        ("20 201001234567.0", "EG", CAIRO),
        ("0020 0020 1001234567", "EG", CAIRO),
        ("+20 +201001234567", None, CAIRO),
        ("(+20) +20 100 123 4567", None, CAIRO),
        ("+20-+20-1001234567", "DE", CAIRO),
        ("++201001234567", None, CAIRO),
        ("+ +20 100 123 4567", None, CAIRO),
        ("+52 5215512345678", None, "+525512345678"),
        ("+49 0049 151 23456789", None, "+4915123456789"),
        ("+49 +49 (0)151 23456789", None, "+4915123456789"),
        ("+91 919876543210", None, "+919876543210"),
    ],
)
def test_a_country_code_that_comes_twice_counts_once(raw: str, region: str | None, value: str) -> None:
    assert normalize_phone(raw, region, MOBILES) == Normalized("ok", value)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("+20 +4915123456789", "not_a_number"),
        ("+49 49151 234567", "wrong_type"),
        ("+201001234567 +201112345678", "several_numbers"),
        ("+49", "not_a_number"),
        ("+20 +20", "not_a_number"),
    ],
)
def test_two_country_codes_or_numbers_are_not_one_that_comes_twice(raw: str, reason: str) -> None:
    assert normalize_phone(raw, "DE", MOBILES).reason == reason


@pytest.mark.parametrize(
    "form", ["+{0}{0}{1}", "+{0} {0} {1}", "00{0}00{0}{1}", "+{0} +{0} {1}", "{0}{0}{1}"]
)
def test_a_country_code_that_comes_twice_is_no_other_mobile_in_any_region(form: str) -> None:
    wrong = {
        (region, raw): found
        for region, e164 in EXAMPLES
        if (raw := form.format(phonenumbers.country_code_for_region(region), national(e164)))
        and (found := normalize_phone(raw, region, MOBILES)).status == "ok"
        and found != normalize_phone(e164, None, MOBILES)
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        ("707123456", "CI", "+2250707123456"),
        ("+225 707123456", None, "+2250707123456"),
        ("225707123456", "CI", "+2250707123456"),
        ("7123456", "CI", "+2250707123456"),
        ("197123456", "BJ", "+2290197123456"),
        ("61234567", "CG", "+242061234567"),
        ("6201234567", "HU", "+36201234567"),
    ],
)
def test_a_number_column_may_have_lost_the_zero_that_every_mobile_begins_with(
    raw: str, region: str | None, value: str
) -> None:
    for written in (raw, f"{raw}.0", f"'{raw}"):
        assert normalize_phone(written, region, MOBILES) == Normalized("ok", value)


def test_a_number_of_an_allowed_type_as_written_is_never_read_with_another_plus() -> None:
    landline = "+494915123456"
    assert normalize_phone("4915123456", "DE", LENIENT) == Normalized("ok", landline)
    assert normalize_phone("04915123456789", "DE", MOBILES).reason == "wrong_type"
    assert normalize_phone("201001234567", "DE", MOBILES).value != CAIRO


MARKS = [
    *(
        ";",
        "; ",
        ",",
        ", ",
        "|",
        " | ",
        "&",
        " & ",
        "\\",
        "_",
        "*",
        " · ",
        "、",
        "，",
        "؛ ",
        "#",
        " x",
        " ext. ",
        " ::: ",
        " + ",
    ),
    *(" oder ", " or ", " ou ", " y ", " und ", " and ", " или ", " أو ", " Mobil: ", "  privat "),
]
GAPS = ["/", " / ", " - ", " -- ", "\n", "\r\n", "\t", " "]


@pytest.mark.parametrize("between", [*MARKS, *GAPS])
@pytest.mark.parametrize(
    ("first", "second", "region"),
    [("01001234567", "01112345678", "EG"), ("2125551234", "(212) 987-6543", "US")],
)
def test_two_numbers_in_one_value_are_refused_as_such(
    first: str, second: str, region: str, between: str
) -> None:
    for rules in (MOBILES, LENIENT):
        assert normalize_phone(f"{first}{between}{second}", region, rules) == invalid("several_numbers")


@pytest.mark.parametrize("between", MARKS)
def test_two_short_numbers_in_one_value_are_refused_as_such(between: str) -> None:
    assert normalize_phone(f"4002{between}4003", "NU", LENIENT) == invalid("several_numbers")


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("030 1234567/68", "DE"),
        ("030 1234567 / -8", "DE"),
        ("+201001234567 +201112345678", None),
        ("+201001234567+201112345678", None),
        ("+201001234567;ext=01112345678", None),
        ("01001234567;01112345678;01223456789", "EG"),
        ("'01001234567','01112345678'", "EG"),
        ("1001234567.0;1112345678.0", "EG"),
    ],
)
def test_neighbours_of_two_numbers_in_one_value_are_refused_as_such(raw: str, region: str | None) -> None:
    assert normalize_phone(raw, region, LENIENT) == invalid("several_numbers")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("0151/23456789", "+4915123456789"),
        ("0151 / 234 567 89", "+4915123456789"),
        ("0151-23456789;", "+4915123456789"),
        ("0151 23456789, 12", "+4915123456789;ext=12"),
        ("0151 23456789;123456", "+4915123456789;ext=123456"),
        ("tel:0151-23456789;phone-context=+49", "+4915123456789"),
        ("tel:0151-23456789;isub=1234567", "+4915123456789"),
        ("Handy: 0151 23456789", "+4915123456789"),
    ],
)
def test_one_number_with_something_beside_it_is_one_number(raw: str, value: str) -> None:
    assert normalize_phone(raw, "DE", MOBILES) == Normalized("ok", value)


@pytest.mark.parametrize(
    ("raw", "region"),
    [("555-1234", "US"), ("+1 555 1234", None), ("15 2345 6789", "AR"), ("+54 15 2345 6789", None)],
)
def test_a_local_number_without_its_area_code_says_so(raw: str, region: str | None) -> None:
    assert normalize_phone(raw, region, MOBILES) == invalid("no_area_code")
