"""Letters of any script, written in one way: Unicode forms, case, accents, invisible characters, and how Greek and Cyrillic are
spelt in Latin letters.

The tables are our own, from common knowledge: the BGN/PCGN and ISO 9 romanisations of Cyrillic and the usual German and French
ones, ISO 843 (ELOT 743) for Greek, and the usual Latin spellings in passports.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from unicodedata import category, combining, decimal, normalize

LONGEST = 200
"""Longer values are compared as plain texts: no name or address is that long."""
_REMEMBERED = 4_096
_MOST_OTHERS = 8
_HABITS = 4

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼʻʿʾ`´′＇\"“”״׳"))
_TATWEEL = "\u0640"
_LATIN = str.maketrans(
    {
        "ı": "i",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ł": "l",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ħ": "h",
        "ŧ": "t",
        "ə": "e",
        "ĸ": "k",
        "ŋ": "n",
        "ß": "ss",
    }
)
_WIDE = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "đ": "dj"})
"""How umlauts are written where a keyboard has none."""

_CYRILLIC: Mapping[str, tuple[str, ...]] = {
    "а": ("a",), "б": ("b",), "в": ("v",), "г": ("g", "g", "g", "g", "h"), "ґ": ("g",), "д": ("d",),
    "е": ("e", "e", "e", "e", "ye", "ie", "o"), "ё": ("yo", "jo", "io", "e", "o", "ye"), "є": ("ye", "je", "ie", "e"),
    "ж": ("zh", "sch", "j", "z"), "з": ("z", "s", "z", "z"), "и": ("i", "i", "i", "i", "y"), "і": ("i",), "ї": ("i", "ji", "yi"),
    "й": ("y", "i", "i", "j"), "ј": ("j",), "к": ("k",), "л": ("l",), "љ": ("lj",), "м": ("m",), "н": ("n",), "њ": ("nj",),
    "о": ("o",), "п": ("p",), "р": ("r",), "с": ("s",), "т": ("t",), "ћ": ("c",), "ђ": ("dj",), "у": ("u", "u", "ou", "u"),
    "ў": ("w", "u"), "ф": ("f",), "х": ("kh", "ch", "kh", "h"), "ц": ("ts", "z", "ts", "c"), "ч": ("ch", "tsch", "tch", "c"),
    "џ": ("dz",), "ш": ("sh", "sch", "ch", "s"), "щ": ("shch", "schtsch", "chtch", "sc", "sch"), "ъ": ("", "", "", "", "a"),
    "ы": ("y", "y", "y", "y", "i"), "ь": ("",), "э": ("e",), "ю": ("yu", "ju", "iou", "ju", "iu"),
    "я": ("ya", "ja", "ia", "ja"), "қ": ("q",), "ғ": ("g",), "ә": ("a",), "ө": ("o",), "ү": ("u",), "ұ": ("u",), "һ": ("h",),
    "ң": ("n",), "ӭ": ("e", "o", "e", "e"),
}  # fmt: skip
"""The first four are the habits of English, German, French and of scholars; the others stand alone."""
_SIBILANT_IO = re.compile("([жшщч])ё")
"""Here ё is only an o or e. A letter of no language in the table stands for it."""
_GREEK: Mapping[str, tuple[str, ...]] = {
    "ου": ("ou", "u"), "αυ": ("av", "au"), "ευ": ("ev", "eu"), "ηυ": ("iv",), "ει": ("ei", "i"), "οι": ("oi", "i"),
    "αι": ("ai", "e"), "υι": ("yi", "i"), "μπ": ("mp", "b"), "ντ": ("nt", "d"), "γκ": ("gk", "g"), "γγ": ("ng",),
    "τζ": ("tz", "j"), "τσ": ("ts",),
    "α": ("a",), "β": ("v", "b"), "γ": ("g", "y"), "δ": ("d",), "ε": ("e",), "ζ": ("z",), "η": ("i", "e"), "θ": ("th",),
    "ι": ("i",), "κ": ("k", "c"), "λ": ("l",), "μ": ("m",), "ν": ("n",), "ξ": ("x",), "ο": ("o",), "π": ("p",), "ρ": ("r",),
    "σ": ("s",), "ς": ("s",), "τ": ("t",), "υ": ("y", "i", "u"), "φ": ("f", "ph"), "χ": ("ch", "h"), "ψ": ("ps",),
    "ω": ("o",),
}  # fmt: skip
_GREEK_PARTS = re.compile("|".join(_GREEK))

_SIGNS = re.compile(r"[\W_]+")
NOT_KNOWN = frozenset(
    ("na", "nv", "none", "null", "nil", "nan", "undefined", "unknown", "unbekannt", "inconnu", "desconocido")
)
"""Words for a value that is not known, without spaces and signs."""


def without_signs(text: str) -> str:
    return _SIGNS.sub("", text)


def folded(text: str) -> str:
    """One text for all that look the same: Unicode form, case, spaces, and what cannot be seen."""
    if text.isascii() and text.isprintable():
        return " ".join(text.casefold().split())
    seen = "".join([_seen(char) for char in normalize("NFKC", text) if char != _TATWEEL])
    return " ".join(seen.casefold().split())


@lru_cache(_REMEMBERED)
def _seen(char: str) -> str:
    match category(char):
        case "Cf" | "Cs" | "Co" | "Cn":
            return ""
        case "Cc":
            return " "
        case "Nd":
            return str(decimal(char))
        case _:
            return char


def plain(text: str) -> str:
    """A folded text in words of letters and digits: without accents, apostrophes and signs, and with one space between words."""
    if text.isascii():
        kept = text.translate(_APOSTROPHES)
        return kept if kept.isalnum() else " ".join(_WORDS.findall(kept))
    bare = "".join(map(_bare, normalize("NFC", text.translate(_APOSTROPHES))))
    return " ".join(_WORDS.findall(normalize("NFC", bare.translate(_LATIN))))


_WORDS = re.compile(r"[^\W_]+(?:[\u0900-\u0dff\u0e00-\u0eff][^\W_]*)*")
"""Scripts of India and its neighbours write vowels as marks, which belong to the word."""


@lru_cache(_REMEMBERED)
def _bare(char: str) -> str:
    """A letter without its accents. Cyrillic keeps them, where they are other letters; so do scripts of India and Japan."""
    if (
        char.isascii()
        or "\u0400" <= char <= "\u052f"
        or "\u0900" <= char <= "\u0eff"
        or "\u3040" <= char <= "\u30ff"
    ):
        return char
    return "".join([part for part in normalize("NFKD", char) if not combining(part)])


def wide(text: str) -> str:
    """A folded text with each umlaut written as two letters."""
    return normalize("NFC", text).translate(_WIDE)


def romanised(word: str) -> tuple[str, ...]:
    """The Latin spellings of a plain word, the usual one first; the word itself if it is Latin or of another script."""
    if word.isascii():
        return (word,)
    if "\u0370" <= word[0] <= "\u03ff":
        parts = [_GREEK.get(part, (part,)) for part in _greek_parts(word)]
    elif "\u0400" <= word[0] <= "\u052f":
        parts = [_CYRILLIC.get(part, (part,)) for part in _SIBILANT_IO.sub("\\1ӭ", word)]
    else:
        return (word,)
    return tuple(dict.fromkeys(_spellings(parts)))


def _greek_parts(word: str) -> Iterator[str]:
    at = 0
    for found in _GREEK_PARTS.finditer(word):
        yield from word[at : found.start()]
        yield found[0]
        at = found.end()
    yield from word[at:]


def _spellings(parts: list[tuple[str, ...]]) -> Iterator[str]:
    """Habit by habit: each writer keeps to one. After these, each ambiguous letter alone in its other forms."""
    for habit in range(min(_HABITS, max(map(len, parts)))):
        yield "".join([part[min(habit, len(part) - 1)] for part in parts])
    usual = [part[0] for part in parts]
    others = (
        "".join([*usual[:place], other, *usual[place + 1 :]])
        for place, part in enumerate(parts)
        for other in part[1:]
    )
    yield from islice(others, _MOST_OTHERS)
