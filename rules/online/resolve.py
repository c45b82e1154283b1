"""RESOLVE: from one request and the current state to a decision.

Rules say which profiles to join, guards whether that is allowed, and the conflict policy what happens if it is not (`rounds`).
Deciding the same request again on the resulting state changes nothing (I6).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from rules.confirmation import RecordAttributes
from rules.decision import Decision, Outcome, ReviewProposal
from rules.guards import admit
from rules.identifier import Evidence, Identifier
from rules.matching import Match, Request, links
from rules.online.evidence import Reading, read, teaches_nothing
from rules.online.rounds import Case, RoundsResult, recorded, run_rounds
from rules.policy import Policy
from rules.record import Profile, View
from rules.survivor import survivor


def resolve(
    view: View,
    policy: Policy,
    *,
    id_space: str,
    customer_id: str,
    evidence: Sequence[Evidence],
    now: int,
    may_create: bool = True,
    attributes: Mapping[str, str] | None = None,
    stored_attributes: RecordAttributes | None = None,
) -> Decision | None:
    """Decide on one request; nothing is changed.

    None only if `may_create` is False, the record is unknown, and no rule joins it to an existing profile (in shadow mode no
    rule ever does). `attributes` are what the request says, beside what its record and the others said before; without
    `stored_attributes`, no rule finds any to compare.
    """
    stored = tuple([item for item in evidence if item.status != "invalid"])
    record = view.record(id_space, customer_id)
    if record is not None and teaches_nothing(view.key, policy, record, stored):
        return Decision("attached", record.profile_id, reason="known", evidence=stored)
    own = view.profile(record.profile_id) if record else None
    reading = read(view, policy, id_space, record, stored)
    known = stored_attributes(record.record_id) if record and stored_attributes else {}
    said = {**known, **attributes} if attributes else known
    request = Request(id_space, now, reading.keys, _stated(stored, reading), own, said)
    pins = tuple(view.pins(own.records)) if own else ()
    case = Case(view, policy, request, pins, stored_attributes)
    decision = _decide(case, reading, run_rounds(case), stored)
    if record is None and not may_create and (decision.profile_id is None or not decision.enforced):
        return None
    return decision


def _stated(stored: Sequence[Evidence], reading: Reading) -> frozenset[Identifier]:
    stated = frozenset([item.identifier for item in stored if item.status == "ok"])
    return stated.difference(reading.generic, reading.shared)


def _decide(case: Case, reading: Reading, rounds: RoundsResult, stored: tuple[Evidence, ...]) -> Decision:
    policy, look, joining, own = case.policy, rounds.last, rounds.joining, case.request.own
    stays = survivor(policy.rule_set, joining.profiles).profile_id if joining.profiles else None
    unowned = [
        identifier
        for identifier, key in look.keys.items()
        if key.owner is None
        and key.stated
        and not key.crowded
        and policy.key_types[identifier.type].may_own(verified=key.verified)
    ]
    admission = admit(case.view, policy, joining, unowned, look.moved)
    reviews = _reviews(case, rounds, stays)
    first = min((*rounds.joins, *rounds.asked), key=recorded, default=None)
    return Decision(
        outcome=_outcome(rounds, own, reviews),
        profile_id=stays,
        absorbed=tuple(sorted([one.profile_id for one in joining.profiles if one.profile_id != stays])),
        rule=first.rule if first else "",
        reason=_reason(rounds, own, first),
        evidence=stored,
        own=admission.own,
        taken=tuple([(one, look.moved[one]) for one in admission.taken]),
        dropped=admission.dropped,
        generic=reading.generic,
        shared=reading.shared,
        reviews=reviews,
        trace=tuple(dict.fromkeys((*reading.steps, *rounds.trace))),
        warnings=tuple(dict.fromkeys((*look.warnings, *admission.warnings))),
        enforced=policy.mode != "shadow",
    )


def _outcome(rounds: RoundsResult, own: Profile | None, reviews: tuple[ReviewProposal, ...]) -> Outcome:
    if rounds.stopped and rounds.stopped.remedy == "refuse":
        return "refused"
    if len(rounds.joins) + (own is not None) > 1:
        return "merged"
    if rounds.joins:
        return "attached"
    if reviews:
        return "review"
    return "attached" if own else "created"


def _reason(rounds: RoundsResult, own: Profile | None, first: Match | None) -> str:
    if rounds.stopped:
        return f"conflict:{rounds.stopped.guard}"
    if "ambiguous" in rounds.last.warnings and not rounds.joins:
        return "ambiguous"
    if first is not None:
        return first.reason
    return "same_profile" if own else "new"


def _reviews(case: Case, rounds: RoundsResult, stays: int | None) -> tuple[ReviewProposal, ...]:
    """One question for each pair: each doubtful match with the request's profile, and all pairs of a join that was stopped.
    Pairs that are pinned apart give no question."""
    if rounds.stopped is not None and rounds.stopped.remedy == "refuse":
        return ()
    joined = [match.profile for match in rounds.joins]
    asked = [
        _question(match, stays, match.reason)
        for match in rounds.asked
        if not any(_kept_apart(case, match.profile, profile) for profile in joined)
    ]
    if rounds.stopped is None:
        return tuple(asked)
    reason = f"conflict:{rounds.stopped.guard}"
    alone = [_question(match, stays, reason) for match in rounds.apart]
    pairs = [
        _question(one, other.profile.profile_id, reason)
        for one, other in combinations(rounds.apart, 2)
        if not _kept_apart(case, one.profile, other.profile)
    ]
    return (*asked, *alone, *pairs)


def _question(match: Match, other: int | None, reason: str) -> ReviewProposal:
    return ReviewProposal(match.profile.profile_id, other, reason, match.rule, match.types)


def _kept_apart(case: Case, one: Profile, other: Profile) -> bool:
    pins = case.view.pins(one.records)
    return any(pin.kind == "cannot" and links(pin, one, other, case.request.now) for pin in pins)
