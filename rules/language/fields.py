"""Readers for the values of a rule file: each turns one TOML value into the value of a field, or into a list of mistakes. No
message repeats a value, because blocked lists hold addresses and numbers of people."""

import re
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias, get_args, get_type_hints

from rules.language.patterns import LONGEST_VALUE, objection
from rules.language.toml_lines import Path

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]{1,15})(ms|s|m|h|d)")
_LONGEST_DURATION = 36_500 * _UNITS["d"]


class Mistake(NamedTuple):
    """What is wrong with a value, and the remedy. `at` is the path from the value to the wrong element inside it."""

    message: str
    remedy: str
    at: Path = ()


Reader: TypeAlias = Callable[[object], object]
"""Turns a TOML value into the field's value, which is never a list, or into the list of its mistakes."""


def flag(value: object) -> object:
    return value if isinstance(value, bool) else [Mistake("must be true or false", "write it without quotes")]


def whole(least: int, most: int) -> Reader:
    expected = f"a whole number from {least} to {most}" if least < most else str(least)

    def read(value: object) -> object:
        if type(value) is int and least <= value <= most:
            return value
        return [Mistake(f"must be {expected}", "write it without quotes")]

    return read


def share(least: float, most: float) -> Reader:
    def read(value: object) -> object:
        if type(value) is float and least <= value <= most:
            return value
        return [Mistake(f"must be a number from {least} to {most}", "write it without quotes, with a point")]

    return read


def text(least: int = 1, most: int = 100) -> Reader:
    def read(value: object) -> object:
        if (
            isinstance(value, str)
            and least <= len(value.strip()) <= len(value) <= most
            and value.isprintable()
        ):
            return value
        return [
            Mistake(
                f"must be text of {least} to {most} printable characters", "write it in quotes, on one line"
            )
        ]

    return read


def spelled(pattern: str, description: str, remedy: str) -> Reader:
    """Accepts text that matches `pattern` as a whole; `description` completes "must be …"."""
    allowed = re.compile(pattern)

    def read(value: object) -> object:
        if isinstance(value, str) and len(value) <= LONGEST_VALUE and allowed.fullmatch(value):
            return value
        return [Mistake(f"must be {description}", remedy)]

    return read


def choice(allowed: Iterable[str]) -> Reader:
    options = tuple(allowed)

    def read(value: object) -> object:
        if isinstance(value, str) and value in options:
            return value
        return [Mistake("must be one of the known words", nearest(value, options))]

    return read


def literal(owner: type, name: str) -> Reader:
    """The words that the `Literal` of the field `name` allows."""
    return choice(get_args(get_type_hints(owner)[name]))


def duration(*, ever: bool, zero: bool) -> Reader:
    """Milliseconds; None for "ever"."""
    words = [*(['"ever"'] if ever else []), *(['"0"'] if zero else [])]
    examples = ", ".join(['"365d"', '"72h"', '"5m"', '"300s"', '"250ms"', *words])

    def read(value: object) -> object:
        if value == "ever" and ever:
            return None
        length = _milliseconds(value)
        if length is None or length > _LONGEST_DURATION or (length == 0 and not zero):
            return [Mistake("must be a duration of at most 36500d", f"write one such as {examples}")]
        return length

    return read


def _milliseconds(value: object) -> int | None:
    if value == "0":
        return 0
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else None


def pattern(value: object) -> object:
    if not isinstance(value, str) or not value:
        return [Mistake("must be a regular expression", "write it in single quotes: '^[0-9]+$'")]
    wrong = objection(value)
    return [Mistake(wrong, "anchor it with ^ and $, and repeat single characters only")] if wrong else value


def many(item: Reader, *, least: int = 0, most: int = 1_000) -> Reader:
    """Accepts a list of different items; gives a tuple in the order of the file."""

    def read(value: object) -> object:
        if not isinstance(value, list) or not least <= len(value) <= most:
            return [Mistake(f"must be a list of {least} to {most} items", 'write ["…", "…"]')]
        read_items: list[Any] = [item(element) for element in value]
        mistakes = [
            mistake._replace(at=(position, *mistake.at))
            for position, result in enumerate(read_items)
            if isinstance(result, list)
            for mistake in result
        ]
        return mistakes or _repeats(read_items) or tuple(read_items)

    return read


def _repeats(items: list[object]) -> list[Mistake]:
    first: dict[object, int] = {}
    return [
        Mistake("is in the list twice", "delete one of them", (position,))
        for position, item in enumerate(items)
        if first.setdefault(item, position) != position
    ]


def converted(reader: Reader, convert: Callable[[Any], object]) -> Reader:
    """`reader`, with `convert` applied to the values that it accepts."""

    def read(value: object) -> object:
        result = reader(value)
        return result if isinstance(result, list) else convert(result)

    return read


def nearest(word: object, known: Collection[str]) -> str:
    """A remedy for an unknown word: the closest known word, or else all known words."""
    meant = close(word, known) if isinstance(word, str) else ""
    if meant:
        return f'did you mean "{meant}"?'
    return f"known: {', '.join(known)}" if known else "none is declared"


def close(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """The known word that is most similar to this one, ignoring case; "" if none is similar."""
    folded = {one.casefold(): one for one in known}
    found = get_close_matches(word[:100].casefold(), folded, n=1, cutoff=likeness)
    return folded[found[0]] if found else ""


def shown(name: str) -> str:
    """A name from the file, safe for a one-line message."""
    return (
        name
        if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name)
        else repr(name if len(name) <= 60 else name[:59] + "…")
    )
