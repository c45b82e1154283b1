"""Evaluates a request's evidence before profiles are compared: which identifiers are keys that may join, and which stop
matching with this request, because too many records hold them (generic) or several people may share them (shared)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rules.decision import Step
from rules.identifier import Evidence, Identifier
from rules.matching import Standing
from rules.policy import KeyType, Policy
from rules.record import Key, Ownership, Record, View


class Reading(NamedTuple):
    """The evaluated evidence of a request: keys that may join, and keys that stop matching now."""

    keys: Mapping[Identifier, Standing]
    generic: tuple[Identifier, ...] = ()
    shared: tuple[Identifier, ...] = ()
    steps: tuple[Step, ...] = ()


def teaches_nothing(
    ownership: Callable[[Identifier], Ownership | Key],
    policy: Policy,
    record: Record,
    evidence: Sequence[Evidence],
) -> bool:
    """Whether the record's profile already says everything that the request says, so that no profile needs to be loaded.

    Asks only about identifiers that are both in the evidence and on the record. A newly verified value is news, and so is a value
    that this profile lost to another.
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
            key = ownership(identifier)
            if key.owner != record.profile_id and key.state == "normal" and policy.may_own(record, seen):
                return False
    return True


def read(
    view: View, policy: Policy, id_space: str, record: Record | None, stored: Iterable[Evidence]
) -> Reading:
    """Sort the evidence that a record of this id space is about to hold. `record` is None while it is unknown."""
    keys: dict[Identifier, Standing] = {}
    powerless: list[tuple[Key, str]] = []
    for identifier, status, _, says_verified in stored:
        key_type = policy.key_types.get(identifier.type)
        if status != "ok" or key_type is None:
            continue
        key = view.key(identifier)
        power = _power(key, key_type, record)
        if power == "normal" or power == "crowded":
            was_verified = record is not None and _was_verified(policy, record, identifier)
            verified = was_verified or policy.counts_as_verified(id_space, identifier.type, says_verified)
            if identifier in keys:
                verified = verified or keys[identifier].verified
            proved = verified and not was_verified
            keys[identifier] = Standing(
                key_type.declared, key.owner, verified, power == "crowded", True, proved
            )
        else:
            powerless.append((key, power))
    if record is not None and policy.compares_several:
        keys |= _recalled(view, policy, record, {*keys, *(key.identifier for key, _ in powerless)})
    return _sorted_out(keys, powerless) if powerless else Reading(keys)


def _power(key: Key, key_type: KeyType, record: Record | None) -> str:
    """The state of the key from this request on, with its record counted among the holders."""
    if key.state != "normal":
        return key.state
    holds = record is not None and key.identifier in record.observations
    return key_type.power(key.holders - key.aged + (not holds))


def _was_verified(policy: Policy, record: Record, identifier: Identifier) -> bool:
    seen = record.observations.get(identifier)
    return seen is not None and policy.counts_as_verified(record.id_space, identifier.type, seen.verified)


def _sorted_out(keys: Mapping[Identifier, Standing], powerless: Sequence[tuple[Key, str]]) -> Reading:
    turned = [(key.identifier, power) for key, power in powerless if key.state == "normal"]
    return Reading(
        keys,
        tuple(dict.fromkeys(one for one, power in turned if power == "generic")),
        tuple(dict.fromkeys(one for one, power in turned if power == "shared")),
        tuple(dict.fromkeys(Step(f"key:{key.identifier.type}", None, power) for key, power in powerless)),
    )


def _recalled(
    view: View, policy: Policy, record: Record, stated: set[Identifier]
) -> dict[Identifier, Standing]:
    """The record's earlier keys. Beside a stated key they can complete a rule over several types; alone they have no effect."""
    return {
        identifier: Standing(
            key_type.declared,
            key.owner,
            policy.counts_as_verified(record.id_space, identifier.type, seen.verified),
            stated=False,
        )
        for identifier, seen in record.observations.items()
        if identifier not in stated
        and seen.is_live
        and (key_type := policy.key_types.get(identifier.type))
        and (key := view.key(identifier)).state == "normal"
    }
