"""Secrets in the settings. No `repr`, `str` or format ever shows one; only `reveal` does."""

import hashlib
import hmac


class Secret:
    """A secret text. `source` says where it came from (`inline`, `env NAME`, `file PATH`)."""

    __slots__ = ("_text", "source")

    def __init__(self, text: str, source: str = "inline") -> None:
        self._text = text
        self.source = source

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret(****** {self.source})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)


class Key:
    """A key that callers present. `secret` is None when the file holds only its digest (`…_hash`)."""

    __slots__ = ("digest", "secret", "source")

    def __init__(self, digest: bytes, secret: Secret | None = None) -> None:
        self.digest = digest
        self.secret = secret
        self.source = secret.source if secret else "hash"

    @classmethod
    def of(cls, secret: Secret) -> "Key":
        return cls(key_digest(secret.reveal()), secret)

    def matches(self, presented: str) -> bool:
        """Takes the same time wherever the first difference is."""
        return hmac.compare_digest(self.digest, key_digest(presented))

    def __repr__(self) -> str:
        return f"Key(****** {self.source})"


def key_digest(key: str) -> bytes:
    """SHA-256. A fast hash is right here: keys are long and random, not passwords."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
