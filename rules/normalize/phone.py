"""Phone numbers to E.164: all ways of writing one number give one key, and a key normalises to itself (I22).

`phonenumbers` decides what a number is, with three differences. It reads letters as digits and drops what
it does not know, so a masked `+49 30 1234***` would become somebody else's number: text that is not plainly
a number is refused. Its E.164 form may parse to another number (a national prefix is taken off twice): it
is applied until the value stays. And `00` before a country code is `+` in every region, if the rules say
so.
"""

import re
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber

from rules.identifier import Normalized
from rules.normalize.e164 import from_national, number_type
from rules.normalize.written import phone_text
from rules.ruleset import IdentifierRules

PhoneReason = Literal[
    "empty",
    "too_long",
    "no_region",  # a national form, and the channel has no region
    "not_a_number",
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
_MASKED = re.compile(r"[.-]{3}|^[.-]{2}|[.-]{2}$")
_IDD = re.compile(r"^((?:[^\W\d_]|[\s.:(\[])*)\+?(?:\(00\)|00)[\s.-]*(?=[1-9])")
_PUNCTUATION = dict.fromkeys(map(ord, " .()-"))
_CONTEXT = re.compile(r"(;phone-context=)00(?=[1-9])")

# Compiling all regions' patterns over and over is most of the library's cost. This is for the whole process.
phonenumbers.enable_pattern_cache()


def normalize_phone(raw: str, region: str | None, rules: IdentifierRules) -> Normalized:
    """`region`: the two-letter code of national forms. The value is `E.164` or `E.164;ext=digits`."""
    if kind := number_type(raw):
        return _typed(raw, kind, rules)
    if len(raw) > MAX_LENGTH:
        return _invalid("too_long")
    text = phone_text(raw)
    return _read(text, _known(region), rules) if text else _invalid("empty")


def _typed(value: str, kind: str, rules: IdentifierRules) -> Normalized:
    if kind in rules.types:
        return tuple.__new__(Normalized, ("ok", value, "", ""))  # half the constructor's time
    return Normalized("blocked", value, "wrong_type")


def _known(region: str | None) -> str | None:
    code = (region or "").strip().upper()
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


def _read(text: str, region: str | None, rules: IdentifierRules) -> Normalized:
    if _PLAIN.fullmatch(text) is None or _MASKED.search(text):
        return _invalid("not_a_number")
    if rules.idd_00_as_plus and "00" in text:
        text = _IDD.sub(r"\1+", text)
        text = _CONTEXT.sub(r"\1+", text) if ";" in text else text
    value = _without_punctuation(text, region)
    if kind := number_type(value):
        return _typed(value, kind, rules)
    try:
        number = phonenumbers.parse(text, region)
        extension, number.extension = number.extension, None
        if extension and rules.extension == "reject":
            return _invalid("extension_refused")
        value, kind = _settled(number)
    except NumberParseException as refusal:
        return _invalid(_reason(refusal, text, region))
    if not value:
        return _invalid("not_valid" if phonenumbers.is_possible_number(number) else "not_possible")
    return _typed(
        f"{value};ext={extension}" if extension and rules.extension == "keep" else value, kind, rules
    )


def _without_punctuation(text: str, region: str | None) -> str:
    """The number in E.164 as far as that is plain to see: the hot path of written forms. The library judges the others."""
    bare = text.translate(_PUNCTUATION)
    if bare.isdigit():
        return from_national(bare, region) if region else ""
    return bare if bare[:1] == "+" and bare[1:].isdigit() else ""


def _settled(number: PhoneNumber) -> tuple[str, str]:
    """The E.164 form that parses to itself, and its type; two empty strings if the number is not valid."""
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


def _reason(refusal: NumberParseException, text: str, region: str | None) -> PhoneReason:
    match refusal.error_type:
        case NumberParseException.NOT_A_NUMBER:
            return "not_a_number"
        case NumberParseException.INVALID_COUNTRY_CODE:
            return "not_valid" if region or "+" in text else "no_region"
        case _:
            return "not_possible"


def _invalid(reason: PhoneReason) -> Normalized:
    return Normalized("invalid", "", reason)
