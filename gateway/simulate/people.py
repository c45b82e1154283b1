"""Invented people with truth: households whose members share names, contacts and homes, and what changes in their lives.

A year of a shop is the unit of time: 0 is its beginning, 1 its end. The same seed gives the same people.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from gateway.simulate.locales import PROVIDERS, Locale, Spellings, locales, mail_name
from gateway.simulate.shapes import Shape

_TODAY = date(2026, 1, 1)
_NEVER = 2.0
_CHILD = 3
"""The first position of a child in a household. The second member is mostly the partner."""
_NAMESAKES, _TWINS = 0.15, 0.2
"""The share of children named after the parent of their sex, and of younger children who are a twin of the one before."""
_ONE_NAME = 0.75
"""The share of couples with one family name."""
_FLATS = 0.15
"""The share of households whose members share a flat and nothing else."""
_FORMS = ("{g}.{f}", "{g}{f}", "{i}.{f}", "{f}.{g}", "{g}_{f}", "{g}")


class Home(NamedTuple):
    street: Spellings
    house: int
    postcode: str
    city: Spellings


@dataclass(frozen=True, slots=True)
class Turn:
    """A change in a person's life: the value before `at`, and the value from then on."""

    before: str
    after: str
    at: float

    def then(self, when: float) -> str:
        return self.before if when < self.at else self.after


@dataclass(frozen=True, slots=True)
class Person:
    """`home`, `later_home` and `moved_at` as in a `Turn`. `gives_mail_of` and `gives_mobile_of` are the persons whose contacts
    they give as their own: mostly themselves."""

    number: int
    household: int
    locale: Locale
    given: Spellings
    family: Spellings
    is_woman: bool
    born: date
    email: Turn
    mobile: Turn
    home: Home
    later_home: Home
    moved_at: float
    gives_mail_of: int
    gives_mobile_of: int

    def home_then(self, when: float) -> Home:
        return self.home if when < self.moved_at else self.later_home


class _Member(NamedTuple):
    given: Spellings
    family: Spellings
    is_woman: bool
    born: date


class _GivenUp(NamedTuple):
    number: str
    at: float
    household: int


class _Numbers:
    """Hands out mobile numbers, each to one person at a time. A number that was given up goes to a stranger later."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next: dict[str, int] = {}
        self._given_up: dict[str, deque[_GivenUp]] = {}

    def new(self, locale: Locale) -> str:
        place = self._next.setdefault(locale.region, self._chance.randrange(locale.numbers))
        self._next[locale.region] = place + 1
        return locale.mobile(place % locale.numbers)

    def give_up(self, locale: Locale, number: _GivenUp) -> None:
        self._given_up.setdefault(locale.region, deque()).append(number)

    def used(self, locale: Locale, household: int) -> _GivenUp | None:
        """The number that a stranger gave up first."""
        free = self._given_up.get(locale.region)
        return free.popleft() if free and free[0].household != household else None


class _Mailboxes:
    """Hands out mail addresses, each to one person. Two people may have the same name at two providers."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._taken: set[str] = set()

    def new(self, member: _Member, local: str = "", other_than: str = "") -> str:
        """At another provider and with the same name before the @, where these are given and free."""
        providers = [one for one in PROVIDERS if one != other_than]
        name, digits = local or self._local_part(member, self._number(member)), 3
        while (email := f"{name}@{self._chance.choice(providers)}") in self._taken:
            name, digits = self._local_part(member, self._digits(digits)), digits + 1
        self._taken.add(email)
        return email

    def _local_part(self, member: _Member, number: str) -> str:
        given, family = mail_name(member.given), mail_name(member.family)
        return self._chance.choice(_FORMS).format(g=given, f=family, i=given[:1]) + number

    def _number(self, member: _Member) -> str:
        """Many have one behind their name, often the year of birth."""
        year = str(member.born.year)
        return self._chance.choices(("", year[2:], year, self._digits(3)), (30, 25, 15, 30))[0]

    def _digits(self, count: int) -> str:
        return str(self._chance.randrange(10 ** (count - 1), 10**count))


def invented(shape: Shape, count: int, seed: int) -> list[Person]:
    """`count` people, household by household."""
    chance = random.Random(seed)  # noqa: S311 - invents people
    numbers, boxes, found = _Numbers(chance), _Mailboxes(chance), list[Person]()
    sizes = range(1, len(shape.households) + 1)
    while len(found) < count:
        [size] = chance.choices(sizes, shape.households)
        found += _household(shape, len(found), min(size, count - len(found)), numbers, boxes, chance)
    return found


def chosen_name(names: Sequence[Spellings], chance: random.Random) -> Spellings:
    """The first ones most often, as people are called."""
    return names[int(len(names) * chance.random() ** 1.6)]


def _household(
    shape: Shape, first: int, size: int, numbers: _Numbers, boxes: _Mailboxes, chance: random.Random
) -> Iterator[Person]:
    locale = locales()[chance.choice(shape.regions)]
    home = _home(locale, chance)
    together = _home(locale, chance), (chance.random() if chance.random() < shape.moves else _NEVER)
    is_flat = size > 1 and chance.random() < _FLATS
    members: list[_Member] = []
    for place in range(size):
        if place == 0 or is_flat:
            members.append(_adult(locale, chance))
        else:
            members.append(_relative(locale, members, place, chance))
    for place, member in enumerate(members):
        family = locale.family_of_woman(member.family) if member.is_woman else member.family
        number, is_child = first + place, place + 1 >= _CHILD and not is_flat
        shares = 0.0 if is_flat or place == 0 else (3.0 if is_child else 1.0)
        later, moved_at = together if place == 0 or chance.random() < 0.8 else (home, _NEVER)
        yield Person(
            number,
            first,
            locale,
            member.given,
            family,
            member.is_woman,
            member.born,
            _email(shape, member, boxes, chance),
            _mobile(locale, first, shape, numbers, chance),
            home,
            later,
            moved_at,
            first if chance.random() < shape.same_mail * shares else number,
            first if chance.random() < shape.same_mobile * shares else number,
        )


def _adult(locale: Locale, chance: random.Random) -> _Member:
    is_woman = chance.random() < 0.5
    given = chosen_name(locale.women if is_woman else locale.men, chance)
    return _Member(given, _family(locale, chance), is_woman, _born(20, 75, chance))


def _family(locale: Locale, chance: random.Random) -> Spellings:
    """Half of the people have one of the common names."""
    if chance.random() < 0.5:
        return chosen_name(locale.families[: locale.common_families], chance)
    return chance.choice(locale.families)


def _relative(locale: Locale, members: Sequence[_Member], place: int, chance: random.Random) -> _Member:
    """The partner of the first member, and then their children."""
    head = members[0]
    if place + 1 < _CHILD:
        given = chosen_name(locale.men if head.is_woman else locale.women, chance)
        family = head.family if chance.random() < _ONE_NAME else _family(locale, chance)
        return _Member(given, family, not head.is_woman, head.born + _days(-2_500, 2_500, chance))
    siblings = members[_CHILD - 1 :]
    twin = siblings[-1] if siblings and chance.random() < _TWINS else None
    is_woman = twin.is_woman if twin else chance.random() < 0.5
    given = _child_name(locale, members, is_woman, chance)
    born = twin.born if twin else head.born + _days(20 * 365, 40 * 365, chance)
    return _Member(given, head.family, is_woman, born)


def _child_name(
    locale: Locale, members: Sequence[_Member], is_woman: bool, chance: random.Random
) -> Spellings:
    """Maybe that of the parent, but no sibling's."""
    parents, siblings = members[: _CHILD - 1], members[_CHILD - 1 :]
    names = [one.given for one in parents if one.is_woman == is_woman and chance.random() < _NAMESAKES]
    names += [chosen_name(locale.women if is_woman else locale.men, chance) for _ in range(8)]
    taken = {one.given for one in siblings}
    return next((name for name in names if name not in taken), names[-1])


def _days(least: int, most: int, chance: random.Random) -> timedelta:
    return timedelta(days=chance.randrange(least, most))


def _born(youngest: int, oldest: int, chance: random.Random) -> date:
    return _TODAY - _days(youngest * 365, oldest * 365, chance)


def _home(locale: Locale, chance: random.Random) -> Home:
    return Home(
        chance.choice(locale.streets),
        chance.randrange(1, 180),
        locale.postcode(chance),
        chance.choice(locale.cities),
    )


def _mobile(locale: Locale, household: int, shape: Shape, numbers: _Numbers, chance: random.Random) -> Turn:
    old = numbers.new(locale)
    if chance.random() >= shape.new_mobile:
        return Turn(old, old, _NEVER)
    at = chance.uniform(0.1, 0.9)
    used = numbers.used(locale, household) if chance.random() < shape.recycled else None
    new, at = (used.number, max(at, used.at)) if used else (numbers.new(locale), at)
    numbers.give_up(locale, _GivenUp(old, at, household))
    return Turn(old, new, at)


def _email(shape: Shape, member: _Member, boxes: _Mailboxes, chance: random.Random) -> Turn:
    email = boxes.new(member)
    if chance.random() >= shape.new_mail:
        return Turn(email, email, _NEVER)
    local, _, provider = email.partition("@")
    new = boxes.new(member, local, provider) if chance.random() < 0.6 else boxes.new(member)
    return Turn(email, new, chance.random())
