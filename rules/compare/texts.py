"""Texts of any other kind: a city, a company, a note."""

from functools import lru_cache

from rapidfuzz.distance import OSA

from rules.compare.letters import LONGEST, NOT_KNOWN, folded, plain
from rules.compare.levels import DIFFERENT, EQUAL, MISSING, Verdict

_REMEMBERED = 8_192
_LETTERS_A_SLIP = {"similar": 8, "near": 4}
"""So many letters of the longer text allow one slip."""

_NOT_KNOWN = NOT_KNOWN - {"na", "nv"} | {"n/a", "n.a.", "#n/a"}
"""`NA` and `NV` may be codes of a place."""

_MARKS = Verdict("similar", "but for accents, signs or the order of words")
_FEW = Verdict("similar", "but for a letter or two")
_SOME = Verdict("near", "but for a few letters")


def compare(one: str, other: str) -> Verdict:
    if max(len(one), len(other)) > LONGEST:
        return of_long(one, other)
    ours, theirs = _folded(one), _folded(other)
    if not ours or not theirs:
        return MISSING
    if ours == theirs:
        return EQUAL
    if max(len(ours), len(theirs)) > LONGEST:
        return DIFFERENT
    return _of_plain(_plain(ours), _plain(theirs))


def of_long(one: str, other: str) -> Verdict:
    """For texts of which at least one is too long to fold: only equal ones are alike."""
    ours, theirs = one.casefold().split(), other.casefold().split()
    return MISSING if not ours or not theirs else EQUAL if ours == theirs else DIFFERENT


def compare_codes(one: str, other: str) -> Verdict:
    if max(len(one), len(other)) > LONGEST:
        return of_long(one, other)
    ours, theirs = _folded(one), _folded(other)
    return MISSING if not ours or not theirs else EQUAL if ours == theirs else DIFFERENT


@lru_cache(_REMEMBERED)
def _folded(text: str) -> str:
    """Empty for a text that says nothing."""
    seen = folded(text)
    return seen if seen not in _NOT_KNOWN and any(map(str.isalnum, seen)) else ""


@lru_cache(_REMEMBERED)
def _plain(text: str) -> tuple[str, ...]:
    return tuple(plain(text).split())


def _of_plain(one: tuple[str, ...], other: tuple[str, ...]) -> Verdict:
    if not one or not other:
        return DIFFERENT
    if sorted(one) == sorted(other) or "".join(one) == "".join(other):
        return _MARKS
    ours, theirs = " ".join(one), " ".join(other)
    longer = max(len(ours), len(theirs))
    most = longer // _LETTERS_A_SLIP["near"]
    slips = OSA.distance(ours, theirs, score_cutoff=most)
    if slips > most:
        return DIFFERENT
    return _FEW if slips <= longer // _LETTERS_A_SLIP["similar"] else _SOME
