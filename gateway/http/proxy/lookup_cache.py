"""The customers of recent calls that said nothing new, so that the next such call costs no read.

The commit that changes an answer also removes it: every record and key has a counter, shared with a few others, and an entry is
valid while the counters are as they were before it was read.
"""

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from gateway.clock import Clock
from gateway.model import Identified
from gateway.store.identities import Lookup
from rules.ruleset import RuleSet

_MOST = 16_384
_COUNTERS = 65_536


class Stamp(NamedTuple):
    """The counters and the rules that an answer depends on."""

    rules: RuleSet
    counts: Sequence[int]
    at: int


class _Entry(NamedTuple):
    found: Identified
    stamp: Stamp


class LookupCache:
    """`lifetime` (ms) limits changes that are not seen here: by other processes, and by the passing of time."""

    def __init__(self, clock: Clock, lifetime: int) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._counts = [0] * _COUNTERS
        self._entries: dict[Lookup, _Entry] = {}

    def get(self, lookup: Lookup, rules: RuleSet) -> Identified | None:
        entry = self._entries.get(lookup)
        if entry is None:
            return None
        stamp = entry.stamp
        if (
            stamp.rules is rules
            and stamp.counts == self._counts_of(lookup)
            and self._clock.steady() - stamp.at < self._lifetime
        ):
            return entry.found
        del self._entries[lookup]
        return None

    def stamp(self, lookup: Lookup, rules: RuleSet) -> Stamp:
        """To be taken before the answer is read."""
        return Stamp(rules, self._counts_of(lookup), self._clock.steady())

    def put(self, lookup: Lookup, stamp: Stamp, found: Identified) -> None:
        if len(self._entries) >= _MOST:
            del self._entries[next(iter(self._entries))]
        self._entries[lookup] = _Entry(found, stamp)

    def invalidate(self, changed: Collection[Hashable]) -> None:
        """These records, as (id space, customer id), and keys have changed."""
        for one in changed:
            self._counts[hash(one) % _COUNTERS] += 1

    def _counts_of(self, lookup: Lookup) -> list[int]:
        counts = self._counts
        place = hash((lookup.id_space, lookup.customer_id)) % _COUNTERS
        return [counts[place], *[counts[hash(item.identifier) % _COUNTERS] for item in lookup.evidence]]
