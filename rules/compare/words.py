"""Compares two words of names: the same name, perhaps the same, or another one.

The order of the questions decides. What the table of given names knows comes first, because it also knows what is *not* the same:
Jan and Jana are one letter apart, and brother and sister. Only for words that it does not know do spelling and sound decide.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from rules.compare.consonantal import as_written_by_all, is_consonantal, is_spelling, written_forms
from rules.compare.given_names import UNKNOWN, NameGroups, groups_of
from rules.compare.letters import romanised
from rules.compare.levels import DIFFERENT, Verdict
from rules.compare.sounds import bones, have_close_vowels, sounds

_REMEMBERED = 16_384
_LONGEST = 30
"""Longer words are compared for equality only."""
_LEAST_FOR_SOUND = 3
_LEAST_FOR_SWAP = 4
_LEAST_FOR_SLIP = 5
_LEAST_FOR_CONSONANTAL_SLIP = 6
_LEAST_FOR_VOWELS = 5
_LEAST_FOR_TWO_SLIPS = 7
_LEAST_BONES = 3
_ENDINGS = "aeiou"
_LEAST_FOR_ENDING = 4

_LEAST_STEM = 4
_DOUBLED_VOWEL = re.compile(r"([aeiou])\1")
_GENDERED = (
    re.compile(r"(.*(?:[oe]v|sk))(?:a|aia|i)?"),
    re.compile(r"(.{3,}?)(?:ova)?"),
    re.compile(r"(.{3,})[ai]"),
    re.compile(r"(.*in)a?"),
)
"""In sounds: Ivanov and Ivanova, Dostoevsky and Dostoevskaya; Novák and Nováková, Novotný and Novotná; Pushkin and Pushkina."""

SAME = Verdict("similar", "the same")
_INITIAL = Verdict("compatible", "an initial")
_NICKNAME = Verdict("similar", "a short form or another spelling of the name")
_TRANSLATION = Verdict("near", "the name in another language")
_SOUND = Verdict("similar", "spelt differently, sounds alike")
_SCRIPT = Verdict("similar", "in another script")
_SLIP = Verdict("similar", "one letter off")
_SWAP = Verdict("similar", "two letters swapped")
_VOWEL = Verdict("similar", "other vowels")
_ENDING = Verdict("near", "another ending")
_FAMILY = Verdict("similar", "the form for women and that for men")
_FAR_SLIP = Verdict("near", "a letter or two off")


class Word(NamedTuple):
    """A word of a name. `wide` is the same with umlauts as two letters. `spellings` are its Latin spellings, or the forms of a
    consonantal word; `bones` its sounds by their consonants; `stems` what its sounds are without an ending of `_GENDERED`, one
    set for each."""

    plain: str
    wide: str
    spellings: tuple[str, ...]
    sounds: frozenset[str]
    bones: dict[str, str]
    stems: tuple[frozenset[str], ...]
    known: NameGroups
    consonantal: bool


@lru_cache(_REMEMBERED)
def word(plain: str, wide: str = "") -> Word:
    """Read a word that `letters.plain` gave, and that it gave of the text with wide umlauts."""
    wide = wide or plain
    if len(plain) > _LONGEST:
        return Word(plain, wide, (plain,), frozenset((plain,)), {}, (), UNKNOWN, consonantal=False)
    consonantal = is_consonantal(plain)
    spellings = (
        written_forms(plain) if consonantal else tuple(dict.fromkeys((*filter(None, romanised(plain)), wide)))
    )
    heard = frozenset(map(as_written_by_all, spellings)) if consonantal else sounds(spellings)
    shorter = tuple(_DOUBLED_VOWEL.sub(r"\1", one) for one in spellings)
    known = next(
        (found for one in (plain, *spellings, *shorter) if (found := groups_of(one)).groups), UNKNOWN
    )
    if consonantal:
        return Word(plain, wide, spellings, heard, {}, (), known, consonantal=True)
    by_bones = {bones(one): one for one in sorted(heard)}
    return Word(plain, wide, spellings, heard, by_bones, _stems(heard), known, consonantal=False)


def _stems(sounds: frozenset[str]) -> tuple[frozenset[str], ...]:
    return tuple(
        frozenset(
            [
                found[1]
                for sound in sounds
                if (found := pattern.fullmatch(sound)) and len(found[1]) >= _LEAST_STEM
            ]
        )
        for pattern in _GENDERED
    )


def likeness(one: Word, other: Word, *, given: bool) -> Verdict:
    """`given`: the endings of the words tell people apart, as they do in given names."""
    if one.plain == other.plain:
        return SAME
    if _are_other_names(one, other):
        return DIFFERENT
    if one.plain > other.plain:
        one, other = other, one
    return _likeness(one.plain, one.wide, other.plain, other.wide, given)


def _are_other_names(one: Word, other: Word) -> bool:
    """Whether the table knows both words, as forms of different names. Most given names are, so this is asked without a cache."""
    ours, theirs = one.known.lines, other.known.lines
    return bool(ours and theirs and ours.isdisjoint(theirs) and len(one.plain) > 1 and len(other.plain) > 1)


@lru_cache(_REMEMBERED)
def _likeness(plain: str, wide: str, other_plain: str, other_wide: str, given: bool) -> Verdict:
    one, other = word(plain, wide), word(other_plain, other_wide)
    shorter, longer = sorted((len(plain), len(other_plain)))
    if shorter == 1:
        return _INITIAL if one.spellings[0][0] == other.spellings[0][0] else DIFFERENT
    if one.known.groups and other.known.groups:
        return _of_known(one, other)
    if longer > _LONGEST or longer > 2 * shorter + 2:
        return DIFFERENT
    if one.consonantal or other.consonantal:
        return _of_consonants(one, other)
    return (
        _of_sound(one, other)
        or _of_gender(one, other, given=given)
        or _of_spelling(one.spellings[0], other.spellings[0], given=given)
    )


def _of_known(one: Word, other: Word) -> Verdict:
    """Of two forms of one name."""
    if one.known.groups & other.known.groups:
        return _NICKNAME
    return _of_sound(one, other) or _TRANSLATION


def _of_consonants(one: Word, other: Word) -> Verdict:
    if one.consonantal and other.consonantal:
        if not one.sounds.isdisjoint(other.sounds):
            return _SOUND
        if OSA.distance(one.plain, other.plain, score_cutoff=1) > 1:
            return DIFFERENT
        shorter = min(len(one.plain), len(other.plain))
        return _SLIP if shorter >= _LEAST_FOR_CONSONANTAL_SLIP else _FAR_SLIP
    written, latin = (one, other) if one.consonantal else (other, one)
    if any(is_spelling(spelt, form) for spelt in latin.spellings for form in written.spellings):
        return _SCRIPT
    return DIFFERENT


def _of_sound(one: Word, other: Word) -> Verdict | None:
    common = one.sounds & other.sounds
    if any(len(sound) >= _LEAST_FOR_SOUND for sound in common):
        return _SOUND
    if min(len(one.plain), len(other.plain)) < _LEAST_FOR_VOWELS:
        return None
    alike = (key for key in one.bones.keys() & other.bones.keys() if len(key) >= _LEAST_BONES)
    if any(have_close_vowels(one.bones[key], other.bones[key]) for key in alike):
        return _VOWEL
    return None


def _of_gender(one: Word, other: Word, *, given: bool) -> Verdict | None:
    """Family names that women and men of one family write differently. Given names may end like some of them."""
    last = 1 if given else len(_GENDERED)
    pairs = zip(one.stems[:last], other.stems[:last], strict=True)
    return None if all(ours.isdisjoint(theirs) for ours, theirs in pairs) else _FAMILY


def _of_spelling(one: str, other: str, *, given: bool) -> Verdict:
    """One slip keeps a name what it is if the word is long enough and neither its first letter nor, in a given name, its ending
    is concerned: Marina and Karina, Paul and Paula, Lee and Lea are different people."""
    shorter = min(len(one), len(other))
    slips = OSA.distance(one, other, score_cutoff=2) if shorter >= _LEAST_FOR_SWAP else 3
    if slips > 2 or (slips == 2 and shorter < _LEAST_FOR_TWO_SLIPS):
        return DIFFERENT
    if given and _differ_in_ending(one, other):
        return _ENDING
    if slips == 1 and one[0] == other[0]:
        if sorted(one) == sorted(other):
            return _SWAP
        if shorter >= _LEAST_FOR_SLIP:
            return _SLIP
    return _FAR_SLIP


def _differ_in_ending(one: str, other: str) -> bool:
    """Whether two words are the same but for their last vowels."""
    return one.rstrip(_ENDINGS) == other.rstrip(_ENDINGS)
