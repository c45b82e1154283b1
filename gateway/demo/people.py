"""The shop's customers, all invented. Their e-mail addresses use domains that are reserved for examples. German mobile numbers are
from the range reserved for films. Egypt reserves no range, and numbers of the British one are not valid, so those numbers have rows
of zeros that no customer's number has."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from gateway.simulate.locales import PROVIDERS, locales, mail_name

TABLETS, COUPLES = 20, 40
"""One person in this many lives with the next one. They share a tablet or an e-mail address."""


class Person(NamedTuple):
    """`mobile` is "" once the numbers of a country are used up."""

    number: int
    given: str
    family: str
    country: str
    language: str
    city: str
    email: str
    mobile: str


_SHARES = {"EG": 70, "GB": 18, "DE": 12}


def people(count: int, seed: int) -> list[Person]:
    """The same people for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - invents a shop
    numbers = {"EG": _egyptian(), "GB": _british(), "DE": _german()}
    countries = [locales()[region] for region in _SHARES]
    found: list[Person] = []
    home = countries[0], countries[0].families[0], countries[0].cities[0]
    for number in range(count):
        [country] = chance.choices(countries, list(_SHARES.values()))
        given, family = chance.choice((*country.women, *country.men)), chance.choice(country.families)
        city = chance.choice(country.cities)
        if lives_with_next(number - 1):
            country, family, city = home
            given = chance.choice((*country.women, *country.men))
        home = country, family, city
        mailbox = f"{mail_name(given)}.{mail_name(family)}.{number + 1}@{chance.choice(PROVIDERS)}"
        mobile = next(numbers[country.region], "")
        found.append(
            Person(number, given[0], family[0], country.region, country.language, city[0], mailbox, mobile)
        )
    return found


def shares_tablet(number: int) -> bool:
    """With the person before or behind."""
    return number % TABLETS < 2


def gives_mail_of_next(number: int) -> bool:
    return number % COUPLES == COUPLES // 4


def lives_with_next(number: int) -> bool:
    return number % TABLETS == 0 or gives_mail_of_next(number)


def _egyptian() -> Iterator[str]:
    return (f"+20{prefix}000{number:04}" for number in range(10_000) for prefix in (100, 111, 122))


def _british() -> Iterator[str]:
    return (f"+447400000{number:03}" for number in range(1_000))


def _german() -> Iterator[str]:
    return (f"+49{prefix}{number:02}" for number in range(100) for prefix in ("17139200", "176040690"))
