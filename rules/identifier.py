"""Identifiers: what a request says about a person, after normalisation."""

from typing import Literal, NamedTuple

CANONICAL_SUFFIX = ".canonical"
"""Type suffix of the provider form of an e-mail: `("email.canonical", "ann@gmail.com")` for `A.n.n+x@gmail.com`."""


class Identifier(NamedTuple):
    """(type, normalised value); equal identifiers are the same key."""

    type: str
    value: str


def declared_type(type_: str) -> str:
    """The declared type whose rules apply to an identifier of this type: the e-mail type for its provider form."""
    return type_.removesuffix(CANONICAL_SUFFIX)


def is_provider_form(type_: str) -> bool:
    return type_.endswith(CANONICAL_SUFFIX)


Status = Literal["ok", "blocked", "invalid"]


class Normalized(NamedTuple):
    """The result of normalising one value.

    `ok`: `value` is the key. `blocked`: it is well formed and stored, but may not join profiles; `reason` says why.
    `invalid`: there is no value; `reason` says why. `canonical` is the provider's own form of an e-mail (`""` if there is
    none): a second, weaker key that never replaces the address.
    """

    status: Status
    value: str
    reason: str = ""
    canonical: str = ""


class Evidence(NamedTuple):
    """One normalised identifier as a request states it. Only `status == "ok"` takes part in matching."""

    identifier: Identifier
    status: Status = "ok"
    reason: str = ""
    verified: bool = False
