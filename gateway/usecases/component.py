"""Components: the profiles that have to be looked at together to decide again which of their records are one person.

Two profiles belong to one component if records of theirs could be joined: by the same values under a rule, or by a `must` pin.
Records that are on one profile now stay in one component. The partition of a whole component is the same as its part of the
partition of all records.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from gateway.usecases.env import Env
from gateway.workingset import NotLoaded, WorkingSet
from rules.identifier import Identifier
from rules.policy import Policy, PolicyRule
from rules.record import Key, KeyState, Observation, Profile, Record

MOST_STEPS = 30
"""The most steps from profile to profile."""
MOST_RECORDS = 20_000
"""The most records that are looked at together, beside those of the largest profile: that one is loaded whole for each call about
it anyway. `fanout_limit` and `max_records` keep components smaller; this limit is for rule sets without them."""


class ComponentSkipped(Exception):
    """A component cannot be looked at in one transaction; `reached` are the profiles so far."""

    def __init__(self, reached: set[int]) -> None:
        super().__init__(len(reached))
        self.reached = reached


class TooLarge(ComponentSkipped):
    """More records belong together than can be looked at."""


class TooFar(ComponentSkipped):
    """The chain of profiles is too long: each step is another look-up."""


@dataclass(slots=True)
class ValueStates:
    """The state of each value. `by_present_rules`: as the rules in use decide it; otherwise as it is stored."""

    ws: WorkingSet
    env: Env
    by_present_rules: bool
    _known: dict[Identifier, KeyState] = field(default_factory=dict[Identifier, KeyState])

    @property
    def policy(self) -> Policy:
        return self.env.policy

    def state(self, identifier: Identifier) -> KeyState:
        """Raises NotLoaded if the ages of its holders are still to be looked up."""
        if identifier not in self._known:
            key = self.ws.key(identifier)
            self._known[identifier] = self._present_state(key) if self.by_present_rules else key.state
        return self._known[identifier]

    def _present_state(self, key: Key) -> KeyState:
        if self.env.normalizer.blocks(key.identifier):
            return "blocked"
        type_ = key.identifier.type
        if self.policy.depends_on_ages(type_, key.holders) and key.identifier not in self.ws.holders:
            raise NotLoaded
        return self.policy.state(type_, key.holders - key.aged)

    def is_crowded(self, identifier: Identifier) -> bool:
        """Whether so many records hold the value that it joins none by itself, and an operator is asked each time."""
        if self.state(identifier) != "normal":
            return False
        key = self.ws.key(identifier)
        return self.policy.power(identifier.type, key.holders - key.aged) == "crowded"

    def wants_of_ages(self, profiles: Iterable[Profile]) -> bool:
        """Ask when the holders last stated their values, if a value's state depends on it."""
        known = True
        for identifier in _held(profiles):
            if self.policy.depends_on_ages(identifier.type, self.ws.key(identifier).holders):
                since = self.policy.counted_since(identifier.type, self.ws.now)
                known &= self.ws.holders.want_since(identifier, since)
        return known

    def has(self, seen: Observation) -> bool:
        """Whether the value may join its record to others."""
        return (
            seen.is_live
            and seen.identifier.type in self.policy.key_types
            and self.state(seen.identifier) == "normal"
        )


@dataclass(slots=True)
class Gathering:
    """Follows shared values and pins from profile to profile. It asks for what is not loaded yet, and is not `complete` then.
    `leaves_out`: a value has so many holders that no question is asked about it."""

    ws: WorkingSet
    env: Env
    states: ValueStates
    complete: bool = True
    leaves_out: bool = False
    _reached: set[int] = field(default_factory=set[int])

    def component(self, start: Iterable[int]) -> set[int]:
        """The live profiles that values under merging rules connect. Raises TooLarge and TooFar."""
        return self._reach(start, lambda profile: self._neighbours(profile, doubtful=False))

    def asked_about(self, profiles: Iterable[int]) -> set[int]:
        """The profiles that a question could be about, together with one of these."""
        found: set[int] = set()
        for profile_id in profiles:
            if (profile := self._profile(profile_id)) is not None:
                found.update(self._neighbours(profile, doubtful=True))
        return found

    def _reach(self, start: Iterable[int], onwards: Callable[[Profile], Iterable[int]]) -> set[int]:
        self._reached = reached = set[int]()
        found, records, largest, steps = set(start), 0, 0, 0
        while found:
            if steps > MOST_STEPS:
                raise TooFar(reached)
            steps += 1
            profiles = [one for one in map(self._profile, sorted(found)) if one is not None]
            found = set[int]()
            for profile in profiles:
                if profile.profile_id in reached:
                    continue
                reached.add(profile.profile_id)
                records += len(profile.records)
                largest = max(largest, len(profile.records))
                if records - largest > MOST_RECORDS:
                    raise TooLarge(reached)
                found.update(onwards(profile))
            found -= reached
        return reached

    def _profile(self, profile_id: int) -> Profile | None:
        """The live profile that an id leads to; None while it is not loaded, or erased."""
        while self._asked(self.ws.profiles.want(profile_id)):
            if profile_id not in self.ws.profiles:
                return None
            profile = self.ws.profiles[profile_id]
            if profile.redirect_to is None:
                return profile
            profile_id = profile.redirect_to
        return None

    def _asked(self, known: bool) -> bool:
        self.complete &= known
        return known

    def _neighbours(self, profile: Profile, *, doubtful: bool) -> Iterator[int]:
        held = Counter(
            identifier for record in profile.records.values() for identifier in record.observations
        )
        elsewhere = {
            identifier for identifier, count in held.items() if self.ws.key(identifier).holders > count
        }
        for record in profile.records.values():
            if not doubtful:
                yield from self._pinned(record)
            usable = self._usable(record, elsewhere, doubtful=doubtful)
            for rule in self.env.policy.rules:
                if rule.outcome == "merge" or (doubtful and rule.outcome == "review"):
                    yield from self._sharing(rule, record, usable, doubtful=doubtful)

    def _usable(
        self, record: Record, elsewhere: Collection[Identifier], *, doubtful: bool
    ) -> dict[str, list[Key]]:
        """The record's values that other profiles hold too, by their declared types."""
        usable: dict[str, list[Key]] = {}
        for identifier, seen in record.observations.items():
            key_type = self.env.policy.key_types.get(identifier.type)
            if key_type is None or not (doubtful or key_type.joins_alone):
                continue
            if identifier not in elsewhere:
                continue
            key, known = self.ws.key(identifier), identifier in self.ws.holders
            if not known and key_type.depends_on_ages(key.holders):
                self._ask_for_holders(identifier)
            elif self.states.has(seen) and (doubtful or not self.states.is_crowded(identifier)):
                if known or key.holders > MOST_RECORDS:
                    usable.setdefault(key_type.declared, []).append(key)
                else:
                    self._ask_for_holders(identifier)
        return usable

    def _ask_for_holders(self, identifier: Identifier) -> None:
        since = self.env.policy.counted_since(identifier.type, self.ws.now)
        self._asked(self.ws.holders.want_since(identifier, since))

    def _sharing(
        self, rule: PolicyRule, record: Record, usable: Mapping[str, list[Key]], *, doubtful: bool
    ) -> Iterable[int]:
        """The profiles that hold values of every type of the rule that this record holds too. Values with very many holders do not
        lead anywhere; they only have to be held. Raises TooLarge if all values are such."""
        if not rule.covers(record.id_space):
            return ()
        held = [usable.get(type_, []) for type_ in rule.all_of]
        if not all(held):
            return ()
        sides = [
            {*chain.from_iterable(key.profiles for key in keys)}
            for keys in held
            if all(key.identifier in self.ws.holders for key in keys)
        ]
        if not sides and not doubtful:
            raise TooLarge(self._reached)
        self.leaves_out |= not sides
        return set.intersection(*sides) if sides else ()

    def _pinned(self, record: Record) -> Iterator[int]:
        for pin in self.ws.pins([record.record_id]):
            if pin.kind == "must" and pin.is_in_force(self.ws.now):
                other = pin.record_b if pin.record_a == record.record_id else pin.record_a
                if other in self.ws.by_record_id:
                    yield self.ws.by_record_id[other].profile_id
                elif self._asked(self.ws.homes.want(other)) and (home := self.ws.homes[other]) is not None:
                    yield home


def seen_by_rules(profiles: Iterable[Profile], states: ValueStates) -> list[Record]:
    """The records without the values that are blocked now. Those are blocked on every record."""
    return [_without_blocked(record, states) for profile in profiles for record in profile.records.values()]


def _without_blocked(record: Record, states: ValueStates) -> Record:
    blocked = {one for one in record.observations if states.state(one) == "blocked"}
    if not blocked:
        return record
    kept = {one: seen for one, seen in record.observations.items() if one not in blocked}
    return Record(
        record.record_id, record.id_space, record.customer_id, record.profile_id, record.created_at, kept
    )


def powerless(profiles: Iterable[Profile], states: ValueStates) -> set[Identifier]:
    return {identifier for identifier in _held(profiles) if states.state(identifier) != "normal"}


def crowded(profiles: Iterable[Profile], states: ValueStates) -> set[Identifier]:
    return {identifier for identifier in _held(profiles) if states.is_crowded(identifier)}


def _held(profiles: Iterable[Profile]) -> set[Identifier]:
    return {
        identifier
        for profile in profiles
        for record in profile.records.values()
        for identifier in record.observations
    }
