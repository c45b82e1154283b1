"""What a person is called: which attributes say so, and the texts under which they are found by a name or its beginning."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

NAMES = ("displayName", "firstName", "lastName")
"""The attributes that name a person."""
_MOST_WORDS = 5
_LONGEST_WORD = 40
_WORD = re.compile(r"[^\W_]+")
_decode = msgspec.json.Decoder().decode


def full_name(values: Mapping[str, Any]) -> str:
    """The display name, or else the first and the last name; "" if the values contain no name."""
    return next(filter(None, _full_names(values)), "")


def name_words(text: str) -> list[str]:
    """The words of a name without accents, capitals and punctuation, which are written in many ways."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return [word[:_LONGEST_WORD] for word in _WORD.findall(text.casefold())[:_MOST_WORDS]]


def name_entries(attributes: Mapping[str, str]) -> frozenset[str]:
    """The texts under which a record with these attributes, as JSON texts, is found: each of its names beginning with each of
    its words, so that the beginning of any word is the beginning of one of them."""
    values = {name: _decode(attributes[name]) for name in NAMES if name in attributes}
    if not values:
        return frozenset()
    return frozenset(
        " ".join((*words[place:], *words[:place]))
        for name in _full_names(values)
        for words in (name_words(name),)
        for place in range(len(words))
    )


def _full_names(values: Mapping[str, Any]) -> Iterator[str]:
    yield _text(values.get("displayName"))
    yield " ".join(filter(None, (_text(values.get(name)) for name in NAMES[1:])))


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
