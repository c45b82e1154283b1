"""Who is who: records, their profiles, and the commands that identify or erase a customer."""

from dataclasses import dataclass

import msgspec

from gateway.clock import DAY
from gateway.model.caller import Caller
from gateway.model.command import Command, Done
from rules.identifier import Evidence, Identifier
from rules.record import Record

SEEN_PRECISION = DAY
"""To this precision (ms) it is kept when an identifier was last seen on a record."""


FEW_HOLDERS = 16
"""Of up to so many holders a key is told by their observations, which are counted whenever it is needed; of more by itself."""


@dataclass(slots=True)
class CustomerRecord(Record):
    """A record with what the loyalty side keeps on it. A profile is active while none of its records was deactivated, and
    a guest while all of them are."""

    active: bool = True
    guest: bool = False


@dataclass(slots=True)
class ProfileRow:
    """What is stored of a profile besides its records. The canonical id is the customer id under which the
    upstream knows it; no two profiles have the same, absorbed ones included. `named_after` is the record that the profile
    began with: its id and its canonical id lead to wherever that record is.

    A profile's version is `changes` and its number of records: one more record of somebody known writes nothing here.
    `changes` is None until the profile is stored.
    """

    profile_id: int
    created_at: int
    changes: int | None
    redirect_to: int | None
    canonical_id: str
    named_after: int = 0


class Erasure(msgspec.Struct, frozen=True):
    """That somebody was erased: numbers that lead to no one once it is done."""

    erasure_id: int
    profile_id: int
    records: tuple[int, ...]
    at: int


class Resolution(msgspec.Struct, frozen=True):
    """Where a call's customer ended: the profile and the decision that led there."""

    profile_id: int
    record_id: int
    decision: str
    rule: str = ""
    warnings: tuple[str, ...] = ()


class Identified(msgspec.Struct, frozen=True):
    """Whom a call is about, and the customer id under which the upstream knows them."""

    resolution: Resolution
    canonical_id: str


class UnknownCustomer(msgspec.Struct, frozen=True):
    """No profile, and nothing that leads to one. Nothing was stored."""


class Erased(msgspec.Struct, frozen=True):
    profile_id: int
    records: int


class Identify(Command[Identified | UnknownCustomer], frozen=True):
    """Whom a call that is forwarded is about, learning from what it says; `guest` None leaves what is known."""

    caller: Caller
    customer_id: str
    evidence: tuple[Evidence, ...]
    may_create: bool
    guest: bool | None = None
    claims: tuple[Identifier, ...] = ()


class EraseCustomer(Command[Erased | UnknownCustomer], frozen=True):
    """Remove a profile with all its records, observations, attributes, tags and keys. Ledger entries stay, nameless."""

    caller: Caller
    customer_id: str = ""
    profile_id: int | None = None


class ForgetAgain(Command[Done], frozen=True):
    """Erase the records of an erasure that this database, restored from a backup, has not seen."""

    caller: Caller
    erasure: Erasure
