"""How well rules find the persons of labelled customers: their partition, compared with the truth pair by pair.

Two records are a right pair if they are one person's and on one profile. A question is answered by the truth: yes pins its two
records together, no pins them apart. Then the rules decide again, and ask again, until no question is left.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from gateway.simulate.labelled import Customers, Labelled, read_customers
from gateway.simulate.missed import kind_of
from rules.batch.partition import NO_BALANCES, Partition, RefusedEdge, partition
from rules.normalize import Normalizer
from rules.plan import plan
from rules.policy import Policy
from rules.record import Pin
from rules.ruleset import RuleSet

_MOST_ROUNDS = 20
Pair = tuple[int, int]


class Quality(NamedTuple):
    """Pairs of records: on one profile and one person's; on one profile; one person's."""

    right: int
    joined: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.joined if self.joined else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.joined + self.true) if self.joined + self.true else 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """`unattended`: before a question is answered. `questions` are raised then, and `yes` of them are to be answered yes. `asked`
    counts those that follow from answers too; `answered` is the quality when all are. `missed` are the true pairs apart while
    unattended, by kind."""

    rows: int
    persons: int
    profiles: int
    largest: int
    unattended: Quality
    questions: int
    yes: int
    asked: int
    answered: Quality
    missed: Mapping[str, int]

    @property
    def per_hundred(self) -> float:
        """Questions for 100 rows."""
        return 100 * self.questions / self.rows if self.rows else 0.0

    @property
    def yes_share(self) -> float:
        return self.yes / self.questions if self.questions else 1.0


def score(rows: Iterable[Labelled], rules: RuleSet) -> Score:
    customers = read_customers(rows, Normalizer(rules))
    work = _Scoring(customers, Policy(rules))
    first = work.grouped(())
    effect = plan({one.record_id: [one.record_id] for one in customers.records}, first, NO_BALANCES)
    questions = _questions(first)
    asked, last = work.answered(first)
    return Score(
        len(customers.records),
        len(set(customers.persons)),
        effect.profiles_after,
        effect.largest,
        work.quality(first),
        effect.reviews,
        sum(map(work.is_yes, questions)),
        asked,
        work.quality(last),
        work.missed(first),
    )


class _Scoring:
    def __init__(self, customers: Customers, policy: Policy) -> None:
        self._customers, self._policy = customers, policy
        persons: dict[str, list[int]] = {}
        for record_id, person in enumerate(customers.persons):
            persons.setdefault(person, []).append(record_id)
        self._persons = list(persons.values())

    def grouped(self, pins: Sequence[Pin]) -> Partition:
        customers = self._customers
        attributes = customers.attributes.__getitem__ if self._policy.compares_attributes else None
        return partition(customers.records, pins, self._policy, now=customers.now, attributes=attributes)

    def answered(self, first: Partition) -> tuple[int, Partition]:
        """How many questions were answered until none was left, and what came of it."""
        pins: dict[Pair, Pin] = {}
        found = first
        for _ in range(_MOST_ROUNDS):
            new = [one for one in _questions(found) if one not in pins]
            if not new:
                break
            pins |= {pair: Pin(*pair, "must" if self.is_yes(pair) else "cannot") for pair in new}
            found = self.grouped(list(pins.values()))
        return len(pins), found

    def is_yes(self, pair: Pair) -> bool:
        one, other = pair
        return self._customers.persons[one] == self._customers.persons[other]

    def quality(self, found: Partition) -> Quality:
        return quality_of(found.groups, self._customers.persons)

    def missed(self, found: Partition) -> Mapping[str, int]:
        group_of = {record_id: at for at, group in enumerate(found.groups) for record_id in group}
        asked = {_between(group_of, one): one for one in found.refused if one.asks}
        kinds = Counter[str]()
        for one, other in self._apart(group_of):
            question = asked.get(frozenset((group_of[one], group_of[other])))
            kinds[f"asked: {_guard(question)}" if question else kind_of(self._customers, one, other)] += 1
        return dict(kinds.most_common())

    def _apart(self, group_of: Mapping[int, int]) -> Iterator[Pair]:
        for records in self._persons:
            for one, other in combinations(records, 2):
                if group_of[one] != group_of[other]:
                    yield one, other


def quality_of(groups: Iterable[Collection[int]], persons: Sequence[str]) -> Quality:
    """`persons` are by record id."""
    right = joined = 0
    for group in groups:
        right += _pairs(persons[record_id] for record_id in group)
        joined += len(group) * (len(group) - 1) // 2
    return Quality(right, joined, _pairs(persons))


def missed_by(
    groups: Iterable[Collection[int]], persons: Sequence[str], kind: Callable[[int, int], str]
) -> Mapping[str, int]:
    """The pairs of one person that are in different groups, by kind, the most frequent first."""
    group_of = {record_id: at for at, group in enumerate(groups) for record_id in group}
    records: dict[str, list[int]] = {}
    for record_id, person in enumerate(persons):
        records.setdefault(person, []).append(record_id)
    apart = (
        pair
        for own in records.values()
        for pair in combinations(own, 2)
        if group_of[pair[0]] != group_of[pair[1]]
    )
    return dict(Counter(kind(*pair) for pair in apart).most_common())


def _questions(found: Partition) -> list[Pair]:
    return [(one.record_a, one.record_b) for one in found.refused if one.asks]


def _guard(question: RefusedEdge) -> str:
    """Without the id space or the type behind it."""
    return question.guard.partition(":")[0]


def _between(group_of: Mapping[int, int], refused: RefusedEdge) -> frozenset[int]:
    return frozenset((group_of[refused.record_a], group_of[refused.record_b]))


def _pairs(labels: Iterable[Hashable]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(labels).values())
