"""What operators keep: channel keys, rule sets, lists. And how a command of theirs ends."""

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
    """That a plan of a rule set's content was made, and what it counted as JSON text."""

    sha256: str
    planned_at: int
    planned_by: str
    summary: str


class ListedValue(msgspec.Struct, frozen=True):
    """One value of one of the operators' lists."""

    name: str
    value: str
    added_at: int
    added_by: str


class Listed(msgspec.Struct, frozen=True):
    """How many values of a list were added or removed; the others were so already."""

    changed: int


class CreateKey(Command[Done | Refused], frozen=True):
    caller: Caller
    key: ChannelKey


class RevokeKey(Command[Done | Refused], frozen=True):
    caller: Caller
    key_id: str


class StoreRules(Command[Done | Refused], frozen=True):
    """Keep a rule set under its version; the same text under the same version again is no change."""

    caller: Caller
    rule_set: StoredRuleSet
    activate: bool = False


class ActivateRules(Command[Done | Refused], frozen=True):
    caller: Caller
    version: str


class ChangeList(Command[Listed], frozen=True):
    """Add values to, or remove them from, a list of the operators' own. They are written as identifiers are stored."""

    caller: Caller
    name: str
    values: tuple[str, ...]
    listed: bool


class NotePlan(Command[Done], frozen=True):
    """Keep that a plan of this content was made; `summary` is its counts as JSON text."""

    caller: Caller
    sha256: str
    version: str
    summary: str
