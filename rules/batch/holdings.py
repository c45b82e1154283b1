"""Holdings: which records can support a rule, with which values, and from which moment on.

Two records with the same holding agree on all types of the rule. What depends on one record alone (its id space, whether a
value is verified) is checked here. What depends on both sides is left to `match_profile`.
"""

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from rules.batch.columns import Columns
from rules.identifier import is_provider_form
from rules.policy import Policy

Values = tuple[int, ...]


class Holding(NamedTuple):
    """One record's values for the types of a rule. `moment`: since when it has held all of them. `by_form`: one of them is a
    provider form. Edges are sorted by these fields, in this order."""

    rank: int
    by_form: bool
    moment: int
    record_id: int
    row: int
    values: Values


class HoldingReader:
    """Reads the holdings of one rule from the columns. `doubtful` includes those that only raise a question: with crowded
    values, unverified values, or provider forms that may not merge."""

    def __init__(self, columns: Columns, policy: Policy, rank: int, *, doubtful: bool = False) -> None:
        self._columns, self._rank = columns, rank
        self.rule = rule = policy.rules[rank]
        self._spaces = {number for number, name in enumerate(columns.spaces) if rule.covers(name)}
        self._arity = len(rule.all_of)
        self._require_verified = {
            code
            for code, type_ in enumerate(columns.types)
            if type_ in policy.key_types and policy.key_types[type_].verified_only
        }
        every = set(range(len(columns.types)) if rule.needs_verified else ())
        self._verified_only = set[int]() if doubtful else self._require_verified | every
        self._is_form = [is_provider_form(type_) for type_ in columns.types]
        self._part = self._parts(policy, doubtful)

    def _parts(self, policy: Policy, doubtful: bool) -> bytes:
        """For each key the position (from 1) of its type in the rule; 0 if the rule cannot use it."""
        parts = [0] * len(self._columns.types)
        for code, type_ in enumerate(self._columns.types):
            key_type = policy.key_types.get(type_)
            if key_type and (doubtful or key_type.joins_alone) and key_type.declared in self.rule.all_of:
                parts[code] = self.rule.all_of.index(key_type.declared) + 1
        columns = self._columns
        keys = zip(columns.type_of, columns.shared, columns.crowded, strict=True)
        return bytes(
            parts[code] if shared and (doubtful or not crowded) else 0 for code, shared, crowded in keys
        )

    def values(self, row: int) -> list[Values]:
        """The row's values for the rule: one of each type, in every combination."""
        keys = self._columns.keys
        return [tuple([keys[at] for at in places]) for places in self._places(row)]

    def holdings(self, row: int) -> Iterable[Holding]:
        columns = self._columns
        for places in self._places(row):
            keys = tuple([columns.keys[at] for at in places])
            by_form = any(self._is_form[columns.type_of[key]] for key in keys)
            moment = max([columns.first_seen[at] for at in places])
            yield Holding(self._rank, by_form, moment, columns.record_ids[row], row, keys)

    def precedence(self, holding: Holding) -> tuple[bool, Holding]:
        """Sorts holdings by the right to own the values: verified ones first where the type requires it, then the oldest."""
        columns = self._columns
        verified = {columns.keys[at] for at in columns.observed(holding.row) if columns.verified[at]}
        required = {key for key in holding.values if columns.type_of[key] in self._require_verified}
        return not required <= verified, holding

    def _places(self, row: int) -> Iterable[tuple[int, ...]]:
        columns, part = self._columns, self._part
        keys = columns.keys
        if columns.space_of[row] not in self._spaces:
            return ()
        usable = [at for at in columns.observed(row) if part[keys[at]]]
        if self._verified_only:
            usable = [
                at
                for at in usable
                if columns.verified[at] or columns.type_of[keys[at]] not in self._verified_only
            ]
        if self._arity == 1:
            return [(at,) for at in usable]
        if len(usable) < self._arity:
            return ()
        return product(*([at for at in usable if part[keys[at]] == one] for one in range(1, self._arity + 1)))
