"""What rules make of a retailer's customers, year by year: each district's records at the end of each year are grouped by the
rules alone, and the questions of the year are answered by the truth.

Districts do not share a value, so their sums are what one partition of the whole country would give.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from functools import partial
from typing import NamedTuple

from gateway.clock import DAY
from gateway.simulate.retailer import BEGAN, DISTRICT, YEAR, YEAR_DAYS, District, district
from rules.batch.partition import Partition, partition
from rules.identifier import Identifier
from rules.language.parse import parse
from rules.policy import Policy
from rules.record import Pin, Record
from rules.ruleset import RuleSet


class Scenario(NamedTuple):
    """What a run is about. `rules` is the text of a rule file."""

    rules: str
    customers: int
    years: int
    seed: int


@dataclass(slots=True)
class Year:
    """At the end of a year: `customers` of the shop and the `records` of them, on so many `profiles`. `merges`: profiles that were
    joined into others so far, and `wrong` those of them that held another person. `missed`: further profiles of persons who have
    one. In the year: `questions`, those to be answered `yes`, and by day in `by_day`. `generic`: values without power so far."""

    customers: int = 0
    records: int = 0
    profiles: int = 0
    merges: int = 0
    wrong: int = 0
    missed: int = 0
    questions: int = 0
    yes: int = 0
    by_day: Counter[int] = field(default_factory=Counter[int])
    generic: int = 0
    largest: int = 0

    @property
    def busiest(self) -> int:
        """The questions of the busiest day."""
        return max(self.by_day.values(), default=0)

    @property
    def a_day(self) -> float:
        return self.questions / YEAR_DAYS

    def add(self, other: "Year") -> None:
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.by_day.update(other.by_day)
        self.largest = max(self.largest, other.largest)


_SUMMED = tuple(one.name for one in fields(Year) if one.type is int and one.name != "largest")


@dataclass(slots=True)
class Simulated:
    """The years of one district or of several, the CPU seconds to invent and to decide them, and the records decided."""

    years: list[Year]
    inventing: float = 0.0
    deciding: float = 0.0
    decided: int = 0

    def add(self, other: "Simulated") -> None:
        for mine, theirs in zip(self.years, other.years, strict=True):
            mine.add(theirs)
        self.inventing += other.inventing
        self.deciding += other.deciding
        self.decided += other.decided


def districts(customers: int) -> list[int]:
    """The customers of each district."""
    whole, rest = divmod(customers, DISTRICT)
    return [DISTRICT] * whole + ([rest] if rest else [])


def simulated(scenario: Scenario, processes: int = 1) -> Iterator[Simulated]:
    """District by district, in their order."""
    sizes = districts(scenario.customers)
    work = partial(simulate_district, scenario)
    if processes == 1:
        yield from map(work, range(len(sizes)), sizes)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(work, range(len(sizes)), sizes)


def simulate_district(scenario: Scenario, place: int, people: int) -> Simulated:
    rules = parse(scenario.rules)
    assert isinstance(rules, RuleSet)  # noqa: S101 - it was read before
    began = time.process_time()
    found = district(place, people, scenario.years, scenario.customers, scenario.seed)
    invented = time.process_time()
    deciding = _Deciding(found, Policy(rules))
    years = [deciding.year(number) for number in range(scenario.years)]
    decided = sum(year.records for year in years)
    return Simulated(years, invented - began, time.process_time() - invented, decided)


class _Deciding:
    """Goes through the years of a district."""

    def __init__(self, found: District, policy: Policy) -> None:
        self._found, self._policy = found, policy
        self._pins: list[Pin] = []

    def year(self, number: int) -> Year:
        end = BEGAN + (number + 1) * YEAR
        records = list(_until(self._found.records, end))
        groups = self._grouped(records, end)
        return self._counted(records, groups, end)

    def _grouped(self, records: Sequence[Record], end: int) -> Partition:
        attributes = self._found.attributes_of if self._policy.compares_attributes else None
        return partition(records, self._pins, self._policy, now=end, attributes=attributes)

    def _counted(self, records: Sequence[Record], found: Partition, end: int) -> Year:
        persons = self._found.persons
        people = [{persons[record_id] for record_id in group} for group in found.groups]
        known = len({persons[record.record_id] for record in records})
        year = Year(
            customers=known,
            records=len(records),
            profiles=len(found.groups),
            merges=len(records) - len(found.groups),
            wrong=sum(map(len, people)) - len(people),
            missed=sum(map(len, people)) - known,
            generic=_powerless(records, self._policy),
            largest=max(map(len, found.groups), default=0),
        )
        self._answer(found, year, end)
        return year

    def _answer(self, found: Partition, year: Year, end: int) -> None:
        persons, records = self._found.persons, self._found.records
        for refused in found.refused:
            if not refused.asks:
                continue
            pair = refused.record_a, refused.record_b
            is_one = persons[pair[0]] == persons[pair[1]]
            year.questions += 1
            year.yes += is_one
            moment = _agreed_at(records[pair[0]], records[pair[1]], end)
            year.by_day[(moment - BEGAN) // DAY % YEAR_DAYS] += 1
            self._pins.append(Pin(*pair, "must" if is_one else "cannot"))


def _until(records: Sequence[Record], end: int) -> Iterator[Record]:
    """The records as they were then."""
    for record in records:
        if record.created_at >= end:
            return
        if all(seen.first_seen < end for seen in record.observations.values()):
            yield record
            continue
        known = {one: seen for one, seen in record.observations.items() if seen.first_seen < end}
        yield Record(record.record_id, record.id_space, "", record.profile_id, record.created_at, known)


def _powerless(records: Sequence[Record], policy: Policy) -> int:
    """Values that so many records hold that they join nothing any more."""
    holders = Counter[Identifier](one for record in records for one in record.observations)
    return sum(policy.state(one.type, count) != "normal" for one, count in holders.items())


def _agreed_at(one: Record, other: Record, end: int) -> int:
    """When the two had a value in common: then the scenario came up."""
    moments = [
        max(seen.first_seen, other.observations[identifier].first_seen)
        for identifier, seen in one.observations.items()
        if identifier in other.observations
    ]
    return min((moment for moment in moments if moment < end), default=end - 1)
