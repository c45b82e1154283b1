"""Which channel a pair of keys belongs to. Keys are known here as digests only, and compared in constant time.

Keys come from the configuration (SHA-256) and from the database (HMAC-SHA256 under the pepper). `refresh` replaces the latter, so a
key that was revoked anywhere is refused here after the next refresh. `serve` replaces the channels.
"""

import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.config import Channel
from gateway.model import ChannelKey

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Credential:
    """One active pair: its channel, and its name for the audit log. Without a secret, it opens no call that needs two keys."""

    channel: Channel
    actor: str
    secret_digest: bytes | None


class Opened(NamedTuple):
    """The channel that a call's keys open. `proven`: the secret key was right, whether it was needed or not."""

    channel: Channel
    actor: str
    proven: bool


class IssuedKey(NamedTuple):
    """A new pair, in clear for the only time, and its row in the database."""

    api_key: str
    secret_key: str
    row: ChannelKey


Failure = Literal["api_key", "secret_key_missing", "secret_key"]
_NO_DIGEST = bytes(32)


class KeyRing:
    def __init__(self, channels: Iterable[Channel], pepper: bytes) -> None:
        self._pepper = pepper
        self._keys: tuple[ChannelKey, ...] = ()
        self._stored: dict[bytes, Credential] = {}
        self.serve(channels)

    def serve(self, channels: Iterable[Channel]) -> None:
        """Accept these channels and no others, with their keys from the configuration and the database."""
        self._channels = {channel.name: channel for channel in channels}
        self._configured = {
            channel.api_key.digest: Credential(
                channel, f"channel:{channel.name}", channel.secret_key.digest if channel.secret_key else None
            )
            for channel in self._channels.values()
            if channel.api_key is not None
        }
        self.refresh(self._keys)

    def refresh(self, keys: Iterable[ChannelKey]) -> None:
        """Take over the active keys of the database. May run any number of times."""
        self._keys = tuple(keys)
        self._stored = {
            key.api_hash: Credential(self._channels[key.channel], f"key:{key.key_id}", key.secret_hash)
            for key in self._keys
            if key.revoked_at is None and key.channel in self._channels
        }

    def open(self, api_key: str, secret_key: str | None, *, secret_needed: bool) -> Opened | Failure:
        """The channel, or what failed. The work is the same whether the api key is known or not."""
        raw = api_key.encode("utf-8", "replace")
        given = (secret_key or "").encode("utf-8", "replace")
        found = self._configured.get(hashlib.sha256(raw).digest())
        if found is not None:
            secret = hashlib.sha256(given).digest()
        else:
            found = self._stored.get(hmac.digest(self._pepper, raw, "sha256"))
            secret = hmac.digest(self._pepper, given, "sha256")
        expected = found.secret_digest if found is not None and found.secret_digest else _NO_DIGEST
        matches = hmac.compare_digest(secret, expected)
        if found is None:
            return "api_key"
        if not secret_needed or matches:
            return Opened(found.channel, found.actor, matches)
        return "secret_key" if secret_key else "secret_key_missing"

    def issue(self, channel: str, actor: str, now: int) -> IssuedKey:
        """A fresh pair, each `gw_<api|secret>_<channel>_<id8>_<43 base62>_<crc32>`; nothing is stored here."""
        key_id, api_key, secret_key = new_pair(channel)
        row = ChannelKey(
            key_id,
            channel,
            hmac.digest(self._pepper, api_key.encode(), "sha256"),
            hmac.digest(self._pepper, secret_key.encode(), "sha256"),
            now,
            actor,
        )
        return IssuedKey(api_key, secret_key, row)


def new_pair(channel: str) -> tuple[str, str, str]:
    """An id and the two keys of a fresh pair."""
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    api_key, secret_key = (_token(kind, channel, key_id) for kind in ("api", "secret"))
    return key_id, api_key, secret_key


def _token(kind: str, channel: str, key_id: str) -> str:
    body = "".join(secrets.choice(_ALPHABET) for _ in range(43))
    text = f"gw_{kind}_{channel}_{key_id}_{body}"
    return f"{text}_{binascii.crc32(text.encode()):08x}"
