"""How a word in Latin letters sounds, roughly and in any language: words that are spelt differently and sound alike have a sound in
common. A sound is for comparing only; it cannot be pronounced.

In the sounds, `$` is the sh of ship, `X` the ch of Bach, `C` the ch of church and `J` the j of John.
"""

import re
from collections.abc import Iterable

_SHORTEST_WITH_CHOICE = 4
"""Shorter words have one sound: Han, Chan and Kan are three families."""
_FIRST = (("tsch", "C"), ("tch", "C"), ("sch", "$"), ("dzh", "J"), ("dj", "J"), ("zh", "J"))
_STEPS = (
    ("sh", "$"), ("kh", "X"), ("th", "t"), ("dh", "d"), ("ph", "f"), ("gh", "g"), ("rh", "r"), ("bh", "b"),
    ("ck", "k"), ("qu", "k"), ("q", "k"), ("x", "ks"), ("dt", "t"), ("ce", "se"), ("ci", "si"), ("cy", "si"), ("c", "k"),
    ("z", "s"), ("w", "v"), ("iye", "ia"), ("y", "i"),
    ("ae", "a"), ("oe", "o"), ("ue", "u"), ("ee", "i"), ("oo", "u"), ("ou", "u"), ("ie", "i"), ("ei", "ai"),
)  # fmt: skip
_SILENT_H = re.compile(r"(?<=.)h(?![aeiou])")
_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"[aeiou]+")


def sounds(spellings: Iterable[str]) -> frozenset[str]:
    """The sounds of a word's spellings. `ch` and `j` have several."""
    return frozenset(
        [
            _sound(heard)
            for spelling in spellings
            for with_ch in _choices(_replaced(spelling, _FIRST), "ch", "C$Xk")
            for heard in _choices(with_ch, "j", "Ji")
        ]
    )


def _choices(word: str, letters: str, heard: str) -> Iterable[str]:
    if letters not in word:
        return (word,)
    return [
        word.replace(letters, one) for one in (heard if len(word) >= _SHORTEST_WITH_CHOICE else heard[:1])
    ]


def _replaced(word: str, steps: Iterable[tuple[str, str]]) -> str:
    for written, heard in steps:
        if written in word:
            word = word.replace(written, heard)
    return word


def _sound(word: str) -> str:
    return _DOUBLED.sub(r"\1", _SILENT_H.sub("", _replaced(word, _STEPS)))


def bones(sound: str) -> str:
    """The consonants of a sound, and whether it begins with a vowel."""
    return _VOWELS.sub(lambda found: "a" if found.start() == 0 else "", sound)


def vowels(sound: str) -> list[str]:
    """The vowels of a sound between its consonants."""
    return re.split(r"[^aeiou]", sound)


_CLOSE = frozenset(map(frozenset, ("ae", "ei", "ou")))


def have_close_vowels(one: str, other: str) -> bool:
    """Whether two sounds with the same bones differ in single vowels only that one writer hears as the other: a and e, e and i, o
    and u. The last vowel does not count as close: it tells Jan from Jana."""
    ours, theirs = vowels(one), vowels(other)
    if len(ours) != len(theirs) or ours[-1] != theirs[-1]:
        return False
    return all(
        mine == yours or frozenset((mine, yours)) in _CLOSE for mine, yours in zip(ours, theirs, strict=True)
    )
