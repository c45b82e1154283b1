"""Names in Arabic letters, beside others in Arabic letters and beside Latin spellings.

Arabic writes consonants and long vowels. A Latin spelling matches if its consonants are spellings of the Arabic ones, in their
order, and each long vowel is heard between them; short vowels are free, because Arabic does not write them. The spellings are
those of passports in Egypt, the Gulf and the Maghreb (English and French habits), with ISO 233 and BGN/PCGN behind them. Persian
and Urdu letters are read too.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

_SAME = str.maketrans(
    {"ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ک": "ك", "ھ": "ه", "ہ": "ه", "ة": "ه", "ء": None}
)
_ARTICLE = "ال"
_LEAST_AFTER_ARTICLE = 3
_WEAK = frozenset("اويع")
_HEARD: Mapping[str, frozenset[str]] = {
    letter: frozenset(spelt.split())
    for letter, spelt in {
        "ب": "b p", "پ": "p b", "ت": "t th", "ط": "t th", "ث": "th t s", "ج": "j g dj c ch", "چ": "ch tch c", "ح": "h",
        "خ": "kh ch h x", "د": "d dh", "ذ": "dh d z th", "ر": "r rh", "ز": "z s", "ژ": "zh j", "س": "s c z", "ش": "sh ch sch s",
        "ص": "s c", "ض": "d dh z", "ظ": "z dh d th", "غ": "gh g", "ف": "f ph v", "ڤ": "v f", "ق": "k q g c kh gh", "ك": "k c q",
        "گ": "g", "ل": "l", "م": "m", "ن": "n", "ه": "h",
    }.items()
}  # fmt: skip
_LETTERS = re.compile(r"([aeiouyw]*)(tch|sch|kh|gh|sh|ch|th|dh|dj|zh|ph|rh|[bcdfghjklmnpqrstvxz])")
_DOUBLED = re.compile(r"([bcdfghjklmnpqrstvxz]|sh|kh|ch|gh|th|dh)\1+")
_VOWEL_OF = {"ا": frozenset("ae"), "و": frozenset("ouw"), "ي": frozenset("iye"), "ع": frozenset[str]()}
_LONGEST_SHORT_VOWEL = 2


def written_forms(word: str) -> tuple[str, ...]:
    """A plain Arabic word in one spelling for letters that are often written for each other, and the same without its article."""
    one = word.translate(_SAME)
    bare = one.removeprefix(_ARTICLE)
    return (one, bare) if len(one) > len(bare) >= _LEAST_AFTER_ARTICLE else (one,)


def is_spelling(latin: str, arabic: str) -> bool:
    """Whether a plain Latin word is a spelling of an Arabic one, which is given as one of its `written_forms`."""
    heard, meant = _latin(latin), _arabic(arabic)
    if len(heard) != len(meant) or len(meant) < 2:
        return False
    last = len(meant) - 1
    return all(
        (at == last or consonant in _HEARD[letter]) and _may_be(vowels, weak, first=at == 0, last=at == last)
        for at, ((vowels, consonant), (weak, letter)) in enumerate(zip(heard, meant, strict=True))
    )


@lru_cache(4_096)
def _latin(word: str) -> tuple[tuple[str, str], ...]:
    """Each consonant with the vowels before it; at the end, what follows the last one. A final h is not heard."""
    short = _DOUBLED.sub(r"\1", word)
    if short.endswith("h") and short[-2:-1] in tuple("aeiouy"):
        short = short[:-1]
    heard = [(found[1], found[2], found.end()) for found in _LETTERS.finditer(short)]
    ending = short[heard[-1][2] if heard else 0 :]
    return (*((vowels, consonant) for vowels, consonant, _ in heard), (ending, ""))


@lru_cache(4_096)
def _arabic(word: str) -> tuple[tuple[str, str], ...]:
    """The same of an Arabic word: consonants with the weak letters before them. A final ha is the ending -a, or not heard."""
    ending = "ا" if word.endswith("ه") else ""
    pairs: list[tuple[str, str]] = []
    weak = ""
    for letter in word[:-1] if ending else word:
        if letter in _WEAK:
            weak += letter
        elif letter in _HEARD:
            pairs.append((weak, letter))
            weak = ""
        else:
            return ()
    return (*pairs, (weak + ending, ""))


def _may_be(vowels: str, weak: str, *, first: bool, last: bool) -> bool:
    """Whether these Latin vowels can stand where Arabic has these weak letters."""
    if not weak:
        return not vowels if first or last else len(vowels) <= _LONGEST_SHORT_VOWEL
    if first:
        return bool(vowels) and all(_VOWEL_OF[letter] & set(vowels) for letter in weak[1:])
    if last and weak == "و" and not vowels:
        return True
    return all(not (wanted := _VOWEL_OF[letter]) or wanted & set(vowels) for letter in weak)
