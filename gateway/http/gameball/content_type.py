"""Which content types are JSON. A body is read as UTF-8, as RFC 8259 requires, whatever a parameter says: parameters of JSON have
no meaning. Pure."""

import re
from functools import lru_cache
from typing import NamedTuple

_JSON = re.compile(r"application/json|text/json|application/[!#$&^_.+a-z0-9-]+\+json", re.ASCII)
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^"';\s]*)""", re.IGNORECASE)
_UTF8 = frozenset({"", "utf-8", "utf8", "utf-8-sig", "unicode-1-1-utf-8", "us-ascii", "ascii"})


class ContentType(NamedTuple):
    """`is_utf8`: no other charset is named. `media` is without parameters."""

    media: str
    is_json: bool
    is_utf8: bool


@lru_cache(maxsize=64)
def read_content_type(text: str) -> ContentType:
    """A body without a type may be JSON, so it is tried."""
    media = text.partition(";")[0].strip().lower()
    charset = _CHARSET.search(text)
    is_utf8 = charset is None or charset[1].lower().replace("_", "-") in _UTF8
    return ContentType(media, not text.strip() or _JSON.fullmatch(media) is not None, is_utf8)
