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
from gateway.audit.checkpoint import (
    Checkpoint,
    End,
    LogState,
    digest_of,
    is_signed,
    read_heads,
    read_state,
    standing,
)
from gateway.audit.segment import Header, header_digest, read_header, tips


class Breach(NamedTuple):
    """The first position of a chain where the check fails."""

    chain: str
    seq: int
    what: str


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


class _Known(NamedTuple):
    """What the checkpoints say about all chains together."""

    begins: dict[str, str]
    """By chain, the digest of the checkpoint that signs its beginning."""
    earlier: set[str]
    """Chains that existed when the first checkpoint of this kind was signed."""
    reached: dict[str, tuple[int, int]]
    """By chain, the highest signed number, and when it was signed."""
    ends: dict[str, End]
    heads: dict[tuple[str, int], str]
    problems: list[Breach]
    signed_since: int | None
    """When the first checkpoint of this kind was signed (ms)."""
    archived: tuple[int, str]
    """The number of segments in the archive, and the digest of the newest one's header."""


class Verifier:
    """Checks links, in (chain, seq) order, against each other and against the signed `checkpoints`. Stores only these and each
    chain's head, whatever the size of the log. `check` then checks the signatures and the ends of the chains. The links start
    after `cuts`; with `whole`, the archived ones come first, and `reach_cut` after them. `moved` are the checkpoints that went to
    the archive. Without them, the check begins at the first one that stands, with the signature that a later one names."""

    def __init__(
        self,
        checkpoints: Sequence[Checkpoint] = (),
        cuts: Sequence[Cut] = (),
        *,
        whole: bool = False,
        moved: Sequence[Checkpoint] = (),
    ) -> None:
        self._moved = moved
        stand, gone = standing(checkpoints)
        self._before = b"" if moved else gone.as_bytes
        self._known = _read([*moved, *stand], continues=bool(self._before))
        self._cuts, self._headers = cuts, _headers(cuts)
        self.archived = sum(header.events for header in self._headers)
        self.events = 0
        self.heads: dict[str, tuple[int, bytes]] = {} if whole else tips(self._headers)
        self._last_at: dict[str, int] = {}
        self._broken: set[str] = set()

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
        return self._known.reached.get(link.chain, (0, 0))[0] >= link.seq

    def _problem(self, link: Link) -> str:
        seq, head = self.heads.get(link.chain, (0, b""))
        if link.seq != seq + 1:
            return f"event {seq + 1} is missing: the next one stored is {link.seq}"
        if event_hash(link.chain, link.seq, head, link.event, link.bound) != link.hash:
            return "the event or its hash was altered"
        if self._known.heads.get((link.chain, link.seq), link.hash.hex()) != link.hash.hex():
            return "the chain was rewritten: a checkpoint signed another event"
        end = self._known.ends.get(link.chain)
        if end is not None and link.seq > end.seq:
            return f"the event was added: the chain's end is signed at event {end.seq}"
        begins = self._known.begins.get(link.chain)
        if link.seq == 1 and begins is not None and read_bound(link.bound).log != begins:
            return "the chain's beginning names another checkpoint than the one that signs it"
        return ""

    def check(self, key: bytes, checkpoints: Sequence[Checkpoint]) -> Iterator[Breach]:
        """Call after all links. Checks that every signature is valid, every chain has a signed beginning, and none ends before a
        signed head."""
        if (problem := self._unsigned(key, checkpoints)) is not None:
            yield problem
            return
        yield from self._known.problems
        yield from _unsigned_cuts(self._cuts, self._known.archived)
        for chain, (seq, _) in self._known.reached.items():
            if self.heads.get(chain, (0, b""))[0] < seq and chain not in self._broken:
                yield Breach(chain, seq, f"the chain was cut: a checkpoint signed event {seq}")
        if self._known.signed_since is not None:
            yield from self._strangers()

    def check_signatures(self, key: bytes, checkpoints: Sequence[Checkpoint]) -> list[Breach]:
        """What is wrong with the checkpoints themselves, and with the records of cuts."""
        problem = self._unsigned(key, checkpoints)
        if problem is not None:
            return [problem]
        return [*self._known.problems, *_unsigned_cuts(self._cuts, self._known.archived)]

    def _unsigned(self, key: bytes, checkpoints: Sequence[Checkpoint]) -> Breach | None:
        """The first invalid signature."""
        previous, points = self._before, [*self._moved, *standing(checkpoints)[0]]
        for point in points:
            if not is_signed(key, point, previous):
                return Breach("checkpoint", point.checkpoint_id, "the checkpoint's signature is not valid")
            previous = point.signature
        if (self.events or self._cuts) and not points:
            return Breach("checkpoint", 1, "there is no checkpoint: the log is not signed at all")
        return None

    def _strangers(self) -> Iterator[Breach]:
        archived = tips(self._headers)
        for chain in self._last_at.keys() - self._known.reached.keys() - self._broken:
            if self.heads[chain] == archived.get(chain):
                continue
            self._broken.add(chain)
            yield Breach(chain, 1, "the chain was inserted: no checkpoint signs its beginning")

    @property
    def earlier(self) -> int:
        """How many chains began before beginnings were signed."""
        return len(self.heads if self._known.signed_since is None else self._known.earlier)

    @property
    def rows_since(self) -> int | None:
        """Rows from before this time (ms) may have no event that covers them; None: every row has one."""
        if not self.earlier:
            return None
        since = self._known.signed_since
        last = [at for chain, at in self._last_at.items() if since is None or chain in self._known.earlier]
        return max([since or 0, *(at + 1 for at in last)])

    def tails(self) -> list[Tail]:
        """After `check`: the events without proof, the newest last."""
        found = [
            Tail(chain, end.seq - end.signed, self._known.reached[chain][1], self._last_at[chain], True)
            for chain, end in self._known.ends.items()
            if end.seq > end.signed and chain in self._last_at
        ]
        archived = tips(self._headers)
        unsigned = [
            Tail(chain, seq - signed, at or self._last_at[chain], self._last_at[chain], False)
            for chain, (seq, _) in self.heads.items()
            for signed, at in [self._known.reached.get(chain, (0, 0))]
            if seq > signed and chain not in self._broken and chain not in self._known.ends
            if self.heads[chain] != archived.get(chain)
        ]
        return sorted(found + unsigned, key=lambda tail: (not tail.found, tail.until))


def _read(checkpoints: Iterable[Checkpoint], *, continues: bool) -> _Known:
    """An altered checkpoint is skipped here, because its signature is invalid anyway. `continues`: others came before, which are in
    the archive, with the beginning of each chain that is not named here."""
    known = _Known({}, set(), {}, {}, {}, [], None, (0, ""))
    before: LogState | None = None
    for point in checkpoints:
        try:
            state = read_state(point.heads)
            if state is None:
                for chain, (seq, head) in read_heads(point.heads).items():
                    _reach(known, chain, seq, head, point.at)
                continue
        except msgspec.MsgspecError:
            continue
        if before is None:
            known = known._replace(signed_since=point.at)
            if not continues:
                known.earlier.update((state.open.keys() | state.ends.keys()) - set(state.begins))
        if before is not None or not continues:
            known.problems.extend(
                Breach("checkpoint", point.checkpoint_id, problem) for problem in _problems(state, before)
            )
        known.begins.update(dict.fromkeys(state.begins, digest_of(point.heads)))
        for chain, reach in state.open.items():
            _reach(known, chain, reach.seq, reach.hash, reach.at)
        for chain, end in state.ends.items():
            known.ends[chain] = end
            since = known.reached.get(chain, (0, point.at))[1]
            _reach(known, chain, end.seq, end.hash, since)
        before, known = state, known._replace(archived=(state.segments, state.archived))
    return known


def _problems(state: LogState, before: LogState | None) -> Iterator[str]:
    """Why a checkpoint's state cannot follow the one before it. The first one may name any chain."""
    if before is None:
        before = LogState()
    elif strange := (state.open.keys() | state.ends.keys()) - before.open.keys() - set(state.begins):
        yield f"the list of chains does not follow from the one before: {min(strange)}"
    if before.then(0, ends=state.ends).digest != state.digest:
        yield "the digest of the chains that ended does not follow from the one before"
    same_segments = state.segments == before.segments
    if state.segments < before.segments or same_segments != (state.archived == before.archived):
        yield "what it says of the archive does not follow from the one before"
    if state.gone.number < before.gone.number or (
        state.gone != before.gone and state.gone.number == before.gone.number
    ):
        yield "what it says of archived checkpoints does not follow from the one before"


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


def _reach(known: _Known, chain: str, seq: int, head: str, at: int) -> None:
    if seq:
        known.heads[chain, seq] = head
    if chain not in known.reached or seq > known.reached[chain][0]:
        known.reached[chain] = (seq, at)
