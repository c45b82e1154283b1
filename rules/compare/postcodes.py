"""Postcodes: with and without spaces, the country before them, a ZIP+4, a zero that a spreadsheet dropped."""

import re
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from rules.compare.letters import NOT_KNOWN, folded, without_signs
from rules.compare.levels import DIFFERENT, EQUAL, MISSING, Verdict
from rules.compare.texts import of_long

_REMEMBERED = 8_192
_LONGEST = 32
_COUNTRY = re.compile(r"^[a-z]{1,3}[ -]+(?=\d)")
_ZIP_PLUS_FOUR = re.compile(r"(\d{5})(\d{4})")
_ZIP = 5
_LEAST_PART = 3
_LEAST_FOR_SLIP = 4
_NOT_KNOWN = NOT_KNOWN | {"0", "00000", "0000", "99999", "12345"}

_WRITTEN = Verdict("similar", "the same place, written in another way")
_SLIP = Verdict("near", "one character off")
_PART = Verdict("compatible", "the beginning of the other one")


class _Postcode(NamedTuple):
    """`whole` is as it was written, without spaces and signs; `bare` has no country, no +4 and its leading zero."""

    whole: str
    bare: str


def compare(one: str, other: str) -> Verdict:
    if max(len(one), len(other)) > _LONGEST:
        return of_long(one, other)
    ours, theirs = _read(one), _read(other)
    if not ours.bare or not theirs.bare:
        return MISSING
    if ours.whole == theirs.whole:
        return EQUAL
    return _WRITTEN if ours.bare == theirs.bare else _of_bare(ours.bare, theirs.bare)


@lru_cache(_REMEMBERED)
def _read(text: str) -> _Postcode:
    seen = folded(text)
    whole = without_signs(seen)
    bare = without_signs(_COUNTRY.sub("", seen))
    if found := _ZIP_PLUS_FOUR.fullmatch(bare):
        bare = found[1]
    if bare.isdecimal() and len(bare) == _ZIP - 1:
        bare = bare.zfill(_ZIP)
    return _Postcode(whole, "" if whole in _NOT_KNOWN else bare)


def _of_bare(one: str, other: str) -> Verdict:
    shorter = min(len(one), len(other))
    if shorter >= _LEAST_FOR_SLIP and OSA.distance(one, other, score_cutoff=1) <= 1:
        return _SLIP
    is_part = shorter >= _LEAST_PART and (one.startswith(other) or other.startswith(one))
    return _PART if is_part else DIFFERENT
