"""Data that operators keep (channel keys, rule sets, lists), and the outcomes of their commands."""

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused


class ChannelKey(msgspec.Struct, frozen=True):
    """A key pair of a channel as it is stored: HMACs only."""

    key_id: str
    channel: str
    api_hash: bytes
    secret_hash: bytes
    created_at: int
    created_by: str
    revoked_at: int | None = None


class StoredRuleSet(msgspec.Struct, frozen=True):
    version: str
    sha256: str
    text: str
    author: str
    stored_at: int


class Activation(msgspec.Struct, frozen=True):
    """That a version became the active one; the newest activation counts."""

    activation_id: int
    version: str
    actor: str
    activated_at: int


class RulePlan(msgspec.Struct, frozen=True):
    """That a plan of a rule set's content was made, what it counted and its samples, as JSON texts."""

    sha256: str
    planned_at: int
    planned_by: str
    summary: str
    cases: str = "[]"


class ListedValue(msgspec.Struct, frozen=True):
    """One value of one of the operators' lists."""

    name: str
    value: str
    added_at: int
    added_by: str


class Listed(msgspec.Struct, frozen=True):
    """How many values of a list were added or removed; the others needed no change."""

    changed: int


class CreateKey(Command[Done | Refused], frozen=True):
    caller: Caller
    key: ChannelKey


class RevokeKey(Command[Done | Refused], frozen=True):
    caller: Caller
    key_id: str


class StoreRules(Command[Done | Refused], frozen=True):
    """Store a rule set under its version. Storing the same text again changes nothing."""

    caller: Caller
    rule_set: StoredRuleSet
    activate: bool = False


class ActivateRules(Command[Done | Refused], frozen=True):
    caller: Caller
    version: str


class ChangeList(Command[Listed], frozen=True):
    """Add values to, or remove them from, a list of the operators' own. They have the form of stored identifiers."""

    caller: Caller
    name: str
    values: tuple[str, ...]
    listed: bool


class NotePlan(Command[Done], frozen=True):
    """Record that a plan of this content was made; `summary` has its counts and `cases` its samples, as JSON texts."""

    caller: Caller
    sha256: str
    version: str
    summary: str
    cases: str = "[]"
