"""What is compared of two records, and the levels of each comparison, the strictest first. Words as in the merge rules."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from gateway.search.near import nearness
from rules.compare import compare_values as compare
from rules.ruleset import AttributeKind, IdentifierKind

EQUAL, DIFFERENT, MISSING = "equal", "different", "missing"
FAMILY, GIVEN = "family_only", "given_only"
BETWEEN_VALUES = " "
BETWEEN_NAMES = "\n"
"""Between the given and the family name."""


class Prior(NamedTuple):
    """How often two records of one person, and two unrelated ones, reach a level. What data show outweighs it, within limits."""

    same: float
    unrelated: float


class Compared(NamedTuple):
    """`between` are the levels under `equal` and above `different`. `compare` gets two texts that are not the same."""

    name: str
    between: tuple[str, ...]
    usual: Mapping[str, Prior]
    compare: Callable[[str, str], str]


def _names(one: str, other: str) -> str:
    """A whole name, or else which of its parts agrees: people of one household share a family name, and who marries may keep only
    the given name."""
    (given, _, family), (other_given, _, other_family) = (
        text.partition(BETWEEN_NAMES) for text in (one, other)
    )
    whole = compare("name", f"{given} {family}", f"{other_given} {other_family}").likeness
    if whole != DIFFERENT or not (given and family and other_given and other_family):
        return whole
    if compare("family_name", family, other_family).reaches("similar"):
        return FAMILY
    return GIVEN if compare("given_name", given, other_given).reaches("similar") else DIFFERENT


def _attribute(kind: AttributeKind) -> Callable[[str, str], str]:
    return lambda one, other: compare(kind, one, other).likeness


def _identifiers(kind: IdentifierKind) -> Callable[[str, str], str]:
    def compared(one: str, other: str) -> str:
        if BETWEEN_VALUES not in one and BETWEEN_VALUES not in other:
            return EQUAL if one == other else nearness(kind, one, other) or DIFFERENT
        ours, theirs = one.split(BETWEEN_VALUES), other.split(BETWEEN_VALUES)
        if not set(ours).isdisjoint(theirs):
            return EQUAL
        found = {nearness(kind, mine, yours) for mine in ours for yours in theirs}
        return next((how for how in ("typing", "provider") if how in found), DIFFERENT)

    return compared


COMPARED = (
    Compared(
        "name",
        ("similar", "near", "compatible", FAMILY, GIVEN),
        {
            EQUAL: Prior(0.55, 1e-4),
            "similar": Prior(0.2, 2e-4),
            "near": Prior(0.05, 3e-4),
            "compatible": Prior(0.12, 5e-4),
            FAMILY: Prior(0.02, 1e-3),
            GIVEN: Prior(0.04, 2e-2),
            DIFFERENT: Prior(0.02, 0.98),
        },
        _names,
    ),
    Compared(
        "birth",
        ("similar", "near", "compatible"),
        {
            EQUAL: Prior(0.85, 5e-5),
            "similar": Prior(0.05, 5e-5),
            "near": Prior(0.04, 1.5e-3),
            "compatible": Prior(0.02, 3e-3),
            DIFFERENT: Prior(0.04, 0.995),
        },
        _attribute("date"),
    ),
    Compared(
        "email",
        ("typing", "provider"),
        {
            EQUAL: Prior(0.4, 1e-5),
            "typing": Prior(0.12, 2e-5),
            "provider": Prior(0.13, 2e-5),
            DIFFERENT: Prior(0.35, 1.0),
        },
        _identifiers("email"),
    ),
    Compared(
        "phone",
        ("typing",),
        {EQUAL: Prior(0.5, 1e-5), "typing": Prior(0.1, 2e-5), DIFFERENT: Prior(0.4, 1.0)},
        _identifiers("phone"),
    ),
    Compared(
        "postcode",
        ("similar", "near"),
        {
            EQUAL: Prior(0.75, 1e-3),
            "similar": Prior(0.02, 1e-3),
            "near": Prior(0.08, 5e-3),
            DIFFERENT: Prior(0.15, 0.99),
        },
        _attribute("postcode"),
    ),
    Compared(
        "address",
        ("similar", "near", "compatible"),
        {
            EQUAL: Prior(0.5, 1e-4),
            "similar": Prior(0.15, 2e-4),
            "near": Prior(0.08, 1e-3),
            "compatible": Prior(0.07, 2e-3),
            DIFFERENT: Prior(0.2, 0.997),
        },
        _attribute("address"),
    ),
)
COLUMNS = {one.name: one for one in COMPARED}


def is_worth_asking(levels: Mapping[str, str]) -> bool:
    """Whether a person should be asked about two records at all, however much else agrees. Relatives share a family name, an
    address and a number; so another given name, or another birthday, is another person. A new family name needs the same birthday.
    """
    name, birth = levels.get("name", MISSING), levels.get("birth", MISSING)
    if birth == DIFFERENT or name in (FAMILY, DIFFERENT):
        return False
    return name != GIVEN or birth == EQUAL
