"""Names in scripts that write consonants and long vowels, Arabic and Hebrew, beside others and beside Latin spellings.

A Latin spelling matches if its consonants are spellings of the written ones, in their order, and each long vowel is heard between
them; short vowels are free, because they are not written. The spellings of Arabic are those of passports in Egypt, the Gulf and
the Maghreb (English and French habits), with ISO 233 and BGN/PCGN behind them; Persian and Urdu letters are read too. Those of
Hebrew are the usual English and German ones, with ISO 259 behind them.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

_REMEMBERED = 4_096
_SAME = str.maketrans("ٱیېکھہةךםןףץ", "اييكهههכמנפצ", "ء")
_ALEF_MAQSURA, _YA = "ى", "ي"
_ARTICLE = "ال"
_LEAST_AFTER_ARTICLE = 3
_ENDING = ("ه", "ה")
"""At the end it is the vowel a, or not heard."""
_HEARD: Mapping[str, frozenset[str]] = {
    letter: frozenset(spelt.split())
    for letter, spelt in {
        "ب": "b p", "پ": "p b", "ت": "t th", "ط": "t th", "ث": "th t s", "ج": "j g dj c ch", "چ": "ch tch c", "ح": "h",
        "خ": "kh ch h x", "د": "d dh", "ذ": "dh d z th", "ر": "r rh", "ز": "z s", "ژ": "zh j", "س": "s c z", "ش": "sh ch sch s",
        "ص": "s c", "ض": "d dh z", "ظ": "z dh d th", "غ": "gh g", "ف": "f ph v", "ڤ": "v f", "ق": "k q g c kh gh", "ك": "k c q",
        "گ": "g", "ل": "l", "م": "m", "ن": "n", "ه": "h",
        "ב": "b v", "ג": "g", "ד": "d", "ה": "h", "ז": "z s", "ח": "ch h kh", "ט": "t", "כ": "k ch kh c", "ל": "l", "מ": "m",
        "נ": "n", "ס": "s", "פ": "p f ph", "צ": "tz z ts", "ק": "k c q ck", "ר": "r", "ש": "sh s sch", "ת": "t th",
    }.items()
}  # fmt: skip
_LETTERS = re.compile(r"([aeiouyw]*)(tch|sch|kh|gh|sh|ch|th|dh|dj|zh|ph|rh|tz|ck|[bcdfghjklmnpqrstvxz])")
_DIGRAPH = re.compile(r"([kgstd])h")
_DOUBLED = re.compile(r"([bcdfghjklmnpqrstvxz]|sh|kh|ch|gh|th|dh)\1+")
_VOWEL_OF = {
    "ا": frozenset("ae"), "و": frozenset("ouw"), "ي": frozenset("iye"), "ى": frozenset("aiye"), "ع": frozenset[str](),
    "א": frozenset[str](), "ו": frozenset("ouw"), "י": frozenset("iye"), "ע": frozenset[str](),
}  # fmt: skip
_LONGEST_SHORT_VOWEL = 2
_SILENT = ("", "e")
"""What may follow the last consonant where no vowel is written: the French e."""


def is_consonantal(word: str) -> bool:
    return "\u0590" <= word[0] <= "\u06ff"


def written_forms(word: str) -> tuple[str, ...]:
    """A plain word with one spelling for letters that are often written for each other, and the same without its article. A
    hamza is left out unless there is nothing else."""
    one = word.translate(_SAME) or word
    bare = one.removeprefix(_ARTICLE)
    return (one, bare) if len(one) > len(bare) >= _LEAST_AFTER_ARTICLE else (one,)


def as_written_by_all(form: str) -> str:
    """The form in which people who mix up ya and alef maqsura agree."""
    return form.replace(_ALEF_MAQSURA, _YA)


def is_spelling(latin: str, written: str) -> bool:
    """Whether a plain Latin word is a spelling of a word that is given as one of its `written_forms`."""
    meant = _meant(written)
    return len(meant) > 1 and any(_fits(heard, meant) for heard in _heard(latin))


_Letters = tuple[tuple[str, str], ...]
"""Consonants, each with the vowels before it, and at the end the vowels after the last one."""


def _fits(heard: _Letters, meant: _Letters) -> bool:
    if len(heard) != len(meant):
        return False
    last = len(meant) - 1
    return all(
        (at == last or consonant in _HEARD[letter]) and _may_be(vowels, weak, first=at == 0, last=at == last)
        for at, ((vowels, consonant), (weak, letter)) in enumerate(zip(heard, meant, strict=True))
    )


@lru_cache(_REMEMBERED)
def _heard(word: str) -> tuple[_Letters, ...]:
    """The readings of a Latin word: `v` may be a wau, and two letters such as `dh` two sounds. A final h may be silent."""
    whole = _DOUBLED.sub(r"\1", word)
    short = whole[:-1] if whole.endswith("h") and whole[-2:-1] in tuple("aeiouy") else whole
    written = dict.fromkeys((short, whole, short.replace("v", "w"), _DIGRAPH.sub(r"\1'h", short)))
    return tuple(tuple(_split(one)) for one in written)


def _split(word: str) -> Iterator[tuple[str, str]]:
    end = 0
    for found in _LETTERS.finditer(word):
        yield found[1], found[2]
        end = found.end()
    yield word[end:], ""


@lru_cache(_REMEMBERED)
def _meant(word: str) -> _Letters:
    """Empty if a letter is of another script."""
    ending = "ا" if word.endswith(_ENDING) else ""
    pairs: list[tuple[str, str]] = []
    weak = ""
    for letter in word[:-1] if ending else word:
        if letter in _VOWEL_OF:
            weak += letter
        elif letter not in _HEARD:
            return ()
        elif weak or not pairs or pairs[-1][1] != letter:
            pairs.append((weak, letter))
            weak = ""
    return (*pairs, (weak + ending, ""))


def _may_be(vowels: str, weak: str, *, first: bool, last: bool) -> bool:
    """Whether these Latin vowels can stand where these weak letters are written."""
    if not weak:
        return not vowels if first else vowels in _SILENT if last else len(vowels) <= _LONGEST_SHORT_VOWEL
    if first:
        return bool(vowels) and all(_VOWEL_OF[letter] & set(vowels) for letter in weak[1:])
    if last and weak in ("و", "א", "ע") and not vowels:
        return True
    return all(not (wanted := _VOWEL_OF[letter]) or wanted & set(vowels) for letter in weak)
