"""The plain case, which most new records are: nobody has any of their keys, or one profile has and nothing speaks against it.

It is decided without the rounds of `resolve`, and exactly as they would decide it. Wherever that is not certain at a
glance (a doubt, a limit that is near, rules that look further) the answer is None, and the long way is taken.
"""

from collections.abc import Collection, Sequence

from rules.decision import Decision, Step
from rules.evidence import fate, joining_kind
from rules.identifier import CANONICAL_SUFFIX, Evidence
from rules.matching import base_type
from rules.record import Key, Profile, View
from rules.ruleset import IdentifierRules, IdSpaceRules, Rule, RuleSet

_UNDECLARED = IdSpaceRules()
_Keys = dict[str, Key]
"""The request's keys by their types, of each at most one."""
_Agreed = list[frozenset[str]]
"""The types on which each record of the profile agrees with the request."""


def plain(view: View, rules: RuleSet, id_space: str, evidence: tuple[Evidence, ...]) -> Decision | None:
    """The decision on a record that is unknown; None when the case is not plain. `evidence` is without what is invalid."""
    keys = _keys(view, rules, evidence)
    if keys is None or rules.mode == "off" or not all(map(_looks_at_keys_only, rules.rules)):
        return None
    profiles = _profiles(view, keys)
    enforced = rules.mode == "enforce"
    if not profiles:
        own = tuple([key.identifier for key in keys.values()])
        return Decision("created", None, reason="new", evidence=evidence, own=own, enforced=enforced)
    if len(profiles) > 1:
        return None
    (profile,) = profiles.values()
    agreed = _agreed(profile, keys)
    together = frozenset[str]().union(*agreed)
    if not _is_written_out(rules, agreed) or not _has_room(rules, id_space, profile, keys, together):
        return None
    fired = [rule for rule in rules.rules if _fires(rule, profile, keys, agreed)]
    first = next((rule for rule in fired if rule.outcome == "merge"), None)
    if first is None or any(_may_differ(rule, profile, evidence, together) for rule in fired):
        return None
    profile_id = profile.profile_id
    return Decision(
        "attached",
        profile_id,
        rule=first.name,
        reason=f"rule:{first.name}",
        evidence=evidence,
        own=tuple([key.identifier for key in keys.values() if key.owner is None]),
        trace=tuple(
            [Step(f"rule:{rule.name}", profile_id, rule.outcome, "+".join(rule.all_of)) for rule in fired]
        ),
        enforced=enforced,
    )


def _looks_at_keys_only(rule: Rule) -> bool:
    return "*" in rule.id_spaces and not (rule.confirm_any or rule.needs_verified or rule.outcome == "never")


def _keys(view: View, rules: RuleSet, evidence: Sequence[Evidence]) -> _Keys | None:
    keys: _Keys = {}
    for identifier, status, _, _ in evidence:
        if status != "ok" or (kind := joining_kind(rules, identifier)) is None:
            continue
        key = view.key(identifier)
        if identifier.type in keys or _is_doubtful(kind, key):
            return None
        keys[identifier.type] = key
    return keys


def _is_doubtful(kind: IdentifierRules, key: Key) -> bool:
    if kind.require_verified or kind.stale_after:
        return True
    return fate(kind, key.state, key.holders - key.aged + 1) != "normal"


def _profiles(view: View, keys: _Keys) -> dict[int, Profile]:
    """Whoever owns one of the keys or holds it."""
    found: dict[int, Profile] = {}
    for key in keys.values():
        for profile_id in key.profiles if key.owner is None else (key.owner, *key.profiles):
            if profile_id not in found:
                profile = view.profile(profile_id)
                found[profile.profile_id] = profile
    return found


def _agreed(profile: Profile, keys: _Keys) -> _Agreed:
    found: _Agreed = []
    for record in profile.records.values():
        observations = record.observations
        types: list[str] = []
        for type_, key in keys.items():
            seen = observations.get(key.identifier)
            if seen is not None and not seen.retired and not seen.blocked:
                types.append(type_)
        if types:
            found.append(frozenset(types))
    return found


def _is_written_out(rules: RuleSet, agreed: _Agreed) -> bool:
    """No record agrees on a provider form alone, or on one that may join by itself."""
    for types in agreed:
        for type_ in types:
            if type_.endswith(CANONICAL_SUFFIX):
                written = type_.removesuffix(CANONICAL_SUFFIX)
                if written not in types or rules.identifiers[written].provider_canonical == "merge":
                    return False
    return True


def _has_room(
    rules: RuleSet, id_space: str, profile: Profile, keys: _Keys, together: Collection[str]
) -> bool:
    """No guard is near: one record more, and every value that is new to the profile, are within all limits."""
    records = profile.records
    if len(records) >= rules.merge.max_records:
        return False
    limits = rules.id_spaces.get(id_space, _UNDECLARED)
    ids = [record for record in records.values() if record.id_space == id_space]
    if limits.on_many_ids != "allow" and len(ids) >= limits.ids_per_profile:
        return False
    for type_, key in keys.items():
        kind = rules.identifiers.get(type_)
        if kind is None or kind.max_per_profile == 0:
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


def _fires(rule: Rule, profile: Profile, keys: _Keys, agreed: _Agreed) -> bool:
    """A single key leads to its owner only."""
    if len(rule.all_of) == 1:
        key = keys.get(rule.all_of[0])
        if key is None or key.owner != profile.profile_id:
            return False
    return any(map(frozenset(rule.all_of).issubset, agreed))


def _may_differ(
    rule: Rule, profile: Profile, evidence: Sequence[Evidence], together: Collection[str]
) -> bool:
    """Whether `unless_differs` could speak: both sides have values of a type on which they do not agree."""
    for type_ in rule.unless_differs if rule.outcome == "merge" else ():
        if (
            type_ not in together
            and any(base_type(e.identifier) == type_ for e in evidence if e.status == "ok")
            and any(base_type(one) == type_ for r in profile.records.values() for one in r.observations)
        ):
            return True
    return False
