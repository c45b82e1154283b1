"""Other spellings that some reader takes for the same name: in another case, with blanks or invisible characters around it, as an
element of a list, escaped twice. Pure, and quick: anyone with an api key may send a name as long as a body."""

import re
import unicodedata
from collections.abc import Container, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

_ELEMENTS = re.compile(r"(?:\[[^\]]*+\]?+|\.\d++)++")
"""Possessive: each sign is looked at once. A bracket that is not closed reaches to the end."""
_BETWEEN = re.compile(r"[\[\].]")
_DEEPEST = 4
_LONG = 1_000
"""From so many signs on, a name loses its marks before it is normalised: to order a run of them takes the square of its length."""


def plain(name: str) -> str:
    """The name of a member in lower case, without what surrounds it and the index of a list after it."""
    if name.isascii() and name.isalnum():
        return name.lower()
    return _bare(_without_elements(name))


def with_known_names(members: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
    """The members, those that are meant by one of the names under that name; None if two are meant by one."""
    known, by_plain_name = _known(names)
    if members.keys() <= known:
        return members
    found: dict[str, Any] = {}
    for written, value in members.items():
        name = written if written in known else by_plain_name.get(plain(written), written)
        if name in found:
            return None
        found[name] = value
    return found


@lru_cache
def _known(names: tuple[str, ...]) -> tuple[frozenset[str], Mapping[str, str]]:
    return frozenset(names), {name.lower(): name for name in names}


def decoded(name: str) -> str:
    """The name of a parameter, even if it was escaped more than once."""
    text = name.replace("+", " ")
    for _ in range(_DEEPEST):
        if "%" not in text:
            break
        text = unquote(text)
    return text


def within(name: str, wanted: Container[str]) -> str:
    """The wanted name that a parameter has or contains, as in `filter[customerId]` or `customers[0].customerId`; else its own."""
    text = decoded(name)
    own = plain(text)
    if own in wanted:
        return own
    return next((part for part in map(_bare, _BETWEEN.split(text)) if part in wanted), own)


def _without_elements(name: str) -> str:
    bare = name.rstrip()
    begins = (found.start() for found in _ELEMENTS.finditer(bare) if found.end() == len(bare))
    return bare[: next(begins, None)]


def _bare(name: str) -> str:
    if len(name) > _LONG:
        name = _letters(name)
    return _letters(unicodedata.normalize("NFKC", name).upper().lower())


def _letters(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum() or sign in "_-")
