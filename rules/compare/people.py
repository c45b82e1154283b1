"""Compares the attributes of two people.

An attribute is compared with the same attribute of the other side. Names of people are compared across attributes too: given and
family name typed into each other's fields, or the whole name in one field here and in two there, are the same names.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from rules.compare import addresses, dates, names, postcodes, texts
from rules.compare.levels import DIFFERENT, MISSING, NAME_KINDS, Verdict, nearer, nearest
from rules.ruleset import AttributeKind

Kinds = Mapping[str, AttributeKind]
Person = Mapping[str, str]
"""Texts by the names of attributes."""

_COMPARE: Mapping[AttributeKind, Callable[[str, str], Verdict]] = MappingProxyType(
    {
        "date": dates.compare,
        "postcode": postcodes.compare,
        "address": addresses.compare,
        "text": texts.compare,
        "code": texts.compare_codes,
    }
)
_PARTNER: Mapping[AttributeKind, AttributeKind] = MappingProxyType(
    {"given_name": "family_name", "family_name": "given_name"}
)
_REMEMBERED = 1_024
_TWO_FIELDS = Verdict("similar", "given and family name changed places")


def compare_values(kind: AttributeKind, one: str, other: str) -> Verdict:
    """How near two values of one kind are. It does not matter which comes first."""
    compare = _COMPARE.get(kind)
    return compare(one, other) if compare else names.compare(kind, one, other)


def compare(name: str, kinds: Kinds, one: Person, other: Person) -> Verdict:
    """How near two people are in one attribute. `kinds` also has the other attributes that name them."""
    kind, ours, theirs = kinds[name], one.get(name, ""), other.get(name, "")
    found = compare_values(kind, ours, theirs) if ours and theirs else MISSING
    if kind not in NAME_KINDS or found.reaches("similar"):
        return found
    if found == MISSING:
        return _of_whole_names(kinds, one, other)
    return nearer(found, _of_changed_places(kind, name, kinds, one, other))


def compare_all(kinds: Kinds, one: Person, other: Person) -> dict[str, Verdict]:
    """Each attribute that both people have, and how near they are in it."""
    found = {name: compare(name, kinds, one, other) for name in kinds}
    return {name: verdict for name, verdict in found.items() if verdict != MISSING}


def compare_with_any(name: str, kinds: Kinds, one: Person, others: Iterable[Person]) -> Verdict:
    """How near a person is to the nearest of several records of another."""
    return nearest([compare(name, kinds, one, other) for other in others])


def _of_changed_places(kind: AttributeKind, name: str, kinds: Kinds, one: Person, other: Person) -> Verdict:
    partner = _PARTNER.get(kind)
    for their_name, their_kind in kinds.items():
        if their_kind == partner:
            given, family = (name, their_name) if kind == "given_name" else (their_name, name)
            ours, theirs = ((person.get(given, ""), person.get(family, "")) for person in (one, other))
            if _changed_places(ours, theirs):
                return _TWO_FIELDS
    return DIFFERENT


@lru_cache(_REMEMBERED)
def _changed_places(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Of given and family names. Both attributes ask for it."""
    (given, family), (other_given, other_family) = one, other
    return _are_alike(given, other_family) and _are_alike(family, other_given)


def _are_alike(one: str, other: str) -> bool:
    return bool(one and other) and names.compare("name", one, other).reaches("similar")


def _of_whole_names(kinds: Kinds, one: Person, other: Person) -> Verdict:
    """Of the whole names, where one side has the name in one attribute and the other in several."""
    ours, theirs = _whole_name(kinds, one), _whole_name(kinds, other)
    if not ours or not theirs:
        return MISSING
    found = names.compare("name", ours, theirs)
    return found if found.reaches("similar") else MISSING


def _whole_name(kinds: Kinds, person: Person) -> str:
    """A name of at least two words."""
    parts = [_first(kinds, person, kind) for kind in ("given_name", "family_name")]
    return " ".join(parts) if all(parts) else _first(kinds, person, "name")


def _first(kinds: Kinds, person: Person, kind: AttributeKind) -> str:
    return next((text for name, its in kinds.items() if its == kind and (text := person.get(name, ""))), "")
