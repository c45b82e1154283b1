"""Signing the log: a chain's beginning in the transaction of its first events, its newest head from time to time, its end at an
orderly stop, and the ends of chains that another run left open. Engine-neutral, like the rest of housekeeping."""

from collections.abc import Generator, Iterable
from typing import Any, TypeVar

import msgspec

from gateway.audit.chain import Chain
from gateway.audit.checkpoint import (
    VERSION_2,
    Checkpoint,
    End,
    LogState,
    Moved,
    digest_of,
    is_signed,
    read_state,
    sign,
)
from gateway.audit.event import Action, AuditEvent
from gateway.audit.segment import Header, header_digest, name_of
from gateway.clock import DAY, HOUR, MINUTE
from gateway.ids import earliest, show
from gateway.store.maintenance import is_within
from gateway.store.row_digests import newest_binding
from gateway.store.statement import Query, Step, Write
from gateway.store.tables.audit import audit_write

MOST_EVENTS = 1_000
"""Events between two checkpoints, unless the settings say otherwise."""
T = TypeVar("T")
Part = Generator[Query | Write, Any, T]

CHAIN_LEASE = "chain:"
_COVERS = " covers "
_READS_MOVED = " reads moved"
"""Marks the lease of a gateway that knows archived checkpoints. Earlier versions do not know them, and could sign nothing after
one was archived."""
_LEASED_FOR = 10 * MINUTE
_RENEW_EVERY = MINUTE
_NEVER_LONGER = DAY
"""Gateways of earlier versions take no lease. Their chains may continue for up to this time."""
_NEWEST = "SELECT checkpoint_id, signature FROM audit_checkpoint ORDER BY checkpoint_id DESC LIMIT 1"
_NEWEST_STATE = f"""
SELECT heads FROM audit_checkpoint WHERE heads LIKE '{VERSION_2}%' ORDER BY checkpoint_id DESC LIMIT 1
"""
_ALL_HEADS = """
SELECT chain, seq, hash, at, action FROM audit
WHERE event_id IN (SELECT MAX(event_id) FROM audit GROUP BY chain)
"""
_HEAD = "SELECT seq, hash FROM audit WHERE event_id > ? AND chain = ? ORDER BY event_id DESC LIMIT 1"
_TAKE = """
INSERT INTO lease VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
"""
_DROP = "DELETE FROM lease WHERE name = ?"
_NEWEST_CUT = "SELECT segment, header FROM audit_cut ORDER BY segment DESC LIMIT 1"
_LEASES = "SELECT name, until FROM lease WHERE name >= 'chain:' AND name < 'chain;'"
_OWNERS = "SELECT owner FROM lease WHERE name >= 'chain:' AND name < 'chain;' AND until > ?"
_SIGNATURE = "SELECT signature FROM audit_checkpoint WHERE checkpoint_id = ?"
_NEWEST_TWO = (
    "SELECT checkpoint_id, at, heads, signature FROM audit_checkpoint ORDER BY checkpoint_id DESC LIMIT 2"
)
_MOVED = "SELECT checkpoint_id FROM audit_checkpoint WHERE checkpoint_id <= ? ORDER BY checkpoint_id LIMIT ?"


class Signing:
    """`shared`: other processes may write to the database, each to a chain of its own, with a lease of it. Otherwise all other
    chains have ended. A step's effects count once it is committed: `done` and `undone` say whether it was."""

    def __init__(self, chain: Chain, key: bytes, every: int, most_events: int, *, shared: bool) -> None:
        self._chain = chain
        self._key = key
        self._every = every
        self._most = most_events
        self._covers = newest_binding()
        self._shared = shared
        self._signed = ("", 0)
        self._signed_at: int | None = None
        self._leased_at: int | None = None
        self._lease_kept: int | None = None
        self._adopted_at: int | None = None
        self._is_lost = False
        self._prunes = True
        self._state: LogState | None = None
        self._signature = b""

    def done(self) -> None:
        self._lease_kept = self._leased_at

    def undone(self) -> None:
        self._signed_at, self._adopted_at, self._leased_at = None, None, self._lease_kept
        self._prunes = True
        if not self._chain.was_kept:
            self._state, self._signature = None, b""

    def must_restart(self, now: int) -> bool:
        """Whether other processes may take the chain for ended. Then nothing may be added to it."""
        if not self._shared or not self._chain.is_kept:
            return False
        return self._is_lost or not is_within(_LEASED_FOR // 2, self._leased_at, now)

    def is_due(self, now: int) -> bool:
        """Whether `sign` has something to do. Every transaction asks, so the bounds hold whatever else runs. If several gateways
        would collide over it, housekeeping comes first."""
        return not self._chain.begun or self.is_checkpoint_due(now, slack=2 if self._shared else 1)

    def sign(self, now: int, stamp: int) -> Step:
        """Within the transaction of what is written next: sign the chain's beginning, or its head as far as it is committed."""
        if self._chain.begun:
            return (yield from self.checkpoint(now, stamp))
        text = yield from self._beginning(now, stamp)
        self._chain.begin(digest_of(text), self._covers)
        self._is_lost = False
        yield from self._lease(self._chain.name, now, _LEASED_FOR)
        return 1

    def checkpoint(self, now: int, stamp: int) -> Step:
        """If it is due, sign this writer's chain as far as it is committed; and keep its lease."""
        chain, (seq, head) = self._chain.name, self._chain.kept
        if not self._chain.is_kept:
            return 0
        yield from self._keep_lease(now)
        if not self.is_checkpoint_due(now):
            return 0
        state = yield from self._newest_state()
        if state is None or (self._shared and chain not in state.open):
            self._is_lost = True
            return 0
        yield from self._write(state.then(stamp, reaches={chain: (seq, head.hex())}), stamp)
        self._signed, self._signed_at = (chain, seq), now
        return 1

    def end(self, now: int, stamp: int) -> Step:
        """Sign the chain's end: nothing will be added to it."""
        chain, (seq, head) = self._chain.name, self._chain.kept
        state = yield from self._newest_state()
        if state is None or chain not in state.open:
            return 0
        yield from self._write(state.then(stamp, ends={chain: End(seq, head.hex(), seq)}), stamp)
        yield Write(_DROP, [(CHAIN_LEASE + chain,)])
        return 1

    def adopt(self, now: int, stamp: int) -> Step:
        """Sign the ends of chains without a lease, as they are found."""
        if not self._shared or is_within(_RENEW_EVERY, self._adopted_at, now):
            return 0
        self._adopted_at = now
        leases = dict((yield Query(_LEASES)))
        alive = {name.removeprefix(CHAIN_LEASE) for name, until in leases.items() if until > now}
        state = yield from self._newest_state()
        dead = [] if state is None else state.open.keys() - alive - {self._chain.name}
        if state is None or not dead:
            return 0
        ends = yield from _ends(state, dead)
        yield from self._write(state.then(stamp, ends=ends), stamp)
        yield Write(_DROP, [(CHAIN_LEASE + chain,) for chain in sorted(dead)])
        return len(ends)

    def rotate_secret(self, now: int, stamp: int, event: AuditEvent) -> Step:
        """Drop the checkpoints, because the key of their signatures is gone, and begin with one of ours and with the event that
        says so. Returns how many there were."""
        dropped = yield Query("SELECT checkpoint_id FROM audit_checkpoint")
        yield Write("DELETE FROM audit_checkpoint WHERE checkpoint_id = ?", [tuple(row) for row in dropped])
        self._state, self._signature, chain = None, b"", self._chain
        if chain.is_kept:
            _, ends = yield from self._earlier(now, alone=True)
            ends.pop(chain.name, None)
            seq, head = chain.kept
            first = yield from self._first_state()
            yield from self._write(
                first.then(stamp, reaches={chain.name: (seq, head.hex())}, ends=ends), stamp
            )
        else:
            yield from self.sign(now, stamp)
        yield audit_write([event], chain)
        return len(dropped)

    def sign_what_is_open(self, now: int, stamp: int) -> Step:
        """Sign what can be signed now, so that as much as possible can be archived."""
        if not self._chain.begun:
            yield from self.sign(now, stamp)
        yield from self.checkpoint(now, stamp)
        self._adopted_at = None
        return (yield from self.adopt(now, stamp))

    def cut(self, now: int, stamp: int, header: Header, event: AuditEvent) -> Step:
        """Sign that the events of a segment are in the archive. Returns 0, and does nothing, if it is not the next one, or if this
        process's chain is taken for ended."""
        if not self._chain.begun:
            yield from self.sign(now, stamp)
        state, text = (yield from self._newest_state()), header.encoded()
        if state is None or (state.segments + 1, state.archived) != (header.number, header.previous):
            return 0
        if self._shared and self._chain.name not in state.open:
            self._is_lost = True
            return 0
        yield Write("INSERT INTO audit_cut VALUES (?, ?, ?)", [(header.number, header.last, text)])
        yield from self._write(state.then(stamp, archived=(header.number, header_digest(text))), stamp)
        yield audit_write([event], self._chain)
        return 1

    def move_checkpoints(self, now: int, stamp: int, moved: Moved, event: AuditEvent) -> Step:
        """Sign that the checkpoints up to one are in the archive. Returns 0, and does nothing, if they are not the next ones of
        this log, if a gateway of an earlier version runs beside this one, or if this process's chain is taken for ended."""
        if not self._chain.begun:
            yield from self.sign(now, stamp)
        state = yield from self._newest_state()
        found = yield Query(_SIGNATURE, parameters=(moved.number,))
        if state is None or state.gone.number >= moved.number or not found:
            return 0
        if bytes(found[0][0]).hex() != moved.signature or (yield from self._is_beside_an_older(now)):
            return 0
        if self._shared and self._chain.name not in state.open:
            self._is_lost = True
            return 0
        yield from self._write(state.then(stamp, moved=moved), stamp)
        yield audit_write([event], self._chain)
        self._prunes = True
        return 1

    def prune_checkpoints(self, limit: int) -> Step:
        """Remove checkpoints that are in the archive, as the newest one says, if it is signed. Returns how many; fewer than
        `limit`: nothing is left."""
        if not self._prunes:
            return 0
        points = [Checkpoint(*row) for row in (yield Query(_NEWEST_TWO))]
        self._prunes = False
        if len(points) < 2 or not is_signed(self._key, points[0], points[1].signature):
            return 0
        state = read_state(points[0].heads)
        if state is None or not state.gone.number:
            return 0
        rows = yield Query(_MOVED, parameters=(state.gone.number, limit))
        yield Write("DELETE FROM audit_checkpoint WHERE checkpoint_id = ?", [tuple(row) for row in rows])
        self._prunes = len(rows) == limit
        return len(rows)

    # ---- parts ----

    def _is_beside_an_older(self, now: int) -> Part[bool]:
        owners = (yield Query(_OWNERS, parameters=(now,))) if self._shared else ()
        return any(_READS_MOVED not in owner for (owner,) in owners)

    def _first_state(self) -> Part[LogState]:
        """The state of a log that has no checkpoint of this kind. What was archived of it before stays archived."""
        rows = yield Query(_NEWEST_CUT)
        return LogState(segments=rows[0][0], archived=header_digest(rows[0][1])) if rows else LogState()

    def is_checkpoint_due(self, now: int, slack: int = 1) -> bool:
        """Whether this chain has events that should be signed by now."""
        seq, _ = self._chain.kept
        signed_chain, signed_seq = self._signed
        fresh = seq - signed_seq if signed_chain == self._chain.name else seq
        late = not is_within(self._every * slack, self._signed_at, now)
        return fresh > 0 and (late or fresh >= self._most * slack)

    def _beginning(self, now: int, stamp: int) -> Part[str]:
        begins, state = [self._chain.name], (yield from self._newest_state())
        if state is None:
            reaches, ends = yield from self._earlier(now)
            first = yield from self._first_state()
            after = first.then(stamp, begins=begins, reaches=reaches, ends=ends)
        else:
            dead = [] if self._shared else list(state.open)
            after = state.then(stamp, begins=begins, ends=(yield from _ends(state, dead)))
        return (yield from self._write(after, stamp))

    def _newest_state(self) -> Part[LogState | None]:
        """If the state that this process has seen is gone, it is not replaced by an empty one; what it signs next then does not
        hold."""
        rows = yield Query(_NEWEST_STATE)
        try:
            self._state = read_state(rows[0][0]) if rows else self._state
        except msgspec.MsgspecError:
            return self._state
        return self._state

    def _earlier(
        self, now: int, *, alone: bool = False
    ) -> Part[tuple[dict[str, tuple[int, str]], dict[str, End]]]:
        """The chains of a log that no checkpoint of this kind has signed yet: those that another gateway may still write to, and
        the others."""
        reaches: dict[str, tuple[int, str]] = {}
        ends: dict[str, End] = {}
        for chain, seq, head, at, action in (yield Query(_ALL_HEADS)):
            if self._shared and not alone and action != "gateway.stopped" and now - at < _NEVER_LONGER:
                reaches[chain] = (seq, head.hex())
                yield from self._lease(chain, now, _NEVER_LONGER)
            else:
                ends[chain] = End(seq, head.hex(), seq)
        return reaches, ends

    def _write(self, state: LogState, stamp: int) -> Part[str]:
        rows = yield Query(_NEWEST)
        newest, previous = rows[0] if rows else (0, self._signature)
        text = state.encoded()
        signature = sign(self._key, stamp, text, previous)
        point = Checkpoint(newest + 1, stamp, text, signature)
        yield Write("INSERT INTO audit_checkpoint VALUES (?, ?, ?, ?)", [point])
        self._state, self._signature = state, signature
        return text

    def _keep_lease(self, now: int) -> Step:
        if not is_within(_RENEW_EVERY, self._leased_at, now):
            yield from self._lease(self._chain.name, now, _LEASED_FOR)
        return 0

    def _lease(self, chain: str, now: int, span: int) -> Step:
        if self._shared:
            is_own = chain == self._chain.name
            owner = f"{chain}{_READS_MOVED}{_COVERS}{self._covers}" if is_own else chain
            yield Write(_TAKE, [(CHAIN_LEASE + chain, owner, now + span)])
            if is_own:
                self._leased_at = now
        return 0


def own_event(
    event_id: int, at: int, action: Action, actor: str, subject: str = "", detail: str = ""
) -> AuditEvent:
    """An event about what is done to the database itself."""
    return AuditEvent(event_id, at, str(action), "ok", "", actor, "", subject, "", "", detail)


def archived_event(event_id: int, at: int, header: Header, actor: str) -> AuditEvent:
    detail = {
        "events": header.events,
        "first": show("evt", header.first),
        "last": show("evt", header.last),
        "sha256": header_digest(header.encoded()),
    }
    name = name_of(header.number)
    return own_event(event_id, at, Action.AUDIT_ARCHIVED, actor, name, msgspec.json.encode(detail).decode())


def moved_event(event_id: int, at: int, name: str, moved: Moved, actor: str) -> AuditEvent:
    """`name` is that of the file."""
    detail = msgspec.json.encode({"checkpoint": moved.number, "signature": moved.signature}).decode()
    return own_event(event_id, at, Action.AUDIT_CHECKPOINTS_ARCHIVED, actor, name, detail)


def covers_of(owner: str) -> int:
    """The schema step up to which the holder of a chain's lease vouches for rows."""
    return int(owner.partition(_COVERS)[2] or 0)


def _ends(state: LogState, chains: Iterable[str]) -> Part[dict[str, End]]:
    """The ends of open chains that are no longer written to."""
    ends: dict[str, End] = {}
    for chain in sorted(chains):
        reach = state.open[chain]
        rows = yield Query(_HEAD, parameters=(earliest(reach.at - HOUR), chain))
        seq, head = (rows[0][0], rows[0][1].hex()) if rows else (reach.seq, reach.hash)
        ends[chain] = End(seq, head, reach.seq) if seq > reach.seq else End(reach.seq, reach.hash, reach.seq)
    return ends
