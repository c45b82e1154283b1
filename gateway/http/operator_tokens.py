"""Which operator a token belongs to. Tokens are known here as digests only, and compared in constant time. `refresh` takes over
the operators of the database, so a token that was replaced or removed anywhere is dead here after the next one."""

import hmac
from collections.abc import Iterable
from typing import NamedTuple

from gateway.clock import MINUTE
from gateway.config import operator_token
from gateway.model import Role, StoredOperator

SHARED = "shared"
"""The name of everyone who has the admin token of the settings. No operator can have it."""


_NOTED_EVERY = 5 * MINUTE


class TokenHolder(NamedTuple):
    """Who has a token. `token_hash` is what sessions that it opens are bound to."""

    name: str
    role: Role
    token_hash: bytes


class OperatorTokens:
    def __init__(self, shared_token: str, pepper: bytes) -> None:
        self._pepper = pepper
        self._shared = TokenHolder(SHARED, "admin", self.digest(shared_token))
        self._until: dict[bytes, int] = {}
        self._noted: dict[str, int] = {}
        self._holders: dict[bytes, TokenHolder] = {}
        self.refresh(())

    def refresh(self, operators: Iterable[StoredOperator]) -> None:
        """Take over the operators of the database. May run any number of times."""
        holders = {self._shared.token_hash: self._shared}
        until: dict[bytes, int] = {}
        for one in operators:
            if one.removed_at is not None:
                continue
            holders[one.token_hash] = TokenHolder(one.name, one.role, one.token_hash)
            if one.previous_hash is not None and one.previous_until is not None:
                holders[one.previous_hash] = TokenHolder(one.name, one.role, one.previous_hash)
                until[one.previous_hash] = one.previous_until
        self._holders, self._until = holders, until

    def open(self, token: str, now: int) -> TokenHolder | None:
        return self.holder_of(self.digest(token), now)

    def holder_of(self, token_hash: bytes, now: int) -> TokenHolder | None:
        """Whose token has this digest. It is keyed, so how long a look-up takes says nothing about a token."""
        found = self._holders.get(token_hash)
        if found is None or not hmac.compare_digest(found.token_hash, token_hash):
            return None
        return found if now < self._until.get(token_hash, now + 1) else None

    @property
    def names(self) -> frozenset[str]:
        """Of the operators with a token of their own."""
        return frozenset(holder.name for holder in self._holders.values()) - {SHARED}

    @property
    def count(self) -> int:
        """How many operators there are."""
        return len(self.names)

    def is_use_news(self, name: str, now: int) -> bool:
        """Whether an operator was last seen so long ago that it is worth storing; then it is taken as stored."""
        if now - self._noted.get(name, 0) < _NOTED_EVERY:
            return False
        self._noted[name] = now
        return True

    def issue(self, name: str) -> tuple[str, bytes]:
        """A fresh token in clear, for the only time, and its digest; nothing is stored here."""
        token = operator_token.issue(name, self._pepper)
        return token, self.digest(token)

    def digest(self, secret: str) -> bytes:
        """What is stored of a token, or of a session's cookie."""
        return hmac.digest(self._pepper, secret.encode("utf-8", "replace"), "sha256")

    def proving_key(self, token_id: str) -> bytes:
        """By which the gateway proves itself to the holder of the token with this id."""
        return operator_token.proving_key_of(token_id, self._pepper)

    def csrf(self, bound_to: str) -> str:
        """What forms of a page have to bring back: bound to a session, or to a name that a proxy vouches for."""
        return hmac.digest(self._pepper, f"csrf {bound_to}".encode(), "sha256").hex()
