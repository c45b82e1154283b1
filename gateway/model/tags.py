"""Tags are compared without case, and shown as they were typed."""

import unicodedata
from collections.abc import Iterable

from rules.normalize.written import visible

_TURKISH = str.maketrans({"\u0130": "i", "\u0131": "i"})
"""Turkish has two letters i. In another case, each may become the other one's, and the dotted one gets a dot of its own."""


def folded(tag: str) -> str:
    """The common form of all spellings of a tag: without case, invisible marks, full-width forms and a keyboard's own blanks."""
    plain = unicodedata.normalize("NFKC", visible(tag)).translate(_TURKISH)
    decomposed = unicodedata.normalize("NFD", plain).casefold().replace("i\u0307", "i").translate(_TURKISH)
    return " ".join(unicodedata.normalize("NFKC", decomposed).split())


def folded_all(tags: Iterable[str]) -> frozenset[str]:
    return frozenset(map(folded, tags))


def distinct(tags: Iterable[str]) -> list[str]:
    """The first spelling of each tag."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(folded(tag), tag)
    return list(found.values())
