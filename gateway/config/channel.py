"""The calling systems: their keys, their limits, and what each may state about a customer."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import force_setattr

from gateway.config.keys import short_keys
from gateway.config.notation import (
    Region,
)
from gateway.config.offer import Positive
from gateway.config.secret import Key, Secret
from gateway.config.section import Mistake, Section
from rules.source import Trust

TOKEN_KEY = 32
"""Characters of a session key: an AES-256 key as text."""
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$(?!\n)",
        description='1 to 50 letters, digits and "_.-", a letter or digit first',
    ),
]
CallSource = Literal["public", "session", "backend"]
"""What a caller on the public listener presents: the api key alone, a session token, or the secret key."""


class RateLimit(Section, frozen=True):
    """A token bucket: `per_second` on average, `burst` at once."""

    per_second: Positive
    burst: Positive


class Trusting(Section, frozen=True):
    """What happens to the statements of each source about a customer: `state` counts them, `claim` stores them, `ignore` drops
    them."""

    public: Trust = "claim"
    session: Trust = "claim"
    backend: Trust = "state"


class ChannelTrust(Section, frozen=True):
    """The same for one channel; a value that is left out is that of `[trust]`."""

    public: Trust | None = None
    session: Trust | None = None
    backend: Trust | None = None


class Channel(Section, frozen=True):
    """A calling system. A channel without keys here has its keys in the database. Only trusted channels get identity headers.
    `session_key` verifies the session tokens of the channel's apps; without one, a `secret_key` of that length does."""

    name: Name
    kind: Literal["online", "offline"] = "online"
    id_space: Name = ""
    default_region: Region = ""
    api_key: Key | None = None
    secret_key: Key | None = None
    session_key: Secret | None = None
    rate_limit: RateLimit | None = None
    trusted: bool = True
    trust: ChannelTrust | None = None

    def __post_init__(self) -> None:
        if not self.id_space:
            force_setattr(self, "id_space", self.name)

    def mistakes(self) -> Iterator[Mistake]:
        if self.secret_key and not self.api_key:
            yield Mistake("api_key", "is missing beside secret_key; a call presents both")
        if self.session_key and len(self.session_key.reveal()) != TOKEN_KEY:
            yield Mistake("session_key", f"is not an AES-256 key as text; write {TOKEN_KEY} characters")
        yield from short_keys(self, ("api_key", "secret_key"), inline_too=False)

    @property
    def token_key(self) -> bytes | None:
        """The key of the channel's session tokens; None if it has no such key."""
        secret = self.session_key or (self.secret_key and self.secret_key.secret)
        key = secret.reveal().encode() if secret else b""
        return key if len(key) == TOKEN_KEY else None
