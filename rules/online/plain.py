"""The plain case, which most new records are: nobody has any of their keys, or one profile has and nothing speaks against it.

It is decided without the rounds of `resolve`, and exactly as they would decide it. Wherever that is not certain at a
glance (a doubt, a limit that is near, rules that look further) the answer is None, and the long way is taken.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from rules.decision import Decision, Step
from rules.identifier import CANONICAL_SUFFIX, Evidence
from rules.matching import base_type
from rules.online.evidence import joining_kind
from rules.record import Key, Profile, View
from rules.ruleset import ANY_ID_SPACE, IdentifierRules, IdSpaceRules, Rule, RuleOutcome, RuleSet

_UNDECLARED = IdSpaceRules()
_NO_TYPES: frozenset[str] = frozenset()
_Keys = dict[str, Key]
"""The request's keys by their types, of each at most one."""
_Agreed = set[frozenset[str]]
"""The types on which a record of the profile agrees with the request, once for all records that agree on the same."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule, and what it says in every decision. `alone` is the one type that it asks for; `""` where it asks for several."""

    outcome: RuleOutcome
    name: str
    types: frozenset[str]
    alone: str
    differs: tuple[str, ...]
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Glance:
    """What a rule set says about the plain case, worked out once. `crowd` names the types that may join, with the number of
    records that hold a value from which on it is in doubt; 0 where every value is. `limited` are the types of which a profile
    may hold so many values only. `forms` are the provider forms, each with the written type that has to agree beside it;
    `""` for a form that joins by itself."""

    enforced: bool
    rules: tuple[_Rule, ...]
    crowd: Mapping[str, float]
    limited: Mapping[str, IdentifierRules]
    forms: Mapping[str, str]
    most_records: int
    id_spaces: Mapping[str, IdSpaceRules]


def plain(view: View, rules: RuleSet, id_space: str, evidence: tuple[Evidence, ...]) -> Decision | None:
    """The decision on a record that is unknown; None when the case is not plain. `evidence` is without what is invalid."""
    glance = _glance(rules)
    if glance is None:
        return None
    keys = _keys(view, glance, evidence)
    if keys is None:
        return None
    profiles = _profiles(view, keys)
    if not profiles:
        own = tuple([key.identifier for key in keys.values()])
        return Decision("created", None, reason="new", evidence=evidence, own=own, enforced=glance.enforced)
    if len(profiles) > 1:
        return None
    (profile,) = profiles.values()
    return _attached(glance, id_space, profile, keys, evidence)


# ---- the rule set, once ----


@lru_cache(maxsize=16)
def _glance(rules: RuleSet) -> _Glance | None:
    """None where no case is plain."""
    if rules.mode == "off" or not all(map(_looks_at_keys_only, rules.rules)):
        return None
    types = [name + form for name in rules.identifiers for form in ("", CANONICAL_SUFFIX)]
    joining = {type_: kind for type_ in types if (kind := joining_kind(rules, type_))}
    return _Glance(
        enforced=rules.mode == "enforce",
        rules=tuple(map(_rule, rules.rules)),
        crowd={type_: _crowd(kind) for type_, kind in joining.items()},
        limited={name: kind for name, kind in rules.identifiers.items() if kind.max_per_profile},
        forms={
            type_: _written(type_, kind)
            for type_, kind in joining.items()
            if type_.endswith(CANONICAL_SUFFIX)
        },
        most_records=rules.merge.max_records,
        id_spaces=rules.id_spaces,
    )


def _looks_at_keys_only(rule: Rule) -> bool:
    return ANY_ID_SPACE in rule.id_spaces and not (
        rule.confirm_any or rule.needs_verified or rule.outcome == "never"
    )


def _rule(rule: Rule) -> _Rule:
    return _Rule(
        outcome=rule.outcome,
        name=rule.name,
        types=frozenset(rule.all_of),
        alone=rule.all_of[0] if len(rule.all_of) == 1 else "",
        differs=rule.unless_differs if rule.outcome == "merge" else (),
        code=f"rule:{rule.name}",
        detail="+".join(rule.all_of),
    )


def _crowd(kind: IdentifierRules) -> float:
    if kind.require_verified or kind.stale_after or kind.max_profiles > 1:
        return 0
    return inf if kind.fanout_limit == 0 or kind.on_fanout == "ignore" else kind.fanout_limit


def _written(form: str, kind: IdentifierRules) -> str:
    return "" if kind.provider_canonical == "merge" else form.removesuffix(CANONICAL_SUFFIX)


# ---- one request ----


def _keys(view: View, glance: _Glance, evidence: Sequence[Evidence]) -> _Keys | None:
    """None where one of them is in doubt."""
    keys: _Keys = {}
    for identifier, status, _, _ in evidence:
        type_ = identifier.type
        if status != "ok" or (crowd := glance.crowd.get(type_)) is None:
            continue
        key = view.key(identifier)
        if type_ in keys or key.state != "normal" or key.holders - key.aged >= crowd:
            return None
        keys[type_] = key
    return keys


def _profiles(view: View, keys: _Keys) -> dict[int, Profile]:
    """Whoever owns one of the keys or holds it."""
    found: dict[int, Profile] = {}
    for key in keys.values():
        for profile_id in key.profiles if key.owner is None else (key.owner, *key.profiles):
            if profile_id not in found:
                profile = view.profile(profile_id)
                found[profile.profile_id] = profile
    return found


def _attached(
    glance: _Glance, id_space: str, profile: Profile, keys: _Keys, evidence: tuple[Evidence, ...]
) -> Decision | None:
    agreed = _agreed(profile, keys)
    together = _NO_TYPES.union(*agreed)
    if not _is_written_out(glance, agreed) or not _has_room(glance, id_space, profile, keys, together):
        return None
    profile_id = profile.profile_id
    fired = [rule for rule in glance.rules if _fires(rule, profile_id, keys, agreed)]
    joining = [rule for rule in fired if rule.outcome == "merge"]
    if not joining or _may_differ(joining, profile, evidence, together):
        return None
    return Decision(
        "attached",
        profile_id,
        rule=joining[0].name,
        reason=joining[0].code,
        evidence=evidence,
        own=tuple([key.identifier for key in keys.values() if key.owner is None]),
        trace=tuple([Step(rule.code, profile_id, rule.outcome, rule.detail) for rule in fired]),
        enforced=glance.enforced,
    )


def _agreed(profile: Profile, keys: _Keys) -> _Agreed:
    found: _Agreed = set()
    for record in profile.records.values():
        observations = record.observations
        types: list[str] = []
        for type_, key in keys.items():
            seen = observations.get(key.identifier)
            if seen is not None and not seen.retired and not seen.blocked:
                types.append(type_)
        if types:
            found.add(frozenset(types))
    return found


def _is_written_out(glance: _Glance, agreed: _Agreed) -> bool:
    """No record agrees on a provider form alone, or on one that may join by itself."""
    for types in agreed:
        for type_ in types:
            written = glance.forms.get(type_)
            if written is not None and written not in types:
                return False
    return True


def _has_room(
    glance: _Glance, id_space: str, profile: Profile, keys: _Keys, together: Collection[str]
) -> bool:
    """No guard is near: one record more, and every value that is new to the profile, are within all limits."""
    records = profile.records
    if len(records) >= glance.most_records:
        return False
    limits = glance.id_spaces.get(id_space, _UNDECLARED)
    if len(records) >= limits.ids_per_profile and limits.on_many_ids != "allow":
        ids = [record for record in records.values() if record.id_space == id_space]
        if len(ids) >= limits.ids_per_profile:
            return False
    for type_, key in keys.items():
        kind = glance.limited.get(type_)
        if kind is None:
            continue
        if type_ in together and key.owner == profile.profile_id and kind.window is None:
            continue
        if not _has_room_for_a_value(kind, type_, profile):
            return False
    return True


def _has_room_for_a_value(kind: IdentifierRules, type_: str, profile: Profile) -> bool:
    if kind.immutable or kind.max_per_profile == 1 or kind.at_limit == "review":
        return False
    records = profile.records.values()
    values = {one for record in records for one in record.observations if one.type == type_}
    return len(values) < kind.max_per_profile


def _fires(rule: _Rule, profile_id: int, keys: _Keys, agreed: _Agreed) -> bool:
    """A single key leads to its owner only."""
    if rule.alone:
        key = keys.get(rule.alone)
        if key is None or key.owner != profile_id:
            return False
    for types in agreed:  # noqa: SIM110 - twice as fast as any()
        if rule.types <= types:
            return True
    return False


def _may_differ(
    rules: Iterable[_Rule], profile: Profile, evidence: Sequence[Evidence], together: Collection[str]
) -> bool:
    """Whether `unless_differs` could speak: both sides have values of a type on which they do not agree."""
    for rule in rules:
        for type_ in rule.differs:
            if (
                type_ not in together
                and any(base_type(e.identifier) == type_ for e in evidence if e.status == "ok")
                and any(base_type(one) == type_ for r in profile.records.values() for one in r.observations)
            ):
                return True
    return False
