"""Dates, however they are written: a birthday above all.

A date may be ambiguous (03/04/1990), and may lack its century or its day. So a text is read as every date that it can mean, and two
texts are as near as their nearest readings. `1900-01-01` and its kind are what systems write for "not known".
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from rules.compare.letters import NOT_KNOWN, folded, without_signs
from rules.compare.levels import DIFFERENT, EQUAL, MISSING, Verdict, nearest
from rules.compare.texts import of_long

_REMEMBERED = 8_192
_LONGEST = 40
_NUMBERS = re.compile(r"\d+")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ].*)?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
_TIME = re.compile(r"(?<=\d)[t ]\d\d?:\d\d.*")
_NOT_KNOWN = frozenset(
    {(1900, 1, 1), (1970, 1, 1), (1, 1, 1), (1753, 1, 1), (1899, 12, 30), (1899, 12, 31), (9999, 12, 31)}
)
_GENERATION = 15
"""Years between parent and child: dates that are further apart are never one slip apart."""
_MONTHS = (
    "jan janv ene gen يناير", "feb fev febr فبراير", "mar mär märz mrz مارس", "apr avr abr ابريل أبريل", "may mai mag maj مايو",
    "jun juin giu يونيو", "jul juil lug يوليو", "aug aout août ago اغسطس أغسطس", "sep sept set سبتمبر", "oct okt ott اكتوبر أكتوبر",
    "nov نوفمبر", "dec dez dic ديسمبر",
)  # fmt: skip
_MONTH_OF = {name: month for month, names in enumerate(_MONTHS, 1) for name in names.split()}
_MOST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class _Date(NamedTuple):
    """0 is what is not written. `short`: the year had two digits."""

    year: int
    month: int
    day: int
    short: bool = False


_SHORT = Verdict("similar", "a year of two digits on one side")
_ORDER = Verdict("similar", "the same date if one side has the month first")
_SWAPPED = Verdict("near", "day and month swapped")
_DIGIT = Verdict("near", "one digit off")
_DIGITS = Verdict("near", "two digits swapped")
_PART = Verdict("compatible", "a part of the date on one side")


def compare(one: str, other: str) -> Verdict:
    if max(len(one), len(other)) > _LONGEST:
        return of_long(one, other)
    ours, theirs = dates(one), dates(other)
    if ours is None or theirs is None:
        return MISSING
    if not ours or not theirs:
        return EQUAL if folded(one) == folded(other) else DIFFERENT
    if len(ours) == len(theirs) == 1:
        return _of_dates(ours[0], theirs[0])
    best = nearest([_of_dates(mine, yours) for mine in ours for yours in theirs])
    return _ORDER if best == EQUAL and len(ours) + len(theirs) > 2 and ours != theirs else best


@lru_cache(_REMEMBERED)
def dates(text: str) -> tuple[_Date, ...] | None:
    """All dates that a text can mean; empty if it is no date, None if it says that none is known."""
    if len(text) > _LONGEST:
        return ()
    if iso := _ISO.fullmatch(text):
        found = tuple(_valid([tuple(map(int, iso.groups()))]))
        return None if text.startswith("0000") or any(one[:3] in _NOT_KNOWN for one in found) else found
    seen = _TIME.sub("", folded(text))
    found = tuple(dict.fromkeys(_readings(seen)))
    if (
        not seen.strip(" -/.0")
        or without_signs(seen) in NOT_KNOWN
        or any(one[:3] in _NOT_KNOWN for one in found)
    ):
        return None
    return found


def _readings(text: str) -> Iterator[_Date]:
    if compact := _COMPACT.fullmatch(text):
        yield from _valid([tuple(map(int, compact.groups()))])
        return
    parts = [*_NUMBERS.findall(text)]
    month = next((found for word in re.findall(r"[^\W\d_]+", text) if (found := _month(word))), 0)
    if month and len(parts) <= 2:
        yield from _with_named_month(month, parts)
    elif not month and len(parts) in (1, 2, 3) and all(len(part) <= len("2000") for part in parts):
        yield from _of_numbers(parts, dotted=text.count(".") == 2)


def _month(word: str) -> int:
    return _MONTH_OF.get(word) or _MONTH_OF.get(word[:3], 0)


def _with_named_month(month: int, parts: list[str]) -> Iterator[_Date]:
    match parts:
        case [one]:
            yield from _valid([(int(one), month, 0)] if len(one) == len("2000") else [])
        case [one, other]:
            yield from _dated([(one, str(month), other), (other, str(month), one)])
        case _:
            return


def _of_numbers(parts: list[str], *, dotted: bool) -> Iterator[_Date]:
    """With dots between them, the day comes first everywhere."""
    match parts:
        case [year] if len(year) == len("2000"):
            yield from _valid([(int(year), 0, 0)])
        case [one, other]:
            years = [(one, other), (other, one)]
            yield from _valid((int(year), int(month), 0) for year, month in years if len(year) == len("2000"))
        case [one, two, three] if len(one) > len("31"):
            yield from _dated([(one, two, three)])
        case [one, two, three] if dotted:
            yield from _dated([(three, two, one)])
        case [one, two, three] if len(three) > len("31"):
            yield from _dated([(three, two, one), (three, one, two)])
        case [one, two, three]:
            yield from _dated([(three, two, one), (three, one, two), (one, two, three)])
        case _:
            return


def _dated(written: Iterable[tuple[str, str, str]]) -> Iterator[_Date]:
    """Years, months and days. A year of two digits is that of a person who is not yet born, or over a hundred, in no case."""
    for year, month, day in written:
        if len(year) == len("2000"):
            yield from _valid([(int(year), int(month), int(day))])
        elif len(year) == len("70"):
            for century in (1900, 2000):
                yield from _valid([(century + int(year), int(month), int(day))], short=True)


def _valid(found: Iterable[tuple[int, ...]], *, short: bool = False) -> Iterator[_Date]:
    for year, month, day in found:
        if month <= len(_MOST_DAYS) and day <= (_MOST_DAYS[month - 1] if month else 0):
            yield _Date(year, month, day, short)


def _of_dates(one: _Date, other: _Date) -> Verdict:
    if one[:3] == other[:3]:
        return EQUAL if one.short == other.short else _SHORT
    if not (one.day and other.day):
        return _PART if _is_part(one, other) else DIFFERENT
    if one.year == other.year and (one.month, one.day) == (other.day, other.month):
        return _SWAPPED
    if abs(one.year - other.year) >= _GENERATION or one.short or other.short:
        return DIFFERENT
    return _slip(_written(one), _written(other))


def _is_part(one: _Date, other: _Date) -> bool:
    """Whether the less complete date says nothing that the other contradicts."""
    return all(mine == yours or not (mine and yours) for mine, yours in zip(one[:3], other[:3], strict=True))


def _written(date: _Date) -> str:
    return f"{date.year:04}{date.month:02}{date.day:02}"


def _slip(one: str, other: str) -> Verdict:
    if OSA.distance(one, other, score_cutoff=1) > 1:
        return DIFFERENT
    return _DIGITS if sorted(one) == sorted(other) else _DIGIT
