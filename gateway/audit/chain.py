"""The hash chain of one writer. Each event's hash covers the event, the data bound to it, and the previous hash.

A chain belongs to one run of one process. `checkpoint` combines all chains into one log, `verify` checks it.
"""

import hashlib
from typing import NamedTuple

import msgspec

from gateway.audit.event import AuditEvent

_DOMAIN = b"gateway.audit.v1\x00"
Tip = tuple[int, bytes]
"""A link's number and its hash."""
_encode = msgspec.json.Encoder().encode


def event_hash(chain: str, seq: int, previous: bytes, event: AuditEvent, bound: str = "") -> bytes:
    """SHA-256 over domain, chain, sequence number, previous hash, the event as a JSON array in field order, and the JSON object
    of the bound data, if there is any."""
    head = b"%b%b\x00%d\x00%b" % (_DOMAIN, chain.encode(), seq, previous)
    return hashlib.sha256(head + _encode(event) + bound.encode()).digest()


class Bound(msgspec.Struct, omit_defaults=True):
    """Data that an event's hash covers in addition to the event. `log`: the checkpoint that signs the chain's beginning.
    `covers`: the schema step up to which the log vouches for the rows of the chain's writer. `rows`: digests of the rows that
    the transaction wrote, by table and row."""

    log: str = ""
    covers: int = 0
    rows: dict[str, dict[str, str]] = {}


def read_bound(text: str) -> Bound:
    """Raises msgspec.MsgspecError."""
    return msgspec.json.decode(text, type=Bound) if text else Bound()


class Link(NamedTuple):
    """An event at its position in a chain, as it is stored."""

    chain: str
    seq: int
    hash: bytes
    event: AuditEvent
    bound: str = ""


class Chain:
    """A writer's own chain. Call `begin` first, in the transaction of its first events; `link` for each event in order;
    `rewind` to drop the links of a transaction that did not commit. `row_key` is the key for the digests of rows."""

    def __init__(self, name: str, row_key: bytes = b"") -> None:
        self.row_key = row_key
        self.was_kept = False
        """Whether this writer has committed anything, in any of its chains."""
        self.restart(name)

    def restart(self, name: str) -> None:
        """Continue as another chain, because it is unknown whether the last links were committed."""
        self.name = name
        self.kept: Tip = (0, b"")
        """The newest committed link."""
        self.is_kept = False
        """Whether the chain's beginning is committed."""
        self._beginning = Bound()
        """The data that the first event names."""
        self.rewind()

    def rewind(self) -> None:
        self.seq, self.head = self.kept
        self.begun = self.is_kept
        is_empty = self.begun and not self.seq
        self._bound: Bound | None = Bound(self._beginning.log, self._beginning.covers) if is_empty else None

    @property
    def tip(self) -> Tip:
        return self.seq, self.head

    def begin(self, log: str, covers: int = 0) -> None:
        """`log` is the digest of the checkpoint that signs the beginning, which includes the heads of all earlier chains. The
        first event names it."""
        self.begun = True
        self._beginning = Bound(log, covers)
        self._bound = Bound(log, covers)

    def cover(self, rows: dict[str, dict[str, str]]) -> None:
        """The next event's hash will cover these digests of rows."""
        self._bound = self._bound or Bound()
        for table, told in rows.items():
            self._bound.rows.setdefault(table, {}).update(told)

    def link(self, event: AuditEvent) -> Link:
        bound = ""
        if self._bound is not None:
            bound, self._bound = _encode(self._bound).decode(), None
        self.seq += 1
        self.head = event_hash(self.name, self.seq, self.head, event, bound)
        return Link(self.name, self.seq, self.head, event, bound)

    def keep(self, tip: Tip) -> None:
        """The link is committed, with everything before it."""
        self.kept = tip
        self.is_kept = self.was_kept = True
