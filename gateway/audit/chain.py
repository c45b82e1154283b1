"""The hash chain of one writer: each event's hash covers the event and the hash before it.

Finds edits, deletions, insertions and reorders anywhere before the newest event; a cut-off tail is found back to the last
checkpoint, whose signature needs a key that is not in the database.
"""

import contextlib
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from gateway.audit.event import AuditEvent

_DOMAIN = b"gateway.audit.v1\x00"
Tip = tuple[int, bytes]
"""A link's number and its hash."""
_encode = msgspec.json.Encoder().encode


def event_hash(chain: str, seq: int, previous: bytes, event: AuditEvent) -> bytes:
    """SHA-256 over domain, chain, sequence number, previous hash and the event as a JSON array in field order."""
    head = b"%b%b\x00%d\x00%b" % (_DOMAIN, chain.encode(), seq, previous)
    return hashlib.sha256(head + _encode(event)).digest()


class Chain:
    """A writer's own chain. `link` is called for events in order; `rewind` drops the links of a transaction that did not commit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seq = 0
        self.head = b""
        self.kept: Tip = (0, b"")
        """The newest link that is committed."""

    @property
    def tip(self) -> Tip:
        return self.seq, self.head

    def link(self, event: AuditEvent) -> tuple[int, bytes]:
        self.seq += 1
        self.head = event_hash(self.name, self.seq, self.head, event)
        return self.seq, self.head

    def keep(self, tip: Tip) -> None:
        """It is committed, with everything before it."""
        self.kept = tip

    def rewind(self) -> None:
        self.seq, self.head = self.kept

    def restart(self, name: str) -> None:
        """Go on as another chain, when nobody knows whether the last links were committed."""
        self.name = name
        self.kept = (0, b"")
        self.rewind()


class Link(NamedTuple):
    """One stored row of the log."""

    chain: str
    seq: int
    hash: bytes
    event: AuditEvent


class Breach(NamedTuple):
    """The first place of a chain that does not hold."""

    chain: str
    seq: int
    what: str


class Checkpoint(NamedTuple):
    """The signed heads of all chains at one moment; `heads` is JSON `{chain: [seq, hex]}`."""

    checkpoint_id: int
    at: int
    heads: str
    signature: bytes


def sign(key: bytes, at: int, heads: str, previous: bytes) -> bytes:
    """HMAC-SHA256 over the checkpoint and the signature before it."""
    return hmac.digest(key, b"%b%d\x00%b\x00%b" % (_DOMAIN, at, previous, heads.encode()), "sha256")


def is_signed(key: bytes, point: Checkpoint, previous: bytes) -> bool:
    """Whether the signature holds; `previous` is that of the checkpoint before it, `b""` for the first."""
    return hmac.compare_digest(sign(key, point.at, point.heads, previous), point.signature)


class Verifier:
    """Checks links fed in (chain, seq) order against each other and against the heads that `checkpoints` signed; holds
    only those and each chain's head, whatever the size of the log. `check` then says whether the signatures hold."""

    def __init__(self, checkpoints: Iterable[Checkpoint] = ()) -> None:
        self._signed: dict[tuple[str, int], str] = {}
        for point in checkpoints:
            with contextlib.suppress(msgspec.MsgspecError):  # an altered one: its signature will not hold
                self._signed |= {(chain, seq): head for chain, (seq, head) in _heads(point).items()}
        self.events = 0
        self.heads: dict[str, tuple[int, bytes]] = {}
        self._broken: set[str] = set()

    def feed(self, links: Iterable[Link]) -> Iterator[Breach]:
        for link in links:
            self.events += 1
            if link.chain in self._broken:
                continue
            seq, head = self.heads.get(link.chain, (0, b""))
            if link.seq != seq + 1:
                self._broken.add(link.chain)
                yield Breach(
                    link.chain, seq + 1, f"event {seq + 1} is missing: the next one stored is {link.seq}"
                )
            elif event_hash(link.chain, link.seq, head, link.event) != link.hash:
                self._broken.add(link.chain)
                yield Breach(link.chain, link.seq, "the event or its hash was altered")
            elif self._signed.get((link.chain, link.seq), link.hash.hex()) != link.hash.hex():
                self._broken.add(link.chain)
                yield Breach(
                    link.chain, link.seq, "the chain was written anew: a checkpoint signed another event"
                )
            else:
                self.heads[link.chain] = (link.seq, link.hash)

    def check(self, key: bytes, checkpoints: Iterable[Checkpoint]) -> Iterator[Breach]:
        """After all links: every signature holds, and no chain ends before a signed head."""
        previous = b""
        for point in checkpoints:
            if not is_signed(key, point, previous):
                yield Breach("checkpoint", point.checkpoint_id, "the checkpoint's signature does not hold")
                return
            previous = point.signature
            for chain, (seq, _) in _heads(point).items():
                if self.heads.get(chain, (0, b""))[0] < seq and chain not in self._broken:
                    self._broken.add(chain)
                    yield Breach(chain, seq, f"the chain was cut: a checkpoint signed event {seq}")


def _heads(point: Checkpoint) -> dict[str, tuple[int, str]]:
    return msgspec.json.decode(point.heads, type=dict[str, tuple[int, str]])
