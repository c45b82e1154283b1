"""Explanations: why two profiles are one or are not, and how a profile was built.

`why` has no logic of its own: it evaluates each rule in both directions and asks the guards, so it names a guard exactly where
RESOLVE would meet it (I20). `how` lists moves of records; replayed from nothing, they give the profile's members (I20). Types,
names and counts appear here, never an identifier's value (I18).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

from rules.compare import Likeness, nearest
from rules.confirmation import RecordAttributes, Sides
from rules.guards import Joining, objection
from rules.identifier import Evidence, Identifier, declared_type, is_provider_form
from rules.matching import STRENGTH, Match, MatchOutcome, Request, links, match_profile, with_disputed
from rules.online.evidence import read
from rules.online.resolve import resolve
from rules.policy import Policy, PolicyRule
from rules.record import Apart, Judgement, Profile, Record, View

Agreement: TypeAlias = Likeness | Literal["provider_form", "powerless"]


class Compared(NamedTuple):
    """One type or attribute on both sides. `provider_form`: only the provider's forms are equal. `powerless`: the value is the
    same, but it joins no profiles, because it is generic, shared, blocked or retired on one side. `missing`: one side has none.
    Of an attribute, the rule wants the level `wanted`, and `how` says in words how the nearest values are alike."""

    type: str
    likeness: Agreement
    wanted: str = ""
    how: str = ""


class RuleReading(NamedTuple):
    """The result of one rule on its own. `doubt` is why a `merge` rule only asks, or does not fire."""

    rule: str
    outcome: MatchOutcome
    doubt: str
    compared: tuple[Compared, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`outcome` is the result of rules and pins together, `rule` the rule that decided it (`pin:must`, `pin:cannot` for a pin).
    `guard` is what keeps the two apart: a guard of a decision, the doubt of a rule, `review` where the rule itself only asks,
    `mode:shadow` or `mode:off`. It is empty if they are together, if no rule fires, or if the next request that states the
    evidence would join them. `splits` are those that have the two on different sides, which counts as a `cannot` pin."""

    profile_a: int
    profile_b: int
    together: bool
    rules: tuple[RuleReading, ...]
    pins: tuple[Literal["must", "cannot"], ...]
    outcome: MatchOutcome
    rule: str = ""
    guard: str = ""
    detail: str = ""
    splits: tuple[int, ...] = ()


class Arrival(NamedTuple):
    """A record joined a profile, or began a new one. `id` sorts events of the same millisecond."""

    id: int
    at: int
    record_id: int
    profile_id: int
    rule: str = ""
    rule_set: str = ""


class Merging(NamedTuple):
    """One profile was absorbed with the records that it had. `undone_at` is when these left again."""

    id: int
    at: int
    survivor_id: int
    absorbed_id: int
    absorbed_records: tuple[int, ...]
    rule: str = ""
    undone_at: int | None = None
    rule_set: str = ""


class Splitting(NamedTuple):
    """Records were taken out of a profile; `profile_id` is where they went."""

    id: int
    at: int
    source_id: int
    profile_id: int
    records: tuple[int, ...]


class HowStep(NamedTuple):
    """Records moved to a profile from another one, or `arrived` as new records. `rule_set` has the rule: the beginning of its
    SHA-256."""

    at: int
    what: Literal["arrived", "merged", "undone", "split"]
    profile_id: int
    source_id: int | None
    records: tuple[int, ...]
    rule: str
    rule_set: str = ""


def why(
    view: View,
    policy: Policy,
    a: int,
    b: int,
    now: int,
    attributes: RecordAttributes | None = None,
) -> Explanation:
    """Explain two profiles; redirects are followed. To explain a single profile, compare two of its records.

    Sometimes only a third profile blocks a join (one request would join too many). This is checked too: the view has the owners
    of both profiles' keys, as it does for a request.
    """
    return _explain(view, policy, view.profile(a), view.profile(b), now, attributes)


def why_records(
    view: View,
    policy: Policy,
    a: Record,
    b: Record,
    now: int,
    attributes: RecordAttributes | None = None,
) -> Explanation:
    """Explain two records by what they state themselves, whether or not they are on one profile."""
    one, other = (
        replace(view.profile(record.profile_id), records={record.record_id: record}) for record in (a, b)
    )
    return _explain(view, policy, one, other, now, attributes)


def how(
    profile_id: int,
    arrivals: Iterable[Arrival],
    merges: Iterable[Merging] = (),
    splits: Iterable[Splitting] = (),
) -> tuple[HowStep, ...]:
    """The steps that built a profile, oldest first. `events` may hold everything that happened to its records; events of other
    profiles are left out."""
    moves = [
        step for _, _, step in sorted((*_arrived(arrivals), *_merged(merges), *_split(splits)), key=_moment)
    ]
    concerned = {profile_id}
    for step in reversed(moves):
        if step.profile_id in concerned and step.source_id is not None:
            concerned.add(step.source_id)
    return tuple(step for step in moves if {step.profile_id, step.source_id} & concerned)


def replay(profile_id: int, steps: Iterable[HowStep]) -> frozenset[int]:
    """The members of a profile after all steps."""
    return frozenset(record_id for record_id, place in places(steps).items() if place == profile_id)


def places(steps: Iterable[HowStep]) -> dict[int, int]:
    """The profile of each record after all steps."""
    where: dict[int, int] = {}
    for step in steps:
        where.update(dict.fromkeys(step.records, step.profile_id))
    return where


# ---- why ----


def _explain(
    view: View,
    policy: Policy,
    one: Profile,
    other: Profile,
    now: int,
    attributes: RecordAttributes | None,
) -> Explanation:
    sides = [(record, own, to) for own, to in ((one, other), (other, one)) for record in own.records.values()]
    asked = [(_request(view, policy, record, own, to, now, attributes), to) for record, own, to in sides]
    asked = [(_with_disputed(view, policy, request, to, attributes), to) for request, to in asked]
    readings = tuple(_reading(view, policy, rule, one, other, asked, attributes) for rule in policy.rules)
    pins = [pin for pin in view.pins(one.records) if links(pin, one, other, now)]
    matches = [match_profile(view, policy, request, to, pins, attributes) for request, to in asked]
    best, together = _best(matches), one.profile_id == other.profile_id
    speaking = [side[0] for side, match in zip(sides, matches, strict=True) if match.outcome == "merge"]
    guard, detail = (
        ("", "")
        if together
        else _guard(best, readings) or _stopped(view, policy, speaking, one, other, now, attributes)
    )
    return Explanation(
        one.profile_id,
        other.profile_id,
        together,
        readings,
        tuple(sorted({pin.kind for pin in pins})),
        best.outcome,
        best.rule or _pinned(best, pins),
        guard,
        detail,
        tuple(sorted(pin.split_id for pin in pins if isinstance(pin, Apart))),
    )


def _pinned(best: Match, pins: Sequence[Judgement]) -> str:
    """The pin that decided instead of a rule; "" for none."""
    if best.rank < 0:
        return "pin:must"
    return "pin:cannot" if pins and best.outcome == "never" else ""


def _request(
    view: View,
    policy: Policy,
    record: Record,
    own: Profile,
    to: Profile,
    now: int,
    attributes: RecordAttributes | None,
) -> Request:
    """The request in which the record states everything again that it ever stated."""
    said = _said(record)
    reading = read(view, policy, record.id_space, record, said)
    keys = dict(sorted(reading.keys.items(), key=lambda item: item[1].owner != to.profile_id))
    stated = frozenset(item.identifier for item in said).difference(reading.generic, reading.shared)
    return Request(
        record.id_space, now, keys, stated, own, attributes(record.record_id) if attributes else None
    )


def _with_disputed(
    view: View, policy: Policy, request: Request, to: Profile, attributes: RecordAttributes | None
) -> Request:
    """A key of the request may belong to a third profile that is in doubt itself."""
    owners = {view.profile(key.owner).profile_id for key in request.keys.values() if key.owner is not None}
    pins = tuple(view.pins(request.own.records)) if request.own else ()
    others = [view.profile(owner) for owner in sorted(owners) if owner not in (to.profile_id, _id(request))]
    return with_disputed(
        request, [match_profile(view, policy, request, one, pins, attributes) for one in others]
    )


def _id(request: Request) -> int:
    return request.own.profile_id if request.own else 0


def _best(matches: Iterable[Match]) -> Match:
    return min(matches, key=lambda match: (STRENGTH[match.outcome], match.rank))


def _reading(
    view: View,
    policy: Policy,
    rule: PolicyRule,
    one: Profile,
    other: Profile,
    asked: Sequence[tuple[Request, Profile]],
    attributes: RecordAttributes | None,
) -> RuleReading:
    alone = (match_profile(view, policy, request, to, (), attributes, (rule,)) for request, to in asked)
    best = min(alone, key=lambda match: STRENGTH[match.outcome])
    named = best.steps[0].detail if best.steps else ""
    doubt = "" if named == rule.types else named
    types = tuple(_compared(view, type_, one, other) for type_ in (*rule.all_of, *rule.unless_differs))
    return RuleReading(
        rule.name, best.outcome, doubt, (*types, *_compared_attributes(policy, rule, asked, attributes))
    )


def _compared_attributes(
    policy: Policy,
    rule: PolicyRule,
    asked: Sequence[tuple[Request, Profile]],
    attributes: RecordAttributes | None,
) -> Iterator[Compared]:
    """Each condition of the rule, with the nearest values of the two sides."""
    conditions = (*(one for alternative in rule.confirm_any for one in alternative), *rule.unless_apart)
    pairs = (
        [Sides(policy, request.attributes or {}, to, attributes) for request, to in asked]
        if conditions
        else []
    )
    for condition in dict.fromkeys(conditions):
        found = nearest([both.verdict(condition) for both in pairs])
        yield Compared(condition.attribute, found.likeness, condition.level, found.how)


def _compared(view: View, type_: str, one: Profile, other: Profile) -> Compared:
    ours, theirs = (
        {held for held in _held(side) if declared_type(held.type) == type_} for side in (one, other)
    )
    if not ours or not theirs:
        return Compared(type_, "missing")
    common = ours & theirs
    powered = [held for held in common if _is_powered(view, held, one) and _is_powered(view, held, other)]
    if any(not is_provider_form(held.type) for held in powered):
        return Compared(type_, "equal")
    if any(not is_provider_form(held.type) for held in common):
        return Compared(type_, "powerless")
    return Compared(type_, "provider_form" if powered else "different")


def _held(profile: Profile) -> Iterator[Identifier]:
    return (identifier for record in profile.records.values() for identifier in record.observations)


def _is_powered(view: View, identifier: Identifier, profile: Profile) -> bool:
    seen = [record.observations.get(identifier) for record in profile.records.values()]
    return view.key(identifier).state == "normal" and any(each and each.is_live for each in seen)


def _guard(best: Match, readings: Iterable[RuleReading]) -> tuple[str, str] | None:
    """Why the rules themselves do not join the two; None if they do."""
    match best.outcome:
        case "none":
            return "", ""
        case "never":
            return (f"never:{best.rule}" if best.rule else "cannot"), ""
        case "review":
            doubt = next(reading.doubt for reading in readings if reading.rule == best.rule)
            return doubt or "review", ""
        case "merge":
            return None


def _stopped(
    view: View,
    policy: Policy,
    speaking: Iterable[Record],
    one: Profile,
    other: Profile,
    now: int,
    attributes: RecordAttributes | None,
) -> tuple[str, str]:
    """The guard that keeps the two profiles apart, or that stops one of the records from joining everything it matches; with
    the counts behind it."""
    if policy.mode != "enforce":
        return f"mode:{policy.mode}", ""
    whole = view.profile(one.profile_id), view.profile(other.profile_id)
    if found := objection(view, policy, Joining(whole, whole[0], "", now, frozenset())):
        return found.guard, found.detail
    for record in speaking:
        decision = resolve(
            view,
            policy,
            id_space=record.id_space,
            customer_id=record.customer_id,
            evidence=_said(record),
            now=now,
            stored_attributes=attributes,
        )
        for what, _, _, detail in decision.trace if decision else ():
            if what.startswith("guard:"):
                return what.removeprefix("guard:"), detail
    return "", ""


def _said(record: Record) -> list[Evidence]:
    return [
        Evidence(identifier, "ok", "", seen.verified)
        for identifier, seen in record.observations.items()
        if seen.is_live
    ]


# ---- how ----

_Dated = tuple[int, int, HowStep]


def _moment(dated: _Dated) -> tuple[int, int]:
    return dated[:2]


def _arrived(arrivals: Iterable[Arrival]) -> Iterator[_Dated]:
    for id_, at, record_id, profile_id, rule, rule_set in arrivals:
        yield at, id_, HowStep(at, "arrived", profile_id, None, (record_id,), rule, rule_set)


def _merged(merges: Iterable[Merging]) -> Iterator[_Dated]:
    for id_, at, survivor, absorbed, records, rule, undone_at, rule_set in merges:
        yield at, id_, HowStep(at, "merged", survivor, absorbed, records, rule, rule_set)
        if undone_at is not None:
            yield undone_at, id_, HowStep(undone_at, "undone", absorbed, survivor, records, rule)


def _split(splits: Iterable[Splitting]) -> Iterator[_Dated]:
    for id_, at, source, profile_id, records in splits:
        yield at, id_, HowStep(at, "split", profile_id, source, records, "")
