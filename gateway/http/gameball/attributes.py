"""Customer attributes on their way in and out: the platform's names and types, and how they are stored. Each attribute is one value
under its wire name, a custom one under `custom.<name>`, so that each can win or lose by itself."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.json import encode

from gateway.http.gameball.envelope import INVALID_PAYLOAD, RESERVED_NAME, TOO_MANY_VALUES, Fault
from gateway.http.gameball.spelling import with_known_names
from gateway.http.gameball.texts import has_controls, text_of
from rules.attributes import CUSTOM, KINDS, OF_DIGITS, RESERVED

MOST_CUSTOM = 100
LONGEST_NAME = 100
LARGEST_VALUE = 4_096
"""Bytes of one value as JSON."""

_NAMES = (*KINDS, "custom")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CHECKS: dict[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
}
_OPEN = (
    "gender",
    "country",
    "city",
    "zip",
    "source",
    "utms",
    "devices",
    "paymentMethods",
    "totalSpent",
    "lastOrderDate",
    "totalOrders",
)
"""What the api key alone may see of a customer."""


def read_attributes(given: object) -> dict[str, Any] | Fault:
    """`customerAttributes` of a body. Null means omitted, and unknown names are dropped, as the platform does. A mobile
    number and a postcode may come as numbers."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        return INVALID_PAYLOAD
    given = with_known_names(given, _NAMES)
    if given is None:
        return INVALID_PAYLOAD
    found: dict[str, Any] = {}
    for name, kind in KINDS.items():
        value = given.get(name)
        if value is None:
            continue
        if name in OF_DIGITS:
            value = text_of(value)
        elif kind == "integer" and isinstance(value, float) and value.is_integer():
            value = int(value)
        if not _CHECKS[kind](value):
            return INVALID_PAYLOAD
        found[name] = value
    custom = _read_custom(given.get("custom"))
    if isinstance(custom, Fault):
        return custom
    found |= custom
    return TOO_MANY_VALUES if any(len(encode(value)) > LARGEST_VALUE for value in found.values()) else found


def _read_custom(given: object) -> dict[str, Any] | Fault:
    if given is None:
        return {}
    if not isinstance(given, dict):
        return INVALID_PAYLOAD
    if len(given) > MOST_CUSTOM:
        return TOO_MANY_VALUES
    for name in given:
        if not name or name.isspace() or has_controls(name):
            return INVALID_PAYLOAD
        if len(name) > LONGEST_NAME:
            return TOO_MANY_VALUES
        if name.casefold() in RESERVED:
            return RESERVED_NAME
    return {CUSTOM + name: value for name, value in given.items() if value is not None}


def open_attributes(values: Mapping[str, Any], tags: list[str]) -> dict[str, Any]:
    """The attributes that the key-only read shows: none of them identifies the person."""
    return _with_common(_there(values, _OPEN), values, tags)


def all_attributes(values: Mapping[str, Any], tags: list[str]) -> dict[str, Any]:
    return _with_common(_there(values, KINDS), values, tags)


def _there(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if values.get(name) is not None}


def _with_common(shown: dict[str, Any], values: Mapping[str, Any], tags: list[str]) -> dict[str, Any]:
    """The known ones. Lists are always there, even if empty, with both spellings of `utms`."""
    for name in ("utms", "devices", "paymentMethods"):
        shown.setdefault(name, [])
    custom = {name.removeprefix(CUSTOM): value for name, value in values.items() if name.startswith(CUSTOM)}
    return {**shown, "utMs": shown["utms"], "tags": tags, "custom": custom}
