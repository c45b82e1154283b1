"""Binds rows to the audit log after a schema step that rewrote them, or that added digests for them. It works piece by piece. Each
piece has an audit event, whose hash covers the digests of the rows as they are found. A step binds once. Nothing counts after its
last piece, so a changed row cannot be bound by running the step again."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.audit.chain import Chain, read_bound
from gateway.audit.event import Action, AuditEvent
from gateway.store.migrations import steps
from gateway.store.row_digests import TABLES, logged_digest, newest_binding, rows_of
from gateway.store.signing import CHAIN_LEASE, Part, covers_of
from gateway.store.statement import Query, Step, Write
from gateway.store.tables.audit import audit_write

_FIRST = "SELECT seq, bound, (SELECT COUNT(*) FROM audit_cut) FROM audit ORDER BY event_id LIMIT 1"
_PLACES = "SELECT step, name, place, is_done FROM state_binding"
_REACHED = """
INSERT INTO state_binding VALUES (?, ?, ?, ?) ON CONFLICT (step, name) DO UPDATE SET
place = excluded.place, is_done = excluded.is_done
"""
_OTHERS = "SELECT owner FROM lease WHERE name >= 'chain:' AND name < 'chain;' AND until > ? AND name <> ?"
_encode = msgspec.json.Encoder().encode


class BoundRows(msgspec.Struct, frozen=True):
    """The detail of a `state.bound` event: a schema step binds so many rows of a table. Marks the `first` piece, and the `last`
    one."""

    step: int
    table: str
    rows: int
    first: bool
    last: bool


class DigestBackfill:
    """`shared`: other gateways may write to the database. Nothing is bound while one of them has an earlier version whose digests
    cover less, because its writes in the meantime would look forged."""

    def __init__(self, chain: Chain, *, shared: bool) -> None:
        self._chain = chain
        self._covers = newest_binding()
        self._shared = shared
        self.is_done = False

    def run(self, now: int, stamp: int, new_id: Callable[[int], int], limit: int) -> Step:
        """Bind the next piece. Returns its number of rows, plus 1 if others are left."""
        if self.is_done or not self._chain.kept[0]:
            return 0
        first = yield Query(_FIRST)
        if not first:
            return 0
        todo = yield from self._todo(*first[0])
        self.is_done = todo is None
        if todo is None or (self._shared and (yield from self._is_beside_an_older(now))):
            return 0
        step, table, place = todo
        shape, (sql, parameters) = TABLES[table], rows_of(table, place, limit)
        rows = yield Query(sql, parameters=parameters)
        self._chain.cover(
            {table: {shape.key_of(row): logged_digest(table, self._chain.row_key, row) for row in rows}}
        )
        last = len(rows) < limit
        detail = _encode(BoundRows(step, table, len(rows), not place, last)).decode()
        subject = f"schema_{step}"
        event = AuditEvent(
            new_id(stamp), stamp, str(Action.STATE_BOUND), "ok", "", "gateway", "", subject, "", "", detail
        )
        yield audit_write([event], self._chain)
        reached = [rows[-1][shape.columns.index(name)] for name in shape.scan] if rows else list(place)
        yield Write(_REACHED, [(step, table, _encode(reached).decode(), int(last))])
        return len(rows) + 1

    def _todo(self, seq: int, bound: str, segments: int) -> Part[tuple[int, str, tuple[Any, ...]] | None]:
        """The table with rows that are left, with its step and the place that was reached. `seq` and `bound` are of the first event
        that is left, which is the log's first unless some are in `segments`."""
        places = {(step, name): (place, done) for step, name, place, done in (yield Query(_PLACES))}
        bindings = [place for step in steps.all_migrations() for place in step.binds]
        new = [place for place in bindings if place not in places]
        if new:
            begun = read_bound(bound).covers if seq == 1 and not segments else 0
            made_so = [(step, table, "[]", 1) for step, table in new if step <= begun]
            yield Write(_REACHED, made_so)
            places |= {(step, table): (place, done) for step, table, place, done in made_so}
        for step, table in bindings:
            place, done = places.get((step, table), ("[]", 0))
            if not done:
                return step, table, tuple(msgspec.json.decode(place))
        return None

    def _is_beside_an_older(self, now: int) -> Part[bool]:
        owners = yield Query(_OTHERS, parameters=(now, f"{CHAIN_LEASE}{self._chain.name}"))
        return any(covers_of(owner) < self._covers for (owner,) in owners)
