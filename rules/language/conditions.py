"""Conditions on attributes in a rule file: how they are written, and the mistakes in them."""

from collections.abc import Collection

from rules.attributes import CUSTOM, KINDS, kind_of
from rules.compare import LEVELS, LEVELS_OF, Kinds
from rules.compare.conditions import parts
from rules.language.attribute_names import uncomparable
from rules.language.fields import Mistake, nearest, shown
from rules.language.grammar import attribute_name

_EXAMPLE = 'write "lastName", "lastName:near" or "firstName and dateOfBirth:near"'


def mistakes_of(written: str, kinds: Kinds, *, stored: bool) -> list[Mistake]:
    """The mistakes of a condition, or of several that have to hold together."""
    found = parts(written)
    if len({name for name, _ in found}) < len(found):
        return [Mistake(f"{shown(written)} names an attribute twice", "keep the stricter level")]
    return [wrong for name, level in found if (wrong := _mistake(name, level, kinds, stored=stored))]


def names_an_attribute(written: str, types: Collection[str]) -> bool:
    """Whether an item of `unless_differs` is a condition. A declared type comes first; `NAME:LEVEL` is always an attribute."""
    return written not in types and (":" in written or written in KINDS or written.startswith(CUSTOM))


def _mistake(name: str, level: str | None, kinds: Kinds, *, stored: bool) -> Mistake | None:
    if isinstance(attribute_name(name), list):
        return Mistake(f"{shown(name)} is not the name of an attribute", _EXAMPLE)
    if wrong := None if stored else uncomparable(name):
        return wrong
    if level is None:
        return None
    if level not in LEVELS:
        return Mistake(f"{shown(level)} is not a level", nearest(level, LEVELS))
    kind = kind_of(name, kinds)
    if level not in LEVELS_OF[kind]:
        known = ", ".join(LEVELS_OF[kind])
        return Mistake(
            f"{shown(name)} is compared as {kind}, which has no level {level}",
            f"known: {known}; or declare another kind under [attribute.{shown(name)}]",
        )
    return None
