"""Suggestions: how they are stored."""

from gateway.model import Search, Suggestion
from gateway.store.statement import Query
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, entities
from gateway.workingset import WorkingSet

SEARCH = Columns("search", Search, "search_id bigint", fixed=("started_by", "started_at"))
SUGGESTION = Columns("suggestion", Suggestion, "record_a bigint, record_b bigint")
_LIVE = f"""
SELECT k.since, {SEARCH.select("s")} FROM keys(since bigint) AS k
CROSS JOIN search AS s ON s.state = 'running' AND s.seen_at > k.since
"""


def _load_live(ws: WorkingSet, moments: list[int]) -> Loading:
    for since in moments:
        ws.live_searches.put(since, None)
    [rows] = yield [Query(_LIVE, moments)]
    for since, *row in rows:
        ws.live_searches.put(since, SEARCH.read(row))


TABLES = (
    Table("live_searches", _load_live),
    entities("searches", SEARCH),
    entities("suggestions", SUGGESTION),
)
