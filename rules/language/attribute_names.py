"""Finds mistakes in the names of attributes in a rule file."""

from rules.attributes import CUSTOM, KINDS, PATTERN, RESERVED
from rules.language.fields import Mistake, close, shown

_TEXTS = tuple(name for name, kind in KINDS.items() if kind == "string")
_KNOWN = f'known: {", ".join(_TEXTS)}, and "{CUSTOM}NAME" for one of your own'
_ALMOST = 0.8
"""A name at least this similar to a known one is reported as a typing error."""


def uncomparable(name: str) -> Mistake | None:
    """Why no rule can compare this attribute: rules compare texts, each under its full name."""
    if name.endswith(PATTERN):
        return Mistake(f"{shown(name)} is a pattern, but rules compare single attributes", _KNOWN)
    if name.startswith(CUSTOM):
        return _unusable_custom(name)
    if name not in KINDS:
        return Mistake(f"no customer has the attribute {shown(name)}", _remedy(name, close(name, _TEXTS)))
    if KINDS[name] != "string":
        return Mistake(f"{shown(name)} is not a text, and only texts are compared", _KNOWN)
    return None


def mistyped(name: str) -> Mistake | None:
    """Whether this name, or `prefix.*`, in the table `[attributes]` looks like a misspelt attribute."""
    if name.startswith(CUSTOM):
        return None if name == CUSTOM + "*" or name.endswith(PATTERN) else _unusable_custom(name)
    meant = close(name, KINDS, _ALMOST)
    if name in KINDS or not meant:
        return None
    return Mistake(f"no customer has the attribute {shown(name)}", _remedy(name, meant))


def _unusable_custom(name: str) -> Mistake | None:
    bare = name.removeprefix(CUSTOM)
    if bare.strip() and bare.casefold() not in RESERVED:
        return None
    own = close(bare, KINDS)
    return Mistake(
        f"{shown(name)} is a reserved name, which no custom attribute may have", _remedy(name, own)
    )


def _remedy(name: str, meant: str) -> str:
    return f'did you mean "{meant}"? {_KNOWN}' if meant else _KNOWN
