"""Questions for a person: one, those of a profile, and lists of them."""

from dataclasses import dataclass
from typing import Any

from gateway.ids import earliest
from gateway.model import ReviewItem
from gateway.store import Store
from gateway.store.queries.window import Conditions, Filters, newest
from gateway.store.tables.reviews import REVIEW

_REVIEW = f"SELECT {REVIEW.select('v')} FROM review AS v"
_REASON = "CASE WHEN substr({t}.reason, 1, 7) = 'points:' THEN 'points' ELSE {t}.reason END"
"""As the index has it: a question about points has the points in its reason."""
_HAS_RECORD = """EXISTS (SELECT 1 FROM record AS r WHERE r.profile_id IN ({t}.profile_a, {t}.profile_b)
AND r.id_space = ?)"""


@dataclass(slots=True, kw_only=True)
class WantedReviews:
    """Every filter that is given must hold. `id_space`: one of the two has a record there. Opened at `since` or later, and
    before `until`."""

    state: str = ""
    reason: str = ""
    rule: str = ""
    id_space: str = ""
    since: int | None = None
    until: int | None = None


async def review(store: Store, review_id: int) -> ReviewItem | None:
    rows = await store.fetch(f"{_REVIEW} WHERE v.review_id = ?", (review_id,))
    return REVIEW.read(rows[0]) if rows else None


async def open_reviews(store: Store, profile_id: int) -> list[ReviewItem]:
    """Those about this profile."""
    rows = await store.fetch(
        f"{_REVIEW} WHERE v.state = 'open' AND v.profile_a = ?"
        f" UNION {_REVIEW} WHERE v.state = 'open' AND v.profile_b = ?",
        (profile_id, profile_id),
    )
    return [REVIEW.read(row) for row in rows]


async def reviews(
    store: Store, wanted: WantedReviews, before: int, limit: int
) -> tuple[list[ReviewItem], int | None]:
    """Newest first; and the id after which to continue."""
    filters, bounds = _filters(wanted), Conditions()
    if wanted.until is not None:  # a question is not opened before its id is drawn
        before = min(before, earliest(wanted.until + 1))
    bounds.add("{t}.review_id < ?", before)
    return await newest(store, REVIEW, filters, bounds, limit)


def _filters(wanted: WantedReviews) -> Filters:
    """The indexes have the state behind the rule or the reason."""
    filters = Filters()
    given = reason_and_rule(wanted)
    if wanted.state:
        filters.indexed.add("{t}.state = ?", wanted.state)
        if given:
            filters.indexed.add(*given.pop(0))
    for text, value in given:
        filters.others.add(text, value)
    for text, *values in unindexed(wanted):
        filters.others.add(text, *values)
    return filters


def reason_and_rule(wanted: WantedReviews) -> list[tuple[str, str]]:
    """The conditions that have an index each, with their values."""
    pairs = (("{t}.rule = ?", wanted.rule), (f"{_REASON} = ?", wanted.reason))
    return [(text, value) for text, value in pairs if value]


def unindexed(wanted: WantedReviews) -> list[tuple[Any, ...]]:
    """Those that have none."""
    pairs = (
        (_HAS_RECORD, wanted.id_space or None),
        ("{t}.opened_at >= ?", wanted.since),
        ("{t}.opened_at < ?", wanted.until),
    )
    return [(text, value) for text, value in pairs if value is not None]
