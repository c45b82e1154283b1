"""Suggestions: the searches, why a question was asked, and which open ones are the most certain."""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.clock import DAY
from gateway.model import NEAR, SUGGESTED, ReviewItem, Search, Suggestion
from gateway.store import Store
from gateway.store.queries.profiles import placeholders
from gateway.store.tables.reviews import REVIEW
from gateway.store.tables.suggestions import SEARCH, SUGGESTION

_SEARCHES = f"SELECT {SEARCH.select('s')} FROM search AS s"
_OPEN = f"""
SELECT {SUGGESTION.select("s")}, {REVIEW.select("v")} FROM suggestion AS s
CROSS JOIN record AS a ON a.record_id = s.record_a CROSS JOIN record AS b ON b.record_id = s.record_b
CROSS JOIN review AS v ON v.profile_a = CASE WHEN a.profile_id < b.profile_id THEN a.profile_id ELSE b.profile_id END
AND v.profile_b = CASE WHEN a.profile_id < b.profile_id THEN b.profile_id ELSE a.profile_id END
WHERE v.state = 'open' AND a.profile_id <> b.profile_id AND (v.reason = '{SUGGESTED}' OR v.reason LIKE '{NEAR}%')
AND (s.certainty, s.points, s.record_a, s.record_b) < (?, ?, ?, ?)
AND NOT EXISTS (
  SELECT 1 FROM record AS c CROSS JOIN suggestion AS t ON t.record_a = c.record_id
  CROSS JOIN record AS d ON d.record_id = t.record_b
  WHERE c.profile_id IN (a.profile_id, b.profile_id) AND d.profile_id IN (a.profile_id, b.profile_id)
  AND c.profile_id <> d.profile_id
  AND (t.certainty, t.points, t.record_a, t.record_b) > (s.certainty, s.points, s.record_a, s.record_b)
)
ORDER BY s.certainty DESC, s.points DESC, s.record_a DESC, s.record_b DESC LIMIT ?
"""
_WIDTH = len(SUGGESTION.all)
Place = tuple[int, int, int, int]
"""Certainty, points and records of the last one of a page."""


class Asked(NamedTuple):
    suggestion: Suggestion
    review: ReviewItem

    @property
    def place(self) -> Place:
        one = self.suggestion
        return one.certainty, one.points, one.record_a, one.record_b


async def search(store: Store, search_id: int) -> Search | None:
    rows = await store.fetch(f"{_SEARCHES} WHERE s.search_id = ?", (search_id,))
    return SEARCH.read(rows[0]) if rows else None


async def searches(store: Store, before: int, limit: int) -> list[Search]:
    """Newest first."""
    rows = await store.fetch(
        f"{_SEARCHES} WHERE s.search_id < ? ORDER BY s.search_id DESC LIMIT ?", (before, limit)
    )
    return [SEARCH.read(row) for row in rows]


async def opened_today(store: Store, now: int) -> int:
    """How many questions the searches of the last 24 hours opened."""
    rows = await store.fetch(
        "SELECT COALESCE(SUM(opened), 0) FROM search WHERE started_at > ? AND dry = 0", (now - DAY,)
    )
    return int(rows[0][0])


async def suggestion_between(
    store: Store, review_id: int, records: tuple[Iterable[int], Iterable[int]]
) -> Suggestion | None:
    """Why a question is asked about two profiles with these records: the most certain suggestion."""
    one, other = ([*side] for side in records)
    columns = SUGGESTION.select("s")
    rows = await store.fetch(
        f"SELECT {columns} FROM suggestion AS s WHERE s.review_id = ? ORDER BY s.certainty DESC LIMIT 1",
        (review_id,),
    )
    for first, second in ((one, other), (other, one)):
        if rows or not one or not other:
            break
        rows = await store.fetch(
            f"SELECT {columns} FROM suggestion AS s WHERE s.record_a IN ({placeholders(first)})"
            f" AND s.record_b IN ({placeholders(second)}) ORDER BY s.certainty DESC LIMIT 1",
            (*first, *second),
        )
    return SUGGESTION.read(rows[0]) if rows else None


async def open_suggestions(store: Store, after: Place, limit: int) -> list[Asked]:
    """The most certain first; of those, the ones with the most points at stake."""
    rows = await store.fetch(_OPEN, (*after, limit))
    return [Asked(SUGGESTION.read(row[:_WIDTH]), REVIEW.read(row[_WIDTH:])) for row in rows]
