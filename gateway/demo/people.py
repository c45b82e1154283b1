"""The shop's customers, all invented. Mail addresses are at domains kept for examples. German mobile numbers are of the ranges that
are kept for films. The others have rows of zeros that no customer's number has: Egypt keeps no such range, and the British one
holds no valid numbers."""

import random
from collections.abc import Iterator
from typing import NamedTuple

_DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "post.example")


TABLETS, COUPLES = 20, 40
"""One in so many lives with the next person: they share a tablet, or a mail address."""


class _Country(NamedTuple):
    """Names as they are written, each with its spelling in a mail address."""

    code: str
    language: str
    cities: tuple[str, ...]
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]


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


def _spelled(text: str) -> tuple[tuple[str, str], ...]:
    """`Jürgen/juergen Ann`: without a spelling, it is the name in lower case."""
    pairs = (word.partition("/") for word in text.split())
    return tuple((name, spelling or name.lower()) for name, _, spelling in pairs)


_EGYPT = _Country(
    "EG",
    "ar",
    ("القاهرة", "الإسكندرية", "الجيزة", "أسوان"),
    _spelled(
        "ليلى/layla محمد/mohamed فاطمة/fatma أحمد/ahmed مريم/mariam يوسف/youssef نور/nour عمر/omar"
        " سارة/sara خالد/khaled هدى/hoda طارق/tarek"
    ),
    _spelled("حسن/hassan إبراهيم/ibrahim عبدالله/abdallah منصور/mansour سليمان/soliman فؤاد/fouad زكي/zaki"),
)
_BRITAIN = _Country(
    "GB",
    "en",
    ("London", "Leeds", "Cardiff", "Glasgow"),
    _spelled("Olivia Amelia George Noah Isla Arthur Priya Callum Siobhán/siobhan Imran Grace Zoë/zoe"),
    _spelled("Smith Jones Taylor Patel Evans Khan O’Brien/obrien MacLeod Walker Hughes Okafor"),
)
_GERMANY = _Country(
    "DE",
    "de",
    ("Berlin", "Köln", "München", "Görlitz"),
    _spelled(
        "Jürgen/juergen Hannah Lukas Mia Björn/bjoern Käthe/kaethe Emil Aylin Jonas Frieda Sören/soeren"
    ),
    _spelled("Müller/mueller Schmidt Weiß/weiss Schröder/schroeder Yılmaz/yilmaz Fischer Krämer/kraemer"),
)
_COUNTRIES, _SHARES = (_EGYPT, _BRITAIN, _GERMANY), (70, 18, 12)


def people(count: int, seed: int) -> list[Person]:
    """The same people for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - invents a shop
    numbers = {"EG": _egyptian(), "GB": _british(), "DE": _german()}
    found: list[Person] = []
    home = _EGYPT, _EGYPT.family[0], _EGYPT.cities[0]
    for number in range(count):
        [country] = chance.choices(_COUNTRIES, _SHARES)
        given, family = chance.choice(country.given), chance.choice(country.family)
        city = chance.choice(country.cities)
        if lives_with_next(number - 1):
            country, family, city = home
            given = chance.choice(country.given)
        home = country, family, city
        mailbox = f"{given[1]}.{family[1]}.{number + 1}@{chance.choice(_DOMAINS)}"
        mobile = next(numbers[country.code], "")
        found.append(
            Person(number, given[0], family[0], country.code, country.language, city, mailbox, mobile)
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
