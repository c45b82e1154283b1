"""Chooses the surviving profile of a merge, by a total order, and the winning value of an attribute, at every read.

Neither choice depends on the order in which things arrived (I7). A merge overwrites nothing, so a split has nothing to restore:
the same values, read over fewer records, give the former answer (I10).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rules.record import Profile
from rules.ruleset import HAS, ID_SPACE, ID_SPACE_ORDER, Attributes, RuleSet

_LARGEST = 1e300


class AttributeValue(NamedTuple):
    """One record's value of one attribute: any JSON value, with the moment (ms UTC) from which it applies."""

    name: str
    value: Any
    record_id: int
    id_space: str
    at: int


def survivor(rules: RuleSet, profiles: Sequence[Profile]) -> Profile:
    """The profile that absorbs the others, by `merge.survivor`: `has:<type>`, `id_space:<name>`, `oldest`, `newest`,
    `most_records`, `lowest_id`. If these criteria do not decide, the lowest id does, so the order is total."""
    if len(profiles) == 1:
        return profiles[0]
    return min(profiles, key=lambda one: (*(_place(by, one) for by in rules.merge.survivor), one.profile_id))


def winning(rules: RuleSet, values: Iterable[AttributeValue]) -> dict[str, Any]:
    """The winning value of each attribute that has one. If values tie, the more trusted id space wins, then the lowest record
    id. `union` gives a list without repetitions, `sum` a number."""
    by_name: defaultdict[str, list[AttributeValue]] = defaultdict(list)
    for value in values:
        by_name[value.name].append(value)
    return {
        name: chosen[0]
        for name, candidates in by_name.items()
        if (
            chosen := _choose(
                rules.attributes, strategy_of(rules.attributes, name), _by_trust(rules, candidates)
            )
        )
    }


def strategy_of(rules: Attributes, name: str) -> str:
    """The strategy for the attribute itself, or else for its longest `prefix.*`, or else the default."""
    stems = name.split(".")
    patterns = (".".join(stems[:length]) + ".*" for length in range(len(stems) - 1, 0, -1))
    return next(
        (rules.strategies[key] for key in (name, *patterns) if key in rules.strategies), rules.default
    )


def _place(criterion: str, profile: Profile) -> int:
    match criterion:
        case "oldest":
            return profile.created_at
        case "newest":
            return -profile.created_at
        case "most_records":
            return -len(profile.records)
        case "lowest_id":
            return profile.profile_id
        case _ if criterion.startswith(HAS):
            return all(held.type != criterion.removeprefix(HAS) for held in profile.live_identifiers())
        case _:
            wanted = criterion.removeprefix(ID_SPACE)
            return all(record.id_space != wanted for record in profile.records.values())


def _by_trust(rules: RuleSet, candidates: Iterable[AttributeValue]) -> list[AttributeValue]:
    return sorted(candidates, key=lambda one: (-rules.id_space(one.id_space).trust, one.record_id, one.at))


def _choose(rules: Attributes, strategy: str, ordered: list[AttributeValue]) -> list[Any]:
    """The winning value as a list of one, or an empty list. `min` and `max` keep the first of equal values, which the tie-break
    put first."""
    if rules.ignore_empty or strategy == "first_non_empty":
        ordered = [one for one in ordered if not _is_empty(one.value)]
    if not ordered:
        return []
    match strategy:
        case "union":
            return [_union(ordered)]
        case "sum":
            numbers = [one.value for one in ordered if _can_be_added(one.value)]
            return [sum(numbers)] if numbers else []
        case _:
            return [_pick(strategy, ordered).value]


def _pick(strategy: str, ordered: list[AttributeValue]) -> AttributeValue:
    match strategy:
        case "oldest":
            return min(ordered, key=lambda one: one.at)
        case "longest":
            return max(
                ordered, key=lambda one: len(one.value if isinstance(one.value, str) else _text(one.value))
            )
        case "most_frequent":
            counts = Counter(_text(one.value) for one in ordered)
            return max(ordered, key=lambda one: counts[_text(one.value)])
        case "most_restrictive":
            return min(ordered, key=lambda one: not _is_denial(one.value))
        case "first_non_empty":
            return ordered[0]
        case _ if strategy.startswith(ID_SPACE_ORDER):
            places = strategy.removeprefix(ID_SPACE_ORDER).split(",")
            return min(
                ordered,
                key=lambda one: (
                    places.index(one.id_space) if one.id_space in places else len(places),
                    -one.at,
                ),
            )
        case _:
            return max(ordered, key=lambda one: one.at)


def _union(ordered: Iterable[AttributeValue]) -> list[Any]:
    members = (
        member for one in ordered for member in (one.value if isinstance(one.value, list) else [one.value])
    )
    return list({_text(member): member for member in members}.values())


def _is_empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _can_be_added(value: Any) -> bool:
    """Whether it is a number, and so far from the largest float that no sum of its kind is beyond it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_denial(value: Any) -> bool:
    return value is False or (
        isinstance(value, str) and value.strip().casefold() in {"denied", "no", "false"}
    )


def _text(value: Any) -> str:
    """The same text for equal JSON values; 1, true and "1" differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
