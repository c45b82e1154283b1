"""Reviews: how they are stored."""

from gateway.model import ReviewItem
from gateway.store.statement import Query, Rows
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, rows_of
from gateway.workingset import WorkingSet

REVIEW = Columns("review", ReviewItem, "review_id bigint", fixed=("records",))
_REVIEWS_OF = f"SELECT {REVIEW.select('v')} FROM keys(id bigint) AS k CROSS JOIN review AS v"
REVIEWS = f"{_REVIEWS_OF} ON v.profile_a = k.id UNION {_REVIEWS_OF} ON v.profile_b = k.id"
"""Reviews of profiles."""


def _load_reviews(ws: WorkingSet, review_ids: list[int]) -> Loading:
    for review_id in review_ids:
        ws.review_items.put(review_id, None)
    [rows] = yield [Query(REVIEW.by_key, review_ids)]
    add_reviews(ws, rows)


def add_reviews(ws: WorkingSet, rows: Rows) -> None:
    for row in rows:
        ws.know_review(REVIEW.read(row))


TABLES = (Table("review_items", _load_reviews, rows_of(REVIEW)),)
