"""Addresses: a house number and a street, in either order, with the words for streets that people shorten.

A different house number is a different address, however alike the streets are. What follows a comma, or comes beside street and
number (a floor, a city), does not tell two addresses apart when only one side has it.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from rules.compare.letters import LONGEST, NOT_KNOWN, folded, plain, romanised, wide
from rules.compare.levels import DIFFERENT, EQUAL, MISSING, Verdict, weaker

_REMEMBERED = 8_192
_MOST_WORDS = 16
_SAME_WORDS = (
    "street st str strasse straße saint", "avenue ave av avda avenida", "road rd", "drive dr", "lane ln", "boulevard blvd bd bvd",
    "court ct", "square sq", "highway hwy", "parkway pkwy", "terrace ter", "circle cir", "crescent cres", "north n", "south s",
    "east e", "west w", "place pl platz plaza", "apartment apt app wohnung flat unit suite ste", "floor fl", "building bldg",
    "number no nr num", "strada via v", "calle c", "rue r", "ulica ul ulitsa", "prospekt pr", "sokak sk sokagi",
    "cadde cad caddesi cd", "mahalle mah mahallesi", "gasse g", "allee al", "weg w", "straat",
    "شارع ش", "طريق ط", "ميدان م", "عماره عمارة", "شقه شقة",
)  # fmt: skip
_SHORT: Mapping[str, str] = {
    plain(folded(word)): words.split()[0] for words in reversed(_SAME_WORDS) for word in words.split()
}
_ENDINGS = re.compile(r"(?<=..)(?:strasse|str)$")
_NUMBER = re.compile(r"(\d+)([a-z]?)")
_FILLERS = frozenset(("number", "the", "der", "des", "d", "de", "del", "du", "la", "le", "am", "an", "im"))
_LETTERS_A_SLIP = 8
_LETTERS_FOR_SEVERAL = 5

_DIRECTIONS = frozenset({"north", "south", "east", "west"})

_WRITTEN = Verdict("similar", "street and number, written in another way")
_MORE = Verdict("similar", "street and number, and one side says more")
_SLIP = Verdict("similar", "the number, and the street but for a letter")
_SLIPS = Verdict("near", "the number, and the street but for a few letters")
_ENTRANCE = Verdict("near", "street and number, and a letter on one side")
_PART = Verdict("compatible", "one side says less")


class _Address(NamedTuple):
    """`numbers` in their order, each with its letter; `street` are the other words."""

    folded: str
    numbers: tuple[tuple[str, str], ...]
    street: tuple[str, ...]


def compare(one: str, other: str) -> Verdict:
    if len(one) > LONGEST or len(other) > LONGEST:
        return EQUAL if one.casefold().split() == other.casefold().split() else DIFFERENT
    ours, theirs = _read(one), _read(other)
    if not ours.folded or not theirs.folded:
        return MISSING
    if ours.folded == theirs.folded:
        return EQUAL
    if not ours.street or not theirs.street:
        return DIFFERENT
    return _numbered(ours.numbers, theirs.numbers, _streets(ours.street, theirs.street))


@lru_cache(_REMEMBERED)
def _read(text: str) -> _Address:
    seen = folded(text)
    numbers: list[tuple[str, str]] = []
    street: list[str] = []
    follows_number = False
    for token in plain(wide(seen)).split()[:_MOST_WORDS]:
        token = romanised(token)[0]
        if found := _NUMBER.fullmatch(token):
            numbers.append((found[1].lstrip("0"), found[2]))
        elif follows_number and len(token) == 1 and token.isalpha() and token not in _SHORT:
            numbers[-1] = (numbers[-1][0], token)
        else:
            street.append(_SHORT.get(token) or _ENDINGS.sub("street", token))
        follows_number = bool(found) and not found[2]
    words = tuple(word for word in street if word not in _FILLERS)
    known = plain(seen)
    if known.replace(" ", "") in NOT_KNOWN:
        known = ""
    return _Address(known, tuple(numbers), words or tuple(street))


def _streets(one: tuple[str, ...], other: tuple[str, ...]) -> Verdict:
    if sorted(one) == sorted(other):
        return _WRITTEN
    ours, theirs = "".join(one), "".join(other)
    longer = max(len(ours), len(theirs))
    if ours == theirs:
        return _WRITTEN
    more = set(one) ^ set(other)
    if set(one) < set(other) or set(other) < set(one):
        return _PART if more & _DIRECTIONS else _MORE
    most = longer // _LETTERS_FOR_SEVERAL
    slips = OSA.distance(ours, theirs, score_cutoff=most)
    if slips > most:
        return DIFFERENT
    return _SLIP if slips <= max(1, longer // _LETTERS_A_SLIP) else _SLIPS


def _numbered(
    one: tuple[tuple[str, str], ...], other: tuple[tuple[str, str], ...], street: Verdict
) -> Verdict:
    """A house number on each side has to be one. A flat or floor on one side only does not tell them apart."""
    if street == DIFFERENT:
        return DIFFERENT
    if not one or not other:
        return street if not one and not other else _PART
    ours, theirs = dict(one), dict(other)
    only_ours, only_theirs = ours.keys() - theirs.keys(), theirs.keys() - ours.keys()
    if (only_ours and only_theirs) or one[0][0] not in theirs or other[0][0] not in ours:
        return DIFFERENT
    letters = [(ours[number], theirs[number]) for number in ours.keys() & theirs.keys()]
    if all(mine == yours for mine, yours in letters):
        return street
    return (
        DIFFERENT
        if any(mine and yours and mine != yours for mine, yours in letters)
        else weaker(street, _ENTRANCE)
    )
