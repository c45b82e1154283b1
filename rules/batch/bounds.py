"""Finds the groups in which nothing can stop an edge. These groups are plain connected components, so no rule or guard has to
be evaluated. A wrong answer may only be a "no", which costs time and changes no result."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import prod

from rules.batch.columns import Columns
from rules.identifier import declared_type
from rules.policy import Policy


class Bounds:
    """The limits of a rule set, in a form that is fast to compare with a set of rows."""

    def __init__(
        self, columns: Columns, policy: Policy, pinned: Collection[int], balances: Mapping[int, int]
    ) -> None:
        self._columns, self._pinned, self._balances = columns, pinned, balances
        self._max_records = policy.most_records
        self._protected = policy.protected_balance
        merging = [rule for rule in policy.rules if rule.outcome == "merge"]
        self._at_once = policy.most_profiles_at_once
        self._leading = [
            [_codes(columns, type_, with_form=True) for type_ in rule.all_of] for rule in merging
        ]
        self._must_look = policy.forbids or any(rule.compares_attributes for rule in merging)
        self._ids = [policy.ids(name).most for name in columns.spaces]
        differing = {type_ for rule in merging for type_ in rule.unless_differs}
        self._values = [
            (codes, most)
            for type_ in policy.rule_set.identifiers
            if (most := _most(policy, type_, differing))
            and (codes := _codes(columns, type_, with_form=type_ in differing))
        ]
        types = [policy.key_types.get(type_) for rule in merging for type_ in rule.all_of]
        ages = [key_type.stale_after for key_type in types if key_type]
        self._stale_after = min((age for age in ages if age), default=0)

    def are_far(self, rows: Sequence[int]) -> bool:
        """Whether these rows, all on one profile, would stay clear of every limit and doubt."""
        columns = self._columns
        if self._must_look or len(rows) > self._max_records:
            return False
        if self._pinned and any(columns.record_ids[row] in self._pinned for row in rows):
            return False
        spaces = Counter(columns.space_of[row] for row in rows)
        if any(count > self._ids[space] for space, count in spaces.items()):
            return False
        few = self._few_at_once(rows) and self._few_values(rows) and self._few_points(rows)
        return few and self._seen_together(rows)

    def _few_at_once(self, rows: Sequence[int]) -> bool:
        """Each combination of values that a rule uses leads to one group at most."""
        return len(rows) <= self._at_once or all(self._leads_to(row) <= self._at_once for row in rows)

    def _leads_to(self, row: int) -> int:
        """The most profiles that one record brings together, with the one that it had."""
        columns = self._columns
        held = Counter(columns.type_of[key] for key in columns.keys_of(row))
        led = sum(prod(sum(held[code] for code in codes) for codes in types) for types in self._leading)
        created_at = columns.created_at[row]
        return led + any(columns.first_seen[at] > created_at for at in columns.observed(row))

    def _few_values(self, rows: Sequence[int]) -> bool:
        type_of = self._columns.type_of
        keys = {key for row in rows for key in self._columns.keys_of(row)}
        counts = Counter(type_of[key] for key in keys)
        return all(sum(counts[code] for code in codes) <= most for codes, most in self._values)

    def _few_points(self, rows: Sequence[int]) -> bool:
        if not self._protected:
            return True
        points = (self._balances.get(self._columns.record_ids[row], 0) for row in rows)
        return sum(max(0, each) for each in points) <= self._protected

    def _seen_together(self, rows: Sequence[int]) -> bool:
        if not self._stale_after:
            return True
        columns = self._columns
        places = [at for row in rows for at in columns.observed(row)]
        newest = max(columns.first_seen[at] for at in places)
        return newest - min(columns.last_seen[at] for at in places) <= self._stale_after


def _most(policy: Policy, type_: str, differing: Collection[str]) -> int:
    """How many values of a type one profile may have without any effect; 0 for any number."""
    if type_ in differing:
        return 1
    return policy.limits[type_].most if type_ in policy.limits else 0


def _codes(columns: Columns, type_: str, *, with_form: bool) -> list[int]:
    return [
        code
        for code, name in enumerate(columns.types)
        if name == type_ or (with_form and declared_type(name) == type_)
    ]
