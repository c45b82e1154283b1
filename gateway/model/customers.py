"""Facts about a customer: attributes, claims, tags, and whether it is active."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command
from gateway.model.identity import Resolution, UnknownCustomer
from rules.identifier import Evidence, Identifier
from rules.source import Source


class AttributeValue(NamedTuple):
    """The value of one attribute of one record, as JSON text, with its source and time."""

    value: str
    at: int
    source: Source


class Claim(NamedTuple):
    """One identifier claimed of one record. It owns no key, joins no profiles and counts for no fan-out."""

    source: Source
    claimed_at: int


class ClaimedAttribute(NamedTuple):
    """The value of one attribute as an untrusted source gave it for one record, as JSON text."""

    value: str
    source: Source
    claimed_at: int


@dataclass(slots=True)
class Claims:
    """All claims about one record."""

    identifiers: dict[Identifier, Claim] = field(default_factory=dict[Identifier, Claim])
    attributes: dict[str, ClaimedAttribute] = field(default_factory=dict[str, ClaimedAttribute])


class Saved(msgspec.Struct, frozen=True):
    """`changed` says whether the call changed anything (`stateChanged` of activate)."""

    resolution: Resolution
    changed: bool = True


class SaveCustomer(Command[Saved | UnknownCustomer], frozen=True):
    """Create or update a customer. Omitted attributes stay; `guest` None leaves what is known. `claims` are identifiers that
    are not evidence, and attributes are claims where the caller may not state them."""

    caller: Caller
    customer_id: str
    evidence: tuple[Evidence, ...] = ()
    attributes: Mapping[str, Any] = {}
    guest: bool | None = None
    claims: tuple[Identifier, ...] = ()


class SetActive(Command[Saved | UnknownCustomer], frozen=True):
    caller: Caller
    customer_id: str
    active: bool


class EditTags(Command[Saved | UnknownCustomer], frozen=True):
    caller: Caller
    customer_id: str
    attach: frozenset[str] = frozenset()
    detach: frozenset[str] = frozenset()
