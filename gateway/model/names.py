"""The attributes that hold a person's name."""

from collections.abc import Mapping
from typing import Any

NAMES = ("displayName", "firstName", "lastName")
"""The attributes that name a person."""


def full_name(values: Mapping[str, Any]) -> str:
    """The display name, or else the first and the last name; "" where the values name no one."""
    display = _text(values.get("displayName"))
    return display or " ".join(filter(None, (_text(values.get(name)) for name in NAMES[1:])))


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
