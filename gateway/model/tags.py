"""Tags are compared without case, and shown as they were typed."""

import unicodedata
from collections.abc import Iterable


def folded(tag: str) -> str:
    """The common form of all spellings of a tag."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", tag.strip()).casefold())


def folded_all(tags: Iterable[str]) -> frozenset[str]:
    return frozenset(map(folded, tags))


def distinct(tags: Iterable[str]) -> list[str]:
    """The first spelling of each tag."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(folded(tag), tag)
    return list(found.values())
