"""Differential test of the fast paths: the same answers as `phonenumbers` and `email_validator`, mutation by mutation.

Declared differences, and no others:
* phone: the library's E.164 form is parsed again until it stays the same, because a key must be its own key (I22);
* phone: text that holds letters, stars or runs of punctuation is refused (not generated here);
* phone: where the library's reading is of no allowed type, the region's own country code without its plus is looked for;
* phone: old and domestic forms of mobile numbers, and zeros too many or too few, are switched off here;
* e-mail: the domain is kept in its ASCII form, quoted local parts are accepted, outer white space, a list's separators, a name
  before angle brackets, the dot behind the domain and a spreadsheet's apostrophe are taken off, and full-width typing is read as
  ASCII (not generated here).
"""

import random
import re
from collections.abc import Callable, Iterator

import email_validator
import phonenumbers
import pytest
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from rules.identifier import Normalized
from rules.normalize import normalize_email, normalize_phone
from rules.normalize.e164 import from_national, number_type
from rules.ruleset import IdentifierRules

PHONE = IdentifierRules("phone", renumbered=False)
REFUSED_AS_WRITTEN = {"not_a_number", "extension_refused", "several_numbers"}
EMAIL = IdentifierRules(
    "email", reject_role=False, reject_masked=False, disposable="allow", provider_canonical="off"
)


def _library_phone(text: str, region: str | None = None) -> tuple[str, str]:
    """Value and type, both empty if the library calls the number invalid."""
    value, before = text, ""
    while True:
        try:
            number = phonenumbers.parse(value, region)
        except NumberParseException:
            return "", ""
        if not phonenumbers.is_valid_number(number):
            return "", ""
        before, value = value, phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if value == before:
            return value, PhoneNumberType.to_string(phonenumbers.number_type(number))


def _library_phone_without_plus(text: str, region: str) -> tuple[str, str]:
    """The library's reading, or that of the international form without its plus where only that is of an allowed type."""
    as_written = _library_phone(text, region)
    code = str(phonenumbers.country_code_for_region(region))
    if as_written[1] in PHONE.types or "+" in text or not re.sub(r"\D", "", text).startswith(code):
        return as_written
    international = _library_phone(f"+{text}")
    return international if international[1] in PHONE.types else as_written


def _phone_seeds() -> list[str]:
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    codes = sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in regions
        for kind in PhoneNumberType.values()
    ]
    found += [phonenumbers.example_number_for_non_geo_entity(code) for code in codes]
    return [phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in found if number]


def _changed_digit(text: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(text))
    return text[:at] + rng.choice("0123456789") + text[at + 1 :]


def _new_tail(text: str, rng: random.Random) -> str:
    keep = rng.randrange(2, len(text))
    return text[:keep] + "".join(rng.choices("0123456789", k=len(text) - keep))


def _one_more(text: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(text) + 1)
    return text[:at] + rng.choice("0123456789") + text[at:]


def _one_less(text: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(text))
    return text[:at] + text[at + 1 :]


def _national_prefix(text: str, rng: random.Random) -> str:
    code = phonenumbers.parse(text).country_code if _library_phone(text)[0] else 1
    start = 1 + len(str(code))
    return text[:start] + rng.choice(["0", "1", "8", "9", "15", "06", "44"]) + text[start:]


PHONE_MUTATIONS: list[Callable[[str, random.Random], str]] = [
    lambda text, rng: text,
    _changed_digit,
    _changed_digit,
    _new_tail,
    _new_tail,
    _one_more,
    _one_less,
    _national_prefix,
]


def _phones(seed: int, count: int) -> Iterator[str]:
    rng, seeds = random.Random(seed), _phone_seeds()
    for _ in range(count):
        yield rng.choice(PHONE_MUTATIONS)(rng.choice(seeds), rng)


def _as_people_write_them(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Numbers of all regions in national and international forms, some with a digit wrong, some at home elsewhere; a region
    comes with each."""
    rng = random.Random(seed)
    regions, seeds = sorted(phonenumbers.SUPPORTED_REGIONS), _phone_seeds()
    forms = [PhoneNumberFormat.NATIONAL, PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL]
    for _ in range(count):
        number = phonenumbers.parse(rng.choice(seeds))
        home = phonenumbers.region_code_for_number(number)
        region = home if home in regions and rng.random() < 0.8 else rng.choice(regions)
        text = phonenumbers.format_number(number, rng.choice(forms))
        if rng.random() < 0.1:
            text = phonenumbers.format_out_of_country_calling_number(number, region)
        for mutate in rng.choices(PHONE_MUTATIONS[:3] + PHONE_MUTATIONS[5:7], k=rng.choice([0, 0, 1, 2])):
            text = mutate(text, rng)
        if rng.random() < 0.5:
            text = re.sub(r"[^+\d]", "", text)
        yield text, region


def _written_differences(cases: Iterator[tuple[str, str]]) -> list[tuple[str, str, object, object]]:
    rules = IdentifierRules("phone", idd_00_as_plus=False, renumbered=False)
    different: list[tuple[str, str, object, object]] = []
    for text, region in cases:
        value, kind = _library_phone_without_plus(text, region)
        found = normalize_phone(text, region, rules)
        status = ("ok" if kind in rules.types else "blocked") if value else "invalid"
        if (found.value, found.status) != (value, status) and found.reason not in REFUSED_AS_WRITTEN:
            different.append((text, region, found, (value, kind)))
    return different


def _phone_differences(cases: Iterator[str]) -> list[tuple[str, object, object]]:
    different: list[tuple[str, object, object]] = []
    for text in cases:
        value, kind = _library_phone(text)
        found = normalize_phone(text, None, PHONE)
        allowed = kind in PHONE.types
        expected = (value, ("ok" if allowed else "blocked") if value else "invalid")
        if (found.value, found.status) != expected or number_type(text) not in ("", kind):
            different.append((text, found, (value, kind)))
    return different


def _library_email(text: str) -> Normalized:
    """Without what copying and spreadsheets leave around an address, which the library is not asked about."""
    text = text.strip(" ;,").lstrip("'").strip()
    named = re.fullmatch("[^<>@]*<([^<>]*)>", text)
    text = (named[1] if named else text).strip().lstrip("'").strip(" ;,").removesuffix(".")
    try:
        checked = email_validator.validate_email(text, check_deliverability=False, allow_quoted_local=True)
    except email_validator.EmailNotValidError:
        return Normalized("invalid", "")
    return Normalized("ok", f"{checked.local_part.lower()}@{checked.ascii_domain}")


LOCALS = [
    "ann",
    "ann.smith",
    "a",
    "Ann_B-2",
    "o'brien",
    "x+tag",
    "1234567890",
    "jos\u00e9",
    '"a b"',
    "info",
    "a" * 64,
]
DOMAINS = [
    "example.com",
    "Mail.Example.co.uk",
    "gmail.com",
    "x.io",
    "b\u00fccher.de",
    "xn--bcher-kva.de",
    "a-b.org",
    "1a.museum",
    "shop.test",
    "c" * 63 + ".com",
]
ALPHABET = "ab.@-_+ '\"\\Z9é*!,;<>()[]:\u0301\u00df。"


def _emails(seed: int, count: int) -> Iterator[str]:
    rng = random.Random(seed)
    for number in range(count):
        local = rng.choice(LOCALS) + (str(number) if rng.random() < 0.3 else "")
        text = f"{local}@{rng.choice(DOMAINS)}"
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice([rng.choice(ALPHABET), ""]) + text[at + rng.randrange(2) :]
        yield text if rng.random() < 0.98 else text.replace("@", "@" + "d." * rng.randrange(80, 126), 1)


def _email_differences(cases: Iterator[str]) -> list[tuple[str, object, object]]:
    different: list[tuple[str, object, object]] = []
    for text in cases:
        expected, found = _library_email(text), normalize_email(text, EMAIL)
        if (found.status, found.value) != (expected.status, expected.value):
            different.append((text, found, expected))
    return different


def test_mutated_numbers_of_all_regions_get_the_librarys_answer() -> None:
    assert _phone_differences(_phones(seed=22, count=40_000)) == []


def test_numbers_as_people_write_them_get_the_librarys_answer() -> None:
    assert _written_differences(_as_people_write_them(seed=22, count=20_000)) == []


def test_most_national_forms_are_read_without_the_library() -> None:
    forms = [(text, region) for text, region in _as_people_write_them(22, 2_000) if text.isdigit()]
    read = [text for text, region in forms if number_type(from_national(text, region))]
    assert len(read) > 0.5 * len(forms)


def test_mutated_addresses_get_the_librarys_answer() -> None:
    assert _email_differences(_emails(seed=22, count=20_000)) == []


def test_the_example_numbers_of_all_regions_take_the_fast_path() -> None:
    seeds = _phone_seeds()
    assert sum(bool(number_type(seed)) for seed in seeds) > 0.95 * len(seeds)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_many_more_mutations_get_the_librarys_answer(seed: int) -> None:
    assert _phone_differences(_phones(seed, count=200_000)) == []
    assert _written_differences(_as_people_write_them(seed, count=100_000)) == []
    assert _email_differences(_emails(seed, count=50_000)) == []
