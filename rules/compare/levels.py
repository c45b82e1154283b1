"""How near two values of one kind are: the levels in their order, and which kind knows which."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from rules.ruleset import AttributeKind, Level

Likeness = Literal["equal", "similar", "near", "compatible", "different", "missing"]
"""A level, or `different` if two values reach none, or `missing` if one side says nothing."""

LEVELS: tuple[Level, ...] = get_args(Level)
"""The strictest first. What reaches a level reaches all levels after it."""
RANK: Mapping[Likeness, int] = MappingProxyType({word: rank for rank, word in enumerate(get_args(Likeness))})

LEVELS_OF: Mapping[AttributeKind, tuple[Level, ...]] = MappingProxyType(
    {
        "name": LEVELS,
        "given_name": LEVELS,
        "family_name": LEVELS,
        "date": LEVELS,
        "postcode": LEVELS,
        "address": LEVELS,
        "text": ("equal", "similar", "near"),
        "code": ("equal",),
    }
)
NAME_KINDS: frozenset[AttributeKind] = frozenset(("name", "given_name", "family_name"))
USUAL: Mapping[AttributeKind, Level] = MappingProxyType(
    {kind: "similar" if kind in NAME_KINDS or kind == "address" else "equal" for kind in LEVELS_OF}
)
"""The level that is meant where a rule names an attribute alone: names and addresses are rarely written the same twice."""


class Verdict(NamedTuple):
    """The likeness of two values, and how they are alike, in words that hold no value."""

    likeness: Likeness
    how: str = ""

    def reaches(self, level: Level) -> bool:
        return RANK[self.likeness] <= RANK[level]


EQUAL = Verdict("equal")
DIFFERENT = Verdict("different")
MISSING = Verdict("missing")


def nearer(one: Verdict, other: Verdict) -> Verdict:
    """The stronger of two verdicts; the first of equals."""
    return one if RANK[one.likeness] <= RANK[other.likeness] else other


def nearest(found: Iterable[Verdict]) -> Verdict:
    """The strongest of some verdicts. A verdict that found nothing to compare counts only if there is no other."""
    return min(found, key=lambda one: RANK[one.likeness], default=MISSING)


def weaker(one: Verdict, other: Verdict) -> Verdict:
    """The weaker of two verdicts; the first of equals."""
    return one if RANK[one.likeness] >= RANK[other.likeness] else other
