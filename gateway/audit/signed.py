"""What the signed checkpoints of a log say about all its chains together. They are read once, in order and in pieces, and only the
last word about each chain is kept: what this takes grows with the chains, not with the checkpoints."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from gateway.audit.checkpoint import Checkpoint, End, LogState, digest_of, is_signed, read_heads, read_state


class Breach(NamedTuple):
    """The first position of a chain where the check fails."""

    chain: str
    seq: int
    what: str


class Signed:
    """`before` is the signature of the last archived checkpoint, if `read` gets only those that came after it."""

    def __init__(self, key: bytes, before: bytes = b"") -> None:
        self._key = key
        self._previous = before
        self._continues = bool(before)
        self._state: LogState | None = None
        self.fingerprint = Fingerprint()
        self.unsigned: Breach | None = None
        """The first invalid signature."""
        self.begins: dict[str, str] = {}
        """By chain, the digest of the checkpoint that signs its beginning."""
        self.earlier: set[str] = set()
        """Chains that existed when the first checkpoint of this kind was signed."""
        self.reached: dict[str, tuple[int, int]] = {}
        """By chain, the highest signed number, and when it was signed."""
        self._heads: dict[str, str] = {}
        self.ends: dict[str, End] = {}
        self.problems: list[Breach] = []
        self.since: int | None = None
        """When the first checkpoint of this kind was signed (ms)."""
        self.archived: tuple[int, str] = (0, "")
        """The number of segments in the archive, and the digest of the newest one's header."""

    def read(self, points: Sequence[Checkpoint]) -> None:
        """The next checkpoints. One that was altered is skipped, because its signature is invalid anyway."""
        self.fingerprint.add(points)
        for point in points:
            if self.unsigned is None and not is_signed(self._key, point, self._previous):
                self.unsigned = Breach(
                    "checkpoint", point.checkpoint_id, "the checkpoint's signature is not valid"
                )
            self._previous = point.signature
            with contextlib.suppress(msgspec.MsgspecError):
                self._take(point)

    def _take(self, point: Checkpoint) -> None:
        state = read_state(point.heads)
        if state is None:
            for chain, (seq, head) in read_heads(point.heads).items():
                self._reach(point, chain, seq, head, point.at)
            return
        before = self._state
        if before is None:
            self.since = point.at
            if not self._continues:
                self.earlier.update((state.open.keys() | state.ends.keys()) - set(state.begins))
        if before is not None or not self._continues:
            self.problems.extend(
                Breach("checkpoint", point.checkpoint_id, problem) for problem in _problems(state, before)
            )
        self.begins.update(dict.fromkeys(state.begins, digest_of(point.heads)))
        for chain, reach in state.open.items():
            self._reach(point, chain, reach.seq, reach.hash, reach.at)
        for chain, end in state.ends.items():
            self.ends[chain] = end
            self._reach(point, chain, end.seq, end.hash, self.reached.get(chain, (0, point.at))[1])
        self._state, self.archived = state, (state.segments, state.archived)

    def _reach(self, point: Checkpoint, chain: str, seq: int, head: str, at: int) -> None:
        reached = self.reached.get(chain, (-1, 0))[0]
        if seq > reached:
            self.reached[chain] = (seq, at)
            self._heads[chain] = head
        elif seq < reached or head != self._heads[chain]:
            problem = f"what it signs of chain {chain} does not follow from an earlier one"
            self.problems.append(Breach("checkpoint", point.checkpoint_id, problem))


class Fingerprint:
    """Of checkpoints in their order, in whatever pieces they come."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.points = 0

    def add(self, points: Iterable[Checkpoint]) -> None:
        for point in points:
            text = f"{point.checkpoint_id}\x00{point.at}\x00{len(point.heads)}\x00{point.heads}"
            self._digest.update(text.encode() + point.signature)
            self.points += 1

    def digest(self) -> bytes:
        return self._digest.digest()


def heads_in(point: Checkpoint) -> Iterator[tuple[str, int, str]]:
    """The events that a checkpoint signs: chain, number and hash. None of one that cannot be read."""
    with contextlib.suppress(msgspec.MsgspecError):
        state = read_state(point.heads)
        if state is None:
            heads: Mapping[str, tuple[int, str]] = read_heads(point.heads)
            yield from ((chain, seq, head) for chain, (seq, head) in heads.items())
            return
        yield from ((chain, reach.seq, reach.hash) for chain, reach in state.open.items())
        yield from ((chain, end.seq, end.hash) for chain, end in state.ends.items())


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
