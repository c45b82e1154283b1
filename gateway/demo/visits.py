"""What the shop's customers do in 90 days: calls of its channels, in the order of time."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.clock import DAY, HOUR, MINUTE
from gateway.demo.people import (
    TABLETS,
    Person,
    gives_mail_of_next,
    people,
    shares_tablet,
)

HISTORY = 90 * DAY
SILENT = 5 * HOUR
"""How long the till has been silent (ms)."""
BROKEN_FROM, BROKEN_FOR = 9 * DAY, HOUR
"""How long before the end of the story the eager rules came into use, and for how long they were (ms)."""
CAMPAIGNS = (11664, 11665, 11666)
CHANNELS = ("web", "mobile", "pos", "callcenter")
NEW_SHOP = "+201550009000"
_GUESTS = 7
_USE = (40, 25, 25, 10)
_PREFIX = {"web": "w", "mobile": "app", "pos": "card", "callcenter": "cc"}
_BRIDGED = 100
"""One person in this many is two customers until a call in the last two days gives both identifiers."""
_TWICE = 0.08
"""How many reports are sent twice."""


class Visit(NamedTuple):
    """A call of a channel: `ago` ms before the end of the story. `campaign` 0: it saves the customer."""

    ago: int
    channel: str
    customer_id: str
    body: dict[str, Any]
    campaign: int = 0


def visits(count: int, seed: int) -> list[Visit]:
    """The same visits for the same seed, oldest first."""
    chance, shoppers = random.Random(seed), people(count, seed)  # noqa: S311 - invents a shop
    found: list[Visit] = []
    for person in shoppers:
        neighbour = shoppers[(person.number + 1) % count]
        found += _life(person, neighbour, chance)
    found += _today(shoppers, chance)
    found += _guests()
    return sorted(found, key=lambda visit: -visit.ago)


def customer_id(person: Person, channel: str) -> str:
    return f"{_PREFIX[channel]}-{10_000 + person.number}"


def _life(person: Person, neighbour: Person, chance: random.Random) -> Iterator[Visit]:
    first = chance.randrange(12 * DAY, HISTORY)
    if shares_tablet(person.number):
        yield from _on_a_tablet(person, first, chance)
    elif gives_mail_of_next(person.number):
        ago = chance.randrange(12 * HOUR, BROKEN_FROM - DAY)
        yield _saves(person, "pos", ago, email=neighbour.email, mobile=person.mobile)
    elif gives_mail_of_next(person.number - 1):
        yield _saves(person, "web", first, email=person.email, mobile=person.mobile)
        yield _earns(person, "web", first - HOUR, chance)
    elif person.number % _BRIDGED == 5:
        yield from _bridged(person, first, chance)
    else:
        yield from _usual(person, first, chance)


def _on_a_tablet(person: Person, first: int, chance: random.Random) -> Iterator[Visit]:
    """All of it before the rules joined too eagerly."""
    device = f"tablet-{person.number // TABLETS:05}"
    yield _saves(person, "mobile", first, email=person.email, device=device)
    second = chance.randrange(BROKEN_FROM + DAY, first - DAY)
    yield _saves(person, "callcenter", second, **_says(person, "callcenter"))
    yield _earns(person, "mobile", second, chance)


def _bridged(person: Person, first: int, chance: random.Random) -> Iterator[Visit]:
    yield _saves(person, "pos", first, **_says(person, "pos"))
    yield _saves(person, "web", (first + 4 * DAY) // 2, **_says(person, "web"))
    yield _earns(person, "web", 4 * DAY, chance)
    bridge = chance.randrange(12 * HOUR, 2 * DAY - HOUR)
    yield _saves(person, "callcenter", bridge, **_says(person, "callcenter"))


def _usual(person: Person, first: int, chance: random.Random) -> Iterator[Visit]:
    """Comes by one channel, often by a second one, and often earns something."""
    home, other = chance.choices(CHANNELS, _USE)[0], chance.choices(CHANNELS, _USE)[0]
    last = 12 * HOUR
    yield _saves(person, home, first, **_says(person, home))
    if chance.random() < 0.6:
        second = chance.randrange(last, first)
        yield _saves(person, other, second, **_says(person, other))
        if other != home and chance.random() < 0.3:
            third = chance.randrange(last, second + 1)
            yield _saves(person, "callcenter", third, **_says(person, "callcenter"))
    for _ in range(chance.choices((0, 1, 2, 3), (50, 30, 15, 5))[0]):
        report = _earns(person, home, chance.randrange(last, first), chance)
        yield report
        if chance.random() < _TWICE:
            yield report


def _today(shoppers: list[Person], chance: random.Random) -> Iterator[Visit]:
    """The last hours: customers come back, to the till until it fell silent."""
    for number in range(max(16, len(shoppers) // 20)):
        person = shoppers[chance.randrange(len(shoppers))]
        if number % 4 == 0:
            ago, channel = chance.randrange(SILENT, 2 * SILENT), "pos"
        else:
            since = 10 * MINUTE if number < 8 else SILENT
            ago, channel = chance.randrange(MINUTE, since), CHANNELS[(0, 1, 3)[number % 3]]
        yield _saves(person, channel, ago, **_says(person, channel))


def _guests() -> Iterator[Visit]:
    """The till of a new shop types the shop's own number for customers who give none. It is on no list yet."""
    for number in range(_GUESTS):
        body = {"mobile": NEW_SHOP, "customerAttributes": {"displayName": f"Guest {number + 1}"}}
        yield Visit(DAY + (_GUESTS - number) * HOUR, "pos", f"card-9900{number}", body)


def _says(person: Person, channel: str) -> dict[str, str]:
    """What a channel asks for: the shops in the web an address, the till a number, the call centre both."""
    by_mail = {"email": person.email}
    if channel == "mobile":
        return {**by_mail, "device": f"phone-{person.number:05}"}
    if channel == "web" or not person.mobile:
        return by_mail
    return {"mobile": person.mobile} if channel == "pos" else {**by_mail, "mobile": person.mobile}


def _earns(person: Person, channel: str, ago: int, chance: random.Random) -> Visit:
    return Visit(ago, channel, customer_id(person, channel), {}, chance.choice(CAMPAIGNS))


def _saves(person: Person, channel: str, ago: int, **says: str) -> Visit:
    attributes = {
        "displayName": f"{person.given} {person.family}",
        "firstName": person.given,
        "lastName": person.family,
        "country": person.country,
        "city": person.city,
        "preferredLanguage": person.language,
    }
    body: dict[str, Any] = {name: value for name, value in says.items() if value}
    return Visit(ago, channel, customer_id(person, channel), {**body, "customerAttributes": attributes})
