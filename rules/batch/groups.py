"""Decides whether two groups of records may be joined, by applying the rules and guards of RESOLVE to groups.

This module has no logic of its own for rules or limits: `match_profile` evaluates the rule, `objection` the guards, and `admit`
decides which values can still match. To them a group is a profile with the id of its lowest record.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rules.batch.columns import Columns
from rules.batch.holdings import Holding
from rules.confirmation import RecordAttributes
from rules.guards import OF_GROUPS, WITHOUT_VALUES, Joining, Objection, admit, objection
from rules.identifier import Identifier
from rules.matching import OWNED_ELSEWHERE, Request, Standing, links, match_profile
from rules.policy import Policy, PolicyRule
from rules.record import Judgement, Key, Profile, Record

AT_ONCE = "max_profiles_at_once"
PIN = "pin:must"
"""The rule name for two records that a person pinned together."""


class Stop(NamedTuple):
    """What keeps two groups apart: a guard, or the doubt of a rule. `asks`: a person has to decide."""

    rule: str
    types: tuple[str, ...]
    guard: str
    asks: bool


@dataclass(slots=True, eq=False)
class Group:
    """Rows that belong to one person. `profile` is what the rules see of them. `powered` holds the values that count and join.
    Both are computed at first use."""

    rows: list[int]
    profile: Profile | None = None
    powered: frozenset[Identifier] | None = None

    def forget(self) -> None:
        self.profile = self.powered = None


@dataclass(frozen=True, slots=True)
class _Pair:
    """The part of the state that concerns two groups."""

    profiles: Mapping[int, Profile]
    powered: Mapping[int, Collection[Identifier]]
    known_pins: Sequence[Judgement]
    balances: Mapping[int, int]

    def record(self, id_space: str, customer_id: str) -> Record | None:
        raise LookupError(id_space, customer_id)

    def key(self, identifier: Identifier) -> Key:
        owners = (profile_id for profile_id, powered in self.powered.items() if identifier in powered)
        return Key(identifier, owner=next(owners, None))

    def profile(self, profile_id: int) -> Profile:
        return self.profiles[profile_id]

    def pins(self, record_ids: Iterable[int]) -> Iterable[Judgement]:
        return self.known_pins

    def balance(self, profile_id: int) -> int:
        """Nothing moves between records of one profile."""
        records = [record for profile in self.profiles.values() for record in profile.records.values()]
        if len({record.profile_id for record in records}) == 1:
            return 0
        return sum(self.balances.get(record_id, 0) for record_id in self.profiles[profile_id].records)


_EMPTY = _Pair({}, {}, (), {})


class GroupJoins:
    """Decides which pairs of groups may join under one policy, and records which values can still match. `now` is the time for
    counting limits; a rule is evaluated at the time of the edge."""

    def __init__(
        self,
        columns: Columns,
        policy: Policy,
        pins: Mapping[int, Sequence[Judgement]],
        *,
        now: int,
        balances: Mapping[int, int],
        attributes: RecordAttributes | None,
    ) -> None:
        self._columns, self._pins, self._now = columns, pins, now
        self._balances, self._attributes = balances, attributes
        self._policy = policy
        self._crowded = {columns.identifier(key) for key, crowded in enumerate(columns.crowded) if crowded}
        self._led = Counter[tuple[int, int]]()

    def refusal(self, holding: Holding, mine: Group, theirs: Group) -> Stop | None:
        """Why this holding's rule does not let its group join the other; None if it does."""
        rule = self._policy.rules[holding.rank]
        one, other = self._look(mine), self._look(theirs)
        if self._pinned_apart(one, other):
            return Stop(rule.name, rule.all_of, "cannot", asks=False)
        view = self._pair(mine, theirs)
        request = self._request(one, other, holding, self._powered(theirs))
        match = match_profile(view, self._policy, request, other, (), self._attributes, (rule,))
        if match.outcome == "merge":
            return self._guard(view, mine, theirs, rule.name, rule.all_of) or self._at_once(holding, rule)
        doubt = match.steps[0].detail if match.steps else f"max_per_profile:{rule.all_of[0]}"
        return Stop(rule.name, rule.all_of, doubt, match.outcome == "review")

    def _at_once(self, holding: Holding, rule: PolicyRule) -> Stop | None:
        """What a record states from one moment on stands for one request; the edges that it leads to count. A record that was
        known before then brings the profile that it had."""
        known = holding.moment > self._columns.created_at[holding.row]
        if self._led[holding.row, holding.moment] + known < self._policy.most_profiles_at_once:
            self._led[holding.row, holding.moment] += 1
            return None
        return Stop(rule.name, rule.all_of, AT_ONCE, asks=True)

    def pin_refusal(self, mine: Group, theirs: Group) -> Stop | None:
        """Why the two may not follow a `must` pin. Only another person's decision can stop a `must` pin; limits cannot (I5)."""
        apart = self._pinned_apart(self._look(mine), self._look(theirs))
        return Stop(PIN, (), "cannot", asks=False) if apart else None

    def question(
        self, holding: Holding, mine: Group, theirs: Group, *, disputed: bool = False
    ) -> Stop | None:
        """The question for a person about two groups that agree on something; None if there is none. `disputed`: the owner of the
        holding's value is in doubt, so it is asked even though nothing else speaks against the two."""
        one, other = self._look(mine), self._look(theirs)
        request = self._request(one, other, holding, {*self._ownable(one), *self._ownable(other)})
        match = match_profile(_EMPTY, self._policy, request, other, self._pins_of(one), self._attributes)
        if match.outcome == "merge" and disputed and match.rank == holding.rank:
            return Stop(match.rule, match.types, OWNED_ELSEWHERE, asks=True)
        if match.outcome != "review":
            return None
        named = next(step.detail for step in match.steps if step.what == f"rule:{match.rule}")
        doubt = "" if named == "+".join(match.types) else named
        return Stop(match.rule, match.types, doubt or "review", asks=True)

    def is_powered(self, group: Group, key: int) -> bool:
        """Whether the value leads to the group. A value for which the group had no room does not."""
        return self._columns.identifier(key) in self._powered(group)

    def join(self, mine: Group, theirs: Group) -> tuple[Group, Group]:
        """Join them, once nothing stands against it. Returns the group that stays and the one that is absorbed."""
        kept, gone = (theirs, mine) if len(theirs.rows) >= len(mine.rows) else (mine, theirs)
        if mine.profile is not None and theirs.profile is not None:
            kept.powered = self._powered_together(mine, theirs)
            kept.profile = _profile({**theirs.profile.records, **mine.profile.records})
        kept.rows.extend(gone.rows)
        return kept, gone

    def _guard(
        self, view: _Pair, mine: Group, theirs: Group, rule: str, types: tuple[str, ...]
    ) -> Stop | None:
        found = self._objection(view, mine, theirs)
        if found is None:
            return None
        return Stop(rule, types, found.guard, found.remedy == "review" and found.guard != "cannot")

    def _objection(self, view: _Pair, mine: Group, theirs: Group) -> Objection | None:
        one, other = self._look(mine), self._look(theirs)
        both = Joining((other, one), one, "", self._now, frozenset())
        if len(mine.rows) > 1 and len(theirs.rows) > 1:
            return objection(view, self._policy, both, OF_GROUPS)
        return objection(view, self._policy, both, WITHOUT_VALUES) or objection(
            view, self._policy, self._bringing(*_newcomer(mine, theirs)), OF_GROUPS
        )

    def _bringing(self, newcomer: Group, group: Group) -> Joining:
        (record,) = self._look(newcomer).records.values()
        return Joining((self._look(group),), None, record.id_space, self._now, frozenset(record.observations))

    def _powered_together(self, mine: Group, theirs: Group) -> frozenset[Identifier]:
        """The values that still match after the join, whether or not there was room for those of the newcomer."""
        if len(mine.rows) > 1 and len(theirs.rows) > 1:
            return self._powered(mine) | self._powered(theirs)
        newcomer, group = _newcomer(mine, theirs)
        powered = self._powered(group)
        brought = self._in_order(newcomer, self._powered(newcomer) - powered)
        admission = admit(
            self._pair(mine, theirs), self._policy, self._bringing(newcomer, group), brought, ()
        )
        for record in self._look(group).records.values():
            for identifier in record.observations.keys() & set(admission.dropped):
                record.observations[identifier].retired = True
        return powered.difference(admission.dropped).union(admission.own)

    def _look(self, group: Group) -> Profile:
        if group.profile is None:
            records = map(self._columns.record, group.rows)
            group.profile = _profile({record.record_id: record for record in records})
        return group.profile

    def _powered(self, group: Group) -> frozenset[Identifier]:
        if group.powered is None:
            ownable = set(self._ownable(self._look(group))).difference(self._crowded)
            ordered = self._in_order(group, ownable)
            alone = Joining((), None, "", self._now, frozenset())
            group.powered = frozenset(admit(_EMPTY, self._policy, alone, ordered, ()).own)
        return group.powered

    def _ownable(self, profile: Profile) -> Iterator[Identifier]:
        """The values that lead to the profile by one key alone."""
        for record in profile.records.values():
            for identifier, seen in record.observations.items():
                if self._policy.may_own(record, seen):
                    yield identifier

    def _in_order(self, group: Group, identifiers: Collection[Identifier]) -> list[Identifier]:
        """Sorted oldest first, or newest first where an older value makes room for a newer one."""
        first: dict[Identifier, int] = {}
        for record in self._look(group).records.values():
            for identifier in identifiers & record.observations.keys():
                at = record.observations[identifier].first_seen
                first[identifier] = min(at, first.get(identifier, at))

        def place(identifier: Identifier) -> tuple[int, Identifier]:
            at = first[identifier]
            return (-at if self._policy.takes_newest_first(identifier.type) else at), identifier

        return sorted(identifiers, key=place)

    def _pair(self, *groups: Group) -> _Pair:
        profiles = {(profile := self._look(one)).profile_id: profile for one in groups}
        powered = {self._look(one).profile_id: self._powered(one) for one in groups}
        pins = [pin for profile in profiles.values() for pin in self._pins_of(profile)]
        return _Pair(profiles, powered, pins, self._balances)

    def _pinned_apart(self, one: Profile, other: Profile) -> bool:
        return any(pin.kind == "cannot" and links(pin, one, other, self._now) for pin in self._pins_of(one))

    def _pins_of(self, profile: Profile) -> list[Judgement]:
        if not self._pins:
            return []
        pins = (pin for record_id in profile.records for pin in self._pins.get(record_id, ()))
        return list(dict.fromkeys(pins))

    def _request(
        self, own: Profile, other: Profile, holding: Holding, powered: Collection[Identifier]
    ) -> Request:
        """The holding's record states everything again that it ever stated to the other group. Of equal values, the one that
        still matches comes first."""
        record = own.records[holding.record_id]
        said = sorted(record.observations.items(), key=lambda item: item[0] not in powered)
        keys = {
            identifier: Standing(
                key_type.declared,
                other.profile_id if identifier in powered else None,
                seen.verified,
                crowded=identifier in self._crowded,
            )
            for identifier, seen in said
            if seen.is_live and (key_type := self._policy.key_types.get(identifier.type))
        }
        stated = frozenset(i for i, seen in record.observations.items() if seen.is_live)
        attributes = self._attributes(holding.record_id) if self._attributes else None
        return Request(record.id_space, holding.moment, keys, stated, own, attributes)


def _newcomer(mine: Group, theirs: Group) -> tuple[Group, Group]:
    """The group of one record that brings its values to the other; if both have one record, the later one."""
    return (mine, theirs) if len(mine.rows) == 1 else (theirs, mine)


def _profile(records: Mapping[int, Record]) -> Profile:
    created_at = min(record.created_at for record in records.values())
    return Profile(min(records), created_at, records=dict(records))
