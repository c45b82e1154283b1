"""Values that are almost the same: a number or an address with one digit or letter wrong, missing, or in excess, or with two
neighbours swapped; and the same local part at another provider. That is no evidence for a merge, only for a question.

Comparing each of a million values with all others would take days. So a value is filed under itself and under itself without one
of its characters (the symmetric deletion index of spelling correctors): two values that are one edit or one swap apart always meet
under one of these. The index of a million values has some fifteen million keys. So it has 8 bytes for each, in which are a hash of
the key and the place of the value; sorted, the values of one key are neighbours. That two keys have one hash happens to a few of a
million values, and does no harm: whether two values are near is then seen by themselves. A key under which very many values meet
says nothing, and is passed over.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from rapidfuzz.distance import OSA

from rules.ruleset import IdentifierKind

Nearness = Literal["typing", "provider"]
MOST_AT_ONE_KEY = 40
_SHORTEST_LOCAL = 5
_SHORTEST_SHARED_LOCAL = 7
_SHORTEST_NUMBER = 8
_HASHES = 1 << 60
_PARTS = 64
"""Sorted one after the other, because a list takes more memory than an array."""
_ENTRIES = 1 << 64


class NearPair(NamedTuple):
    """Positions of two values, the smaller one first."""

    one: int
    other: int
    nearness: Nearness


def nearness(kind: IdentifierKind, one: str, other: str) -> Nearness | None:
    """How two different values of a type are near, if they are. Short values are not: one letter is too much of them."""
    if one == other:
        return None
    if kind == "phone":
        long_enough = min(len(one), len(other)) > _SHORTEST_NUMBER
        return "typing" if long_enough and _is_typing(one, other) else None
    if kind != "email":
        return None
    (local, _, domain), (other_local, _, other_domain) = one.rpartition("@"), other.rpartition("@")
    if domain == other_domain:
        long_enough = min(len(local), len(other_local)) >= _SHORTEST_LOCAL
        return "typing" if long_enough and _is_typing(local, other_local) else None
    if local != other_local:
        return None
    if len(local) >= _SHORTEST_LOCAL and _is_typing(domain, other_domain):
        return "typing"
    return "provider" if len(local) >= _SHORTEST_SHARED_LOCAL else None


def _is_typing(one: str, other: str) -> bool:
    return OSA.distance(one, other, score_cutoff=1) == 1


def near_pairs(kind: IdentifierKind, values: Sequence[str]) -> Iterator[NearPair]:
    """All pairs of these different values that are near, each once, in no particular order."""
    known: set[tuple[int, int]] = set()
    for places in _meetings(kind, values):
        for pair in combinations(places, 2):
            how = nearness(kind, values[pair[0]], values[pair[1]])
            if how is not None and pair not in known:
                known.add(pair)
                yield NearPair(*pair, how)


def _meetings(kind: IdentifierKind, values: Sequence[str]) -> Iterator[list[int]]:
    """Positions, in order, of the values that meet under one key."""
    places = max(1, len(values))
    most = _ENTRIES // places
    parts = [array("Q") for _ in range(_PARTS)]
    for place, value in enumerate(values):
        for key in keys(kind, value):
            hashed, part = divmod(hash(key) % _HASHES, _PARTS)
            parts[part].append(hashed % most * places + place)
    while parts:
        yield from _shared(sorted(parts.pop()), places)


def _shared(entries: Sequence[int], places: int) -> Iterator[list[int]]:
    """The places of those entries that have one hash, if they are not too many."""
    last, found = -1, list[int]()
    for entry in entries:
        hashed, place = divmod(entry, places)
        if hashed == last:
            found.append(place)
            continue
        if 1 < len(found) <= MOST_AT_ONE_KEY:
            yield found
        last, found = hashed, [place]
    if 1 < len(found) <= MOST_AT_ONE_KEY:
        yield found


def keys(kind: IdentifierKind, value: str) -> set[str]:
    """Under which a value is filed."""
    if kind == "phone":
        return _without_one(value) if len(value) > _SHORTEST_NUMBER else set()
    local, _, domain = value.rpartition("@")
    if kind != "email" or len(local) < _SHORTEST_LOCAL:
        return set()
    return {f"{local}@", *(f"{one}@{domain}" for one in _without_one(local))}


def _without_one(text: str) -> set[str]:
    return {text, *(text[:place] + text[place + 1 :] for place in range(len(text)))}
