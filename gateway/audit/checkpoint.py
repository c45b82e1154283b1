"""Checkpoints combine all chains into one log. Each is signed with a key outside the database, over the signature before it. It
says which chains begin, which continue and how far they are signed, and which have ended and where. Chains that ended earlier
are covered by a count and a digest, so a checkpoint does not grow with the log."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec

_DOMAIN = b"gateway.audit.v1\x00"
VERSION_2 = '{"version":2,'
"""The first characters of a checkpoint's text. Earlier versions of the gateway wrote another form."""


class Checkpoint(NamedTuple):
    """A stored checkpoint. `heads` is the signed text: a `LogState`, or `{chain: [seq, hex]}` from an earlier version."""

    checkpoint_id: int
    at: int
    heads: str
    signature: bytes


class Reach(NamedTuple):
    """The last signed event of an open chain, and since when it is signed (ms)."""

    seq: int
    hash: str
    at: int


class End(NamedTuple):
    """A chain's last link. Another run signed the events after `signed`, as it found them after a crash."""

    seq: int
    hash: str
    signed: int


class LogState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All chains at one moment. `begins` and `ends` are new in this checkpoint; `ended` and `digest` cover all chains that
    ended. `segments`: how many segments the archive has. `archived`: the digest of the newest header."""

    version: Literal[2] = 2
    begins: tuple[str, ...] = ()
    open: dict[str, Reach] = {}
    ends: dict[str, End] = {}
    ended: int = 0
    digest: str = ""
    segments: int = 0
    archived: str = ""

    def then(
        self,
        at: int,
        *,
        begins: Iterable[str] = (),
        reaches: Mapping[str, tuple[int, str]] | None = None,
        ends: Mapping[str, End] | None = None,
        archived: tuple[int, str] | None = None,
    ) -> "LogState":
        """The next state of the log, signed at `at`. `archived`: the number of the newest segment, and the digest of its
        header."""
        begins, ends = tuple(begins), dict(ends or {})
        reached = {chain: Reach(seq, head, at) for chain, (seq, head) in (reaches or {}).items()}
        still = {**self.open, **{chain: Reach(0, "", at) for chain in begins}, **reached}
        return LogState(
            begins=begins,
            open={chain: reach for chain, reach in still.items() if chain not in ends},
            ends=ends,
            ended=self.ended + len(ends),
            digest=_folded(self.digest, ends),
            segments=archived[0] if archived else self.segments,
            archived=archived[1] if archived else self.archived,
        )

    def encoded(self) -> str:
        return msgspec.json.encode(self).decode()


def _folded(digest: str, ends: Mapping[str, End]) -> str:
    for chain, end in sorted(ends.items()):
        text = f"{digest}\x00{chain}\x00{end.seq}\x00{end.hash}"
        digest = hashlib.sha256(text.encode()).hexdigest()
    return digest


def digest_of(text: str) -> str:
    """The digest by which a chain's first event names its checkpoint."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_state(text: str) -> LogState | None:
    """None for a checkpoint of an earlier version. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(text, type=LogState) if text.startswith(VERSION_2) else None


def read_heads(text: str) -> dict[str, tuple[int, str]]:
    """The signed heads of a checkpoint from an earlier version. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(text, type=dict[str, tuple[int, str]])


def sign(key: bytes, at: int, heads: str, previous: bytes) -> bytes:
    """HMAC-SHA256 over the checkpoint and the signature before it."""
    return hmac.digest(key, b"%b%d\x00%b\x00%b" % (_DOMAIN, at, previous, heads.encode()), "sha256")


def is_signed(key: bytes, point: Checkpoint, previous: bytes) -> bool:
    """Whether the signature holds; `previous` is that of the checkpoint before it, `b""` for the first."""
    return hmac.compare_digest(sign(key, point.at, point.heads, previous), point.signature)
