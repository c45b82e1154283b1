"""CANON: the partition of all records by definition. Tests compare it with deciding one request at a time (I8).

An edge joins two records that agree on all types of a `merge` rule, or that a person pinned together. Edges
are evaluated in one order, which does not depend on how the records arrived:

1. pins, by record ids;
2. rule by rule, in the order of the file, written values before provider forms;
3. within a rule, by the moment of the agreement (the newest `first_seen` among its values), then by the later
   record, then by the earlier one.

An edge joins its two groups unless the rule has a doubt, a `cannot` pin or a `never` rule keeps them apart, or
a limit would break. Then it is refused. If the two are still apart at the end, the refusal is a question or a
block. A `must` pin yields to `cannot` pins alone: what a person joined stands, whatever the limits are.

A key has one owner (I1), here as for requests. The owner of a single value is the first record that the rule
can use, and with it the group of that record. A later record that states the value has an edge to this group
and to no other. If the edge is refused, records after it still have their edge to the owner. Only if the
owner's group had no room for the value does the next record own it. Several values together have no owner:
their edges lead to each group that holds them on one record.

Not all pairs are evaluated, but the result is the same as if they were. Where no guard or doubt can bind
(`Bounds`), any spanning edges give the same groups. Elsewhere a later record has one edge to each group that
its values lead to: its other edges to that group come next in the order and concern the same two groups. So a
single value costs as much as it has holders, and several values cost their holders times the groups that they
end in. `fanout_limit` keeps that small.

Limits are those of a profile. A record that still stands alone brings its values to a group as a request
would (`at_limit` decides about a value above the limit); two groups bring what they hold. What a record states
from one moment on counts as one request for `max_profiles_at_once`: it joins as many groups as it may, where a
request that finds more joins none. `ambiguous = "separate"` does not apply here. Points move only between groups
that are not on one profile already.

Which results equal those of deciding one by one (tests/rules/batch/test_partition_and_requests.py):
* Where no guard and no doubt binds: the groups, in any order of requests (I7, I8).
* With rules that only ask, and types of which only verified values join: the groups. The partition may ask
  more questions. If a value lost its owner by erasure or retirement, the partition asks its holders, and
  requests ask the next record that states it.
* With one rule by one type, under guards that refuse the newcomer: the groups, as long as each record states
  one value and nothing later.
* Under `max_records`, `max_profiles_at_once`, `ids_per_profile`, `unless_differs`, `needs_verified` and
  crowded values, with `policy = "review"`: the groups differ only by the open questions, because the order
  decides which records are joined first. If all are answered yes, both give the same groups. The same holds
  under `max_per_profile`, as long as no request stored a value that does not match (its warning
  `limit:<type>`): requests decide by arrival who owns that value, the partition decides by age.
* A value that turned generic matched before: the groups here lie inside the profiles, and `resplit` decides
  about the difference.
* For `refuse`, `drop_lowest` and `move_to_newest` there is no such equality, because they decide a conflict
  for good and without a question. The same is true of `never` rules, where a request that fits both sides
  joins neither.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from rules.batch.bounds import Bounds
from rules.batch.columns import Columns
from rules.batch.groups import PIN, Group, GroupJoins, Stop
from rules.batch.holdings import Holding, HoldingReader, Values
from rules.confirmation import RecordAttributes
from rules.identifier import Identifier
from rules.policy import MOST_RELATED, Policy
from rules.record import Judgement, Pin, Record

_Refuses = Callable[[Group, Group], Stop | None]
NO_BALANCES: Mapping[int, int] = MappingProxyType({})


class Edge(NamedTuple):
    """Two records whose edge joined two groups; `record_a < record_b`. `rule` is `pin:must` for a pin."""

    record_a: int
    record_b: int
    rule: str
    types: tuple[str, ...]


class RefusedEdge(NamedTuple):
    """An edge between two groups that stay apart; one for each such pair. `guard` is a guard or a doubt, named as in a trace
    (`max_records`, `cannot`, `unless_differs:mobile`, `provider_canonical` …), or `review` where the rule itself only asks.
    `asks`: a person is asked; otherwise the two are kept apart without a question."""

    record_a: int
    record_b: int
    rule: str
    types: tuple[str, ...]
    guard: str
    asks: bool


@dataclass(frozen=True, slots=True)
class Partition:
    """`groups` of record ids, sorted by their lowest id. `joined`: the edges that built them, group by group in the order of
    evaluation. `refused`: the edges that remain between two of the groups."""

    groups: tuple[frozenset[int], ...]
    joined: tuple[Edge, ...]
    refused: tuple[RefusedEdge, ...]


def partition(
    records: Iterable[Record],
    pins: Iterable[Judgement],
    policy: Policy,
    *,
    now: int,
    balances: Mapping[int, int] = NO_BALANCES,
    generic: Collection[Identifier] = (),
    crowded: Collection[Identifier] = (),
    attributes: RecordAttributes | None = None,
) -> Partition:
    """The groups of these records, whatever order they come in; they are read once and may be a generator.

    `balances` are points by record id. `generic` names values that are known to be generic or shared although these records
    alone do not show it (because they are only a part of the store); `crowded` does the same for values about which a person is
    asked. Without `attributes`, no rule finds any to compare. `mode = "shadow"` gives what enforcing would; `off`
    joins nothing.
    """
    columns = Columns(records, policy, now, generic, crowded)
    pins_of = _pins_of(pins, now)
    joins = GroupJoins(columns, policy, pins_of, now=now, balances=balances, attributes=attributes)
    work = _Partitioning(columns, joins, pins_of, Bounds(columns, policy, pins_of, balances))
    if policy.mode != "off":
        work.join([HoldingReader(columns, policy, rank) for rank in _ranks(policy, "merge")])
        work.ask(
            [
                HoldingReader(columns, policy, rank, doubtful=True)
                for rank in _ranks(policy, "merge", "review")
            ]
        )
    return work.partition()


def _ranks(policy: Policy, *outcomes: str) -> list[int]:
    return [rule.rank for rule in policy.rules if rule.outcome in outcomes]


def _pins_of(pins: Iterable[Judgement], now: int) -> dict[int, list[Judgement]]:
    """The pins in force, by each of their records."""
    by_record: dict[int, list[Judgement]] = {}
    for pin in pins:
        if pin.is_in_force(now):
            for record_id in pin.records:
                by_record.setdefault(record_id, []).append(pin)
    return by_record


class _Pair(NamedTuple):
    """Two records that agree on a rule's types, and may have to be asked about. `disputed`: the value is a third one's, who is in
    doubt."""

    holding: Holding
    other: Holding
    disputed: bool = False


class _Partitioning:
    """The work on one set of columns: first `join`, then `ask` about what stayed apart."""

    def __init__(
        self,
        columns: Columns,
        joins: GroupJoins,
        pins_of: Mapping[int, Sequence[Judgement]],
        bounds: Bounds,
    ) -> None:
        self._columns, self._joins, self._bounds = columns, joins, bounds
        self._ids = ids = columns.record_ids
        self._row_of = {ids[row]: row for row in range(len(ids)) if ids[row] in pins_of} if pins_of else {}
        self._must = _must(pins_of, self._row_of)
        self._sharing = [row for row in range(len(ids)) if columns.shares(row)]
        self._group_of: dict[int, Group] = {}
        self._joined: list[Edge] = []
        self._stopped: list[tuple[int, int, Stop]] = []

    def partition(self) -> Partition:
        grouped = {id(group): group.rows for group in self._group_of.values()}.values()
        alone = ([row] for row in range(len(self._ids)) if row not in self._group_of)
        groups = [frozenset(self._ids[row] for row in rows) for rows in chain(grouped, alone)]
        groups.sort(key=min)
        return Partition(tuple(groups), tuple(self._joined), tuple(self._refused()))

    # ---- joining ----

    def join(self, readers: Sequence[HoldingReader]) -> None:
        for rows in self._bundles(readers):
            self._group_of |= ((row, Group([row])) for row in rows)
            self._follow_pins(rows)
            checked = not self._bounds.are_far(rows)
            for reader in readers:
                if len(self._group_of[rows[0]].rows) < len(rows):
                    self._follow(reader, rows, checked=checked)
            for row in rows:
                self._group_of[row].forget()

    def _bundles(self, readers: Sequence[HoldingReader]) -> list[list[int]]:
        """Rows that edges would connect if nothing stopped them: each bundle, and all bundles by record id."""
        parent = list(range(len(self._ids)))
        for row, others in self._must.items():
            for other in others:
                _unite(parent, row, other)
        for reader in readers:
            first: dict[Values, int] = {}
            for row in self._sharing:
                for values in reader.values(row):
                    if (other := first.setdefault(values, row)) != row:
                        _unite(parent, row, other)
        bundles: dict[int, list[int]] = {}
        for row in {*self._sharing, *self._row_of.values()}:
            bundles.setdefault(_root(parent, row), []).append(row)
        by_id = self._ids.__getitem__
        joined = [sorted(rows, key=by_id) for rows in bundles.values() if len(rows) > 1]
        return sorted(joined, key=lambda rows: by_id(rows[0]))

    def _follow_pins(self, rows: Sequence[int]) -> None:
        for row in rows if self._must else ():
            for other in self._must.get(row, ()):
                self._try(row, other, PIN, (), self._joins.pin_refusal)

    def _follow(self, reader: HoldingReader, rows: Iterable[int], *, checked: bool) -> None:
        """Evaluate the edges of each holding, to every earlier group with the same holding, by lowest record id."""
        rule, holders = reader.rule, dict[Values, list[int]]()
        holdings = sorted(holding for row in rows for holding in reader.holdings(row))
        for _, same in groupby(holdings, key=itemgetter(0, 1, 2, 3)):
            made = list(same)
            holding, values = made[0], [each.values for each in made]
            refusal = partial(self._joins.refusal, holding) if checked else None
            earlier = {row for each in values for row in holders.get(each, ())}
            for other in self._one_per_group(earlier):
                self._try(holding.row, other, rule.name, rule.all_of, refusal)
            for each in values:
                holders[each] = self._holders(holders.get(each, []), holding.row, each, checked=checked)

    def _holders(self, earlier: list[int], row: int, values: Values, *, checked: bool) -> list[int]:
        """The rows to which a later holding of these values has edges: the owner of a single value, or every group that holds
        several values together."""
        key, *others = values
        if others:
            return self._one_per_group((*earlier, row))
        if not earlier or (checked and not self._joins.is_powered(self._group_of[earlier[0]], key)):
            return [row]
        return earlier

    def _one_per_group(self, rows: Collection[int]) -> list[int]:
        if len(rows) < 2:
            return list(rows)
        ordered = sorted(rows, key=self._ids.__getitem__)
        lowest = {id(self._group_of[row]): row for row in reversed(ordered)}
        return list(reversed(lowest.values()))

    def _try(self, row: int, other: int, rule: str, types: tuple[str, ...], refusal: _Refuses | None) -> None:
        mine, theirs = self._group_of[row], self._group_of[other]
        if mine is theirs:
            return
        if refusal and (stop := refusal(mine, theirs)):
            self._stopped.append((row, other, stop))
            return
        one, two = sorted((self._ids[row], self._ids[other]))
        self._joined.append(Edge(one, two, rule, types))
        kept, gone = self._joins.join(mine, theirs)
        self._group_of |= dict.fromkeys(gone.rows, kept)

    # ---- what stayed apart ----

    def ask(self, readers: Sequence[HoldingReader]) -> None:
        """A question between each two groups that have a holding, as far as `MOST_RELATED` and crowded values allow."""
        rows = self._contested()
        for reader in readers:
            for holding, other, disputed in sorted(self._pairs(reader, rows), key=_asked):
                mine, theirs = self._group_of[holding.row], self._group_of[other.row]
                if mine is not theirs and (
                    stop := self._joins.question(holding, mine, theirs, disputed=disputed)
                ):
                    self._stopped.append((holding.row, other.row, stop))
        for row in rows:
            self._group_of[row].forget()

    def _pairs(self, reader: HoldingReader, rows: Iterable[int]) -> Iterator[_Pair]:
        made: dict[Values, list[Holding]] = {}
        for holding in (holding for row in rows for holding in reader.holdings(row)):
            made.setdefault(holding.values, []).append(holding)
        for values, holdings in made.items():
            head, *others = sorted(holdings, key=reader.precedence)
            yield from (_Pair(holding, head) for holding in others)
            if len(holdings) <= MOST_RELATED and not any(self._columns.crowded[key] for key in values):
                yield from self._among(head, others, alone=len(values) == 1)

    def _among(self, head: Holding, others: Sequence[Holding], *, alone: bool) -> Iterator[_Pair]:
        """The pairs without the owner, one for each later holding and earlier group. A single value is in dispute between two
        groups if the owner of it is in doubt for one of them."""
        earlier: dict[int, Holding] = {}
        for holding in others:
            mine = self._group_of[holding.row]
            for other in earlier.values():
                theirs = self._group_of[other.row]
                if mine is not theirs:
                    yield _Pair(
                        holding, other, alone and (self._doubts(holding, head) or self._doubts(other, head))
                    )
            if mine is not self._group_of[head.row]:
                earlier.setdefault(id(mine), holding)

    def _doubts(self, holding: Holding, head: Holding) -> bool:
        mine, theirs = self._group_of[holding.row], self._group_of[head.row]
        return mine is not theirs and self._joins.question(holding, mine, theirs) is not None

    def _contested(self) -> list[int]:
        """The rows that share a value with a row of another group."""
        columns, first = self._columns, dict[int, Group | int]()
        contested = bytearray(len(columns.shared))
        for row in self._sharing:
            group = self._group_of.get(row, row)
            for key in columns.keys_of(row):
                if columns.shared[key] and first.setdefault(key, group) != group:
                    contested[key] = True
        rows = [row for row in self._sharing if any(contested[key] for key in columns.keys_of(row))]
        for row in rows:
            self._group_of.setdefault(row, Group([row]))
        return rows

    def _refused(self) -> Iterator[RefusedEdge]:
        """One refusal for each pair of groups: one with a question if there is one, otherwise the first."""
        chosen: dict[tuple[int, int], tuple[int, int, Stop]] = {}
        for row, other, stop in self._stopped:
            one, two = sorted(id(self._group_of[each]) for each in (row, other))
            if one != two and ((one, two) not in chosen or (stop.asks and not chosen[one, two][2].asks)):
                chosen[one, two] = row, other, stop
        for row, other, stop in chosen.values():
            one, two = sorted((self._ids[row], self._ids[other]))
            yield RefusedEdge(one, two, *stop)


def _asked(pair: _Pair) -> tuple[int, bool, int, int, int]:
    """The sort key of edges: form, moment, the later record, the earlier record."""
    holding, other = pair.holding, pair.other
    return holding.rank, holding.by_form, holding.moment, holding.record_id, other.record_id


def _must(pins_of: Mapping[int, Sequence[Judgement]], row_of: Mapping[int, int]) -> dict[int, list[int]]:
    """The `must` pins as rows: the second records of each first one, by record id."""
    every = (pin for pins in pins_of.values() for pin in pins)
    pairs = {(p.record_a, p.record_b) for p in every if isinstance(p, Pin) and p.kind == "must"}
    rows: dict[int, list[int]] = {}
    for one, other in sorted(pairs):
        if one in row_of and other in row_of:
            rows.setdefault(row_of[one], []).append(row_of[other])
    return rows


def _root(parent: list[int], row: int) -> int:
    while parent[row] != row:
        parent[row] = row = parent[parent[row]]
    return row


def _unite(parent: list[int], one: int, other: int) -> None:
    one, other = _root(parent, one), _root(parent, other)
    if one != other:
        parent[max(one, other)] = min(one, other)
