"""Identity: records, their profiles, and the commands that identify or erase a customer."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from gateway.clock import DAY
from gateway.model.caller import Caller
from gateway.model.command import Command, Done
from rules.identifier import Evidence, Identifier
from rules.record import Record

SEEN_PRECISION = DAY
"""The precision (ms) of the time at which an identifier was last seen on a record."""


FEW_HOLDERS = 16
"""A key with up to this many holders has no stored count: its observations are counted whenever the number is needed. A key
with more stores the number."""


@dataclass(slots=True)
class CustomerRecord(Record):
    """A record with its loyalty data. A profile is active unless one of its records was deactivated, and a guest only while all
    of them are."""

    active: bool = True
    guest: bool = False


@dataclass(slots=True)
class ProfileRow:
    """The stored data of a profile besides its records. The canonical id is the customer id under which the upstream knows it;
    no two profiles have the same, absorbed ones included. `named_after` is the record with which the profile began. The
    profile's id and canonical id always lead to that record's present profile.

    A profile's version is `changes` and its number of records: another record of a known customer writes nothing here.
    `changes` is None until the profile is stored.
    """

    profile_id: int
    created_at: int
    changes: int | None
    redirect_to: int | None
    canonical_id: str
    named_after: int = 0


class Erasure(msgspec.Struct, frozen=True):
    """Marks an erased person. Once the erasure is complete, its numbers lead to no person."""

    erasure_id: int
    profile_id: int
    records: tuple[int, ...]
    at: int


class Resolution(msgspec.Struct, frozen=True):
    """The result of identifying a call's customer: the profile, and the decision about it."""

    profile_id: int
    record_id: int
    decision: str
    rule: str = ""
    warnings: tuple[str, ...] = ()


class Identified(msgspec.Struct, frozen=True):
    """The customer of a call, and the customer id under which the upstream knows them."""

    resolution: Resolution
    canonical_id: str


class UnknownCustomer(msgspec.Struct, frozen=True):
    """There is no profile, and no identifier that leads to one. Nothing was stored."""


class Erased(msgspec.Struct, frozen=True):
    profile_id: int
    records: int


class AccountsLeft(msgspec.Struct, frozen=True):
    """The customer is not erased yet: the platform may still have accounts under these canonical ids."""

    canonical_ids: tuple[str, ...]


class Identify(Command[Identified | UnknownCustomer], frozen=True):
    """Identify the customer of a forwarded call, and store what it states. `guest` None leaves the known value. `attributes` are
    those that the rules compare; the platform keeps all others."""

    caller: Caller
    customer_id: str
    evidence: tuple[Evidence, ...]
    may_create: bool
    guest: bool | None = None
    claims: tuple[Identifier, ...] = ()
    attributes: Mapping[str, str] = {}


class EraseCustomer(Command[Erased | UnknownCustomer], frozen=True):
    """Remove a profile with all its records, observations, attributes, tags and keys. Ledger entries stay, without a name."""

    caller: Caller
    customer_id: str = ""
    profile_id: int | None = None


class EraseDeletedCustomer(Command[Erased | AccountsLeft | UnknownCustomer], frozen=True):
    """Erase a customer whom the platform deleted under the canonical ids in `deleted`: the profile as which the call knew them, and
    the one that the call's customer id leads to by now. Nothing changes while other canonical ids lead to either."""

    caller: Caller
    customer_id: str
    profile_id: int
    deleted: frozenset[str]


class ForgetAgain(Command[Done], frozen=True):
    """Erase the records of an erasure that this database, restored from a backup, has not seen."""

    caller: Caller
    erasure: Erasure
