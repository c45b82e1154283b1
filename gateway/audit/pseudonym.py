"""How personal data may appear outside the database: as an HMAC that can be searched for, or as a mask that cannot be read back."""

import hmac


class Pseudonyms:
    """HMAC-SHA256 under a key that lives outside the database, cut to 128 bits."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, value: str) -> str:
        return hmac.digest(self._key, f"{kind}\x00{value}".encode("utf-8", "replace"), "sha256")[:16].hex()


def mask(kind: str, value: str) -> str:
    """`a***@e***.com` for an e-mail, the last two digits of a phone, the length of anything else."""
    if kind.startswith("email") and "@" in value:
        local, _, domain = value.rpartition("@")
        host, _, top = domain.rpartition(".")
        return f"{local[:1]}***@{host[:1]}***.{top}"
    if kind == "mobile":
        return f"***{value[-2:]}"
    return f"***({len(value)})"
