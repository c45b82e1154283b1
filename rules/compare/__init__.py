"""How near two values are, as a person would judge: names in any script, dates, postcodes, addresses and texts."""

from rules.compare.levels import (
    DIFFERENT,
    EQUAL,
    LEVELS,
    LEVELS_OF,
    MISSING,
    NAME_KINDS,
    USUAL,
    Likeness,
    Verdict,
    nearest,
)
from rules.compare.people import Kinds, Person, compare, compare_all, compare_values, compare_with_any

__all__ = [
    "DIFFERENT",
    "EQUAL",
    "LEVELS",
    "LEVELS_OF",
    "MISSING",
    "NAME_KINDS",
    "USUAL",
    "Kinds",
    "Likeness",
    "Person",
    "Verdict",
    "compare",
    "compare_all",
    "compare_values",
    "compare_with_any",
    "nearest",
]
