"""Profiles that stand out: those with the most records, id spaces, names and values of one type. Once a day, housekeeping walks
over all profiles and keeps the first ones of each measure. A list of them reads few rows and shows the state of the last walk.

Findings stay in memory until the walk ends, and then replace the stored ones. An interrupted walk starts again.
"""

from collections.abc import Iterable
from heapq import heappush, heappushpop

from gateway.clock import DAY
from gateway.model.names import NAMES
from gateway.store.statement import Query, Step, Write

MOST = 100
"""How many profiles are kept for each measure."""
VALUES = "values "
"""The prefix of a measure that counts the values of one identifier type."""
WALKED = "odd_profile"
"""In `lookup_progress`: when the last walk ended."""
_LEAST = 2
_PROFILES = "SELECT profile_id, redirect_to FROM profile WHERE profile_id > ? ORDER BY profile_id LIMIT ?"
_RECORDS = """
SELECT r.profile_id, COUNT(*), COUNT(DISTINCT r.id_space) FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id GROUP BY r.profile_id
"""
_VALUES = """
SELECT r.profile_id, o.type, COUNT(DISTINCT o.value) FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id
CROSS JOIN observation AS o ON o.record_id = r.record_id WHERE o.retired = 0 GROUP BY r.profile_id, o.type
"""
_NAMES = f"""
SELECT r.profile_id, a.name, COUNT(DISTINCT a.value) FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN attribute AS a ON a.record_id = r.record_id
WHERE a.name IN ({", ".join(f"'{name}'" for name in NAMES)}) GROUP BY r.profile_id, a.name
"""


class OddWalk:
    def __init__(self) -> None:
        self._from = 0
        self._found: dict[str, list[tuple[int, int]]] = {}

    def step(self, now: int, limit: int) -> Step:
        """Looks at up to `limit` profiles; returns how many."""
        if not self._from:
            [[walked]] = yield Query(
                "SELECT COALESCE(MAX(row_id), 0) FROM lookup_progress WHERE source = ?", parameters=(WALKED,)
            )
            if 0 <= now - walked < DAY:
                return 0
        rows = yield Query(_PROFILES, parameters=(self._from, limit))
        live = [profile_id for profile_id, redirect_to in rows if redirect_to is None]
        several: list[int] = []
        for profile_id, records, spaces in (yield Query(_RECORDS, live)):
            if records >= _LEAST:
                several.append(profile_id)
            self._note("records", records, profile_id)
            self._note("id_spaces", spaces, profile_id)
        for profile_id, kind, number in (yield Query(_VALUES, live)):
            self._note(VALUES + kind, number, profile_id)
        names: dict[int, int] = {}
        for profile_id, _, number in (yield Query(_NAMES, several)):
            names[profile_id] = max(number, names.get(profile_id, 0))
        for profile_id, number in names.items():
            self._note("names", number, profile_id)
        if len(rows) == limit:
            self._from = rows[-1][0]
        else:
            yield from self._end(now)
        return len(rows)

    def _note(self, measure: str, number: int, profile_id: int) -> None:
        if number >= _LEAST:
            first = self._found.setdefault(measure, [])
            add = heappush if len(first) < MOST else heappushpop
            add(first, (number, profile_id))

    def _end(self, now: int) -> Step:
        before = yield Query("SELECT measure, profile_id FROM odd_profile")
        yield Write("DELETE FROM odd_profile WHERE measure = ? AND profile_id = ?", [*map(tuple, before)])
        yield Write(
            "INSERT INTO odd_profile (measure, profile_id, number, detail) VALUES (?, ?, ?, ?)",
            list(_rows(self._found.items())),
        )
        yield Write(
            "INSERT INTO lookup_progress VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET row_id = excluded.row_id",
            [(WALKED, now)],
        )
        self._from, self._found = 0, {}
        return 0


def _rows(found: Iterable[tuple[str, list[tuple[int, int]]]]) -> Iterable[tuple[str, int, int, str]]:
    return ((measure, profile_id, number, "") for measure, first in found for number, profile_id in first)
