"""Opaque identifiers such as loyalty ids. Only their writing is normalised; their case stays."""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from rules.identifier import Normalized
from rules.normalize.spreadsheet import lost_digits, unquoted
from rules.normalize.written import ascii_digits, visible
from rules.ruleset import IdentifierRules

OpaqueReason = Literal[
    "empty",
    "too_long",
    "control",  # a control or other unprintable character inside
    "rounded",  # `4.71E+12`: a spreadsheet kept only some of the digits
    "pattern",  # does not match the rule's pattern
    "blocked_value",
]

MAX_LENGTH = 320


def normalize_opaque(raw: str, rules: IdentifierRules) -> Normalized:
    """NFC, without outer spaces or marks and a spreadsheet's apostrophe, with digits of any script as 0-9. `rules.pattern` is
    searched in the result."""
    if len(raw) > MAX_LENGTH:
        return _invalid("too_long")
    value = unquoted(visible(ascii_digits(unicodedata.normalize("NFC", visible(raw)))))
    if not value:
        return _invalid("empty")
    if not value.isprintable():
        return _invalid("control")
    if len(value) > MAX_LENGTH:
        return _invalid("too_long")
    if lost_digits(value):
        return _invalid("rounded")
    if rules.pattern and _compiled(rules.pattern).search(value) is None:
        return _invalid("pattern")
    return Normalized("ok", value)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _invalid(reason: OpaqueReason) -> Normalized:
    return Normalized("invalid", "", reason)
