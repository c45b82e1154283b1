"""The type of a number that is already in E.164. The library's metadata is compiled into one expression per code and length.

This is the hot path: one dictionary lookup and one match replace the library's parse, validate and format. The answer always
equals `phonenumbers.number_type`, and such a number is its own E.164 form. Where that is not certain, the answer is `""` and
the caller asks the library. The differential test checks this against every release of the metadata.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

_SHORTEST, _LONGEST = 8, 16
"""`+` and 7 to 15 digits."""

_ORDER = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
"""The order in which the library tries the types; fixed line and mobile come last, and together."""


class _Matcher(NamedTuple):
    """`types[i]` is the type for a match of group `i`.

    The groups are empty and follow their alternatives, so that the engine can skip an alternative by its first digit.
    """

    match: Callable[[str], re.Match[str] | None]
    types: tuple[str, ...]


class _Typed(NamedTuple):
    type: str
    pattern: str


_NEVER = _Matcher(re.compile(r"(?!)").fullmatch, ("",))


class _Plan(dict[int, _Matcher]):
    """Matchers of one calling code, by the length of the whole number. Each is compiled at first use."""

    def __init__(self, calling_code: int, regions: tuple[str, ...]) -> None:
        super().__init__()
        self.calling_code = calling_code
        self.regions = regions

    def __missing__(self, length: int) -> _Matcher:
        if not _SHORTEST <= length <= _LONGEST:
            return _NEVER
        found = self[length] = _compile(self.calling_code, self.regions, length)
        return found


def _plans() -> Iterator[tuple[str, _Plan]]:
    """No calling code is a prefix of another one, so the plus and three digits identify it."""
    for calling_code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        plan = _Plan(calling_code, regions)
        free = 3 - len(str(calling_code))
        for rest in range(10**free):
            yield (f"+{calling_code}{rest:0{free}d}" if free else f"+{calling_code}"), plan


_PLANS = dict(_plans())


def number_type(value: str) -> str:
    """The library's name of the type, for example `MOBILE`; `""` unless `value` is certainly valid E.164."""
    plan = _PLANS.get(value[:4])
    if plan is None:
        return ""
    match, types = plan[len(value)]
    found = match(value)
    return "" if found is None else types[found.lastindex or 0]


def from_national(digits: str, region: str) -> str:
    """The E.164 form of a national number, whose type `number_type` can then give. `""` wherever it is not certain how the
    library reads the first digits (an exit code, a calling code without plus, a rewritten prefix). `region` must be
    supported."""
    home = _home(region)
    if home.rewrites or home.exits(digits) or digits.startswith(home.calling_code):
        return ""
    prefix = home.prefixed(digits)
    number = digits if prefix is None else digits[prefix.end() :]
    return f"+{home.calling_code}{number}" if len(number) in home.lengths and home.fits(number) else ""


class _Home(NamedTuple):
    """How a region writes its own numbers: its exit codes, what comes before a national number, and what may follow."""

    calling_code: str
    exits: Callable[[str], re.Match[str] | None]
    prefixed: Callable[[str], re.Match[str] | None]
    rewrites: bool
    lengths: frozenset[int]
    fits: Callable[[str], re.Match[str] | None]


@cache
def _home(region: str) -> _Home:
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.general_desc is None:
        raise KeyError(region)
    return _Home(
        str(metadata.country_code),
        re.compile(metadata.international_prefix or "(?!)").match,
        re.compile(metadata.national_prefix_for_parsing or "(?!)").match,
        bool(metadata.national_prefix_transform_rule),
        frozenset(metadata.general_desc.possible_length),
        re.compile(metadata.general_desc.national_number_pattern or "(?!)").fullmatch,
    )


def _compile(calling_code: int, regions: tuple[str, ...], length: int) -> _Matcher:
    found = (PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region) for region in regions)
    metadata = [region for region in found if region is not None]
    digits = length - 1 - len(str(calling_code))
    types = [""]
    patterns: list[str] = []
    for region in metadata:
        claim = f"(?={_group(region.leading_digits)})" if region.leading_digits and len(regions) > 1 else ""
        of_region = list(_types(region, digits))
        if of_region:
            general = _pattern(region.general_desc, digits)
            patterns.append(
                rf"{claim}(?={general}\Z)(?:{'|'.join(f'{typed.pattern}()' for typed in of_region)})"
            )
            types.extend(typed.type for typed in of_region)
        if claim:  # the region keeps the numbers that it claims, valid or not
            patterns.append(rf"{claim}\d*()")
            types.append("")
    start = rf"\+{calling_code}"
    pattern = f"{start}{_not_rewritten(metadata[0], start)}{_group('|'.join(patterns) or '(?!)')}"
    return _Matcher(re.compile(pattern, re.ASCII).fullmatch, tuple(types))


def _not_rewritten(main: PhoneMetadata, start: str) -> str:
    """Parsing strips the main region's national prefix even after a calling code; such numbers go to the library.

    Some regions' prefix may be empty, which strips nothing, so the look-behind requires at least one digit.
    """
    if not main.national_prefix_for_parsing:
        return ""
    prefix = re.sub(r"\((?!\?)", "(?:", main.national_prefix_for_parsing)
    return f"(?!{_group(prefix)}(?<!{start}))"


def _types(region: PhoneMetadata, digits: int) -> Iterator[_Typed]:
    """The possible types of a number with this many digits, in the library's order; empty if the general pattern does not
    match."""
    if not _pattern(region.general_desc, digits):
        return
    for name in _ORDER:
        if pattern := _pattern(getattr(region, name), digits):
            yield _Typed(name.upper(), pattern)
    fixed, mobile = _pattern(region.fixed_line, digits), _pattern(region.mobile, digits)
    if region.same_mobile_and_fixed_line_pattern:
        mobile = fixed
    if fixed and mobile:
        yield _Typed("FIXED_LINE_OR_MOBILE", fixed if fixed == mobile else rf"(?={fixed}\Z){mobile}")
    if fixed:
        yield _Typed("FIXED_LINE", fixed)
    if mobile:
        yield _Typed("MOBILE", mobile)


def _pattern(desc: PhoneNumberDesc | None, digits: int) -> str:
    """The pattern as one group, or `""` if numbers of this many digits cannot match it."""
    if desc is None or not desc.national_number_pattern:
        return ""
    possible = not desc.possible_length or digits in desc.possible_length
    return _group(desc.national_number_pattern) if possible else ""


def _group(pattern: str) -> str:
    return f"(?:{pattern})"
