"""What a search adds to rules: it looks at the groups that the rules made, joins what is certain enough, and asks. The truth
answers each question once, and a second search has learned from the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.search.findings import search
from gateway.simulate.labelled import Customers
from gateway.simulate.missed import kind_of
from gateway.simulate.score import Quality, missed_by, quality_of
from gateway.store.snapshot import Answered, Snapshot
from gateway.workers.searching import Findings
from rules.batch.partition import Partition
from rules.ruleset import RuleSet

ROUNDS = 2
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Searched:
    """`merged` is the quality of rules and merges by a score, without any answer; `answered` that of rules and answered questions,
    without merges by a score. `asked` questions were `yes` times one person."""

    merged: Quality
    answered: Quality
    asked: int
    yes: int
    missed: Mapping[str, int]


def searched(customers: Customers, first: Partition, rules: RuleSet) -> Searched:
    merging = replace(rules, suggest=replace(rules.suggest, outcome="merge"))
    asking = replace(rules, suggest=replace(rules.suggest, outcome="ask"))
    found = _search(customers, first.groups, [], merging)
    joined = _joined(first.groups, [(one.record_a, one.record_b) for one in found.merges])
    groups, answers = first.groups, dict[Pair, bool]()
    for _ in range(ROUNDS):
        asked = _search(
            customers, groups, [Answered(*pair, is_same) for pair, is_same in answers.items()], asking
        )
        new = [pair for one in asked.pairs if (pair := (one.record_a, one.record_b)) not in answers]
        answers |= {pair: customers.persons[pair[0]] == customers.persons[pair[1]] for pair in new}
        groups = _joined(groups, [pair for pair in new if answers[pair]])
    return Searched(
        quality_of(joined, customers.persons),
        quality_of(groups, customers.persons),
        len(answers),
        sum(answers.values()),
        missed_by(groups, customers.persons, lambda one, other: kind_of(customers, one, other)),
    )


def _search(
    customers: Customers, groups: Sequence[frozenset[int]], answers: list[Answered], rules: RuleSet
) -> Findings:
    for group in groups:
        for record_id in group:
            customers.records[record_id].profile_id = min(group)
    said = {number: dict(texts) for number, texts in enumerate(customers.attributes)}
    state = Snapshot(iter(customers.records), {}, {}, {}, said, [], {}, {}, set(), answers)
    return search(state, rules, customers.now, lambda _: None)


def _joined(groups: Sequence[frozenset[int]], pairs: Sequence[Pair]) -> tuple[frozenset[int], ...]:
    shared: dict[int, set[int]] = {}
    for group in groups:
        members = set(group)
        shared.update((record_id, members) for record_id in group)
    for one, other in pairs:
        ours, theirs = shared[one], shared[other]
        if ours is not theirs:
            ours |= theirs
            shared |= dict.fromkeys(theirs, ours)
    return tuple(frozenset(group) for group in {id(one): one for one in shared.values()}.values())
