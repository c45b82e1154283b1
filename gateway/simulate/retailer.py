"""A national retailer over years: who its customers are, when each of its four channels hears of them, and what they say.

The country is cut into districts, each around a store. People, families and numbers that change hands stay within their
district, so each is simulated alone, and memory does not grow with the country. A district has the same history for the same
seed.

A number that is mistyped is another customer's as often as numbers of the country are customers': with millions of customers,
that is not rare any more.
"""

import random
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count
from typing import NamedTuple

from gateway.clock import DAY
from gateway.simulate.locales import locales
from rules.identifier import Identifier
from rules.record import Observation, Record

BEGAN = 1_750_000_000_000
YEAR_DAYS = 365
YEAR = YEAR_DAYS * DAY
DISTRICT = 10_000
"""Customers of a district."""
NUMBERS_OF_THE_COUNTRY = 100_000_000
_HOUSEHOLDS = (30, 30, 20, 15, 5)
_REGISTRATIONS = (40, 30, 18, 8, 4)
_FAMILY_PHONE, _FAMILY_MAIL = 0.12, 0.06
"""Shares of a household's other members who give the contact of its first member."""
_NEW_NUMBER, _NEW_MAIL = 0.06, 0.04
"""Shares of people who change their number or their e-mail in a year."""
_RECYCLED, _QUARANTINE = 0.4, YEAR // 2
"""The share of new numbers that were another customer's before, and how long a number is unused in between."""
_RESTATED = 0.3
"""The share of a person's records that learn of a change."""
_SLIPS = 0.01
_OWN_NUMBER = 0.004
"""The share of registrations at a till with the store's own number, because the customer gave none."""


class _Channel(NamedTuple):
    weight: int
    mobile: float
    email: float


CHANNELS: Mapping[str, _Channel] = {
    "web": _Channel(35, 0.5, 0.97),
    "app": _Channel(25, 0.8, 0.85),
    "pos": _Channel(30, 0.85, 0.25),
    "callcenter": _Channel(10, 0.9, 0.4),
}


def _season(day: int) -> float:
    """How busy a day of the year is: Saturdays, the summer sale, and the weeks before the new year with their peak."""
    weight = 1.6 if day % 7 == 5 else 1.0
    if 180 <= day < 195:
        weight *= 1.8
    if 325 <= day < 358:
        weight *= 2.5
    return weight * (3.0 if day in (331, 334) else 1.0)


_DAYS = list(accumulate(_season(day) for day in range(YEAR_DAYS)))


@dataclass(slots=True)
class _Person:
    """`numbers` and `mails` with the moment from which each is theirs, oldest first."""

    number: int
    household: int
    arrives: int
    numbers: list[tuple[int, str]] = field(default_factory=list)
    mails: list[tuple[int, str]] = field(default_factory=list)
    gives_number_of: "_Person | None" = None
    gives_mail_of: "_Person | None" = None


class District(NamedTuple):
    """`records` in the order of their creation; a record's id is its place. `persons` and `households` are by record id."""

    records: Sequence[Record]
    persons: Sequence[int]
    households: Sequence[int]

    def attributes_of(self, record_id: int) -> Mapping[str, str]:
        """Two thirds of the records have names, spelled as they were heard, and a third have birthdays."""
        return _attributes(record_id, self.persons[record_id], self.households[record_id])


def district(place: int, people: int, years: int, customers: int, seed: int) -> District:
    """The district at `place` of a country with so many customers of the shop."""
    chance = random.Random(f"{seed}:{place}")  # noqa: S311 - invents a shop
    persons = list(_people(place, people, years, chance))
    _give_numbers(place, persons, years, chance)
    density = min(1.0, customers / NUMBERS_OF_THE_COUNTRY)
    return _Registering(place, persons, density, chance).district(years)


def _moment(year: int, chance: random.Random) -> int:
    """In the opening hours of a day of that year."""
    [day] = chance.choices(range(YEAR_DAYS), cum_weights=_DAYS)
    return BEGAN + year * YEAR + day * DAY + chance.randrange(DAY // 3, DAY - DAY // 8)


def _people(place: int, people: int, years: int, chance: random.Random) -> Iterator[_Person]:
    """A third of all are there from the first year on; the others come evenly."""
    number = 0
    while number < people:
        [size] = chance.choices((1, 2, 3, 4, 5), _HOUSEHOLDS)
        head: _Person | None = None
        for _ in range(min(size, people - number)):
            year = 0 if chance.random() < 1 / 3 else chance.randrange(years)
            person = _Person(number, head.number if head else number, _moment(year, chance))
            _mails(person, place, years, chance)
            if head and chance.random() < _FAMILY_PHONE:
                person.gives_number_of = head
            if head and chance.random() < _FAMILY_MAIL:
                person.gives_mail_of = head
            head = head or person
            number += 1
            yield person


def _mails(person: _Person, place: int, years: int, chance: random.Random) -> None:
    mails = count()
    person.mails.append((0, f"p{place}.{person.number}.{next(mails)}@example.com"))
    for moment in _changes(person, years, _NEW_MAIL, chance):
        person.mails.append((moment, f"p{place}.{person.number}.{next(mails)}@example.com"))


def _changes(person: _Person, years: int, share: float, chance: random.Random) -> Iterator[int]:
    first = (person.arrives - BEGAN) // YEAR
    for year in range(first, years):
        if chance.random() < share and (moment := _moment(year, chance)) > person.arrives:
            yield moment


def _give_numbers(place: int, persons: Sequence[_Person], years: int, chance: random.Random) -> None:
    """In the order of time, because a number that is given up goes to a stranger later."""
    asked = [(0, one.number) for one in persons]
    asked += [(when, one.number) for one in persons for when in _changes(one, years, _NEW_NUMBER, chance)]
    fresh = (f"+2{place:05}{number:06}" for number in count())
    given_up: deque[tuple[int, str]] = deque()
    for when, number in sorted(asked):
        person = persons[number]
        rested = bool(given_up) and given_up[0][0] + _QUARANTINE < when
        new = given_up.popleft()[1] if rested and chance.random() < _RECYCLED else next(fresh)
        if person.numbers:
            given_up.append((when, person.numbers[-1][1]))
        person.numbers.append((when, new))


class _Registering:
    """Makes the records of a district, person by person."""

    def __init__(self, place: int, persons: Sequence[_Person], density: float, chance: random.Random) -> None:
        self._place, self._persons, self._density, self._chance = place, persons, density, chance
        self._slips = count()
        self._own_number = f"+2{place:05}999999"
        self._weights = [channel.weight for channel in CHANNELS.values()]

    def district(self, years: int) -> District:
        made = [
            (when, person, channel)
            for person in self._persons
            for when, channel in self._visits(person, years)
        ]
        made.sort(key=lambda visit: visit[0])
        records = [
            self._record(record_id, person, channel, when)
            for record_id, (when, person, channel) in enumerate(made)
        ]
        of_person: defaultdict[int, list[Record]] = defaultdict(list)
        for record, (_, person, _) in zip(records, made, strict=True):
            of_person[person.number].append(record)
        for person in self._persons:
            self._restate(person, of_person[person.number])
        return District(records, [one.number for _, one, _ in made], [one.household for _, one, _ in made])

    def _visits(self, person: _Person, years: int) -> Iterator[tuple[int, str]]:
        """The first registration at each channel; one in six has a second account there."""
        chance, used = self._chance, set[str]()
        [wanted] = chance.choices(range(1, len(_REGISTRATIONS) + 1), _REGISTRATIONS)
        first_year = (person.arrives - BEGAN) // YEAR
        for visit in range(wanted):
            when = person.arrives if visit == 0 else _moment(chance.randrange(first_year, years), chance)
            [channel] = chance.choices(list(CHANNELS), self._weights)
            if (channel not in used or chance.random() < 1 / 6) and when >= person.arrives:
                used.add(channel)
                yield when, channel

    def _record(self, record_id: int, person: _Person, channel: str, when: int) -> Record:
        chance, asks = self._chance, CHANNELS[channel]
        record = Record(record_id, channel, "", record_id, when)
        if chance.random() < asks.mobile:
            giver = person.gives_number_of or person
            self._state(record, "mobile", self._typed(_then(giver.numbers, when)), when)
        elif channel == "pos" and chance.random() < _OWN_NUMBER / (1 - asks.mobile):
            self._state(record, "mobile", self._own_number, when)
        if chance.random() < asks.email:
            giver = person.gives_mail_of or person
            self._state(record, "email", _then(giver.mails, when), when)
        return record

    def _typed(self, number: str) -> str:
        """Mostly as it is."""
        if self._chance.random() >= _SLIPS:
            return number
        if self._chance.random() < self._density:
            return self._chance.choice(self._persons).numbers[0][1]
        return f"+3{self._place:05}{next(self._slips):06}"

    def _restate(self, person: _Person, records: Sequence[Record]) -> None:
        for type_, values in (("mobile", person.numbers[1:]), ("email", person.mails[1:])):
            for when, value in values:
                for record in records:
                    if record.created_at < when and self._chance.random() < _RESTATED:
                        self._state(record, type_, value, when)

    @staticmethod
    def _state(record: Record, type_: str, value: str, when: int) -> None:
        identifier = Identifier(type_, value)
        record.observations.setdefault(identifier, Observation(identifier, when, when))


def _then(values: Sequence[tuple[int, str]], when: int) -> str:
    return next(value for since, value in reversed(values) if since <= when)


def _attributes(record_id: int, person: int, household: int) -> Mapping[str, str]:
    locale = locales()["EG"]
    given = (locale.women, locale.men)[person % 2]
    found: dict[str, str] = {}
    if record_id % 3:
        first, last = given[person * 31 % len(given)], locale.families[household * 17 % len(locale.families)]
        found["firstName"] = first[record_id % 5 % len(first)]
        found["lastName"] = last[record_id % 7 % len(last)]
    if record_id % 3 == 1:
        found["dateOfBirth"] = f"{1950 + person * 7 % 55}-{person * 11 % 12 + 1:02}-{person * 13 % 28 + 1:02}"
    return found
