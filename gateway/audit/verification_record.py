"""What a verification of the log found, signed with the key of the checkpoints. So a person who can write the database, but does
not have the key, cannot claim a verification that was never made. They can put an older one back, which tells its own time, or
remove it."""

import hmac

import msgspec
from msgspec import structs

_DOMAIN = b"gateway.audit.verified.v1\x00"
_encode = msgspec.json.Encoder().encode


class VerificationRecord(msgspec.Struct, frozen=True):
    """A verification that began at `at` (ms) and found so many `breaches`; with `state`, also of the rows that the log covers, with
    `archive` also of archived segments. It read the log up to the `checkpoint` of this number with this `signature` (hexadecimal
    digits). `wider` is an earlier one that found breaches and looked where this one did not."""

    at: int
    breaches: int
    state: bool
    checkpoint: int = 0
    signature: str = ""
    archive: bool = False
    wider: "VerificationRecord | None" = None

    @property
    def known_breaches(self) -> int:
        """At least so many are there still."""
        return max(self.breaches, self.wider.breaches if self.wider is not None else 0)

    def after(self, earlier: "VerificationRecord | None") -> "VerificationRecord":
        """This one, with what the earlier one knew and this one could not find."""
        for one in (earlier, earlier.wider) if earlier is not None else ():
            if one is not None and one.breaches and (one.state > self.state or one.archive > self.archive):
                return structs.replace(self, wider=structs.replace(one, wider=None))
        return self


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
