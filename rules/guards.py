"""CHECK: may these profiles and this record share one profile, and which of the request's keys may it take
up.

Every guard only ever says no, so tightening one never joins what stayed apart before (I16). What a person
allowed stands: an excess that one profile has already is not held against it again, only one that the join
would make (I5).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

from rules.identifier import Identifier
from rules.matching import forbidding_rule, is_live, links
from rules.record import Profile, View
from rules.ruleset import ConflictPolicy, IdentifierRules, IdSpaceRules, RuleSet
from rules.survivor import survivor

Remedy = ConflictPolicy | Literal["separate", "best"]


class Objection(NamedTuple):
    """The guard that forbids a join, what the rule set does about it, and the counts behind it."""

    guard: str
    remedy: Remedy
    detail: str = ""

    @property
    def is_ambiguous(self) -> bool:
        """Two members are kept apart by judgement, not by a limit: the request fits both, and they cannot
        be one."""
        return self.guard.partition(":")[0] in ("cannot", "never")


@dataclass(frozen=True, slots=True)
class Joining:
    """Profiles that would become one with the request's record. `asserted` are the keys that the request
    brings along; `yielding` the types whose older values make room for them."""

    profiles: tuple[Profile, ...]
    own: Profile | None
    id_space: str
    now: int
    asserted: frozenset[Identifier]
    yielding: frozenset[str] = frozenset()

    @property
    def is_new(self) -> bool:
        return self.own is None

    @property
    def joins(self) -> bool:
        """Something comes together that was apart before."""
        return len(self.profiles) > (0 if self.own is None else 1)


class Admission(NamedTuple):
    """Which keys a profile takes up, which come from another owner, which of its own make room, and what
    was left out."""

    own: tuple[Identifier, ...]
    taken: tuple[Identifier, ...]
    dropped: tuple[Identifier, ...]
    warnings: tuple[str, ...]


def objection(view: View, rules: RuleSet, joining: Joining) -> Objection | None:
    """The first guard that stands against the join; None when it may be done. A record alone on its profile
    can only break the limit of a type that allows no second value."""
    if not joining.joins:
        return next(_values(view, rules, joining), None)
    # A stopped record that asks again must hear the same, although it now brings a profile of its own: so what counts
    # profiles comes last, and what a policy may argue with comes after what it may not.
    guards = (_apart, _ids, _records, _balance, _values, _profiles)
    return next((found for guard in guards for found in guard(view, rules, joining)), None)


def admit(
    view: View,
    rules: RuleSet,
    joining: Joining,
    unowned: Collection[Identifier],
    moved: Collection[Identifier],
) -> Admission:
    """Take up `moved` keys, which leave another owner, and then the unowned ones, as far as the limits go."""
    wanted: defaultdict[str, list[Identifier]] = defaultdict(list)
    for identifier in (*moved, *unowned):
        wanted[identifier.type].append(identifier)
    taken_up: list[Identifier] = []
    dropped: list[Identifier] = []
    for type_, identifiers in wanted.items():
        up, out = _fit(view, rules, joining, type_, identifiers, moved)
        taken_up += up
        dropped += out
    left_out = [one for one in (*moved, *unowned) if one not in taken_up]
    return Admission(
        tuple(one for one in taken_up if one not in moved),
        tuple(one for one in taken_up if one in moved),
        tuple(dropped),
        tuple(dict.fromkeys(f"limit:{one.type}" for one in left_out)),
    )


def _fit(
    view: View,
    rules: RuleSet,
    joining: Joining,
    type_: str,
    wanted: list[Identifier],
    moved: Collection[Identifier],
) -> tuple[list[Identifier], list[Identifier]]:
    """Of one type's wanted keys those that fit, and the held ones that make room: the longest unseen, never
    one that the request states itself."""
    kind = rules.identifiers.get(type_)
    if kind is None or kind.max_per_profile == 0:
        return wanted, []
    held = _held(view, kind, type_, joining.profiles, joining.now)
    leaving = sorted(held.keys() - joining.asserted, key=lambda one: (held[one], one), reverse=True)
    makes_room = not kind.immutable and (kind.at_limit == "drop_oldest" or type_ in joining.yielding)
    up: list[Identifier] = []
    out: list[Identifier] = []
    for identifier in wanted:
        if len(held) - len(out) + len(up) >= kind.max_per_profile:
            if not leaving or not (makes_room or (identifier in moved and not kind.immutable)):
                continue
            out.append(leaving.pop())
        up.append(identifier)
    return up, out


def _apart(view: View, rules: RuleSet, joining: Joining) -> Iterator[Objection]:
    """Two members that a person or a `never` rule keeps apart: the record fits both, and they cannot be one
    (ambiguous)."""
    pins = [p for p in view.pins(r for one in joining.profiles for r in one.records) if p.kind == "cannot"]
    forbids = any(rule.outcome == "never" for rule in rules.rules)
    for one, other in combinations(joining.profiles, 2):
        if any(links(pin, one, other, joining.now) for pin in pins):
            yield Objection("cannot", rules.conflict.ambiguous)
        elif forbids and (rule := forbidding_rule(view, rules, one, other)):
            yield Objection(f"never:{rule}", rules.conflict.ambiguous)


def _records(view: View, rules: RuleSet, joining: Joining) -> Iterator[Objection]:
    records = sum(len(one.records) for one in joining.profiles) + joining.is_new
    if records > rules.merge.max_records:
        yield Objection("max_records", "review", f"{records}>{rules.merge.max_records}")


def _profiles(view: View, rules: RuleSet, joining: Joining) -> Iterator[Objection]:
    profiles, at_once = len(joining.profiles), rules.merge.max_profiles_at_once
    if profiles > at_once:
        yield Objection("max_profiles_at_once", "review", f"{profiles}>{at_once}")


def _ids(view: View, rules: RuleSet, joining: Joining) -> Iterator[Objection]:
    counts = [Counter(record.id_space for record in one.records.values()) for one in joining.profiles]
    together = sum(counts, Counter({joining.id_space: 1} if joining.is_new else {}))
    for id_space, count in sorted(together.items()):
        limits = rules.id_spaces.get(id_space, IdSpaceRules())
        if limits.on_many_ids == "allow":
            continue
        if count > max(limits.ids_per_profile, *(each[id_space] for each in counts)):
            yield Objection(
                f"ids_per_profile:{id_space}", limits.on_many_ids, f"{count}>{limits.ids_per_profile}"
            )


def _values(view: View, rules: RuleSet, joining: Joining) -> Iterator[Objection]:
    for type_, kind in rules.identifiers.items():
        if kind.max_per_profile == 0 or not joining.profiles:
            continue
        apart = [len(_held(view, kind, type_, (one,), joining.now)) for one in joining.profiles]
        held = _held(view, kind, type_, joining.profiles, joining.now)
        brought = {one for one in joining.asserted if one.type == type_ and one not in held}
        count = len(held)
        if brought and held and _insists(kind, joining) and type_ not in joining.yielding:
            count += len(brought)
        if count > max(kind.max_per_profile, *apart):
            remedy = "review" if kind.at_limit == "review" else rules.conflict.policy
            yield Objection(f"max_per_profile:{type_}", remedy, f"{count}>{kind.max_per_profile}")


def _insists(kind: IdentifierRules, joining: Joining) -> bool:
    """Whether one value too many is a conflict, rather than something for `at_limit` to settle."""
    if kind.immutable or (kind.max_per_profile == 1 and kind.at_limit != "drop_oldest"):
        return True
    return kind.at_limit == "review" and joining.joins


def _balance(view: View, rules: RuleSet, joining: Joining) -> Iterator[Objection]:
    most = rules.merge.protect_balance_over
    if most == 0 or len(joining.profiles) < 2:
        return
    stays = survivor(rules, joining.profiles)
    moving = sum(view.balance(one.profile_id) for one in joining.profiles if one is not stays)
    if moving > most:
        yield Objection("protect_balance_over", "review", f"{moving}>{most}")


def _held(
    view: View, kind: IdentifierRules, type_: str, profiles: Collection[Profile], now: int
) -> dict[Identifier, int]:
    """The profiles' own keys of a type that count against its limit, with the moment each was last seen."""
    seen: dict[Identifier, int] = {}
    for profile in profiles:
        for record in profile.records.values():
            for identifier, observation in record.observations.items():
                if identifier.type == type_ and is_live(observation):
                    seen[identifier] = max(seen.get(identifier, 0), observation.last_seen)
    owners = {profile.profile_id for profile in profiles}
    return {
        identifier: at
        for identifier, at in seen.items()
        if (kind.window is None or now - at <= kind.window) and view.key(identifier).owner in owners
    }
