"""Checkpoints combine all chains into one log. Each is signed with a key outside the database, over the signature before it. It
says which chains begin, which continue and how far they are signed, and which have ended and where. Chains that ended earlier
are covered by a count and a digest, so a checkpoint does not grow with the log. The oldest checkpoints may be in an archive; then
one of the later ones signs up to where, and with which signature they end."""

import contextlib
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
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


class Moved(msgspec.Struct, frozen=True):
    """The checkpoints up to this `number` are in the archive. `signature` is that of the last one, in hexadecimal digits."""

    number: int = 0
    signature: str = ""

    @property
    def as_bytes(self) -> bytes:
        """The signature; empty if it is not hexadecimal, because someone edited it."""
        try:
            return bytes.fromhex(self.signature)
        except ValueError:
            return b""


NONE_MOVED = Moved()


class LogState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All chains at one moment. `begins` and `ends` are new in this checkpoint; `ended` and `digest` cover all chains that
    ended. `segments`: how many segments the archive has. `archived`: the digest of the newest header. `moved` is left out while
    no checkpoint is in the archive, because gateways of earlier versions do not read it."""

    version: Literal[2] = 2
    begins: tuple[str, ...] = ()
    open: dict[str, Reach] = {}
    ends: dict[str, End] = {}
    ended: int = 0
    digest: str = ""
    segments: int = 0
    archived: str = ""
    moved: Moved | msgspec.UnsetType = msgspec.UNSET

    @property
    def gone(self) -> Moved:
        """The checkpoints that are in the archive."""
        return NONE_MOVED if self.moved is msgspec.UNSET else self.moved

    def then(
        self,
        at: int,
        *,
        begins: Iterable[str] = (),
        reaches: Mapping[str, tuple[int, str]] | None = None,
        ends: Mapping[str, End] | None = None,
        archived: tuple[int, str] | None = None,
        moved: Moved | None = None,
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
            moved=moved or self.moved,
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


def standing(points: Sequence[Checkpoint]) -> tuple[list[Checkpoint], Moved]:
    """The checkpoints that are not in the archive, and the last one that is. The newest checkpoint says which that is; its
    signature is not checked here. Rows of archived checkpoints may still be in the table, and prove nothing."""
    for point in reversed(points):
        with contextlib.suppress(msgspec.MsgspecError):
            if (state := read_state(point.heads)) is not None:
                return [one for one in points if one.checkpoint_id > state.gone.number], state.gone
    return [*points], NONE_MOVED


def read_heads(text: str) -> dict[str, tuple[int, str]]:
    """The signed heads of a checkpoint from an earlier version. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(text, type=dict[str, tuple[int, str]])


def sign(key: bytes, at: int, heads: str, previous: bytes) -> bytes:
    """HMAC-SHA256 over the checkpoint and the signature before it."""
    return hmac.digest(key, b"%b%d\x00%b\x00%b" % (_DOMAIN, at, previous, heads.encode()), "sha256")


def is_signed(key: bytes, point: Checkpoint, previous: bytes) -> bool:
    """Whether the signature holds; `previous` is that of the checkpoint before it, `b""` for the first."""
    return hmac.compare_digest(sign(key, point.at, point.heads, previous), point.signature)
