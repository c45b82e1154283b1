"""Checks the log: every link against the one before it, every chain against the checkpoints, and the checkpoints against the
key.

A person who can write the database but does not have the key cannot insert, remove or change an event without being detected.
The only exception is the end of a chain that is still open: events after its last signature are reported as unproven.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from gateway.audit.chain import Link, event_hash, read_bound
from gateway.audit.checkpoint import Checkpoint, standing
from gateway.audit.segment import Header, header_digest, read_header, tips
from gateway.audit.signed import Breach, Fingerprint, Signed, heads_in


class Tail(NamedTuple):
    """Events without proof: those after the last signature of an open chain, between two times (ms). `found`: a later run
    signed them as it found them, after a crash."""

    chain: str
    events: int
    since: int
    until: int
    found: bool


class Cut(NamedTuple):
    """A stored record of an archived segment: its number, the last event in it, and its header."""

    segment: int
    event_id: int
    header: str


class Verifier:
    """Checks links, each chain's in order, against each other and against the checkpoints that `signed` has read. The checkpoints
    are read twice: `expect` gets them again, in the same order, as far as the links `lack` them. So each is compared with the event
    that it signs, and what is stored is each chain's head and the few checkpoints between, whatever the size of the log. `check`
    comes last. The links start after `cuts`; with `whole`, the archived ones come first, and `reach_cut` after them."""

    def __init__(
        self, signed: Signed | None = None, cuts: Sequence[Cut] = (), *, whole: bool = False
    ) -> None:
        self._signed = signed or Signed(b"")
        self._cuts, self._headers = cuts, _headers(cuts)
        self.archived = sum(header.events for header in self._headers)
        self.events = 0
        self.heads: dict[str, tuple[int, bytes]] = {} if whole else tips(self._headers)
        self._again = Fingerprint()
        self._expected: dict[tuple[str, int], str] = {}
        self._reached: dict[str, int] = {}
        """By chain, the highest number that `expect` has seen."""
        self._last_at: dict[str, int] = {}
        self._broken: set[str] = set()

    def lacks(self, links: Iterable[Link]) -> bool:
        """Whether a checkpoint that `expect` did not get signs one of these links, or one before it."""
        last = {link.chain: link.seq for link in links}
        return any(
            self._reached.get(chain, 0) < min(seq, self._signed.reached.get(chain, (0, 0))[0])
            for chain, seq in last.items()
        )

    def expect(self, points: Sequence[Checkpoint]) -> None:
        """The next checkpoints, for the second time."""
        self._again.add(points)
        for point in points:
            for chain, seq, head in heads_in(point):
                self._reached[chain] = max(seq, self._reached.get(chain, 0))
                if seq > self.heads.get(chain, (0, b""))[0]:
                    self._expected[chain, seq] = head

    def feed(self, links: Iterable[Link]) -> Iterator[Breach]:
        for link in links:
            self.events += 1
            if link.chain in self._broken:
                continue
            if what := self._problem(link):
                self._broken.add(link.chain)
                seq = self.heads.get(link.chain, (0, b""))[0] + 1
                yield Breach(link.chain, seq, what)
            else:
                self.heads[link.chain] = (link.seq, link.hash)
                self._last_at[link.chain] = link.event.at

    def begin(self, header: Header) -> None:
        """Continue with the events of a segment, even if breaches were found before it."""
        self.heads.update(
            {chain: (held.first - 1, bytes.fromhex(held.before)) for chain, held in header.chains.items()}
        )
        self._broken -= header.chains.keys()

    def reach_cut(self) -> None:
        """Continue after the archived events, even if breaches were found in them."""
        self.heads.update(tips(self._headers))
        self._broken.clear()

    def is_signed(self, link: Link) -> bool:
        """Whether a checkpoint signs this event, or a later one in its chain."""
        return self._signed.reached.get(link.chain, (0, 0))[0] >= link.seq

    def _problem(self, link: Link) -> str:
        seq, head = self.heads.get(link.chain, (0, b""))
        if link.seq != seq + 1:
            return f"event {seq + 1} is missing: the next one stored is {link.seq}"
        if event_hash(link.chain, link.seq, head, link.event, link.bound) != link.hash:
            return "the event or its hash was altered"
        if self._expected.pop((link.chain, link.seq), link.hash.hex()) != link.hash.hex():
            return "the chain was rewritten: a checkpoint signed another event"
        end = self._signed.ends.get(link.chain)
        if end is not None and link.seq > end.seq:
            return f"the event was added: the chain's end is signed at event {end.seq}"
        begins = self._signed.begins.get(link.chain)
        if link.seq == 1 and begins is not None and read_bound(link.bound).log != begins:
            return "the chain's beginning names another checkpoint than the one that signs it"
        return ""

    def check(self) -> Iterator[Breach]:
        """Call after all links and checkpoints. Checks that every signature is valid, every chain has a signed beginning, and none
        ends before a signed head."""
        if (problem := self._unsigned()) is not None:
            yield problem
            return
        if self._again.digest() != self._signed.fingerprint.digest():
            yield Breach("checkpoint", 0, "the checkpoints were changed while they were read")
        yield from self._signed.problems
        yield from _unsigned_cuts(self._cuts, self._signed.archived)
        for chain, (seq, _) in self._signed.reached.items():
            if self.heads.get(chain, (0, b""))[0] < seq and chain not in self._broken:
                yield Breach(chain, seq, f"the chain was cut: a checkpoint signed event {seq}")
        if self._signed.since is not None:
            yield from self._strangers()

    def check_signatures(self) -> list[Breach]:
        """What is wrong with the checkpoints themselves, and with the records of cuts."""
        problem = self._unsigned()
        if problem is not None:
            return [problem]
        return [*self._signed.problems, *_unsigned_cuts(self._cuts, self._signed.archived)]

    def _unsigned(self) -> Breach | None:
        if (self.events or self._cuts) and not self._signed.fingerprint.points:
            return Breach("checkpoint", 1, "there is no checkpoint: the log is not signed at all")
        return self._signed.unsigned

    def _strangers(self) -> Iterator[Breach]:
        archived = tips(self._headers)
        for chain in self._last_at.keys() - self._signed.reached.keys() - self._broken:
            if self.heads[chain] == archived.get(chain):
                continue
            self._broken.add(chain)
            yield Breach(chain, 1, "the chain was inserted: no checkpoint signs its beginning")

    @property
    def earlier(self) -> int:
        """How many chains began before beginnings were signed."""
        return len(self.heads if self._signed.since is None else self._signed.earlier)

    @property
    def rows_since(self) -> int | None:
        """Rows from before this time (ms) may have no event that covers them; None: every row has one."""
        if not self.earlier:
            return None
        since = self._signed.since
        last = [at for chain, at in self._last_at.items() if since is None or chain in self._signed.earlier]
        return max([since or 0, *(at + 1 for at in last)])

    def tails(self) -> list[Tail]:
        """After `check`: the events without proof, the newest last."""
        found = [
            Tail(chain, end.seq - end.signed, self._signed.reached[chain][1], self._last_at[chain], True)
            for chain, end in self._signed.ends.items()
            if end.seq > end.signed and chain in self._last_at
        ]
        archived = tips(self._headers)
        unsigned = [
            Tail(chain, seq - signed, at or self._last_at[chain], self._last_at[chain], False)
            for chain, (seq, _) in self.heads.items()
            for signed, at in [self._signed.reached.get(chain, (0, 0))]
            if seq > signed and chain not in self._broken and chain not in self._signed.ends
            if self.heads[chain] != archived.get(chain)
        ]
        return sorted(found + unsigned, key=lambda tail: (not tail.found, tail.until))


def verifier_of(
    key: bytes,
    checkpoints: Sequence[Checkpoint],
    cuts: Sequence[Cut] = (),
    *,
    whole: bool = False,
    moved: Sequence[Checkpoint] = (),
) -> Verifier:
    """With all checkpoints at once. `moved` are those that went to the archive. Without them, the check begins at the first one
    that stands, with the signature that a later one names."""
    stand, gone = standing(checkpoints)
    signed = Signed(key, b"" if moved else gone.as_bytes)
    signed.read([*moved, *stand])
    verifier = Verifier(signed, cuts, whole=whole)
    verifier.expect([*moved, *stand])
    return verifier


def _headers(cuts: Iterable[Cut]) -> list[Header]:
    """An unreadable record is skipped here, because no checkpoint signs it."""
    found: list[Header] = []
    for cut in cuts:
        with contextlib.suppress(msgspec.MsgspecError):
            found.append(read_header(cut.header))
    return found


def _unsigned_cuts(cuts: Sequence[Cut], archived: tuple[int, str]) -> Iterator[Breach]:
    """The first record of a cut that is missing, changed or inserted. The newest header's digest is signed, and each header
    includes the digest of the one before."""
    count, digest = archived
    missing = set(range(1, count + 1)).difference(cut.segment for cut in cuts)
    if missing:
        yield Breach("archive", min(missing), f"the record of segment {min(missing)} was removed")
        return
    if len(cuts) > count:
        yield Breach("archive", count + 1, "the record was inserted: no checkpoint signs it")
        return
    for cut in reversed(cuts):
        problem = Breach("archive", cut.segment, f"the record of segment {cut.segment} was altered")
        if header_digest(cut.header) != digest:
            yield problem
            return
        header = read_header(cut.header)
        if (header.number, header.last) != (cut.segment, cut.event_id):
            yield problem
            return
        digest = header.previous
