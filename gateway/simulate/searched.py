"""What a search adds to rules. Day by day the rules group all customers, a search joins what is certain enough and asks about the
rest, and the truth answers as a steward would: yes pins two records together, no pins them apart. So what was answered binds the
rules, and teaches the next search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from gateway.search.findings import search
from gateway.simulate.labelled import Customers
from gateway.simulate.missed import kind_of
from gateway.simulate.score import Pair, Quality, missed_by, quality_of
from gateway.store.snapshot import Snapshot
from gateway.workers.searching import Findings
from rules.batch.partition import Partition, partition
from rules.policy import Policy
from rules.record import Pin
from rules.ruleset import RuleSet

_DAYS = 4
_BY_A_RULE = "rule"


@dataclass(frozen=True, slots=True)
class Searched:
    """`asked` questions were answered, and `yes` of them with yes. `missed` are the pairs of one person that are still apart, by
    kind."""

    quality: Quality
    asked: int
    yes: int
    missed: Mapping[str, int]


def unattended(customers: Customers, rules: RuleSet) -> Searched:
    """One search that merges, and no answer."""
    steward = _Steward(customers, rules, "merge")
    steward.work(0)
    return steward.result()


def with_few_answers(customers: Customers, rules: RuleSet, per_hundred: float) -> Searched:
    """Searches that merge, and so many answers for 100 customers, spread over some days."""
    steward = _Steward(customers, rules, "merge")
    most = int(per_hundred * len(customers.records) / 100)
    for day in range(_DAYS):
        steward.work(ceil((most - steward.asked) / (_DAYS - day)))
    steward.work(0)
    return steward.result()


def with_all_answers(customers: Customers, rules: RuleSet) -> Searched:
    """Searches that only ask, and an answer to each question, also to those that follow."""
    steward = _Steward(customers, rules, "ask")
    for _ in range(_DAYS):
        if not steward.work(None):
            break
    return steward.result()


class _Steward:
    """Answers the questions of the rules first, then those of the search, in their order."""

    def __init__(self, customers: Customers, rules: RuleSet, outcome: Literal["ask", "merge"]) -> None:
        self._customers, self._policy = customers, Policy(rules)
        self._rules = replace(rules, suggest=replace(rules.suggest, outcome=outcome))
        self._answers: dict[Pair, bool] = {}
        self._merged: list[Pair] = []

    @property
    def asked(self) -> int:
        return len(self._answers)

    def work(self, most: int | None) -> int:
        """A day with at most so many answers. Returns how many there were."""
        before = self.asked
        groups, questions = self._grouped()
        found = self._search(groups, questions)
        self._merged += ((one.record_a, one.record_b) for one in found.merges)
        suggested = [(one.record_a, one.record_b) for one in found.pairs]
        self._answer([*questions, *suggested], most)
        return self.asked - before

    def _answer(self, questions: Sequence[Pair], most: int | None) -> None:
        """One after the other. A question whose sides earlier answers joined, or told apart, is closed by them."""
        sides = _Sides(self._customers, self._merged)
        left = len(questions) if most is None else most
        for pair in questions:
            if left and sides.are_open(pair):
                is_yes = self._answers[pair] = self._is_yes(pair)
                sides.answer(pair, is_yes=is_yes)
                left -= 1

    def result(self) -> Searched:
        customers, (groups, _) = self._customers, self._grouped()
        missed = missed_by(
            groups.groups, customers.persons, lambda one, other: kind_of(customers, one, other)
        )
        quality = quality_of(groups.groups, customers.persons)
        return Searched(quality, self.asked, sum(self._answers.values()), missed)

    def _grouped(self) -> tuple[Partition, Sequence[Pair]]:
        """What the rules make of it, and about which records they ask."""
        customers, policy = self._customers, self._policy
        attributes = customers.attributes.__getitem__ if policy.compares_attributes else None
        found = partition(customers.records, self._pins(), policy, now=customers.now, attributes=attributes)
        asked = [(one.record_a, one.record_b) for one in found.refused if one.asks]
        return found, [pair for pair in asked if pair not in self._answers]

    def _pins(self) -> list[Pin]:
        answered = [Pin(*pair, "must" if is_yes else "cannot") for pair, is_yes in self._answers.items()]
        return [*answered, *(Pin(*pair, "must") for pair in self._merged)]

    def _search(self, found: Partition, questions: Sequence[Pair]) -> Findings:
        customers = self._customers
        for group in found.groups:
            for record_id in group:
                customers.records[record_id].profile_id = min(group)
        homes = [record.profile_id for record in customers.records]
        sides = ((homes[one], homes[other]) for one, other in questions)
        asked = {(min(pair), max(pair)): _BY_A_RULE for pair in sides}
        said = {number: dict(texts) for number, texts in enumerate(customers.attributes)}
        scored = set(self._merged)
        state = Snapshot(iter(customers.records), {}, {}, {}, said, [*self._pins()], {}, asked, scored, [])
        return search(state, self._rules, customers.now, lambda _: None)

    def _is_yes(self, pair: Pair) -> bool:
        one, other = pair
        return self._customers.persons[one] == self._customers.persons[other]


class _Sides:
    """Which profiles are joined, or known to be two people, since the rules grouped the records."""

    def __init__(self, customers: Customers, merged: Sequence[Pair]) -> None:
        self._home = [record.profile_id for record in customers.records]
        self._joined: dict[int, int] = {}
        self._apart: set[frozenset[int]] = set()
        for pair in merged:
            self.answer(pair, is_yes=True)

    def are_open(self, pair: Pair) -> bool:
        sides = self._of(pair)
        return len(sides) > 1 and sides not in {frozenset(map(self._root, apart)) for apart in self._apart}

    def answer(self, pair: Pair, *, is_yes: bool) -> None:
        sides = self._of(pair)
        if not is_yes:
            self._apart.add(sides)
        elif len(sides) > 1:
            self._joined[max(sides)] = min(sides)

    def _of(self, pair: Pair) -> frozenset[int]:
        return frozenset(self._root(self._home[record_id]) for record_id in pair)

    def _root(self, home: int) -> int:
        while home in self._joined:
            home = self._joined[home]
        return home
