"""Which rules fire between a request and one profile, and what each of them is worth there.

Rules compare records, never the mixed values of a whole profile: one record of the profile must agree on
every type of a rule. That keeps the answer independent of the order in which records came together (I7). A
single key leads to its owner (`_leads` says when to somebody else); several keys together speak for any
profile that holds them on one record. Whatever casts doubt on a merge (a provider form, an unverified, stale
or crowded key, differing facts) makes it a question for a person, never a silent no.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rules.decision import Step
from rules.identifier import CANONICAL_SUFFIX, Identifier
from rules.record import Observation, Pin, Profile, Record, View
from rules.ruleset import ANY_ID_SPACE, Rule, RuleSet

MatchOutcome = Literal["merge", "review", "never", "none"]


class Standing(NamedTuple):
    """How one of the request's keys stands. `type` is the declared type (the e-mail's for its provider
    form). `crowded`: held by too many records. `stated` False: known of the record from earlier
    requests, not said in this one. `proved`: verified by this request, and not on its record before."""

    type: str
    owner: int | None
    verified: bool
    crowded: bool = False
    stated: bool = True
    proved: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request as matching sees it: `keys` are the identifiers that may join profiles, `stated` all that
    it says (ok ones of any type), `own` its record's profile."""

    id_space: str
    now: int
    keys: Mapping[Identifier, Standing]
    stated: frozenset[Identifier] = frozenset()
    own: Profile | None = None
    attributes: Mapping[str, str] | None = None


class Match(NamedTuple):
    """What the rules say about the request and one profile. `rank` is the recorded rule's place in the rule
    set, `weight` orders evidence: the strongest agreeing type, then how many types agree."""

    profile: Profile
    outcome: MatchOutcome
    reason: str = ""
    rule: str = ""
    types: tuple[str, ...] = ()
    rank: int = 0
    weight: tuple[int, int] = (0, 0)
    steps: tuple[Step, ...] = ()


class _Agreement(NamedTuple):
    identifier: Identifier
    standing: Standing
    doubt: str
    stale: bool


class _Firing(NamedTuple):
    outcome: MatchOutcome
    doubt: str = ""


def base_type(identifier: Identifier) -> str:
    """The declared type whose rules an identifier follows."""
    return identifier.type.removesuffix(CANONICAL_SUFFIX)


def is_canonical(identifier: Identifier) -> bool:
    return identifier.type.endswith(CANONICAL_SUFFIX)


def is_live(observation: Observation) -> bool:
    return not (observation.retired or observation.blocked)


def live_identifiers(profile: Profile) -> Iterator[Identifier]:
    """What the profile's records still stand for; a value observed by two records comes twice."""
    for record in profile.records.values():
        for identifier, observation in record.observations.items():
            if is_live(observation):
                yield identifier


def is_vouched(rules: RuleSet, id_space: str, identifier: Identifier, verified: bool) -> bool:
    """Verified by itself, or by an id space that verifies every value of the type."""
    space = rules.id_spaces.get(id_space)
    return verified or (space is not None and base_type(identifier) in space.verified)


def leads_beyond_owners(rules: RuleSet) -> bool:
    """Whether a key can lead to a profile that holds it and does not own it."""
    return any(kind.require_verified for kind in rules.identifiers.values()) or any(
        len(rule.all_of) > 1 or rule.needs_verified or ANY_ID_SPACE not in rule.id_spaces
        for rule in rules.rules
    )


def judge(
    view: View,
    rules: RuleSet,
    request: Request,
    profile: Profile,
    pins: Iterable[Pin] = (),
    profile_attributes: Mapping[str, str] | None = None,
) -> Match:
    """Every rule is evaluated and leaves a step; the strongest outcome wins, the first rule that gave it is
    recorded.

    Pins outrank the rules: `cannot` beats all, `must` all but `cannot`. A `never` rule stops what other
    rules would join.
    """
    agreed = list(_agreements(rules, request, profile))
    fired = [
        (rank, rule, firing)
        for rank, rule in enumerate(rules.rules)
        if (firing := _fire(view, rules, rule, request, profile, agreed, profile_attributes or {}))
    ]
    steps = tuple(
        Step(f"rule:{rule.name}", profile.profile_id, firing.outcome, firing.doubt or "+".join(rule.all_of))
        for _, rule, firing in fired
    )
    pinned = {pin.kind for pin in pins if links(pin, request.own, profile, request.now)}
    if "cannot" in pinned:
        step = Step("pin:cannot", profile.profile_id, "none")
        return Match(profile, "never", "conflict:cannot", steps=(*steps, step))
    if "must" in pinned:
        step = Step("pin:must", profile.profile_id, "merge")
        return Match(profile, "merge", "pin:must", rank=-1, weight=(2**31, 0), steps=(*steps, step))
    return _strongest(rules, profile, fired, agreed, steps)


def links(pin: Pin, one: Profile | None, other: Profile, now: int) -> bool:
    """Whether the pin is in force and stands between the two profiles."""
    if one is None or (pin.until is not None and pin.until <= now):
        return False
    sides = (pin.record_a, pin.record_b)
    return any(a in one.records and b in other.records for a, b in (sides, sides[::-1]))


def forbidding_rule(view: View, rules: RuleSet, one: Profile, other: Profile) -> str | None:
    """The first `never` rule on which a record of each profile agree, by keys in state normal."""
    for rule in rules.rules:
        if rule.outcome == "never" and any(
            _share(view, rule, a, b) for a in one.records.values() for b in other.records.values()
        ):
            return rule.name
    return None


def _share(view: View, rule: Rule, one: Record, other: Record) -> bool:
    common = {
        identifier.type
        for identifier, observation in one.observations.items()
        if is_live(observation)
        and (there := other.observations.get(identifier))
        and is_live(there)
        and view.key(identifier).state == "normal"
    }
    return common.issuperset(rule.all_of) and _covers(rule, one.id_space, other.id_space)


def _covers(rule: Rule, *id_spaces: str) -> bool:
    return ANY_ID_SPACE in rule.id_spaces or all(space in rule.id_spaces for space in id_spaces)


def _agreements(
    rules: RuleSet, request: Request, profile: Profile
) -> Iterator[tuple[Record, dict[str, _Agreement]]]:
    """Per record of the profile, the types on which it agrees with the request, each by its least doubtful
    key."""
    for record in profile.records.values():
        agreed: dict[str, _Agreement] = {}
        for identifier, standing in request.keys.items():
            observation = record.observations.get(identifier)
            if observation is None or not is_live(observation):
                continue
            agreement = _agreement(rules, request, profile, record, identifier, standing)
            best = agreed.get(standing.type)
            if best is None or _reliability(agreement, profile) > _reliability(best, profile):
                agreed[standing.type] = agreement
        if agreed:
            yield record, agreed


def _reliability(agreement: _Agreement, profile: Profile) -> tuple[bool, ...]:
    """The profile's own key before one that it only holds: the order of the values in a request says nothing."""
    standing = agreement.standing
    own = standing.owner == profile.profile_id
    return (not agreement.doubt, not agreement.stale, standing.stated, own, standing.verified)


def _agreement(
    rules: RuleSet,
    request: Request,
    profile: Profile,
    record: Record,
    identifier: Identifier,
    standing: Standing,
) -> _Agreement:
    kind = rules.identifiers[standing.type]
    observation = record.observations[identifier]
    vouched = standing.verified and is_vouched(rules, record.id_space, identifier, observation.verified)
    doubt = ""
    if standing.crowded:
        doubt = "fanout_limit"
    elif is_canonical(identifier) and kind.provider_canonical != "merge":
        doubt = "provider_canonical"
    elif kind.require_verified and not vouched:
        doubt = "require_verified"
    stale = kind.stale_after > 0 and request.now - _last_seen(profile, identifier) > kind.stale_after
    return _Agreement(identifier, standing._replace(verified=vouched), doubt, stale)


def _last_seen(profile: Profile, identifier: Identifier) -> int:
    return max(
        observation.last_seen
        for record in profile.records.values()
        if (observation := record.observations.get(identifier)) and is_live(observation)
    )


def _fire(
    view: View,
    rules: RuleSet,
    rule: Rule,
    request: Request,
    profile: Profile,
    agreed: list[tuple[Record, dict[str, _Agreement]]],
    profile_attributes: Mapping[str, str],
) -> _Firing | None:
    """The rule's best outcome over the profile's records; None when no record agrees on all of its types."""
    doubts = [
        _doubt(rule, by_type)
        for record, by_type in agreed
        if _covers(rule, request.id_space, record.id_space)
        and _holds(view, rules, rule, request, profile, by_type)
    ]
    if not doubts:
        return None
    if rule.outcome != "merge":
        return _Firing(rule.outcome)
    if unconfirmed := _unconfirmed(rule, request, profile_attributes):
        return unconfirmed
    doubt = min(doubts) or _difference(view, rule, request, profile)
    return _Firing("review", doubt) if doubt else _Firing("merge")


def _holds(
    view: View,
    rules: RuleSet,
    rule: Rule,
    request: Request,
    profile: Profile,
    by_type: Mapping[str, _Agreement],
) -> bool:
    parts = [by_type[type_] for type_ in rule.all_of if type_ in by_type]
    if len(parts) < len(rule.all_of) or not any(part.standing.stated for part in parts):
        return False
    return len(parts) > 1 or rule.outcome == "never" or _leads(view, rules, rule, request, profile, parts[0])


def _leads(
    view: View, rules: RuleSet, rule: Rule, request: Request, profile: Profile, by: _Agreement
) -> bool:
    """Whether one key alone leads to the profile: it owns the key; or the rule has no use for the owner's word; or
    the owner is the request itself, which proves only now what the profile stated before."""
    owner, kind = by.standing.owner, rules.identifiers[by.standing.type]
    if owner == profile.profile_id:
        return True
    if ANY_ID_SPACE in rule.id_spaces and not (rule.needs_verified or kind.require_verified):
        return False
    if owner is None:
        return kind.require_verified and by.standing.proved and not by.standing.verified
    if request.own is not None and owner == request.own.profile_id:
        return by.standing.proved
    return not _is_witness(view.profile(owner), rules, rule, by.identifier)


def _is_witness(owner: Profile, rules: RuleSet, rule: Rule, identifier: Identifier) -> bool:
    """Whether one of the owner's records holds the key in a way that the rule can use."""
    return any(
        is_live(seen)
        and _covers(rule, record.id_space)
        and (not rule.needs_verified or is_vouched(rules, record.id_space, identifier, seen.verified))
        for record in owner.records.values()
        if (seen := record.observations.get(identifier))
    )


def _doubt(rule: Rule, by_type: Mapping[str, _Agreement]) -> str:
    """Why a merge by this rule needs a person; empty when it does not. A stale key needs a second one
    beside it."""
    parts = [by_type[type_] for type_ in rule.all_of]
    if doubt := next((part.doubt for part in parts if part.doubt), ""):
        return doubt
    if rule.needs_verified and not all(part.standing.verified for part in parts):
        return "needs_verified"
    return "stale_after" if len(by_type) == 1 and any(part.stale for part in parts) else ""


def _difference(view: View, rule: Rule, request: Request, profile: Profile) -> str:
    """`unless_differs:<type>` for the first type of which both sides have values and share none, else
    empty. A generic or shared value says nothing about a person, so it differs from nothing."""
    if not rule.unless_differs:
        return ""
    here = {*request.stated, *(live_identifiers(request.own) if request.own else ())}
    sides = [
        [i for i in side if view.key(i).state == "normal"] for side in (here, {*live_identifiers(profile)})
    ]
    for type_ in rule.unless_differs:
        ours, theirs = ({i for i in side if base_type(i) == type_} for side in sides)
        if ours and theirs and ours.isdisjoint(theirs):
            return f"unless_differs:{type_}"
    return ""


def _unconfirmed(rule: Rule, request: Request, profile_attributes: Mapping[str, str]) -> _Firing | None:
    """None when an attribute agrees, or when none can be compared and the rule does not insist."""
    ours = request.attributes or {}
    verdicts = [
        _plain(ours[name]) == _plain(profile_attributes[name])
        for name in rule.confirm_any
        if ours.get(name) and profile_attributes.get(name)
    ]
    if not rule.confirm_any or any(verdicts):
        return None
    if not verdicts:
        return _Firing("review", "confirm_missing") if rule.confirm_missing == "review" else None
    return _Firing("review" if rule.not_confirmed == "review" else "none", "not_confirmed")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _strongest(
    rules: RuleSet,
    profile: Profile,
    fired: list[tuple[int, Rule, _Firing]],
    agreed: list[tuple[Record, dict[str, _Agreement]]],
    steps: tuple[Step, ...],
) -> Match:
    order: tuple[MatchOutcome, ...] = ("never", "merge", "review", "none")
    if not fired:
        return Match(profile, "none")
    rank, rule, firing = min(fired, key=lambda each: order.index(each[2].outcome))
    strengths = {type_: rules.identifiers[type_].strength for _, by_type in agreed for type_ in by_type}
    return Match(
        profile,
        firing.outcome,
        f"rule:{rule.name}",
        rule.name,
        rule.all_of,
        rank,
        (max(strengths.values()), len(strengths)),
        steps,
    )
