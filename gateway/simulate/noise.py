"""How people and clerks write what they know: slips of the hand, nicknames, names as they sound, swapped days and months, numbers
in many forms, and what is typed where nothing is known. Each function gives one way of writing for the next chance."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from gateway.simulate.locales import Locale, Spellings

_NEAR: Mapping[str, str] = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
    for place, letter in enumerate(row)
}
"""The keys beside a key."""
NO_MAIL = ("n/a", "none", "null", "noreply@example.com", "-", "unknown")
NO_MOBILE = ("0", "0000000000", "-", "n/a", "1111111111")
NO_NAME = ("-", "Guest", "N N", "Customer", "x")
NO_BIRTHDAY = (date(1900, 1, 1), date(1970, 1, 1))


def slipped(text: str, chance: random.Random) -> str:
    """With one slip of the hand: a key beside the right one, a letter left out or doubled, or two letters swapped."""
    places = [place for place, letter in enumerate(text) if letter.isalpha()]
    if len(places) < 3:
        return text
    place = chance.choice(places)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    kind = chance.randrange(4)
    if kind == 0:
        near = _NEAR.get(letter.lower())
        return before + (chance.choice(near) if near else "") + after
    if kind == 1:
        return before + after
    if kind == 2:
        return before + letter + letter + after
    return before + after[:1] + letter + after[1:]


def slipped_mail(email: str, chance: random.Random) -> str:
    """Before the @ only, so that it cannot become a real domain."""
    local, _, provider = email.partition("@")
    return f"{slipped(local, chance)}@{provider}"


def slipped_number(number: str, chance: random.Random) -> str:
    """One digit beside the right one, two swapped, or one left out, which mostly gives no number at all."""
    place = chance.randrange(len(number) - 6, len(number) - 1)
    before, one, other, after = number[:place], number[place], number[place + 1], number[place + 2 :]
    kind = chance.choices(("near", "swap", "drop"), (55, 35, 10))[0]
    if kind == "near":
        return before + chance.choice(_NEAR[one]) + other + after
    return before + other + (one if kind == "swap" else "") + after


def written_mail(email: str, chance: random.Random) -> str:
    return chance.choices((email, email.title(), email.upper(), f" {email} "), (85, 7, 4, 4))[0]


def written_number(number: str, locale: Locale, home: str, chance: random.Random) -> str:
    """As people of that country write it. Only at home (a region) is the code of the country left out."""
    national = number.removeprefix(locale.code)
    spaced = f"{national[:3]} {national[3:6]} {national[6:]}"
    forms: list[str] = [number, f"00{number[1:]}", f"{locale.code} {spaced}", f"({locale.code}) {national}"]
    if locale.region == home:
        forms += [f"0{national}", f"0{spaced}", f"0{national[:3]}-{national[3:]}"]
    return chance.choice(forms)


def spelled(name: Spellings, chance: random.Random) -> str:
    """In another person's spelling."""
    return chance.choice(name[1:] or name)


def nicknames(name: Spellings, locale: Locale) -> Sequence[str]:
    """Most names have none."""
    return [nick for spelling in name[:2] for nick in locale.nicknames.get(spelling, ())]


def initial(name: str, chance: random.Random) -> str:
    return name[:1] + chance.choice((".", ""))


def cased(name: str, chance: random.Random) -> str:
    return chance.choices((name, name.upper(), name.lower(), f"{name} "), (90, 4, 4, 2))[0]


def slipped_birthday(day: date, chance: random.Random) -> date:
    """Day and month swapped where that is a date; otherwise another day, year or digit."""
    if day.day <= 12 and chance.random() < 0.6:
        return date(day.year, day.day, day.month)
    others: Sequence[Callable[[], date]] = (
        lambda: day.replace(day=day.day % 28 + 1),
        lambda: day.replace(year=day.year + chance.choice((-10, -1, 1)), day=min(day.day, 28)),
        lambda: day.replace(month=day.month % 12 + 1, day=min(day.day, 28)),
    )
    return chance.choice(others)()
