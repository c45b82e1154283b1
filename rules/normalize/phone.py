"""Phone numbers to E.164: every way of writing a number gives the same key, and a key normalises to itself (I22).

`phonenumbers` decides what a number is, with three differences. It reads letters as digits and drops what it does not know, so
a masked `+49 30 1234***` would become another person's number. So text that is not clearly a number is refused. Its E.164 form
may parse to another number (a national prefix is removed twice), so it is applied until the value no longer changes. And `00`
before a country code is `+` in every region, if the rules say so.

Where that reading gives no number of an allowed type, others are tried, in this order: the digits begin with the region's own
country code and lack its plus; the number belongs to a former numbering plan; it has a zero behind its country code that its
country does not write; it has its country code twice; it lost its first zero. A mobile may also lack the prefix that its country
puts before mobiles. Each reading counts only if it gives such a number.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber

from rules.identifier import Normalized
from rules.normalize.e164 import from_national, number_type
from rules.normalize.renumbering import lacks_area_code, renumbered, with_mobile_mark
from rules.normalize.several_numbers import halves, is_number, marked_apart, without_last_digits
from rules.normalize.spreadsheet import unquoted, written_out
from rules.normalize.written import phone_text
from rules.ruleset import IdentifierRules

PhoneReason = Literal[
    "empty",
    "too_long",
    "no_region",  # a national form, and the channel has no region
    "not_a_number",
    "rounded",  # `4.91512E+12`: a spreadsheet kept only some of the digits
    "several_numbers",
    "no_area_code",
    "not_possible",  # too short or too long for its country
    "not_valid",
    "extension_refused",
    "wrong_type",  # blocked: a valid number of a type that may not merge
    "blocked_value",
]

MAX_LENGTH = 100
_ROUNDS = 4

_LABELS = r"(?:e?xt(?:ensi[oó]n)?n?|int|anexo|доб|[x#~])"
_PLAIN = re.compile(
    rf"""(?: [^\W\dx_] | [\s.:(\[/-] )*            # a label such as "tel:", an opening bracket
    [+\d] [\d\s.()\[\]/-]*                         # the number
    (?: [;,] .* | {_LABELS} [\s.:,-]* \d+ \#? )?   # parameters or an extension""",
    re.VERBOSE,
)
_UNUSUAL = re.compile(r"[^\d\s+()/-]|\d[\s)]*\+")
_MASKED = re.compile(r"[.-]{3}|^[.-]{2}|[.-]{2}$")
_IDD = re.compile(r"^((?:[^\W\d_]|[\s.:(\[])*)\+?(?:\(00\)|00)[\s.-]*(?=\(?[1-9])")
_PLUS_AGAIN = re.compile(r"\(?\+[\s+]*(?:(\d{1,3})[\s().-]*)?\+\s*(?(1)(?=\(?\1))")
"""`++49 151 …` and `+49 +49 151 …`: a form may have a field of its own for the country code."""
_PUNCTUATION = dict.fromkeys(map(ord, " .()-"))
_DIGITS = re.compile(r"\d+")
_CONTEXT = re.compile(r"(;phone-context=)00(?=[1-9])")

_ZERO_FIRST = frozenset({36, 225, 229, 242})
"""Hungary, Ivory Coast, Benin, Congo: at home, every mobile number begins with a zero that belongs to it, and number columns lose
it. Elsewhere a number without that zero is read anyway."""
_MOBILES = frozenset({"MOBILE", "FIXED_LINE_OR_MOBILE"})

# The library would compile all regions' patterns again and again, which is most of its cost. This cache is process-wide.
phonenumbers.enable_pattern_cache()


class _Reading(NamedTuple):
    """The library's reading of a text. `number` is set if it can read it and no such number exists."""

    found: Normalized
    number: PhoneNumber | None = None
    extension: str = ""
    with_country: bool = False


def normalize_phone(raw: str, region: str | None, rules: IdentifierRules) -> Normalized:
    """`region`: the two-letter code of national forms. The value is `E.164` or `E.164;ext=digits`."""
    if kind := number_type(raw):
        return _typed(raw, kind, rules)
    if len(raw) > MAX_LENGTH:
        return _invalid("too_long")
    text, home = unquoted(phone_text(raw)).removeprefix("="), _known(region)
    if text.endswith("+"):  # where text runs from right to left, the plus is typed and shown there
        text = _with_plus(text.rstrip("+"), home) or text
    return _read(text, home, rules) if text else _invalid("empty")


def _typed(value: str, kind: str, rules: IdentifierRules, extension: str = "") -> Normalized:
    if kind not in rules.types:
        mobile = with_mobile_mark(value) if rules.renumbered and rules.types <= _MOBILES else ""
        if number_type(mobile) not in rules.types:
            return Normalized("blocked", _extended(value, extension, rules), "wrong_type")
        value = mobile
    key = _extended(value, extension, rules) if extension else value
    return tuple.__new__(Normalized, ("ok", key, "", ""))  # half the constructor's time


def _extended(value: str, extension: str, rules: IdentifierRules) -> str:
    return f"{value};ext={extension}" if extension and rules.extension == "keep" else value


def _known(region: str | None) -> str | None:
    code = (region or "").strip().upper()
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


def _read(text: str, region: str | None, rules: IdentifierRules) -> Normalized:
    if again := _PLUS_AGAIN.match(text):
        text = f"+{text[again.end() :]}"
    whole = text
    if _UNUSUAL.search(text):
        if marked_apart(text):
            return _invalid("several_numbers")
        if (whole := written_out(text)) == "":
            return _invalid("rounded" if "e" in text else "not_a_number")
    if _PLAIN.fullmatch(whole) is None or _MASKED.search(whole):
        return _invalid("not_a_number")
    if rules.idd_00_as_plus and "00" in whole:
        whole = _IDD.sub(r"\1+", whole)
        whole = _CONTEXT.sub(r"\1+", whole) if ";" in whole else whole
    value = _without_punctuation(whole, region)
    if kind := number_type(value):
        return _typed(value, kind, rules)
    found = _best(whole, region, rules)
    return _invalid("several_numbers") if _runs_together(whole, found, region, rules) else found


def _without_punctuation(text: str, region: str | None) -> str:
    """The number in E.164 if that is obvious; the hot path of written forms. The library judges all other numbers."""
    bare = text.translate(_PUNCTUATION)
    if bare.isdigit():
        return from_national(bare, region) if region else ""
    return bare if bare[:1] == "+" and bare[1:].isdigit() else ""


def _best(text: str, region: str | None, rules: IdentifierRules) -> Normalized:
    as_written = _parsed(text, region, rules)
    if as_written.found.status == "ok":
        return as_written.found
    readings = [as_written]
    if with_plus := _with_plus(text, region):
        if (kind := number_type(value := _without_punctuation(with_plus, None))) in rules.types:
            return _typed(value, kind, rules)
        readings.append(_parsed(with_plus, None, rules))
    if readings[-1].found.status == "ok":
        return readings[-1].found
    return next(filter(None, (_meant(reading, rules) for reading in readings)), as_written.found)


def _with_plus(text: str, region: str | None) -> str:
    """The text as an international form that lacks its plus, if it begins with the region's calling code."""
    if region is None or "+" in text:
        return ""
    first = _DIGITS.search(text)
    code = str(phonenumbers.country_code_for_region(region))
    if first is None or not "".join(_DIGITS.findall(text)).startswith(code):
        return ""
    return f"+{text[first.start() :]}"


def _parsed(text: str, region: str | None, rules: IdentifierRules) -> _Reading:
    try:
        number = phonenumbers.parse(text, region)
        extension, number.extension = number.extension or "", None
        if extension and is_number(extension, _national(number)):
            return _Reading(_invalid("several_numbers"))
        if extension and rules.extension == "reject":
            return _Reading(_invalid("extension_refused"))
        value, kind = _stable(number)
    except NumberParseException as refusal:
        return _Reading(_invalid(_refused(refusal, text, region)))
    if value:
        return _Reading(_typed(value, kind, rules, extension))
    return _Reading(_invalid(_unreal(number)), number, extension, "+" in text)


def _meant(reading: _Reading, rules: IdentifierRules) -> Normalized | None:
    """The mobile number that is meant by one that does not exist; None if there is none."""
    for value in _meanings(reading, rules):
        if (kind := number_type(value)) in _MOBILES & rules.types:
            return _typed(value, kind, rules, reading.extension)
    return None


def _meanings(reading: _Reading, rules: IdentifierRules) -> Iterator[str]:
    """In E.164, the likeliest first; they need not exist either."""
    if (number := reading.number) is None or not rules.renumbered:
        return
    calling_code, national = number.country_code or 0, _national(number)
    yield from renumbered(calling_code, national)
    if national.startswith("0") and reading.with_country:
        yield f"+{calling_code}{national[1:]}"
    if reading.with_country and (again := national.lstrip("0")).startswith(str(calling_code)):
        yield f"+{again}"
        yield from renumbered(calling_code, again.removeprefix(str(calling_code)))
    if calling_code in _ZERO_FIRST:
        with_zero = f"0{national}"
        yield from_national(with_zero, phonenumbers.region_code_for_country_code(calling_code))
        yield from renumbered(calling_code, with_zero)


def _runs_together(text: str, found: Normalized, region: str | None, rules: IdentifierRules) -> bool:
    """Whether the text is two numbers with only a digit separator between them."""
    first = without_last_digits(text) if "/" in text else ""
    if first and _best(first, region, rules).value:
        return True
    if found.reason not in {"not_possible", "not_valid"}:
        return False
    return any(
        _best(one, region, rules).value and _best(other, region, rules).value for one, other in halves(text)
    )


def _national(number: PhoneNumber) -> str:
    return phonenumbers.national_significant_number(number)


def _stable(number: PhoneNumber) -> tuple[str, str]:
    """The E.164 form that parses to itself, and its type; two empty strings if the number is invalid."""
    for _ in range(_ROUNDS):
        value = _e164(number)
        if kind := number_type(value):
            return value, kind
        if not phonenumbers.is_valid_number(number):
            break
        again = phonenumbers.parse(value)
        if _e164(again) == value:
            return value, phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
        number = again
    return "", ""


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _unreal(number: PhoneNumber) -> PhoneReason:
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY or lacks_area_code(
        number.country_code or 0, _national(number)
    ):
        return "no_area_code"
    return "not_valid" if possible == phonenumbers.ValidationResult.IS_POSSIBLE else "not_possible"


def _refused(refusal: NumberParseException, text: str, region: str | None) -> PhoneReason:
    match refusal.error_type:
        case NumberParseException.NOT_A_NUMBER:
            return "not_a_number"
        case NumberParseException.INVALID_COUNTRY_CODE:
            return "not_valid" if region or "+" in text else "no_region"
        case _:
            return "not_possible"


def _invalid(reason: PhoneReason) -> Normalized:
    return Normalized("invalid", "", reason)
