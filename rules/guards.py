"""CHECK: may these profiles and this record share one profile, and which of the request's keys may it have?

A guard can only forbid, so a stricter guard never joins what stayed apart before (I16). What a person allowed stands: a limit
that a profile already exceeds stops nothing. Only an excess that the join itself causes does (I5).
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

from rules.identifier import Identifier
from rules.matching import links
from rules.policy import Policy, PolicyRule, ValueLimit
from rules.record import Profile, Record, View
from rules.ruleset import ConflictPolicy
from rules.survivor import survivor

Remedy = ConflictPolicy | Literal["separate", "best"]


class Objection(NamedTuple):
    """The guard that forbids a join, what the rule set does in that case, and the counts behind it."""

    guard: str
    remedy: Remedy
    detail: str = ""

    @property
    def is_ambiguous(self) -> bool:
        """A person or a `never` rule keeps two members apart, not a limit: the request fits both, and they cannot be one."""
        return self.guard.partition(":")[0] in ("cannot", "never")


class Joining(NamedTuple):
    """Profiles that would be joined with the request's record. `asserted` are the keys that the request brings; `yielding` are
    the types whose older values make room for these."""

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
        """Whether the join connects profiles or records that were apart."""
        return len(self.profiles) > (0 if self.own is None else 1)


class Admission(NamedTuple):
    """Which keys a profile gains, which of these come from another owner, which of its own make room, and which are left
    out."""

    own: tuple[Identifier, ...]
    taken: tuple[Identifier, ...]
    dropped: tuple[Identifier, ...]
    warnings: tuple[str, ...]


_NOTHING = Admission((), (), (), ())
_Guard: TypeAlias = Callable[[View, Policy, Joining], Objection | None]


def objection(
    view: View, policy: Policy, joining: Joining, guards: Sequence[_Guard] | None = None
) -> Objection | None:
    """The first guard that forbids the join; None if it is allowed. A record alone on its profile can only break the limit of a
    type that allows no second value."""
    if not joining.profiles:
        return None
    if not joining.joins:
        return _values(view, policy, joining)
    for guard in GUARDS if guards is None else guards:
        if found := guard(view, policy, joining):
            return found
    return None


def admit(
    view: View,
    policy: Policy,
    joining: Joining,
    unowned: Collection[Identifier],
    moved: Collection[Identifier],
) -> Admission:
    """Add `moved` keys, which leave another owner, and then keys without an owner, as far as the limits allow."""
    if not moved and not unowned:
        return _NOTHING
    wanted: dict[str, list[Identifier]] = {}
    for identifier in (*moved, *unowned):
        wanted.setdefault(identifier.type, []).append(identifier)
    taken_up: list[Identifier] = []
    dropped: list[Identifier] = []
    for type_, identifiers in wanted.items():
        limit = policy.limits.get(type_)
        if limit is None:
            taken_up += identifiers
            continue
        up, out = _fit(view, limit, joining, identifiers, moved)
        taken_up += up
        dropped += out
    left_out = [one for one in (*moved, *unowned) if one not in taken_up]
    return Admission(
        tuple([one for one in taken_up if one not in moved]),
        tuple([one for one in taken_up if one in moved]),
        tuple(dropped),
        tuple(dict.fromkeys([f"limit:{one.type}" for one in left_out])),
    )


def _fit(
    view: View,
    limit: ValueLimit,
    joining: Joining,
    wanted: list[Identifier],
    moved: Collection[Identifier],
) -> tuple[list[Identifier], list[Identifier]]:
    """The wanted keys of one type that fit, and the held keys that make room. Those unseen for longest go first, never one that
    the request states itself."""
    held = _held(view, limit, joining.profiles, joining.now) if joining.profiles else {}
    if len(held) + len(wanted) <= limit.most:
        return wanted, []
    leaving = sorted(held.keys() - joining.asserted, key=lambda one: (held[one], one), reverse=True)
    makes_room = limit.makes_room(joining.yielding)
    up: list[Identifier] = []
    out: list[Identifier] = []
    for identifier in wanted:
        if len(held) - len(out) + len(up) >= limit.most:
            if not leaving or not (makes_room or (identifier in moved and not limit.immutable)):
                continue
            out.append(leaving.pop())
        up.append(identifier)
    return up, out


# ---- the guards ----


def _apart(view: View, policy: Policy, joining: Joining) -> Objection | None:
    """Two members that a person or a `never` rule keeps apart: the record fits both, and they cannot be one (ambiguous)."""
    if len(joining.profiles) < 2:
        return None
    pins = [p for p in view.pins([r for one in joining.profiles for r in one.records]) if p.kind == "cannot"]
    for one, other in combinations(joining.profiles, 2):
        if any(links(pin, one, other, joining.now) for pin in pins):
            return Objection("cannot", policy.ambiguous)
        if policy.forbids and (rule := _forbidding_rule(view, policy, one, other)):
            return Objection(f"never:{rule}", policy.ambiguous)
    return None


def _forbidding_rule(view: View, policy: Policy, one: Profile, other: Profile) -> str | None:
    """The first `never` rule on which a record of each profile agree, by keys in state normal."""
    for rule in policy.rules:
        if rule.outcome == "never" and any(
            _share(view, rule, a, b) for a in one.records.values() for b in other.records.values()
        ):
            return rule.name
    return None


def _share(view: View, rule: PolicyRule, one: Record, other: Record) -> bool:
    common = {
        identifier.type
        for identifier, observation in one.observations.items()
        if observation.is_live
        and (there := other.observations.get(identifier))
        and there.is_live
        and view.key(identifier).state == "normal"
    }
    return common.issuperset(rule.all_of) and rule.covers(one.id_space, other.id_space)


def _records(view: View, policy: Policy, joining: Joining) -> Objection | None:
    records, most = _size(joining), policy.most_records
    return Objection("max_records", "review", f"{records}>{most}") if records > most else None


def _size(joining: Joining) -> int:
    return sum([len(one.records) for one in joining.profiles]) + joining.is_new


def _profiles(view: View, policy: Policy, joining: Joining) -> Objection | None:
    profiles, at_once = len(joining.profiles), policy.most_profiles_at_once
    if profiles <= at_once:
        return None
    return Objection("max_profiles_at_once", "review", f"{profiles}>{at_once}")


def _ids(view: View, policy: Policy, joining: Joining) -> Objection | None:
    spaces = {record.id_space for one in joining.profiles for record in one.records.values()}
    most_in_one_space = _size(joining) - len(spaces) + 1
    if most_in_one_space <= policy.least_ids:
        return None
    together = {joining.id_space: 1} if joining.is_new else {}
    for one in joining.profiles:
        for record in one.records.values():
            together[record.id_space] = together.get(record.id_space, 0) + 1
    beyond = [id_space for id_space, count in together.items() if count > policy.ids(id_space).most]
    for id_space in sorted(beyond):
        count, limit = together[id_space], policy.ids(id_space)
        if count > max([_ids_of(one, id_space) for one in joining.profiles]):
            return Objection(f"ids_per_profile:{id_space}", limit.remedy, f"{count}>{limit.most}")
    return None


def _ids_of(profile: Profile, id_space: str) -> int:
    return sum(record.id_space == id_space for record in profile.records.values())


def _values(view: View, policy: Policy, joining: Joining) -> Objection | None:
    values = _written(joining)
    if len(values) <= policy.least_values:
        return None
    written = Counter([one.type for one in values])
    for type_, limit in policy.limits.items():
        if written.get(type_, 0) > limit.most and (found := _too_many(view, limit, joining)):
            return found
    return None


def _written(joining: Joining) -> set[Identifier]:
    """All values that the joined profile would hold, whether they count for a limit or not."""
    values = set(joining.asserted)
    for profile in joining.profiles:
        for record in profile.records.values():
            values.update(record.observations)
    return values


def _too_many(view: View, limit: ValueLimit, joining: Joining) -> Objection | None:
    apart = [len(_held(view, limit, (one,), joining.now)) for one in joining.profiles]
    held = _held(view, limit, joining.profiles, joining.now)
    brought = {one for one in joining.asserted if one.type == limit.type and one not in held}
    count = len(held)
    if brought and held and limit.insists(joins=joining.joins) and limit.type not in joining.yielding:
        count += len(brought)
    if count <= max(limit.most, *apart):
        return None
    return Objection(f"max_per_profile:{limit.type}", limit.remedy, f"{count}>{limit.most}")


def _balance(view: View, policy: Policy, joining: Joining) -> Objection | None:
    most = policy.protected_balance
    if most == 0 or len(joining.profiles) < 2:
        return None
    stays = survivor(policy.rule_set, joining.profiles)
    moving = sum([view.balance(one.profile_id) for one in joining.profiles if one is not stays])
    return Objection("protect_balance_over", "review", f"{moving}>{most}") if moving > most else None


def _held(view: View, limit: ValueLimit, profiles: Collection[Profile], now: int) -> dict[Identifier, int]:
    """The profiles' own keys of a type that count against its limit, with the moment each was last seen."""
    seen: dict[Identifier, int] = {}
    for profile in profiles:
        for record in profile.records.values():
            for identifier, observation in record.observations.items():
                if identifier.type == limit.type and observation.is_live:
                    seen[identifier] = max(seen.get(identifier, 0), observation.last_seen)
    owners = {profile.profile_id for profile in profiles}
    return {
        identifier: at
        for identifier, at in seen.items()
        if limit.counts(now - at) and view.key(identifier).owner in owners
    }


# A record that was stopped must get the same answer when it asks again, although it then has a profile of its own. So the
# guards that count profiles come last, and guards that a policy can resolve come after those that it cannot.
GUARDS: tuple[_Guard, ...] = (_apart, _ids, _records, _balance, _values, _profiles)
OF_GROUPS: tuple[_Guard, ...] = (_apart, _ids, _records, _balance, _values)
"""The guards without those that limit a single request only."""
WITHOUT_VALUES: tuple[_Guard, ...] = (_apart, _ids, _records, _balance)
