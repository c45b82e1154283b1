"""Other spellings that some reader takes for the same name: in another case, with blanks or invisible characters around it, as an
element of a list, escaped twice. Pure."""

import re
import unicodedata
from collections.abc import Container
from urllib.parse import unquote

_ELEMENT = re.compile(r"(\[[^\]]*\]?|\.\d+)+\s*$")
_BETWEEN = re.compile(r"[\[\].]")
_DEEPEST = 4


def plain(name: str) -> str:
    """The name of a member in lower case, without what surrounds it and the index of a list after it."""
    if name.isascii() and name.isalnum():
        return name.lower()
    return _bare(_ELEMENT.sub("", name))


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


def _bare(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).upper().lower()
    return "".join(sign for sign in text if sign.isalnum() or sign in "_-")
