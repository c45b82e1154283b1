"""Evaluates which rules fire between a request and one profile, and how strong each result is.

Rules compare records, never the mixed values of a whole profile: one record of the profile must agree on every type of a rule.
So the answer does not depend on the order in which records were joined (I7). A single key joins its owner alone (`_leads` says
when it joins another profile). Several keys together match any profile that holds them on one record. A doubt (a provider form,
an unverified, stale or crowded key, differing facts) turns a merge into a question for a person, never into a silent no. A
question is asked about every profile that holds the key, not only about its owner; for a crowded key, about the owner alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from rules.confirmation import RecordAttributes, Sides, confirmation, difference
from rules.decision import Step
from rules.identifier import Identifier, declared_type
from rules.policy import Policy, PolicyRule
from rules.record import Judgement, Profile, Record, View

MatchOutcome = Literal["merge", "review", "never", "none"]
STRENGTH: Mapping[MatchOutcome, int] = {"never": 0, "merge": 1, "review": 2, "none": 3}
"""The strongest first."""


class Standing(NamedTuple):
    """The state of one of the request's keys. `type` is the declared type (the e-mail type for its provider form). `crowded`:
    too many records hold it. `stated` False: earlier requests stated it of the record, this one does not. `proved`: this
    request verifies it, and it was not verified on its record before. `disputed`: its owner is in doubt itself, so other holders
    are asked about too."""

    type: str
    owner: int | None
    verified: bool
    crowded: bool = False
    stated: bool = True
    proved: bool = False
    disputed: bool = False


class Request(NamedTuple):
    """A request as matching sees it. `keys` are the identifiers that may join profiles, `stated` all valid ones that it states,
    of any type, and `own` is the profile of its record. `attributes` are the texts that its record says."""

    id_space: str
    now: int
    keys: Mapping[Identifier, Standing]
    stated: frozenset[Identifier] = frozenset()
    own: Profile | None = None
    attributes: Mapping[str, str] | None = None


class Match(NamedTuple):
    """The result of the rules for the request and one profile. `rank` is the position of the recorded rule in the rule set.
    `weight` sorts evidence: by the strongest agreeing type, then by the number of agreeing types."""

    profile: Profile
    outcome: MatchOutcome
    reason: str = ""
    rule: str = ""
    types: tuple[str, ...] = ()
    rank: int = 0
    weight: tuple[int, int] = (0, 0)
    steps: tuple[Step, ...] = ()


class _Agreement(NamedTuple):
    """A key that the request and a record share. `verified`: on both sides. `worthless`: on neither, and the type requires it."""

    identifier: Identifier
    standing: Standing
    verified: bool
    worthless: bool
    doubt: str
    stale: bool


_ByType: TypeAlias = dict[str, _Agreement]


class _Agreed(NamedTuple):
    """The declared types on which the request agrees with each record of the profile, and with any of them."""

    records: Sequence[tuple[Record, _ByType]]
    types: set[str]


class _Firing(NamedTuple):
    outcome: MatchOutcome
    doubt: str = ""
    confirmed: str = ""


class _Support(NamedTuple):
    """An agreement on all types of a rule. `leads`: its key joins the profile, unless there is a `doubt`. `disputed`: its owner is
    in doubt."""

    leads: bool
    doubt: str = ""
    disputed: bool = False


_SAYS_NOTHING: Mapping[str, str] = {}
_JOINS = _Support(leads=True)
OWNED_ELSEWHERE = "owned_elsewhere"
"""The doubt about a profile that agrees, while the key belongs to another one that is in doubt."""


def match_profile(
    view: View,
    policy: Policy,
    request: Request,
    profile: Profile,
    pins: Iterable[Judgement] = (),
    attributes: RecordAttributes | None = None,
    rules: Sequence[PolicyRule] | None = None,
) -> Match:
    """Evaluate every rule (or those in `rules`); each leaves a step. The strongest outcome wins, and the first rule that gave
    it is recorded.

    Pins outrank the rules: `cannot` beats everything, `must` everything but `cannot`. A `never` rule stops what other rules
    would join.
    """
    agreed = _agreements(policy, request, profile)
    fired = [
        (rule, firing)
        for rule in (policy.rules if rules is None else rules)
        if agreed.types.issuperset(rule.all_of)
        and (firing := _fire(view, policy, rule, request, profile, agreed, attributes))
    ]
    steps = _steps(profile, fired)
    pinned = {pin.kind for pin in pins if links(pin, request.own, profile, request.now)} if pins else ()
    if "cannot" in pinned:
        step = Step("pin:cannot", profile.profile_id, "none")
        return Match(profile, "never", "conflict:cannot", steps=(*steps, step))
    if "must" in pinned:
        step = Step("pin:must", profile.profile_id, "merge")
        return Match(profile, "merge", "pin:must", rank=-1, weight=(2**31, 0), steps=(*steps, step))
    if not fired:
        return Match(profile, "none")
    rule, firing = min(fired, key=lambda each: STRENGTH[each[1].outcome])
    return Match(
        profile, firing.outcome, rule.code, rule.name, rule.all_of, rule.rank, _weight(policy, agreed), steps
    )


def _steps(profile: Profile, fired: Sequence[tuple[PolicyRule, _Firing]]) -> tuple[Step, ...]:
    """The rules that fired, and then which attributes confirmed them."""
    return (
        *[Step(rule.code, profile.profile_id, one.outcome, one.doubt or rule.types) for rule, one in fired],
        *[
            Step(f"confirmed:{rule.name}", profile.profile_id, one.outcome, one.confirmed)
            for rule, one in fired
            if one.confirmed
        ],
    )


def with_disputed(request: Request, matches: Iterable[Match]) -> Request:
    """The request, once these matches have shown which of its keys belong to a profile that is in doubt itself."""
    doubtful = {match.profile.profile_id for match in matches if match.outcome == "review"}
    disputed = {
        identifier: key._replace(disputed=True)
        for identifier, key in request.keys.items()
        if key.owner in doubtful and key.stated
    }
    return request._replace(keys={**request.keys, **disputed}) if disputed else request


def links(pin: Judgement, one: Profile | None, other: Profile, now: int) -> bool:
    """Whether the pin is in force and concerns the two profiles."""
    return one is not None and pin.is_in_force(now) and pin.is_between(one, other)


# ---- agreement ----


def _agreements(policy: Policy, request: Request, profile: Profile) -> _Agreed:
    """The least doubtful key of each type; a key that the profile owns comes before one that it only holds. The order of the
    values in a request does not matter."""
    agreed: list[tuple[Record, _ByType]] = []
    types: set[str] = set()
    unverified: dict[Identifier, _Agreement] = {}
    for record in profile.records.values():
        observations = record.observations
        by_type: _ByType = {}
        for identifier, standing in request.keys.items():
            seen = observations.get(identifier)
            if seen is None or seen.retired or seen.blocked:
                continue
            agreement = None if standing.verified else unverified.get(identifier)
            if agreement is None:
                verified = policy.counts_as_verified(record.id_space, identifier.type, seen.verified)
                agreement = _agreement(policy, request, profile, identifier, standing, verified)
                if not (standing.verified or policy.key_types[identifier.type].verified_only):
                    unverified[identifier] = agreement
            best = by_type.get(standing.type)
            if best is None or _reliability(agreement, profile) > _reliability(best, profile):
                by_type[standing.type] = agreement
        if by_type:
            agreed.append((record, by_type))
            types.update(by_type)
    return _Agreed(agreed, types)


def _reliability(agreement: _Agreement, profile: Profile) -> tuple[bool, ...]:
    _, standing, verified, worthless, doubt, stale = agreement
    own = standing.owner == profile.profile_id
    return not doubt, not worthless, not stale, standing.stated, own, verified


def _agreement(
    policy: Policy,
    request: Request,
    profile: Profile,
    identifier: Identifier,
    standing: Standing,
    verified: bool,
) -> _Agreement:
    """`verified`: by the record."""
    key_type = policy.key_types[identifier.type]
    worthless = key_type.verified_only and not (standing.verified or verified)
    verified = verified and standing.verified
    doubt = ""
    if standing.crowded:
        doubt = "fanout_limit"
    elif not key_type.joins_alone:
        doubt = "provider_canonical"
    elif key_type.verified_only and not verified:
        doubt = "require_verified"
    stale = key_type.stale_after > 0 and key_type.is_stale(request.now - _last_seen(profile, identifier))
    return _Agreement(identifier, standing, verified, worthless, doubt, stale)


def _last_seen(profile: Profile, identifier: Identifier) -> int:
    return max(
        seen.last_seen
        for record in profile.records.values()
        if (seen := record.observations.get(identifier)) and seen.is_live
    )


def _weight(policy: Policy, agreed: _Agreed) -> tuple[int, int]:
    return max([policy.key_types[type_].strength[1] for type_ in agreed.types]), len(agreed.types)


# ---- rules ----


def _fire(
    view: View,
    policy: Policy,
    rule: PolicyRule,
    request: Request,
    profile: Profile,
    agreed: _Agreed,
    attributes: RecordAttributes | None,
) -> _Firing | None:
    """The rule's best outcome over the profile's records; None if no record agrees on all of its types."""
    support = _support(view, policy, rule, request, profile, agreed)
    if support is None:
        return None
    both = Sides(policy, request.attributes or _SAYS_NOTHING, profile, attributes)
    confirmed = confirmation(rule, both)
    if confirmed.outcome is not None:
        return _Firing(confirmed.outcome, confirmed.detail)
    if rule.outcome != "merge":
        return _Firing(rule.outcome, confirmed=confirmed.detail)
    doubt = support.doubt or _difference(view, rule, request, profile, agreed) or difference(rule, both)
    if not support.leads and not doubt:
        if not support.disputed:
            return None
        doubt = OWNED_ELSEWHERE
    return _Firing("review" if doubt else "merge", doubt, confirmed.detail)


def _support(
    view: View, policy: Policy, rule: PolicyRule, request: Request, profile: Profile, agreed: _Agreed
) -> _Support | None:
    """The best agreement on the rule's types: one that joins, then one in doubt, then one that does not lead to the profile."""
    best: _Support | None = None
    for record, by_type in agreed.records:
        parts = _parts(rule, by_type)
        if parts is None or not rule.covers(request.id_space, record.id_space):
            continue
        leads = _holds(view, policy, rule, request, profile, parts)
        if not leads and not _may_be_asked_about(rule, parts):
            continue
        found = _Support(leads, _doubt(rule, parts, by_type), not leads and parts[0].standing.disputed)
        if found == _JOINS:
            return found
        best = found if best is None else min(best, found, key=_needs)
    return best


def _needs(support: _Support) -> tuple[bool, str]:
    return not support.doubt, support.doubt


def _may_be_asked_about(rule: PolicyRule, parts: Sequence[_Agreement]) -> bool:
    """Whether a key that does not lead to the profile may raise a question about it."""
    part = parts[0]
    return bool(rule.alone) and part.standing.stated and not part.standing.crowded and not part.worthless


def _parts(rule: PolicyRule, by_type: _ByType) -> Sequence[_Agreement] | None:
    if rule.alone:
        return (by_type[rule.alone],) if rule.alone in by_type else None
    parts = [by_type[type_] for type_ in rule.all_of if type_ in by_type]
    return parts if len(parts) == len(rule.all_of) else None


def _holds(
    view: View,
    policy: Policy,
    rule: PolicyRule,
    request: Request,
    profile: Profile,
    parts: Sequence[_Agreement],
) -> bool:
    if rule.alone:
        (part,) = parts
        return part.standing.stated and (
            rule.outcome == "never" or _leads(view, policy, rule, request, profile, part)
        )
    return any(part.standing.stated for part in parts)


def _leads(
    view: View, policy: Policy, rule: PolicyRule, request: Request, profile: Profile, by: _Agreement
) -> bool:
    """Whether one key alone joins the profile. It does if the profile owns the key, if the rule cannot use what the owner
    stated, or if the owner is the request itself, which only now verifies what the profile stated before."""
    owner, key_type = by.standing.owner, policy.key_types[by.standing.type]
    if owner == profile.profile_id:
        return True
    if rule.asks_the_owner_only(key_type):
        return False
    if owner is None:
        return False
    if request.own is not None and owner == request.own.profile_id:
        return by.standing.proved
    return not _is_witness(view.profile(owner), policy, rule, by.identifier)


def _is_witness(owner: Profile, policy: Policy, rule: PolicyRule, identifier: Identifier) -> bool:
    """Whether one of the owner's records holds the key in a way that the rule can use."""
    return any(
        seen.is_live
        and rule.covers(record.id_space)
        and (
            not rule.needs_verified
            or policy.counts_as_verified(record.id_space, identifier.type, seen.verified)
        )
        for record in owner.records.values()
        if (seen := record.observations.get(identifier))
    )


def _doubt(rule: PolicyRule, parts: Sequence[_Agreement], by_type: _ByType) -> str:
    """The doubt about the matching keys; empty if there is none. A stale key needs a second key beside it."""
    for part in parts:
        if part.doubt:
            return part.doubt
    if rule.needs_verified and not all(part.verified for part in parts):
        return "needs_verified"
    return "stale_after" if len(by_type) == 1 and any(part.stale for part in parts) else ""


def _difference(view: View, rule: PolicyRule, request: Request, profile: Profile, agreed: _Agreed) -> str:
    """`unless_differs:<type>` for the first type where both sides have values and share none, else
    empty. A generic or shared value says nothing about a person, so it differs from nothing."""
    for type_ in rule.unless_differs:
        if type_ in agreed.types:
            continue
        ours = {one for one in request.stated if declared_type(one.type) == type_}
        if request.own is not None:
            ours |= _of_type(type_, request.own)
        if ours and _differ(view, ours, _of_type(type_, profile)):
            return f"unless_differs:{type_}"
    return ""


def _of_type(type_: str, profile: Profile) -> set[Identifier]:
    return {one for one in profile.live_identifiers() if declared_type(one.type) == type_}


def _differ(view: View, ours: set[Identifier], theirs: set[Identifier]) -> bool:
    if any(view.key(one).state == "normal" for one in ours & theirs):
        return False
    return all(any(view.key(one).state == "normal" for one in side) for side in (ours, theirs))
