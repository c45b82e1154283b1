"""The rows of an invented shop: each is one registration of a person at one channel, as that channel wrote it down.

`marks` say what was done to a row: `nickname`, `slip:email`, `other:mobile` (another's contact) …
"""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.simulate import noise
from gateway.simulate.locales import Spellings
from gateway.simulate.people import Person, invented
from gateway.simulate.shapes import Channel, Shape

HOME = "EG"
"""Where the shop is: numbers from there are often written without the code of the country."""
COLUMNS: tuple[str, ...] = (
    "customer_id",
    "email",
    "mobile",
    "firstName",
    "lastName",
    "dateOfBirth",
    "address",
    "zip",
    "city",
)
ATTRIBUTES = {name: "custom.address" if name == "address" else name for name in COLUMNS[3:]}
"""The column of each attribute, and its name in the gateway."""


class Registration(NamedTuple):
    """`cells` are in the order of `COLUMNS`."""

    channel: str
    person: int
    household: int
    cells: tuple[str, ...]
    marks: tuple[str, ...]


def registrations(shape: Shape, people: int, seed: int) -> list[Registration]:
    """Channel by channel, in the order of time."""
    persons = invented(shape, people, seed)
    chance = random.Random(seed + 1)  # noqa: S311 - invents a shop
    visits = sorted(
        (when, person.number, channel) for person in persons for when, channel in _visits(shape, chance)
    )
    found: dict[str, list[Registration]] = {name: [] for name in shape.channels}
    for when, number, channel in visits:
        rows = found[channel]
        clerk = _Clerk(shape, persons, channel, chance)
        rows.append(clerk.registration(f"{channel[0]}{10_000 + len(rows)}", persons[number], when))
    return [row for rows in found.values() for row in rows]


def _visits(shape: Shape, chance: random.Random) -> Iterator[tuple[float, str]]:
    weights = [channel.weight for channel in shape.channels.values()]
    [count] = chance.choices(range(1, len(shape.accounts) + 1), shape.accounts)
    for _ in range(count):
        yield chance.random(), chance.choices(list(shape.channels), weights)[0]


class _Clerk:
    """Writes down one registration."""

    def __init__(self, shape: Shape, persons: Sequence[Person], channel: str, chance: random.Random) -> None:
        self._shape, self._persons, self._chance = shape, persons, chance
        self._channel, self._name = shape.channels[channel], channel
        self._marks: list[str] = []

    def registration(self, customer_id: str, person: Person, when: float) -> Registration:
        channel: Channel = self._channel
        email = self._email(person, when) if self._happens(channel.email) else ""
        mobile = self._mobile(person, when) if self._happens(channel.mobile) else ""
        names = self._names(person) if self._happens(channel.names) else ("", "")
        birthday = self._birthday(person) if self._happens(channel.birthday) else ""
        home = self._home(person, when) if self._happens(channel.address) else ("", "", "")
        cells = (customer_id, email, mobile, *names, birthday, *home)
        return Registration(self._name, person.number, person.household, cells, tuple(self._marks))

    def _happens(self, share: float, mark: str = "") -> bool:
        happens = self._chance.random() < share
        if happens and mark:
            self._marks.append(mark)
        return happens

    def _email(self, person: Person, when: float) -> str:
        chance = self._chance
        if self._happens(self._shape.placeholders, "none:email"):
            return chance.choice(noise.NO_MAIL)
        giver = self._persons[person.gives_mail_of]
        if giver is not person:
            self._marks.append("other:email")
        email = giver.email.then(when)
        if self._happens(self._channel.slips, "slip:email"):
            email = noise.slipped_mail(email, chance)
        return noise.written_mail(email, chance)

    def _mobile(self, person: Person, when: float) -> str:
        chance = self._chance
        if self._happens(self._shape.placeholders, "none:mobile"):
            return chance.choice(noise.NO_MOBILE)
        giver = self._persons[person.gives_mobile_of]
        if giver is not person:
            self._marks.append("other:mobile")
        number = giver.mobile.then(when)
        if self._happens(self._channel.slips, "slip:mobile"):
            number = noise.slipped_number(number, chance)
        return noise.written_number(number, person.locale, HOME, chance)

    def _names(self, person: Person) -> tuple[str, str]:
        chance = self._chance
        if self._happens(self._shape.placeholders, "none:name"):
            return chance.choice(noise.NO_NAME), ""
        given, family = self._one_name(person.given), self._one_name(person.family)
        nicknames = noise.nicknames(person.given, person.locale)
        if nicknames and self._happens(self._shape.informal * 2, "nickname"):
            given = chance.choice(nicknames)
        elif self._happens(self._shape.informal / 3, "initial"):
            given = noise.initial(given, chance)
        if self._happens(self._shape.informal / 3, "swapped:names"):
            given, family = family, given
        return noise.cased(given, chance), noise.cased(family, chance)

    def _one_name(self, name: Spellings) -> str:
        written = name[0]
        if self._happens(self._channel.spelled, "spelled"):
            written = noise.spelled(name, self._chance)
        if self._happens(self._channel.slips, "slip:name"):
            written = noise.slipped(written, self._chance)
        return written

    def _birthday(self, person: Person) -> str:
        day = person.born
        if self._happens(self._shape.placeholders, "none:birthday"):
            day = self._chance.choice(noise.NO_BIRTHDAY)
        elif self._happens(self._channel.slips, "slip:birthday"):
            day = noise.slipped_birthday(day, self._chance)
        return day.isoformat()

    def _home(self, person: Person, when: float) -> tuple[str, str, str]:
        home = person.home_then(when)
        street, city = self._one_name(home.street), self._one_name(home.city)
        in_front = person.locale.region in ("GB", "US", "FR")
        address = f"{home.house} {street}" if in_front else f"{street} {home.house}"
        return address, home.postcode, city
