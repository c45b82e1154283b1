"""Removes archived events from the database, a bounded step at a time. Engine-neutral, like the rest of housekeeping."""

import contextlib

import msgspec

from gateway.audit.segment import read_header
from gateway.store.statement import Query, Step, Write

AUDIT_FIELDS = ("profile", "object", "request_id")
"""The columns by which events are found, in the table lookup."""

_CUTS = "SELECT segment, event_id, header FROM audit_cut WHERE segment > ? ORDER BY segment"
_ARCHIVED = f"""
SELECT event_id, chain, seq, {", ".join(AUDIT_FIELDS)} FROM audit
WHERE event_id > ? AND event_id <= ? ORDER BY event_id LIMIT ?
"""
_WORDS_OF = """
SELECT o.record_id, o.event_id, w.event_id FROM audit_words_of AS o LEFT JOIN audit_words AS w ON w.event_id = o.event_id
WHERE (o.record_id, o.event_id) > (?, ?) ORDER BY o.record_id, o.event_id LIMIT ?
"""
_FOUND_BY = "DELETE FROM lookup WHERE field = ? AND value = ? AND row_id = ?"
_NO_WORDS_OF = "DELETE FROM audit_words_of WHERE record_id = ? AND event_id = ?"
_START = (0, 0)


class Pruning:
    """Removes events up to the newest cut, with their look-up rows and the words of people in them. An event that is in no segment
    stays, whatever its id: a gateway with a wrong clock may have written it later. After the rest, one walk removes the rows that
    say whose words those were, because they cannot be found by the event. All state here can be lost."""

    def __init__(self) -> None:
        self._segment = 0
        self._cut = 0
        self._held: dict[str, int] = {}
        """By chain, the last event that a segment holds."""
        self._after = 0
        """Events up to here that are left stay."""
        self._walked = 0
        self._from = _START

    def step(self, limit: int) -> Step:
        """How many rows were looked at; fewer than `limit`: nothing is left."""
        for segment, cut, header in (yield Query(_CUTS, parameters=(self._segment,))):
            self._segment, self._cut, self._after = segment, cut, 0
            with contextlib.suppress(
                msgspec.MsgspecError
            ):  # it was altered, as verify reports; nothing is removed because of it
                self._held |= {chain: held.last for chain, held in read_header(header).chains.items()}
        if not self._segment:
            return 0
        rows = yield Query(_ARCHIVED, parameters=(self._after, self._cut, limit))
        gone = [row for row in rows if row[2] <= self._held.get(row[1], 0)]
        if gone:
            found = [
                (f"audit.{field}", value, row[0])
                for row in gone
                for field, value in zip(AUDIT_FIELDS, row[3:], strict=True)
                if value
            ]
            ids = [(row[0],) for row in gone]
            yield Write(_FOUND_BY, sorted(found))
            yield Write("DELETE FROM audit_words WHERE event_id = ?", ids)
            yield Write("DELETE FROM audit WHERE event_id = ?", ids)
        elif rows:
            self._after = rows[-1][0]
        if len(rows) == limit or self._walked >= self._cut:
            return len(gone) if len(rows) < limit else limit
        return (yield from self._walk(self._cut, limit))

    def _walk(self, cut: int, limit: int) -> Step:
        rows = yield Query(_WORDS_OF, parameters=(*self._from, limit))
        yield Write(_NO_WORDS_OF, [row[:2] for row in map(tuple, rows) if row[1] <= cut and row[2] is None])
        if len(rows) < limit:
            self._walked, self._from = cut, _START
        else:
            self._from = tuple(rows[-1])[:2]
        return len(rows)
