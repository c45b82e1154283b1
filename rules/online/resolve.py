"""RESOLVE: one request, the state it meets, and the decision that follows.

Candidates are the owners of the request's keys. Rules say which of them to join, guards whether that may
be, and the conflict policy what happens when it may not. Ownership changes hands only under
`move_to_newest` (I1); a pinned pair is never joined (I17); deciding the same request again on the state
that it left changes nothing (I6).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import NamedTuple

from rules.decision import Decision, Outcome, ReviewProposal, Step
from rules.guards import Joining, Objection, admit, objection
from rules.identifier import Evidence, Identifier
from rules.matching import (
    Match,
    Request,
    Standing,
    base_type,
    is_canonical,
    judge,
    links,
)
from rules.online.evidence import Reading, read, teaches_nothing
from rules.online.plain import plain
from rules.record import Pin, Profile, Record, View
from rules.ruleset import RuleSet
from rules.survivor import survivor

ProfileAttributes = Callable[[int], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Case:
    """What stays the same while the rules look again and again."""

    view: View
    rules: RuleSet
    request: Request
    pins: tuple[Pin, ...]
    profile_attributes: ProfileAttributes | None

    def joining(self, look: "_Round", joins: Iterable[Match]) -> Joining:
        request = self.request
        members = (*((request.own,) if request.own else ()), *(match.profile for match in joins))
        asserted = frozenset(i for i, key in look.keys.items() if key.stated).union(look.moved)
        return Joining(members, request.own, request.id_space, request.now, asserted, look.yielding)


@dataclass(frozen=True, slots=True)
class _Round:
    """One look at the candidates. A conflict policy takes something away and looks again: keys that are
    dropped or moved here from their owners, profiles that are barred, those that hold keys without owning
    any, types whose older values make room."""

    keys: Mapping[Identifier, Standing]
    moved: Mapping[Identifier, int] = field(default_factory=dict[Identifier, int])
    barred: frozenset[int] = frozenset()
    with_holders: bool = True
    yielding: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    trace: tuple[Step, ...] = ()


class _Verdict(NamedTuple):
    """Where the rounds ended: the profiles to join, those to ask about, and the guard that nothing could
    satisfy."""

    last: _Round
    joins: tuple[Match, ...]
    asked: tuple[Match, ...]
    stopped: Objection | None = None
    apart: tuple[Match, ...] = ()


def resolve(
    view: View,
    rules: RuleSet,
    *,
    id_space: str,
    customer_id: str,
    evidence: Sequence[Evidence],
    now: int,
    may_create: bool = True,
    attributes: Mapping[str, str] | None = None,
    profile_attributes: ProfileAttributes | None = None,
) -> Decision | None:
    """Decide on one request; nothing is changed.

    None only when `may_create` is False, the record is unknown, and no rule joins it to a profile that
    exists (in shadow mode: none ever does). Attributes serve `confirm_any`; left out, they count as
    missing.
    """
    stored = tuple([item for item in evidence if item.status != "invalid"])
    record = view.record(id_space, customer_id)
    if record is not None and teaches_nothing(view, rules, record, stored):
        return Decision("attached", record.profile_id, reason="known", evidence=stored)
    decision = plain(view, rules, id_space, stored) if record is None else None
    if decision is None:
        decision = deliberate(view, rules, id_space, record, stored, now, attributes, profile_attributes)
    if record is None and not may_create and (decision.profile_id is None or not decision.enforced):
        return None
    return decision


def deliberate(
    view: View,
    rules: RuleSet,
    id_space: str,
    record: Record | None,
    evidence: tuple[Evidence, ...],
    now: int,
    attributes: Mapping[str, str] | None = None,
    profile_attributes: ProfileAttributes | None = None,
) -> Decision:
    """The long way, which decides every case; `evidence` is without what is invalid."""
    own = view.profile(record.profile_id) if record else None
    reading = read(view, rules, id_space, record, evidence)
    stated = frozenset(e.identifier for e in evidence if e.status == "ok").difference(
        reading.generic, reading.shared
    )
    request = Request(id_space, now, reading.keys, stated, own, attributes)
    pins = tuple(view.pins(own.records)) if own else ()
    case = _Case(view, rules, request, pins, profile_attributes)
    return _decide(case, reading, _settle(case), evidence)


# ---- candidates, guards, policies ----


def _settle(case: _Case) -> _Verdict:
    """Look, check, and let the policy take something away until the check passes or nobody can make it
    pass."""
    look = _Round(case.request.keys)
    opening: tuple[Match, ...] | None = None
    while True:
        matches = _matches(case, look)
        joins = tuple(match for match in matches if match.outcome == "merge")
        asked = tuple(match for match in matches if match.outcome == "review")
        opening = joins if opening is None else opening
        look = replace(look, trace=(*look.trace, *(step for match in matches for step in match.steps)))
        found = objection(case.view, case.rules, case.joining(look, joins))
        if found is None:
            return _Verdict(look, joins, asked)
        step = Step(f"guard:{found.guard}", None, found.remedy, found.detail)
        look = replace(look, trace=(*look.trace, step))
        following = _again(case, look, joins, found)
        if following is None:
            return _stop(case, look, opening if look.moved else joins, asked, found)
        look = following


def _matches(case: _Case, look: _Round) -> list[Match]:
    """The owners of the stated keys, judged, and whoever holds several of these together while others own
    them."""
    if case.rules.mode == "off":
        return []
    stated = {identifier: key.owner for identifier, key in look.keys.items() if key.stated}
    candidates = {owner for owner in stated.values() if owner is not None}
    if look.with_holders:
        candidates.update(profile_id for key in stated for profile_id in case.view.key(key).profiles)
    barred = look.barred | ({case.request.own.profile_id} if case.request.own else frozenset[int]())
    request = replace(case.request, keys=look.keys)
    matches = [
        _judge(case, request, case.pins, profile)
        for profile in _live(case.view, candidates)
        if profile.profile_id not in barred
    ]
    return _side_by_side(case, request, matches) if len(matches) > 1 else matches


def _side_by_side(case: _Case, request: Request, matches: list[Match]) -> list[Match]:
    """The matches as they are once those that join have joined: each profile is judged beside what joins before it,
    so that the same request again, which meets them as one, hears the same (I6)."""
    waiting = sorted(matches, key=_recorded)
    settled: list[Match] = []
    while any(match.outcome == "merge" for match in waiting):
        match = next(match for match in waiting if match.outcome == "merge")
        waiting.remove(match)
        settled.append(match)
        together = _beside(request.own, match.profile)
        request = replace(request, own=together)
        pins = tuple(case.view.pins(together.records))
        waiting = sorted((_again_beside(case, request, pins, match) for match in waiting), key=_recorded)
    return sorted((*settled, *waiting), key=lambda match: match.profile.profile_id)


def _again_beside(case: _Case, request: Request, pins: tuple[Pin, ...], match: Match) -> Match:
    """Who wants to join and is pinned apart from another who does still wants to: that makes the request ambiguous."""
    again = _judge(case, request, pins, match.profile)
    return match if match.outcome == "merge" and again.outcome == "never" else again


def _beside(own: Profile | None, profile: Profile) -> Profile:
    return profile if own is None else replace(own, records={**own.records, **profile.records})


def _live(view: View, profile_ids: Iterable[int]) -> list[Profile]:
    """Each live profile once, by id."""
    live = {profile.profile_id: profile for profile in map(view.profile, profile_ids)}
    return [live[profile_id] for profile_id in sorted(live)]


def _judge(case: _Case, request: Request, pins: tuple[Pin, ...], profile: Profile) -> Match:
    attributes = case.profile_attributes(profile.profile_id) if case.profile_attributes else None
    return judge(case.view, case.rules, request, profile, pins, attributes)


def _again(case: _Case, look: _Round, joins: tuple[Match, ...], found: Objection) -> _Round | None:
    """The next round, with something taken away; None when the request stops here. Who owns no key goes
    first: where a split left the same keys on both sides, the owner is meant."""
    owners = {key.owner for key in look.keys.values()}
    if found.is_ambiguous and look.with_holders and any(m.profile.profile_id not in owners for m in joins):
        return replace(look, with_holders=False)
    match found.remedy:
        case "drop_lowest":
            return _drop(case, look)
        case "move_to_newest":
            return _move(case, look, joins, found)
        case "best" | "separate":
            return _choose(look, joins, found)
        case "review" | "refuse":
            return None


def _drop(case: _Case, look: _Round) -> _Round:
    weakest = min(
        (i for i, key in look.keys.items() if key.stated), key=lambda one: _strength(case.rules, one)
    )
    return _without(look, weakest, "dropped")


def _move(case: _Case, look: _Round, joins: tuple[Match, ...], found: Objection) -> _Round | None:
    """The request's word is the newest: its weakest key that leads elsewhere comes over, or an older value
    makes room. Where neither helps, a new record takes its keys to a profile of its own. Nothing moves on the
    word of a request that breaks the limit by itself."""
    joined = {match.profile.profile_id for match in joins}
    type_ = found.guard.partition(":")[2]
    kind = case.rules.identifiers[type_]
    if sum(i.type == type_ and key.stated for i, key in case.request.keys.items()) > kind.max_per_profile:
        return None
    movable = _leading(look, joined - {_anchor(case)})
    if not movable and type_ not in look.yielding and not kind.immutable:
        return replace(look, yielding=look.yielding | {type_})
    if case.request.own is None:
        movable = movable or _leading(look, joined)
    if not movable:
        return None
    weakest = min(movable, key=lambda one: _strength(case.rules, one))
    return replace(_without(look, weakest, "moved"), moved={**look.moved, weakest: movable[weakest]})


def _leading(look: _Round, profile_ids: Collection[int]) -> dict[Identifier, int]:
    """The stated keys that these profiles own."""
    return {
        i: key.owner
        for i, key in look.keys.items()
        if key.stated and key.owner is not None and key.owner in profile_ids
    }


def _anchor(case: _Case) -> int | None:
    """The profile that stays: the record's own, else the owner of the strongest key that the request
    states."""
    if case.request.own is not None:
        return case.request.own.profile_id
    keys = case.request.keys
    return keys[max(keys, key=lambda one: _strength(case.rules, one))].owner


def _choose(look: _Round, joins: tuple[Match, ...], found: Objection) -> _Round:
    """The record fits profiles that cannot be one: it goes to the best of them, or to none. A last one that
    even the record's own profile cannot join is given up too."""
    ids = {match.profile.profile_id for match in joins}
    if found.remedy == "best" and len(ids) > 1:
        ids.remove(max(joins, key=lambda one: (one.weight, -one.profile.profile_id)).profile.profile_id)
    return replace(look, barred=look.barred | ids, warnings=(*look.warnings, "ambiguous"))


def _without(look: _Round, identifier: Identifier, how: str) -> _Round:
    step = Step(
        "policy:drop_lowest" if how == "dropped" else "policy:move_to_newest", None, how, identifier.type
    )
    return replace(
        look,
        keys={one: key for one, key in look.keys.items() if one != identifier},
        warnings=(*look.warnings, f"{how}:{identifier.type}"),
        trace=(*look.trace, step),
    )


def _strength(rules: RuleSet, identifier: Identifier) -> tuple[bool, int, Identifier]:
    """Order of evidence; provider forms come below every written value."""
    return not is_canonical(identifier), rules.identifiers[base_type(identifier)].strength, identifier


def _stop(
    case: _Case, look: _Round, apart: tuple[Match, ...], asked: tuple[Match, ...], found: Objection
) -> _Verdict:
    """Nothing is joined or moved; the record keeps to its own profile."""
    step = Step(f"policy:{found.remedy}", None, "stopped", found.guard)
    kept = _Round(look.keys, warnings=look.warnings, trace=(*look.trace, step))
    if look.moved:
        kept = replace(kept, keys=case.request.keys, warnings=())
    if not apart:
        kept = replace(kept, warnings=(*kept.warnings, f"conflict:{found.guard}"))
    return _Verdict(kept, (), asked, found, apart)


# ---- the decision ----


def _decide(case: _Case, reading: Reading, verdict: _Verdict, stored: tuple[Evidence, ...]) -> Decision:
    look, own = verdict.last, case.request.own
    joining = case.joining(look, verdict.joins)
    stays = survivor(case.rules, joining.profiles).profile_id if joining.profiles else None
    unowned = [i for i, key in look.keys.items() if key.owner is None and _may_own(case.rules, key)]
    admission = admit(case.view, case.rules, joining, unowned, look.moved)
    reviews = () if verdict.stopped and verdict.stopped.remedy == "refuse" else _reviews(case, verdict, stays)
    first = min((*verdict.joins, *verdict.asked), key=_recorded, default=None)
    return Decision(
        outcome=_outcome(verdict, own, reviews),
        profile_id=stays,
        absorbed=tuple(sorted(one.profile_id for one in joining.profiles if one.profile_id != stays)),
        rule=first.rule if first else "",
        reason=_reason(verdict, own, first),
        evidence=stored,
        own=admission.own,
        taken=tuple((one, look.moved[one]) for one in admission.taken),
        dropped=admission.dropped,
        generic=reading.generic,
        shared=reading.shared,
        reviews=reviews,
        trace=tuple(dict.fromkeys((*reading.steps, *look.trace))),
        warnings=tuple(dict.fromkeys((*look.warnings, *admission.warnings))),
        enforced=case.rules.mode != "shadow",
    )


def _may_own(rules: RuleSet, key: Standing) -> bool:
    return (
        key.stated and not key.crowded and (key.verified or not rules.identifiers[key.type].require_verified)
    )


def _recorded(match: Match) -> tuple[bool, int, int]:
    """Joins before questions, then the order of the rules, then the profile."""
    return match.outcome != "merge", match.rank, match.profile.profile_id


def _outcome(verdict: _Verdict, own: Profile | None, reviews: tuple[ReviewProposal, ...]) -> Outcome:
    if verdict.stopped and verdict.stopped.remedy == "refuse":
        return "refused"
    if len(verdict.joins) + (own is not None) > 1:
        return "merged"
    if verdict.joins:
        return "attached"
    if reviews:
        return "review"
    return "attached" if own else "created"


def _reason(verdict: _Verdict, own: Profile | None, first: Match | None) -> str:
    if verdict.stopped:
        return f"conflict:{verdict.stopped.guard}"
    if "ambiguous" in verdict.last.warnings and not verdict.joins:
        return "ambiguous"
    if first is not None:
        return first.reason
    return "same_profile" if own else "new"


def _reviews(case: _Case, verdict: _Verdict, stays: int | None) -> tuple[ReviewProposal, ...]:
    """One question a pair: each doubtful match with the request's profile, and all pairs of a join that was
    stopped. Nobody is asked about a pair that is pinned apart."""
    joined = [match.profile for match in verdict.joins]
    asked = [
        _question(match, stays, match.reason)
        for match in verdict.asked
        if not any(_kept_apart(case, match.profile, profile) for profile in joined)
    ]
    if verdict.stopped is None:
        return tuple(asked)
    reason = f"conflict:{verdict.stopped.guard}"
    alone = [_question(match, stays, reason) for match in verdict.apart]
    pairs = [
        _question(one, other.profile.profile_id, reason)
        for one, other in combinations(verdict.apart, 2)
        if not _kept_apart(case, one.profile, other.profile)
    ]
    return (*asked, *alone, *pairs)


def _question(match: Match, other: int | None, reason: str) -> ReviewProposal:
    return ReviewProposal(match.profile.profile_id, other, reason, match.rule, match.types)


def _kept_apart(case: _Case, one: Profile, other: Profile) -> bool:
    pins = case.view.pins(one.records)
    return any(pin.kind == "cannot" and links(pin, one, other, case.request.now) for pin in pins)
