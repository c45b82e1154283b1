"""Tags are compared without case, and shown as they were typed."""

import unicodedata
from collections.abc import Iterable


def folded(tag: str) -> str:
    """What two spellings of one tag have in common."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", tag.strip()).casefold())


def folded_all(tags: Iterable[str]) -> frozenset[str]:
    return frozenset(map(folded, tags))


def distinct(tags: Iterable[str]) -> list[str]:
    """One spelling of each tag, the first that comes."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(folded(tag), tag)
    return list(found.values())
