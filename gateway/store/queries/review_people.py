"""Open questions by the person whom they are about: the older of the two profiles, which is where the questions about one customer
meet.

A person is listed at the place of their first question. One index gives the questions in order. For each, a look-up among the
questions of its person shows whether an earlier one has listed that person already. Filters without an index are applied to a
bounded number of questions, so a page may be short although it is not the last one.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from gateway.model import ReviewItem
from gateway.store import Store
from gateway.store.queries.reviews import WantedReviews, reason_and_rule, unindexed
from gateway.store.queries.window import WINDOW, Conditions, Filters
from gateway.store.tables.reviews import REVIEW

EACH = 20
"""The most questions of a person that are given."""
COUNTED = 1_000
"""The most that are counted."""
_AT_ONCE = 100
_FEW = 4
"""So many questions for each person of the page usually have all of them."""
Sort = Literal["evidence", "points"]
Place = tuple[int, int]
"""What the list is sorted by, and a review."""
_KEYS: dict[Sort, str] = {"evidence": "evidence_at", "points": "points"}


class Asked(NamedTuple):
    """`number` is how many of the questions about a person match, at most COUNTED; `items` are the first of them."""

    profile_id: int
    number: int
    items: list[ReviewItem]


async def people_asked(
    store: Store, wanted: WantedReviews, sort: Sort, before: Place, limit: int
) -> tuple[list[Asked], Place | None]:
    """In descending order of the first question of each; and the place after which to continue. `wanted` has no state."""
    key, filters = _KEYS[sort], _filters(wanted, sort)
    heads, behind = await _heads(store, key, filters, before, limit)
    everything = Filters(others=_all(filters))
    found: list[Asked] = []
    for start in range(0, len(heads), _AT_ONCE):
        found += await _of_people(store, key, everything.others, heads[start : start + _AT_ONCE])
    return found, behind


def _filters(wanted: WantedReviews, sort: Sort) -> Filters:
    """The indexes by rule and by reason are sorted by the newest evidence."""
    filters = Filters()
    for text, value in reason_and_rule(wanted):
        (filters.next if sort == "evidence" else filters.others).add(text, value)
    for text, *values in unindexed(wanted):
        filters.others.add(text, *values)
    return filters


def _all(filters: Filters) -> Conditions:
    return Conditions(
        [*filters.indexed.texts, *filters.others.texts], [*filters.indexed.values, *filters.others.values]
    )


async def _heads(
    store: Store, key: str, filters: Filters, before: Place, limit: int
) -> tuple[list[int], Place | None]:
    """The people, each by the first of their questions."""
    indexed = " AND ".join(["t.state = 'open'", *filters.indexed.texts]).format(t="t")
    asked = (
        f"FROM review AS t WHERE {indexed} AND (t.{key}, t.review_id) < (?, ?)"
        f" ORDER BY t.{key} DESC, t.review_id DESC"
    )
    every = _all(filters)
    further_up = " AND ".join(
        [
            "n.profile_a = looked_at.profile_a AND n.state = 'open'",
            f"(n.{key}, n.review_id) > (looked_at.{key}, looked_at.review_id)",
            *every.texts,
        ]
    ).format(t="n")
    conditions = [*(text.format(t="looked_at") for text in filters.others.texts)]
    conditions.append(f"NOT EXISTS (SELECT 1 FROM review AS n WHERE {further_up})")
    values = [*filters.indexed.values, *before]
    sql = (
        f"SELECT looked_at.profile_a, looked_at.{key}, looked_at.review_id FROM (SELECT t.* {asked} LIMIT ?) AS looked_at"
        f" WHERE {' AND '.join(conditions)} ORDER BY looked_at.{key} DESC, looked_at.review_id DESC LIMIT ?"
    )
    heads: list[int] = []
    for window in (_FEW * limit, WINDOW):
        rows = await store.fetch(sql, (*values, window, *filters.others.values, *every.values, limit + 1))
        heads = [profile_a for profile_a, *_ in rows[:limit]]
        if len(rows) > limit:
            return heads, (rows[limit - 1][1], rows[limit - 1][2])
    last = await store.fetch(f"SELECT t.{key}, t.review_id {asked} LIMIT 1 OFFSET ?", (*values, WINDOW - 1))
    return heads, (last[0][0], last[0][1]) if last else None


async def _of_people(store: Store, key: str, wanted: Conditions, people: Sequence[int]) -> list[Asked]:
    matching = " AND ".join(["v.profile_a = ? AND v.state = 'open'", *wanted.texts]).format(t="v")
    questions = (
        f"SELECT * FROM (SELECT {REVIEW.select('v')} FROM review AS v WHERE {matching}"
        f" ORDER BY v.{key} DESC, v.review_id DESC LIMIT {EACH}) AS called{{place}}"
    )
    numbers = f"SELECT {{place}}, COUNT(*) FROM (SELECT 1 FROM review AS v WHERE {matching} LIMIT {COUNTED}) AS called{{place}}"
    values = [value for one in people for value in (one, *wanted.values)]
    rows = await store.fetch(_union(questions, len(people)), values)
    counted: dict[Any, int] = dict(await store.fetch(_union(numbers, len(people)), values))
    items: dict[int, list[ReviewItem]] = {one: [] for one in people}
    found = map(REVIEW.read, rows)
    for item in sorted(found, key=lambda item: (getattr(item, key), item.review_id), reverse=True):
        items[item.profile_a].append(item)
    return [Asked(one, counted[place], items[one]) for place, one in enumerate(people) if items[one]]


def _union(select: str, number: int) -> str:
    return " UNION ALL ".join(select.format(place=place) for place in range(number))
