"""Where invented people live: their names with the spellings that others give them, their cities, streets and mobile numbers.

`locales.toml` has the lists. Only the first spelling is how a person writes the name; the second is in Latin letters.
"""

import random
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product, zip_longest
from typing import Any, NamedTuple

Spellings = tuple[str, ...]
PROVIDERS = ("example.com", "example.org", "example.net", "mail.example", "post.example", "inbox.example")
"""Domains of e-mail addresses. All are reserved for examples."""
_STRIDE = 7_368_787
"""A prime larger than any space of numbers has factors: it scatters the people over the numbers."""


class Locale(NamedTuple):
    """`nicknames` are by the name that they stand for, in its first or second spelling. `families` begins with the common ones."""

    region: str
    language: str
    code: str
    prefixes: Sequence[str]
    digits: int
    zip: str
    cities: Sequence[Spellings]
    streets: Sequence[Spellings]
    women: Sequence[Spellings]
    men: Sequence[Spellings]
    families: Sequence[Spellings]
    common_families: int
    nicknames: Mapping[str, Sequence[str]]
    women_add: Spellings

    def family_of_woman(self, family: Spellings) -> Spellings:
        """`Иванов/Ivanov` is `Иванова/Ivanova` for a woman."""
        if not self.women_add or mail_name(family)[-1] not in "vn":
            return family
        first, other = self.women_add
        return family[0] + first, *(spelling + other for spelling in family[1:])

    @property
    def numbers(self) -> int:
        """How many mobile numbers there are."""
        return len(self.prefixes) * 10**self.digits

    def mobile(self, place: int) -> str:
        """The number of a place below `numbers`, in E.164. Numbers of neighbouring places are far apart."""
        prefix, rest = divmod(place * _STRIDE % self.numbers, 10**self.digits)
        return f"{self.code}{self.prefixes[prefix]}{rest:0{self.digits}}"

    def postcode(self, chance: random.Random) -> str:
        """ "" where there are none."""
        return "".join(_filled(mark, chance) for mark in self.zip)


def mail_name(name: Spellings) -> str:
    """As it is written in a mail address: small plain Latin letters."""
    apart = unicodedata.normalize("NFKD", name[:2][-1])
    return "".join(letter for letter in apart.lower() if letter.isascii() and letter.isalnum())


@cache
def locales() -> Mapping[str, Locale]:
    """By region."""
    text = files("gateway.simulate").joinpath("locales.toml").read_text("utf-8")
    return {one["region"]: _locale(one) for one in tomllib.loads(text)["locale"]}


def _locale(one: Mapping[str, Any]) -> Locale:
    common = _names(one["family"])
    rare = list(map(_together, product(_names(one.get("stems", "")), _names(one.get("endings", "")))))
    return Locale(
        one["region"],
        one["language"],
        one["code"],
        one["prefixes"],
        one["digits"],
        one["zip"],
        _names(one["cities"]),
        _names(one["streets"]),
        _names(one["women"]),
        _names(one["men"]),
        [*common, *rare],
        len(common),
        one.get("nicknames", {}),
        tuple(one.get("women_add", ())),
    )


def _names(text: str) -> list[Spellings]:
    return [tuple(part.replace("_", " ") for part in word.split("/")) for word in text.split()]


def _together(parts: tuple[Spellings, Spellings]) -> Spellings:
    """The spellings of a stem and an ending in turn; where one has no other, its last one stays."""
    stem, ending = parts
    pairs = zip_longest(stem, ending)
    return tuple(dict.fromkeys((one or stem[-1]) + (other or ending[-1]) for one, other in pairs))


def _filled(mark: str, chance: random.Random) -> str:
    if mark == "#":
        return str(chance.randrange(10))
    return chance.choice("ABDEFGHJLNPRSTUWXYZ") if mark == "@" else mark
