"""What a request's evidence is worth before anybody is compared: which identifiers are keys that may join,
and which lose that power by this very request, because too many records hold them (generic) or many
people may (shared)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rules.decision import Step
from rules.identifier import CANONICAL_SUFFIX, Evidence, Identifier
from rules.matching import Standing, base_type, is_live, is_vouched
from rules.record import Keys, Observation, Record, View
from rules.ruleset import IdentifierRules, RuleSet


class Reading(NamedTuple):
    """What the request's evidence is worth: keys that may join, and keys that lose that power now."""

    keys: Mapping[Identifier, Standing]
    generic: tuple[Identifier, ...]
    shared: tuple[Identifier, ...]
    steps: tuple[Step, ...]


def teaches_nothing(keys: Keys, rules: RuleSet, record: Record, evidence: Sequence[Evidence]) -> bool:
    """Whether the record's profile already says all that the request says; then no profile needs to be
    loaded.

    Reads only the keys of the evidence. A newly verified value is news; so is one that this profile lost to
    another.
    """
    observations = record.observations
    for identifier, status, _, verified in evidence:
        if status == "invalid":
            continue
        seen = observations.get(identifier)
        if (
            seen is None
            or seen.retired
            or seen.blocked == (status == "ok")
            or (verified and not seen.verified)
        ):
            return False
        if status == "ok":
            key = keys.key(identifier)
            if key.owner != record.profile_id and key.state == "normal" and may_own(rules, record, seen):
                return False
    return True


def may_own(rules: RuleSet, record: Record, seen: Observation) -> bool:
    """Whether the record's word can make its profile the owner of the key, while that is in state normal."""
    kind = joining_kind(rules, seen.identifier.type)
    if kind is None or kind.max_profiles > 1 or not is_live(seen):
        return False
    return not kind.require_verified or is_vouched(rules, record.id_space, seen.identifier, seen.verified)


def joining_kind(rules: RuleSet, type_: str) -> IdentifierRules | None:
    """The rules of a type that may join profiles; None for every other."""
    kind = rules.identifiers.get(type_.removesuffix(CANONICAL_SUFFIX))
    if kind is None or not kind.merge:
        return None
    if kind.provider_canonical == "off" and type_.endswith(CANONICAL_SUFFIX):
        return None
    return kind


def read(
    view: View, rules: RuleSet, id_space: str, record: Record | None, stored: Iterable[Evidence]
) -> Reading:
    """Sort the evidence that a record of this id space is about to hold; `record` is None while it is
    unknown."""
    keys: dict[Identifier, Standing] = {}
    generic: list[Identifier] = []
    shared: list[Identifier] = []
    steps: list[Step] = []
    for identifier, status, _, verified in stored:
        kind = joining_kind(rules, identifier.type)
        if status != "ok" or kind is None:
            continue
        key = view.key(identifier)
        found = fate(kind, key.state, key.holders - key.aged + (not _holds(record, identifier)))
        if found in ("normal", "crowded"):
            earlier = keys[identifier].verified if identifier in keys else False
            was_vouched = _was_vouched(rules, record, identifier)
            vouched = earlier or was_vouched or is_vouched(rules, id_space, identifier, verified)
            keys[identifier] = Standing(
                base_type(identifier),
                key.owner,
                vouched,
                crowded=found == "crowded",
                proved=vouched and not was_vouched,
            )
            continue
        steps.append(Step(f"key:{identifier.type}", None, found))
        if key.state == "normal":
            (shared if found == "shared" else generic).append(identifier)
    keys |= _recalled(view, rules, record, {*keys, *generic, *shared})
    return Reading(
        keys, tuple(dict.fromkeys(generic)), tuple(dict.fromkeys(shared)), tuple(dict.fromkeys(steps))
    )


def fate(kind: IdentifierRules, state: str, holders: int) -> str:
    """What a key is from this request on, counting its record among the holders."""
    if state != "normal":
        return state
    if kind.max_profiles > 1:
        return "shared"
    if kind.fanout_limit == 0 or holders <= kind.fanout_limit or kind.on_fanout == "ignore":
        return "normal"
    return "generic" if kind.on_fanout == "quarantine" else "crowded"


def _holds(record: Record | None, identifier: Identifier) -> bool:
    return record is not None and identifier in record.observations


def _was_vouched(rules: RuleSet, record: Record | None, identifier: Identifier) -> bool:
    seen = record.observations.get(identifier) if record is not None else None
    if record is None or seen is None:
        return False
    return is_vouched(rules, record.id_space, identifier, seen.verified)


def _recalled(
    view: View, rules: RuleSet, record: Record | None, stated: set[Identifier]
) -> dict[Identifier, Standing]:
    """The record's earlier keys: beside a stated one they complete a rule over several types, alone they
    raise nothing."""
    if record is None or all(len(rule.all_of) == 1 for rule in rules.rules):
        return {}
    return {
        identifier: Standing(
            base_type(identifier),
            key.owner,
            is_vouched(rules, record.id_space, identifier, seen.verified),
            stated=False,
        )
        for identifier, seen in record.observations.items()
        if identifier not in stated
        and is_live(seen)
        and joining_kind(rules, identifier.type)
        and (key := view.key(identifier)).state == "normal"
    }
