"""The rounds of RESOLVE: evaluate the candidates, check the guards, and let the conflict policy remove something, until no
guard forbids the rest.

Candidates are the owners of the request's keys, and the profiles that hold several of the keys together. A key changes its
owner only under `move_to_newest` (I1). A pinned pair is never joined (I17).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from rules.confirmation import RecordAttributes
from rules.decision import Step
from rules.guards import Joining, Objection, objection
from rules.identifier import Identifier
from rules.matching import Match, Request, Standing, match_profile, with_disputed
from rules.policy import Policy
from rules.record import Judgement, Profile, View

_NOTHING_MOVED: Mapping[Identifier, int] = {}


class Case(NamedTuple):
    """What stays the same in all rounds."""

    view: View
    policy: Policy
    request: Request
    pins: tuple[Judgement, ...]
    attributes: RecordAttributes | None

    def joining(self, state: "RoundState", joins: Iterable[Match]) -> Joining:
        request = self.request
        matched = [match.profile for match in joins]
        members = (request.own, *matched) if request.own else tuple(matched)
        asserted = frozenset([i for i, key in state.keys.items() if key.stated]).union(state.moved)
        return Joining(members, request.own, request.id_space, request.now, asserted, state.yielding)


class RoundState(NamedTuple):
    """The state of one round. A conflict policy removes something and starts another round: keys that are dropped or taken from
    their owners, profiles that are barred, profiles that hold keys without owning any, types whose older values make room."""

    keys: Mapping[Identifier, Standing]
    moved: Mapping[Identifier, int] = _NOTHING_MOVED
    barred: frozenset[int] = frozenset()
    with_holders: bool = True
    yielding: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


class RoundsResult(NamedTuple):
    """The result of the rounds: the profiles to join, those to ask about, and the guard that could not be satisfied, with the
    profiles that it kept `apart`."""

    last: RoundState
    joining: Joining
    joins: tuple[Match, ...]
    asked: tuple[Match, ...]
    trace: list[Step]
    stopped: Objection | None = None
    apart: tuple[Match, ...] = ()


def run_rounds(case: Case) -> RoundsResult:
    """Evaluate, check and remove something, until the check passes or nothing can make it pass."""
    state = RoundState(case.request.keys)
    trace: list[Step] = []
    opening: tuple[Match, ...] | None = None
    while True:
        matches = _matches(case, state)
        joins = tuple([match for match in matches if match.outcome == "merge"])
        asked = tuple([match for match in matches if match.outcome == "review"])
        opening = joins if opening is None else opening
        for match in matches:
            trace += match.steps
        joining = case.joining(state, joins)
        found = objection(case.view, case.policy, joining)
        if found is None:
            return RoundsResult(state, joining, joins, asked, trace)
        trace.append(Step(f"guard:{found.guard}", None, found.remedy, found.detail))
        following = _again(case, state, joins, found, trace)
        if following is None:
            return _stop(case, state, opening if state.moved else joins, asked, found, trace)
        state = following


def recorded(match: Match) -> tuple[bool, int, int]:
    """The sort order: joins before questions, then by rule, then by profile."""
    return match.outcome != "merge", match.rank, match.profile.profile_id


# ---- candidates ----


def _matches(case: Case, state: RoundState) -> list[Match]:
    """Matches with the owners of the stated keys, and with the profiles that hold several of these keys under different
    owners."""
    if case.policy.mode == "off":
        return []
    candidates: set[int] = set()
    for identifier, key in state.keys.items():
        if key.stated:
            if key.owner is not None:
                candidates.add(key.owner)
            if state.with_holders:
                candidates.update(case.view.key(identifier).profiles)
    if not candidates:
        return []
    barred = state.barred | {case.request.own.profile_id} if case.request.own else state.barred
    request = case.request if state.keys is case.request.keys else case.request._replace(keys=state.keys)
    profiles = [one for one in _live(case.view, candidates) if one.profile_id not in barred]
    matches = _matched(case, request, profiles)
    if len(matches) > 1 and any(match.outcome == "none" for match in matches):
        disputed = with_disputed(request, matches)
        return matches if disputed is request else _matched(case, disputed, profiles)
    return matches


def _matched(case: Case, request: Request, profiles: Iterable[Profile]) -> list[Match]:
    matches = [_match(case, request, case.pins, profile) for profile in profiles]
    return _side_by_side(case, request, matches) if len(matches) > 1 else matches


def _live(view: View, profile_ids: Iterable[int]) -> list[Profile]:
    """Each live profile once, by id."""
    live = {profile.profile_id: profile for profile in map(view.profile, profile_ids)}
    if len(live) == 1:
        return list(live.values())
    return [live[profile_id] for profile_id in sorted(live)]


def _match(case: Case, request: Request, pins: tuple[Judgement, ...], profile: Profile) -> Match:
    return match_profile(case.view, case.policy, request, profile, pins, case.attributes)


def _side_by_side(case: Case, request: Request, matches: list[Match]) -> list[Match]:
    """The matches as they are after the joins: each profile is matched together with those that join before it. So the same
    request gets the same answer again when it meets them as one profile (I6)."""
    waiting = sorted(matches, key=recorded)
    joined: list[Match] = []
    while any(match.outcome == "merge" for match in waiting):
        match = next(match for match in waiting if match.outcome == "merge")
        waiting.remove(match)
        joined.append(match)
        together = _beside(request.own, match.profile)
        request = request._replace(own=together)
        pins = tuple(case.view.pins(together.records))
        waiting = sorted((_again_beside(case, request, pins, match) for match in waiting), key=recorded)
    return sorted((*joined, *waiting), key=lambda match: match.profile.profile_id)


def _again_beside(case: Case, request: Request, pins: tuple[Judgement, ...], match: Match) -> Match:
    """If a profile should join but is pinned apart from another one that should join too, it still counts. That makes the
    request ambiguous."""
    again = _match(case, request, pins, match.profile)
    return match if match.outcome == "merge" and again.outcome == "never" else again


def _beside(own: Profile | None, profile: Profile) -> Profile:
    if own is None:
        return profile
    together = {**own.records, **profile.records}
    return Profile(own.profile_id, own.created_at, own.version, own.redirect_to, together)


# ---- what a conflict policy takes away ----


def _again(
    case: Case, state: RoundState, joins: tuple[Match, ...], found: Objection, trace: list[Step]
) -> RoundState | None:
    """The next round, with something removed; None if the request stops here. A profile that owns no key is removed first:
    after a split, both sides may hold the same keys, and the owner is meant."""
    owners = {key.owner for key in state.keys.values()}
    if found.is_ambiguous and state.with_holders and any(m.profile.profile_id not in owners for m in joins):
        return state._replace(with_holders=False)
    match found.remedy:
        case "drop_lowest":
            weakest = min((i for i, key in state.keys.items() if key.stated), key=case.policy.strength)
            return _without(state, weakest, "dropped", trace)
        case "move_to_newest":
            return _move(case, state, joins, found, trace)
        case "best" | "separate":
            return _choose(state, joins, found)
        case "review" | "refuse":
            return None


def _move(
    case: Case, state: RoundState, joins: tuple[Match, ...], found: Objection, trace: list[Step]
) -> RoundState | None:
    """The request is the newest source: its weakest key that leads elsewhere moves here, or an older value makes room. If
    neither helps, a new record takes its keys to a profile of its own. Nothing moves for a request that breaks the limit by
    itself."""
    joined = {match.profile.profile_id for match in joins}
    limit = case.policy.limits[found.guard.partition(":")[2]]
    if sum(i.type == limit.type and key.stated for i, key in case.request.keys.items()) > limit.most:
        return None
    movable = _leading(state, joined - {_anchor(case)})
    if not movable and limit.type not in state.yielding and not limit.immutable:
        return state._replace(yielding=state.yielding | {limit.type})
    if case.request.own is None:
        movable = movable or _leading(state, joined)
    if not movable:
        return None
    weakest = min(movable, key=case.policy.strength)
    moved = {**state.moved, weakest: movable[weakest]}
    return _without(state, weakest, "moved", trace)._replace(moved=moved)


def _leading(state: RoundState, profile_ids: Collection[int]) -> dict[Identifier, int]:
    """The stated keys that these profiles own."""
    return {
        i: key.owner
        for i, key in state.keys.items()
        if key.stated and key.owner is not None and key.owner in profile_ids
    }


def _anchor(case: Case) -> int | None:
    """The profile that stays: the record's own, or else the owner of the strongest stated key."""
    if case.request.own is not None:
        return case.request.own.profile_id
    keys = case.request.keys
    return keys[max(keys, key=case.policy.strength)].owner


def _choose(state: RoundState, joins: tuple[Match, ...], found: Objection) -> RoundState:
    """The record fits profiles that cannot be one: it joins the best of them, or none. If even the record's own profile cannot
    join the last one, that one is given up too."""
    ids = {match.profile.profile_id for match in joins}
    if found.remedy == "best" and len(ids) > 1:
        ids.remove(max(joins, key=lambda one: (one.weight, -one.profile.profile_id)).profile.profile_id)
    return state._replace(barred=state.barred | ids, warnings=(*state.warnings, "ambiguous"))


def _without(state: RoundState, identifier: Identifier, how: str, trace: list[Step]) -> RoundState:
    policy = "policy:drop_lowest" if how == "dropped" else "policy:move_to_newest"
    trace.append(Step(policy, None, how, identifier.type))
    return state._replace(
        keys={one: key for one, key in state.keys.items() if one != identifier},
        warnings=(*state.warnings, f"{how}:{identifier.type}"),
    )


def _stop(
    case: Case,
    state: RoundState,
    apart: tuple[Match, ...],
    asked: tuple[Match, ...],
    found: Objection,
    trace: list[Step],
) -> RoundsResult:
    """Nothing is joined or moved; the record stays on its own profile."""
    trace.append(Step(f"policy:{found.remedy}", None, "stopped", found.guard))
    kept = RoundState(case.request.keys) if state.moved else RoundState(state.keys, warnings=state.warnings)
    if not apart:
        kept = kept._replace(warnings=(*kept.warnings, f"conflict:{found.guard}"))
    return RoundsResult(kept, case.joining(kept, ()), (), asked, trace, found, apart)
