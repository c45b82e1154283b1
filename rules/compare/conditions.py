"""Conditions on attributes as a rule file writes them: `lastName`, `lastName:near`, `firstName and dateOfBirth:near`."""

from collections.abc import Mapping
from typing import NamedTuple

from rules.compare.levels import LEVELS, USUAL
from rules.ruleset import AttributeKind, Level

_BY_NAME: Mapping[str, Level] = {level: level for level in LEVELS}

AND = " and "
SEPARATOR = ":"


class Condition(NamedTuple):
    """An attribute has to be as near as `level` on both sides."""

    attribute: str
    level: Level

    def __str__(self) -> str:
        return f"{self.attribute}{SEPARATOR}{self.level}"


def parts(written: str) -> list[tuple[str, str | None]]:
    """The attributes that all have to agree, each with its level as it is written."""
    found = (one.strip().rpartition(SEPARATOR) for one in written.split(AND))
    return [(name, level) if separator else (level, None) for name, separator, level in found]


def condition(attribute: str, level: str | None, kind: AttributeKind) -> Condition:
    """The level is the usual one of the kind if none is written."""
    return Condition(attribute, _BY_NAME.get(level or "", USUAL[kind]))
