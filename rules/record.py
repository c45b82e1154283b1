"""The state for a decision: records, their observations, keys, profiles and pins.

A record, (id space, customer id), is the atom: merges and splits move whole records, never single identifiers. All times are
integer milliseconds UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias

from rules.identifier import Identifier
from rules.source import Source

KeyState = Literal["normal", "shared", "generic", "blocked"]


@dataclass(slots=True)
class Observation:
    """One identifier that was stated of a record, and its first source. A retired observation lost its key to a newer holder
    and no longer matches."""

    identifier: Identifier
    first_seen: int
    last_seen: int
    verified: bool = False
    blocked: bool = False
    retired: bool = False
    source: Source = "backend"

    @property
    def is_live(self) -> bool:
        """Whether the record still has the value."""
        return not (self.retired or self.blocked)


@dataclass(slots=True)
class Record:
    record_id: int
    id_space: str
    customer_id: str
    profile_id: int
    created_at: int
    observations: dict[Identifier, Observation] = field(default_factory=dict)


@dataclass(slots=True)
class Key:
    """What is known about one identifier: its state, its live owner (only in state normal), and how many records hold it.

    `holders` counts distinct records, `aged` those of them that were last seen before the type's `fanout_window`. `profiles`
    are the live profiles of those records, as far as the view knows them; rules over several types look there, because a
    profile may hold two keys together while others own each of them.
    """

    identifier: Identifier
    state: KeyState = "normal"
    owner: int | None = None
    holders: int = 0
    profiles: tuple[int, ...] = ()
    aged: int = 0


class Ownership(NamedTuple):
    """The part of a `Key` that a call needs which says nothing new."""

    state: KeyState
    owner: int | None


@dataclass(slots=True)
class Profile:
    """A live profile with all its records. `redirect_to` is None exactly while it is live."""

    profile_id: int
    created_at: int
    version: int = 1
    redirect_to: int | None = None
    records: dict[int, Record] = field(default_factory=dict)

    def live_identifiers(self) -> set[Identifier]:
        """The identifiers that its records still have."""
        found: set[Identifier] = set()
        for record in self.records.values():
            for identifier, seen in record.observations.items():
                if not (seen.retired or seen.blocked):
                    found.add(identifier)
        return found


@dataclass(slots=True, frozen=True)
class Pin:
    """A person's decision on two records; outranks every rule. `record_a < record_b`. `until` None means forever."""

    record_a: int
    record_b: int
    kind: Literal["must", "cannot"]
    until: int | None = None

    @property
    def records(self) -> Iterable[int]:
        return self.record_a, self.record_b

    def is_in_force(self, now: int) -> bool:
        return self.until is None or self.until > now

    def is_between(self, one: Profile, other: Profile) -> bool:
        """Whether the pin connects the two profiles: each has one of its records."""
        sides = (self.record_a, self.record_b)
        return any(a in one.records and b in other.records for a, b in (sides, sides[::-1]))


@dataclass(slots=True, frozen=True, eq=False)
class Apart:
    """The sides of a split by a person: records of different sides cannot be the same person. It stands for a `cannot` pin between
    every two of them. `sides`: by record, its side; of the records that are known. `until` None means forever."""

    split_id: int
    sides: Mapping[int, int]
    until: int | None = None

    @property
    def kind(self) -> Literal["cannot"]:
        return "cannot"

    @property
    def records(self) -> Iterable[int]:
        return self.sides.keys()

    def is_in_force(self, now: int) -> bool:
        return self.until is None or self.until > now

    def is_between(self, one: Profile, other: Profile) -> bool:
        """Whether it keeps the two profiles apart."""
        return self.pair(one, other) is not None

    def pair(self, one: Profile, other: Profile) -> tuple[int, int] | None:
        """A record of each profile that are on different sides."""
        here, there = self._first_of_each(one), self._first_of_each(other)
        return next(((here[a], there[b]) for a in sorted(here) for b in sorted(there) if a != b), None)

    def _first_of_each(self, profile: Profile) -> dict[int, int]:
        """By side, the lowest of the profile's records on it."""
        mine = sorted(profile.records.keys() & self.sides.keys(), reverse=True)
        return {self.sides[record_id]: record_id for record_id in mine}


Judgement: TypeAlias = Pin | Apart
"""A person's decision on records."""


class View(Protocol):
    """Read access to the state. An implementation raises for anything that was not loaded; it never answers "unknown"."""

    def record(self, id_space: str, customer_id: str) -> Record | None: ...

    def key(self, identifier: Identifier) -> Key:
        """The key; a fresh `Key` (normal, unowned, no holders) for a new value.

        Callers ask for a request's own identifiers, and for those observed on a profile that `profile` returned.
        """
        ...

    def profile(self, profile_id: int) -> Profile:
        """The live profile with every record and observation; redirects are followed.

        Callers ask for the record's profile, and for the owner and `profiles` of the request's keys.
        """
        ...

    def pins(self, record_ids: Iterable[int]) -> Iterable[Judgement]:
        """Pins that concern any of these records."""
        ...

    def balance(self, profile_id: int) -> int:
        """The sum of points on the profile's records."""
        ...
