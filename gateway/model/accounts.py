"""Operators, their browser sessions, and the commands that change them."""

from typing import Literal

import msgspec

from gateway.model.caller import Caller
from gateway.model.command import Command, Done, Refused

Role = Literal["viewer", "steward", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "steward", "admin")
"""What operators may do: each role also has everything of those before it."""


def includes(role: Role, needed: Role) -> bool:
    return ROLES.index(role) >= ROLES.index(needed)


class StoredOperator(msgspec.Struct, frozen=True):
    """Tokens are HMACs. The one before the newest is taken until `previous_until`."""

    name: str
    role: Role
    token_hash: bytes
    created_at: int
    created_by: str
    previous_hash: bytes | None = None
    previous_until: int | None = None
    removed_at: int | None = None


class OperatorSession(msgspec.Struct, frozen=True):
    """A browser in which an operator is logged in. `session_id` is an HMAC of its cookie, and `token_hash` that of the token."""

    session_id: str
    name: str
    token_hash: bytes
    opened_at: int
    seen_at: int


class AddOperator(Command[Done | Refused], frozen=True):
    caller: Caller
    operator: StoredOperator


class RotateOperator(Command[StoredOperator | Refused], frozen=True):
    """Give an operator another token. The one before is taken until `previous_until`; their sessions end."""

    caller: Caller
    name: str
    token_hash: bytes
    previous_until: int


class RemoveOperator(Command[Done | Refused], frozen=True):
    caller: Caller
    name: str


class OpenSession(Command[Done], frozen=True):
    """Sessions of the operator that are over are deleted, and the oldest beyond what one may have. `over_before` are the latest
    times of opening and of the last request at which one is over."""

    caller: Caller
    session: OperatorSession
    over_before: tuple[int, int]


class EndSession(Command[Done], frozen=True):
    caller: Caller
    name: str
    session_id: str
