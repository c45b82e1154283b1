"""What a verification of the log found, signed with the key of the checkpoints. So a person who can write the database, but does
not have the key, cannot claim a verification that was never made. They can put an older one back, which tells its own time, or
remove it."""

import hmac

import msgspec

_DOMAIN = b"gateway.audit.verified.v1\x00"
_encode = msgspec.json.Encoder().encode


class VerificationRecord(msgspec.Struct, frozen=True):
    """A verification that began at `at` (ms) and found so many `breaches`; with `state`, also of the rows that the log covers. It
    read the log up to the `checkpoint` of this number with this `signature` (hexadecimal digits)."""

    at: int
    breaches: int
    state: bool
    checkpoint: int = 0
    signature: str = ""


def written(key: bytes, verified: VerificationRecord) -> tuple[str, bytes]:
    """The text to store, and its signature."""
    text = _encode(verified).decode()
    return text, _sign(key, text)


def read(key: bytes, text: str, signature: bytes) -> VerificationRecord | None:
    """None for a text that was not signed with this key."""
    if not hmac.compare_digest(_sign(key, text), signature):
        return None
    return msgspec.json.decode(text, type=VerificationRecord)


def _sign(key: bytes, text: str) -> bytes:
    return hmac.digest(key, _DOMAIN + text.encode(), "sha256")
