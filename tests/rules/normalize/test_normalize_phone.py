"""Phone numbers: the forms that people write, what is refused and why, and one key for one number (I22)."""

from typing import Literal

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.identifier import Normalized
from rules.normalize import normalize_phone
from rules.ruleset import IdentifierRules

ANY_TYPE = frozenset(map(phonenumbers.PhoneNumberType.to_string, phonenumbers.PhoneNumberType.values()))
RULES = IdentifierRules("phone", types=ANY_TYPE)
MOBILES = IdentifierRules("phone")

LONDON = "+442079460000"
CAIRO = "+201001234567"


def invalid(reason: str) -> Normalized:
    return Normalized("invalid", "", reason)


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        (LONDON, None, LONDON),
        ("+44 20 7946 0000", None, LONDON),
        ("+44.20.7946.0000", None, LONDON),
        ("+44-20-7946-0000", None, LONDON),
        ("+44/20/7946/0000", None, LONDON),
        ("  +44\t20 7946 0000\n", None, LONDON),
        ("+44 (0)20 7946 0000", None, LONDON),
        ("+(44) 20 7946 0000", None, LONDON),
        ("(+44) 20 7946 0000", None, LONDON),
        ("(020) 7946-0000", "GB", LONDON),
        ("020 7946 0000", "gb", LONDON),
        ("442079460000", "GB", LONDON),
        ("0044 20 7946 0000", "EG", LONDON),
        ("0044 20 7946 0000", "US", LONDON),
        ("00442079460000", None, LONDON),
        ("(00)44 20 7946 0000", None, LONDON),
        ("+0044 20 7946 0000", None, LONDON),
        ("011 44 20 7946 0000", "US", LONDON),
        ("tel:+44-20-7946-0000", None, LONDON),
        ("TEL:020-7946-0000;phone-context=+44", None, LONDON),
        ("tel:7946-0000;phone-context=+44-20", None, LONDON),
        ("tel:020-7946-0000;phone-context=example.com", "GB", LONDON),
        ("Tel.: 020 7946 0000", "GB", LONDON),
        ("+44‑20‐7946–0000", None, LONDON),
        ("+44−20—7946ー0000", None, LONDON),
        ("+44\u00a020\u20097946\u30000000", None, LONDON),
        ("\u202a+44 20 7946 0000\u202c", None, LONDON),
        ("\u200f\u2068+44 20 7946\u200b\ufeff0000\u2069", None, LONDON),
        ("＋４４ （０）２０ ７９４６－００００", None, LONDON),
        ("٠١٠٠١٢٣٤٥٦٧", "EG", CAIRO),
        ("+٢٠ ١٠٠ ١٢٣ ٤٥٦٧", None, CAIRO),
        ("هاتف: ٠١٠٠١٢٣٤٥٦٧", "EG", CAIRO),
        ("۰۹۱۲۳۴۵۶۷۸۹", "IR", "+989123456789"),
        ("०९१२३४५६७८९", "IR", "+989123456789"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("06 698 12345", "IT", "+390669812345"),
        ("+800 1234 5678", None, "+80012345678"),
    ],
)
def test_every_written_form_of_a_number_gives_its_e164_form(raw: str, region: str | None, value: str) -> None:
    assert normalize_phone(raw, region, RULES) == Normalized("ok", value)


@pytest.mark.parametrize(
    ("raw", "region", "reason"),
    [
        ("", "GB", "empty"),
        (" \u200b\u202a ", "GB", "empty"),
        ("020 7946 0000", None, "no_region"),
        ("020 7946 0000", "XX", "no_region"),
        ("442079460000", None, "no_region"),
        ("anonymous", "GB", "not_a_number"),
        ("\x00", "GB", "not_a_number"),
        ("+44 20 7946\x000000", "GB", "not_a_number"),
        ("\ud800", "GB", "not_a_number"),
        ("+44207946\ud8000000", None, "not_a_number"),
        ("0800 FLOWERS", "GB", "not_a_number"),
        ("020 7946 0000 or 020 7946 0001", "GB", "several_numbers"),
        ("+1 201", None, "not_possible"),
        ("+44207946000012", None, "not_possible"),
        ("+44 20 7946 000", None, "not_valid"),
        ("+999123456789", None, "not_valid"),
        ("+442079460000" * 100, None, "too_long"),
        ("9" * 10_000_000, "GB", "too_long"),
    ],
)
def test_an_invalid_number_is_refused_with_its_reason(raw: str, region: str | None, reason: str) -> None:
    assert normalize_phone(raw, region, RULES) == invalid(reason)


@pytest.mark.parametrize(
    "mask", ["***", "xxx", "XXX", "...", "---", "•••", "…", "___", "###", "??", "ｘｘｘ", "*"]
)
@pytest.mark.parametrize("shown", ["+49 30 1234{}", "+49 30 {}1234", "{}+49301234", "+49 30 12{}34"])
def test_a_masked_number_is_no_number_even_if_the_digits_left_are_one(shown: str, mask: str) -> None:
    assert normalize_phone("+49 30 1234", None, RULES).status == "ok"
    assert normalize_phone(shown.format(mask), "DE", RULES).status == "invalid"


EXTENSIONS = [
    "+44 20 7946 0000;ext=12",
    "tel:+44-20-7946-0000;ext=12",
    "+44 20 7946 0000 ext. 12",
    "+44 20 7946 0000 extension 12",
    "+44 20 7946 0000 x12",
    "+44 20 7946 0000 #12",
    "+44 20 7946 0000,,12",
    "+44 20 7946 0000 доб. 12",
    "＋４４２０７９４６００００ ｅｘｔ １２",
]


@pytest.mark.parametrize("raw", EXTENSIONS)
def test_an_extension_is_kept_dropped_or_refused_as_the_rules_say(raw: str) -> None:
    def under(extension: Literal["keep", "drop", "reject"]) -> Normalized:
        return normalize_phone(raw, None, IdentifierRules("phone", types=ANY_TYPE, extension=extension))

    assert under("keep") == Normalized("ok", f"{LONDON};ext=12")
    assert under("drop") == Normalized("ok", LONDON)
    assert under("reject") == invalid("extension_refused")


def test_two_zeros_are_a_plus_only_if_the_rules_say_so() -> None:
    literal = IdentifierRules("phone", types=ANY_TYPE, idd_00_as_plus=False)
    assert normalize_phone("00442079460000", "US", RULES) == Normalized("ok", LONDON)
    assert normalize_phone("00442079460000", "US", literal).status == "invalid"
    assert normalize_phone("00442079460000", "GB", literal) == Normalized("ok", LONDON)


@pytest.mark.parametrize("raw", [LONDON, "+44 20 7946 0000", f"{LONDON};ext=1"])
def test_a_number_of_a_type_that_may_not_merge_is_stored_but_blocked(raw: str) -> None:
    found = normalize_phone(raw, None, MOBILES)
    assert (found.status, found.reason) == ("blocked", "wrong_type")
    assert found.value.startswith(LONDON)


def test_a_mobile_may_merge_by_default() -> None:
    assert normalize_phone("+44 7400 123456", None, MOBILES) == Normalized("ok", "+447400123456")


def _examples() -> list[tuple[str, phonenumbers.PhoneNumber]]:
    kinds = phonenumbers.PhoneNumberType.values()
    found = [
        (region, phonenumbers.example_number_for_type(region, kind))
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in kinds
    ]
    return [(region, number) for region, number in found if number is not None]


EXAMPLES = _examples()


def _variants(region: str, number: phonenumbers.PhoneNumber) -> list[str]:
    forms = phonenumbers.PhoneNumberFormat
    e164, shown, national, uri = (
        phonenumbers.format_number(number, form)
        for form in (forms.E164, forms.INTERNATIONAL, forms.NATIONAL, forms.RFC3966)
    )
    arabic = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
    national_is_exact = phonenumbers.parse(national, region) == number
    return [
        e164,
        shown,
        uri,
        f"00{e164[1:]}",
        f"\u202d{shown}\u202c",
        shown.replace(" ", "."),
        shown.replace(" ", "\u00a0").replace("-", "\u2011"),
        shown.translate(arabic),
        *([national, national.translate(arabic)] if national_is_exact else []),
    ]


def test_i22_the_example_numbers_of_all_regions_have_one_key_whatever_their_writing() -> None:
    different = {
        (region, variant): found
        for region, number in EXAMPLES
        for variant in _variants(region, number)
        if (found := normalize_phone(variant, region, RULES)) != normalize_phone(_e164(number), None, RULES)
        or found.status != "ok"
    }
    assert different == {}


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


WRITTEN = st.one_of(
    st.text(max_size=60),
    st.text("0123456789+()-. ٠١٢٣/;,x#*ext=tel:\u200f\u00a0０＋", max_size=40),
    st.builds(
        lambda example, tail: _e164(example[1])[:-2] + tail,
        st.sampled_from(EXAMPLES),
        st.text("0123456789 x#", max_size=5),
    ),
)


@settings(deadline=None, max_examples=400)
@given(raw=WRITTEN, region=st.sampled_from([None, "GB", "EG", "US", "AR", "IT", "RU", "MX", "ZZ"]))
def test_i22_any_text_has_an_answer_and_a_key_normalises_to_itself(raw: str, region: str | None) -> None:
    for extension in ("keep", "drop", "reject"):
        rules = IdentifierRules("phone", extension=extension)
        found = normalize_phone(raw, region, rules)
        assert bool(found.value) == (found.status != "invalid")
        assert bool(found.reason) == (found.status != "ok")
        if found.value:
            assert normalize_phone(found.value, None, rules) == found
            assert normalize_phone(found.value, region, rules) == found
