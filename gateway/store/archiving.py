"""Taking away from the database what is in the archive, a bounded step at a time. Engine-neutral, like the rest of housekeeping."""

from gateway.store.statement import Query, Step, Write

AUDIT_FIELDS = ("profile", "object", "request_id")
"""The columns that events are found by, in the table lookup."""

_CUT = "SELECT event_id FROM audit_cut ORDER BY segment DESC LIMIT 1"
_ARCHIVED = f"""
SELECT event_id, {", ".join(AUDIT_FIELDS)} FROM audit WHERE event_id <= ? ORDER BY event_id LIMIT ?
"""
_WORDS_OF = """
SELECT record_id, event_id FROM audit_words_of WHERE (record_id, event_id) > (?, ?)
ORDER BY record_id, event_id LIMIT ?
"""
_FOUND_BY = "DELETE FROM lookup WHERE field = ? AND value = ? AND row_id = ?"
_NO_WORDS_OF = "DELETE FROM audit_words_of WHERE record_id = ? AND event_id = ?"
_START = (0, 0)


class Pruning:
    """Events up to the newest cut go, with what finds them and what people wrote about them. Whose words those were is walked over
    once behind the rest, as nothing finds it by the event. All of its state can be lost."""

    def __init__(self) -> None:
        self._walked = 0
        self._from = _START

    def step(self, limit: int) -> Step:
        """How many rows were looked at; fewer than `limit`: nothing is left."""
        newest = yield Query(_CUT)
        if not newest:
            return 0
        [[cut]] = newest
        gone = yield Query(_ARCHIVED, parameters=(cut, limit))
        if gone:
            found = [
                (f"audit.{field}", value, row[0])
                for row in gone
                for field, value in zip(AUDIT_FIELDS, row[1:], strict=True)
                if value
            ]
            ids = [(row[0],) for row in gone]
            yield Write(_FOUND_BY, sorted(found))
            yield Write("DELETE FROM audit_words WHERE event_id = ?", ids)
            yield Write("DELETE FROM audit WHERE event_id = ?", ids)
        if len(gone) == limit or self._walked >= cut:
            return len(gone)
        return (yield from self._walk(cut, limit))

    def _walk(self, cut: int, limit: int) -> Step:
        rows = yield Query(_WORDS_OF, parameters=(*self._from, limit))
        yield Write(_NO_WORDS_OF, [tuple(row) for row in rows if row[1] <= cut])
        if len(rows) < limit:
            self._walked, self._from = cut, _START
        else:
            self._from = tuple(rows[-1])
        return len(rows)
