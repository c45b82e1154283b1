"""Records in columns: what the partition of a whole store needs of each record, in arrays instead of objects.

Records are read once, as they arrive, and are not kept. A record costs about a hundred bytes, a value about two hundred. Values
that may not join (blocked, retired, shared, generic) are dropped once they have been counted, so readers of these columns never
see them.
"""

from array import array
from collections.abc import Collection, Iterable
from itertools import compress

from rules.identifier import Identifier
from rules.policy import Policy
from rules.record import Observation, Record


class Columns:
    """Rows are records, in the order in which they arrived. `observed(row)` gives a row's positions in `keys`, `first_seen`,
    `last_seen` and `verified`. A key is a number; `identifier` gives the identifier behind it. `shared[key]`: more than one row
    has it. `crowded[key]`: so many rows have it that a person has to decide."""

    def __init__(
        self,
        records: Iterable[Record],
        policy: Policy,
        now: int,
        generic: Collection[Identifier],
        crowded: Collection[Identifier],
    ) -> None:
        self.record_ids, self.profile_ids, self.created_at = array("q"), array("q"), array("q")
        self.spaces: list[str] = []
        self.space_of = array("H")
        self.starts = array("q", [0])
        self.keys, self.first_seen, self.last_seen = array("i"), array("q"), array("q")
        self.verified = bytearray()
        self.types = _types(policy)
        self.type_of = bytearray()
        self._values: list[str] = []
        holders = self._read(records, policy, now)
        self.crowded = bytearray(len(self._values))
        self._drop(self._powerless(policy, holders, generic))
        self._crowd(crowded)
        self.shared = self._count()

    def __len__(self) -> int:
        return len(self.record_ids)

    def observed(self, row: int) -> range:
        return range(self.starts[row], self.starts[row + 1])

    def keys_of(self, row: int) -> "array[int]":
        return self.keys[self.starts[row] : self.starts[row + 1]]

    def shares(self, row: int) -> bool:
        """Whether another row has one of this row's keys."""
        return any(self.shared[key] for key in self.keys_of(row))

    def identifier(self, key: int) -> Identifier:
        return Identifier(self.types[self.type_of[key]], self._values[key])

    def record(self, row: int) -> Record:
        """The record as it was read, without its customer id and without the values that may not join."""
        observations = {
            (identifier := self.identifier(self.keys[at])): Observation(
                identifier, self.first_seen[at], self.last_seen[at], verified=bool(self.verified[at])
            )
            for at in self.observed(row)
        }
        space = self.spaces[self.space_of[row]]
        return Record(
            self.record_ids[row], space, "", self.profile_ids[row], self.created_at[row], observations
        )

    def _read(self, records: Iterable[Record], policy: Policy, now: int) -> "array[int]":
        """Fill the columns. Returns how many records hold each key, within the window of its type."""
        numbers: dict[str, dict[str, int]] = {type_: {} for type_ in self.types}
        codes = {type_: code for code, type_ in enumerate(self.types)}
        since = {type_: policy.counted_since(type_, now) for type_ in self.types}
        spaces: dict[str, int] = {}
        verified_types: dict[str, set[str]] = {}
        keys, values, holders = self.keys, self._values, array("i")
        for record in records:
            space = record.id_space
            if space not in spaces:
                spaces[space] = len(spaces)
                verified_types[space] = {
                    one for one in self.types if policy.counts_as_verified(space, one, False)
                }
            self.record_ids.append(record.record_id)
            self.profile_ids.append(record.profile_id)
            self.created_at.append(record.created_at)
            self.space_of.append(spaces[space])
            for (type_, value), seen in record.observations.items():
                if type_ not in numbers:
                    continue
                key = numbers[type_].setdefault(value, len(values))
                if key == len(values):
                    values.append(value)
                    self.type_of.append(codes[type_])
                    holders.append(0)
                if seen.last_seen >= since[type_]:
                    holders[key] += 1
                if seen.is_live:
                    keys.append(key)
                    self.first_seen.append(seen.first_seen)
                    self.last_seen.append(seen.last_seen)
                    self.verified.append(seen.verified or type_ in verified_types[space])
            self.starts.append(len(keys))
        self.spaces = list(spaces)
        return holders

    def _powerless(self, policy: Policy, holders: "array[int]", generic: Collection[Identifier]) -> bytearray:
        """The keys that are shared or generic. Also marks keys that are only crowded."""
        powerless = bytearray(len(holders))
        key_types = [policy.key_types.get(type_) for type_ in self.types]
        known = {identifier for identifier in generic if identifier.type in self.types}
        for key, count in enumerate(holders):
            key_type = key_types[self.type_of[key]]
            power = key_type.power(count) if key_type else "normal"
            if power != "normal":
                self.crowded[key] = power == "crowded"
                powerless[key] = power != "crowded"
            if known and self.identifier(key) in known:
                self.crowded[key], powerless[key] = False, True
        return powerless

    def _crowd(self, known: Collection[Identifier]) -> None:
        """Also marks keys that are known to be crowded although these records alone do not show it."""
        for key in range(len(self.crowded)) if known else ():
            if self.identifier(key) in known:
                self.crowded[key] = True

    def _drop(self, powerless: bytearray) -> None:
        if not any(powerless):
            return
        kept = bytearray(not powerless[key] for key in self.keys)
        starts, total = array("q", [0]), 0
        for row in range(len(self)):
            total += sum(kept[self.starts[row] : self.starts[row + 1]])
            starts.append(total)
        self.starts = starts
        self.keys = array("i", compress(self.keys, kept))
        self.first_seen = array("q", compress(self.first_seen, kept))
        self.last_seen = array("q", compress(self.last_seen, kept))
        self.verified = bytearray(compress(self.verified, kept))

    def _count(self) -> bytearray:
        once, more = bytearray(len(self._values)), bytearray(len(self._values))
        for key in self.keys:
            more[key] = once[key]
            once[key] = True
        return more


def _types(policy: Policy) -> list[str]:
    """The types that can join, keep apart or break a limit; other types are not read. An e-mail comes with its provider
    form."""
    named = {
        type_ for rule in policy.rules for type_ in (*rule.all_of, *rule.unless_differs)
    } | policy.limits.keys()
    declared = [name for name in policy.rule_set.identifiers if name in named]
    forms = [
        one.name for one in policy.key_types.values() if one.declared in named and one.name != one.declared
    ]
    return [*declared, *forms]
