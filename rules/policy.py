"""The policy: a rule set, compiled once when it is activated.

Every question about types, id spaces, rules and limits is answered here and nowhere else: which values join profiles and who
may own them, the state of a value that many records hold, which sources verify a value, which rules apply to which id space,
and how much one profile may hold. The policy knows no state. Callers evaluate the state (a request, two groups, a stored
component).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Literal

from rules.attributes import COMPARED_AS, kind_of
from rules.compare import NAME_KINDS, Kinds
from rules.compare.conditions import Condition, condition, parts
from rules.identifier import CANONICAL_SUFFIX, Identifier
from rules.record import KeyState, Observation, Record
from rules.ruleset import (
    ANY_ID_SPACE,
    AttributeKind,
    ConflictPolicy,
    IdentifierRules,
    IdSpaceRules,
    Rule,
    RuleOutcome,
    RuleSet,
)

Power = Literal["normal", "crowded", "generic", "shared"]
"""`normal`: the value joins. `crowded`: so many records hold it that a person is asked each time. `generic`: so many hold it
that it joins nothing. `shared`: several people may have it, so it joins nothing."""
MOST_RELATED = 100
"""Up to so many holders of a value, questions are asked about each pair of them; beyond, about each of them and the owner."""
EVER = 0
"""A moment before all others."""


@dataclass(frozen=True, slots=True)
class KeyType:
    """A type whose values may join profiles: a declared type, or its provider form. `joins_alone` is False for a form that only
    raises a question. From `fan_out` records on, a value is in doubt."""

    name: str
    declared: str
    joins_alone: bool
    strength: tuple[bool, int]
    is_shared: bool
    fan_out: float
    beyond: Power
    fan_out_window: int | None
    stale_after: int
    verified_only: bool

    def power(self, holders: int) -> Power:
        """The state of a value that this many records hold inside the window."""
        if self.is_shared:
            return "shared"
        return self.beyond if holders > self.fan_out else "normal"

    def depends_on_ages(self, holders: int) -> bool:
        """Whether it matters, for this many holders, how long ago they stated the value."""
        return self.fan_out_window is not None and holders > self.fan_out

    def may_own(self, *, verified: bool) -> bool:
        """Whether a record that states a value makes its profile the value's owner, while the value is in state normal."""
        return not self.is_shared and (verified or not self.verified_only)

    def is_stale(self, unseen_for: int) -> bool:
        return 0 < self.stale_after < unseen_for


@dataclass(frozen=True, slots=True)
class ValueLimit:
    """How many values of a type one profile may hold, and what happens above that number."""

    type: str
    most: int
    window: int | None
    immutable: bool
    newest_first: bool
    at_limit: Literal["keep_old", "drop_oldest", "review"]
    remedy: ConflictPolicy

    def counts(self, unseen_for: int) -> bool:
        return self.window is None or unseen_for <= self.window

    def makes_room(self, yielding: Iterable[str]) -> bool:
        """Whether an older value makes room for a newer one."""
        return not self.immutable and (self.newest_first or self.type in yielding)

    def insists(self, *, joins: bool) -> bool:
        """Whether a value above the limit is a conflict. If not, `at_limit` decides."""
        if self.immutable or (self.most == 1 and not self.newest_first):
            return True
        return self.at_limit == "review" and joins


@dataclass(frozen=True, slots=True)
class IdLimit:
    """How many customer ids of one id space a profile may hold."""

    most: float
    remedy: ConflictPolicy


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A rule with the fields that every decision reports. `rank` is its position in the file. `alone` is its type if it
    requires one only, and `""` if it requires several. `unless_differs` has the types, `unless_apart` the conditions on
    attributes. `confirm_any` are alternatives, each with all conditions that it takes. `id_spaces` is None if it applies to all
    of them."""

    rank: int
    name: str
    all_of: tuple[str, ...]
    alone: str
    outcome: RuleOutcome
    unless_differs: tuple[str, ...]
    unless_apart: tuple[Condition, ...]
    needs_verified: bool
    id_spaces: frozenset[str] | None
    confirm_any: tuple[tuple[Condition, ...], ...]
    confirm_missing: Literal["merge", "review"]
    not_confirmed: Literal["review", "refuse"]
    code: str
    types: str

    @property
    def compares_attributes(self) -> bool:
        return bool(self.confirm_any or self.unless_apart)

    def covers(self, *id_spaces: str) -> bool:
        """Whether the rule applies to records of these id spaces."""
        return self.id_spaces is None or self.id_spaces.issuperset(id_spaces)

    def asks_the_owner_only(self, key_type: KeyType) -> bool:
        """Whether a single value leads to its owner and to no other profile, whatever its source and however it was stated."""
        return self.id_spaces is None and not (self.needs_verified or key_type.verified_only)


class Policy:
    """`rule_set` is its source. Tables are by type, id space or rank. A type that is not in `key_types` joins no profiles."""

    def __init__(self, rule_set: RuleSet) -> None:
        self.rule_set = rule_set
        self.mode = rule_set.mode
        self.rules = tuple(_rule(rank, rule, rule_set) for rank, rule in enumerate(rule_set.rules))
        self.kinds = _kinds(rule_set, self.rules)
        self.key_types = {one.name: one for one in _key_types(rule_set)}
        self.limits = {
            name: _limit(name, kind, rule_set.conflict.policy)
            for name, kind in rule_set.identifiers.items()
            if kind.merge and kind.max_per_profile
        }
        self.phone_types = tuple(n for n, kind in rule_set.identifiers.items() if kind.kind == "phone")
        self.least_values = min((one.most for one in self.limits.values()), default=inf)
        self.most_records = rule_set.merge.max_records
        self.most_profiles_at_once = rule_set.merge.max_profiles_at_once
        self.protected_balance = rule_set.merge.protect_balance_over
        self.ambiguous: Literal["separate", "best", "review"] = rule_set.conflict.ambiguous
        self._id_limits = {name: _id_limit(space) for name, space in rule_set.id_spaces.items()}
        self._other_ids = _id_limit(rule_set.other_id_spaces)
        self.least_ids = min([self._other_ids.most, *(one.most for one in self._id_limits.values())])
        self._windows = {
            name + form: kind.fanout_window
            for name, kind in rule_set.identifiers.items()
            for form in ("", CANONICAL_SUFFIX)
        }
        self._verified_types = {name: _types_verified_in(space) for name, space in rule_set.id_spaces.items()}
        self._verified_elsewhere = _types_verified_in(rule_set.other_id_spaces)
        self.forbids = any(rule.outcome == "never" for rule in self.rules)
        self.compares_several = any(not rule.alone for rule in self.rules)

    # ---- identifiers ----

    def power(self, type_: str, holders: int) -> Power:
        """The state of a value that this many records hold; normal for a value that joins no profiles."""
        key_type = self.key_types.get(type_)
        return "normal" if key_type is None else key_type.power(holders)

    def state(self, type_: str, holders: int) -> KeyState:
        """The stored state of a value that this many records hold. `crowded` is not stored; it is computed each time."""
        power = self.power(type_, holders)
        return "normal" if power == "crowded" else power

    def depends_on_ages(self, type_: str, holders: int) -> bool:
        """Whether it matters, for this many holders, how long ago they stated the value."""
        return type_ in self.key_types and self.key_types[type_].depends_on_ages(holders)

    def counts_as_verified(self, id_space: str, type_: str, verified: bool) -> bool:
        """Verified by itself, or by an id space that verifies every value of the type."""
        return verified or type_ in self._verified_types.get(id_space, self._verified_elsewhere)

    def may_own(self, record: Record, seen: Observation) -> bool:
        """Whether a record that states the value makes its profile the owner, while the value is in state normal."""
        type_ = seen.identifier.type
        key_type = self.key_types.get(type_)
        if key_type is None or not seen.is_live:
            return False
        return key_type.may_own(verified=self.counts_as_verified(record.id_space, type_, seen.verified))

    def strength(self, identifier: Identifier) -> tuple[bool, int, Identifier]:
        """The sort order of evidence; provider forms come below every written value."""
        return *self.key_types[identifier.type].strength, identifier

    def counted_since(self, type_: str, now: int) -> int:
        """The moment from which holders of a value count for its fan-out."""
        window = self._windows.get(type_)
        return EVER if window is None else now - window

    def holders_since(self, type_: str, now: int) -> int | None:
        """The same, for a request that needs the holders of its values; None if their number is enough."""
        window = self._windows.get(type_)
        if window is None:
            return EVER if self._concerns_other_holders else None
        return now - window

    @cached_property
    def _concerns_other_holders(self) -> bool:
        """Whether a value can concern a profile that holds it without owning it: a rule may find it there, or ask about it."""
        return any(
            kind.stale_after or not kind.joins_alone or kind.verified_only for kind in self.key_types.values()
        ) or any(
            not rule.alone
            or rule.needs_verified
            or rule.id_spaces is not None
            or rule.outcome == "review"
            or rule.unless_differs
            or rule.compares_attributes
            for rule in self.rules
        )

    # ---- attributes ----

    @property
    def compares_attributes(self) -> bool:
        return bool(self.kinds)

    # ---- limits ----

    def takes_newest_first(self, type_: str) -> bool:
        """Whether a newer value takes the place of an older one at the type's limit."""
        return type_ in self.limits and self.limits[type_].newest_first

    def ids(self, id_space: str) -> IdLimit:
        return self._id_limits.get(id_space, self._other_ids)


def _rule(rank: int, rule: Rule, rule_set: RuleSet) -> PolicyRule:
    return PolicyRule(
        rank,
        rule.name,
        rule.all_of,
        rule.all_of[0] if len(rule.all_of) == 1 else "",
        rule.outcome,
        tuple(name for name in rule.unless_differs if name in rule_set.identifiers),
        tuple(
            one
            for written in rule.unless_differs
            if written not in rule_set.identifiers
            for one in _conditions(written, rule_set)
        ),
        rule.needs_verified,
        None if ANY_ID_SPACE in rule.id_spaces else frozenset(rule.id_spaces),
        tuple(tuple(_conditions(written, rule_set)) for written in rule.confirm_any),
        rule.confirm_missing,
        rule.not_confirmed,
        f"rule:{rule.name}",
        "+".join(rule.all_of),
    )


def _conditions(written: str, rule_set: RuleSet) -> Iterable[Condition]:
    for name, level in parts(written):
        yield condition(name, level, kind_of(name, rule_set.kinds))


def _kinds(rule_set: RuleSet, rules: Iterable[PolicyRule]) -> Kinds:
    """The kinds of all attributes that have to be looked at: those that rules name, and beside a name the other attributes that
    may hold it. Empty if no rule compares any."""
    named: dict[str, AttributeKind] = {
        one.attribute: kind_of(one.attribute, rule_set.kinds)
        for rule in rules
        for one in (*rule.unless_apart, *(each for alternative in rule.confirm_any for each in alternative))
    }
    if NAME_KINDS.isdisjoint(named.values()):
        return named
    others = (*COMPARED_AS.items(), *rule_set.kinds.items())
    return {**named, **{name: kind_of(name, rule_set.kinds) for name, kind in others if kind in NAME_KINDS}}


def _key_types(rule_set: RuleSet) -> Iterable[KeyType]:
    for name, kind in rule_set.identifiers.items():
        if kind.merge:
            yield _key_type(name, name, kind, joins_alone=True)
            if kind.provider_canonical != "off":
                form = name + CANONICAL_SUFFIX
                yield _key_type(form, name, kind, joins_alone=kind.provider_canonical == "merge")


def _key_type(name: str, declared: str, kind: IdentifierRules, *, joins_alone: bool) -> KeyType:
    unlimited = kind.fanout_limit == 0 or kind.on_fanout == "ignore"
    return KeyType(
        name,
        declared,
        joins_alone,
        (name == declared, kind.strength),
        kind.max_profiles > 1,
        inf if unlimited else kind.fanout_limit,
        "generic" if kind.on_fanout == "quarantine" else "crowded",
        kind.fanout_window,
        kind.stale_after,
        kind.require_verified,
    )


def _limit(name: str, kind: IdentifierRules, conflict: ConflictPolicy) -> ValueLimit:
    return ValueLimit(
        name,
        kind.max_per_profile,
        kind.window,
        kind.immutable,
        kind.at_limit == "drop_oldest",
        kind.at_limit,
        "review" if kind.at_limit == "review" else conflict,
    )


def _id_limit(space: IdSpaceRules) -> IdLimit:
    if space.on_many_ids == "allow":
        return IdLimit(inf, "review")
    return IdLimit(space.ids_per_profile, space.on_many_ids)


def _types_verified_in(space: IdSpaceRules) -> Mapping[str, None]:
    return dict.fromkeys(type_ + form for type_ in space.verified for form in ("", CANONICAL_SUFFIX))
