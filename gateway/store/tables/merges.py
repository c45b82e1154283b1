"""Merges, pins and reviews: how they are stored."""

from collections.abc import Iterator

from gateway.model import MergeRow, PinRow, ReviewItem
from gateway.store.statement import Query, Rows, Write
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, entities, rows_of, stored
from gateway.workingset import WorkingSet, Written

MERGE = Columns("merge", MergeRow, "merge_id bigint")
PIN = Columns("pin", PinRow, "record_a bigint, record_b bigint", renamed={"until": "expires_at"})
REVIEW = Columns("review", ReviewItem, "review_id bigint", fixed=("records",))
_ABSORPTIONS = f"""
SELECT p.redirect_to, {MERGE.select("m")} FROM keys(profile_id bigint) AS k
CROSS JOIN profile AS p ON p.redirect_to = k.profile_id
CROSS JOIN merge AS m ON m.merge_id = (SELECT MAX(n.merge_id) FROM merge AS n WHERE n.absorbed_id = p.profile_id)
ORDER BY m.merge_id
"""
_PINS_OF = f"""SELECT {PIN.select("p")}
FROM keys(profile_id bigint) AS k CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN pin AS p"""
PINS = f"{_PINS_OF} ON p.record_a = r.record_id UNION {_PINS_OF} ON p.record_b = r.record_id"
_REVIEWS_OF = f"SELECT {REVIEW.select('v')} FROM keys(id bigint) AS k CROSS JOIN review AS v"
REVIEWS = f"{_REVIEWS_OF} ON v.profile_a = k.id UNION {_REVIEWS_OF} ON v.profile_b = k.id"
"""Pins and reviews of profiles."""


def _load_absorptions(ws: WorkingSet, profile_ids: list[int]) -> Loading:
    for profile_id in profile_ids:
        ws.absorptions.put(profile_id, [])
    [rows] = yield [Query(_ABSORPTIONS, profile_ids)]
    for target, *row in rows:
        ws.absorptions[target].append(MERGE.read(row))


def _load_reviews(ws: WorkingSet, review_ids: list[int]) -> Loading:
    for review_id in review_ids:
        ws.review_items.put(review_id, None)
    [rows] = yield [Query(REVIEW.by_key, review_ids)]
    add_reviews(ws, rows)


def add_reviews(ws: WorkingSet, rows: Rows) -> None:
    for row in rows:
        ws.know_review(REVIEW.read(row))


def add_pins(ws: WorkingSet, rows: Rows) -> None:
    for row in rows:
        ws.know_pin(PIN.read(row))


def _save_merges(ws: WorkingSet, merges: Written[int, MergeRow]) -> Iterator[Write]:
    if merges.added:
        yield Write(MERGE.insert, stored(MERGE, merges.added))
    if merges.changed:
        rows = [(row.undone_at, merge_id) for merge_id, row in merges.changed.items()]
        yield Write("UPDATE merge SET undone_at = ? WHERE merge_id = ?", rows)


TABLES = (
    entities("merges", MERGE, saves=_save_merges),
    Table("absorptions", _load_absorptions),
    Table("all_pins", None, rows_of(PIN)),
    Table("review_items", _load_reviews, rows_of(REVIEW)),
)
