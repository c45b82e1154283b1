"""Merges: how they are stored."""

from collections.abc import Iterator

from gateway.model import MergeRow
from gateway.store.statement import Query, Write
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, entities, stored
from gateway.workingset import WorkingSet, Written

MERGE = Columns("merge", MergeRow, "merge_id bigint")
_ABSORPTIONS = f"""
SELECT p.redirect_to, {MERGE.select("m")} FROM keys(profile_id bigint) AS k
CROSS JOIN profile AS p ON p.redirect_to = k.profile_id
CROSS JOIN merge AS m ON m.merge_id = (SELECT MAX(n.merge_id) FROM merge AS n WHERE n.absorbed_id = p.profile_id)
ORDER BY m.merge_id
"""


def _load_absorptions(ws: WorkingSet, profile_ids: list[int]) -> Loading:
    for profile_id in profile_ids:
        ws.absorptions.put(profile_id, [])
    [rows] = yield [Query(_ABSORPTIONS, profile_ids)]
    for target, *row in rows:
        ws.absorptions[target].append(MERGE.read(row))


def _save_merges(ws: WorkingSet, merges: Written[int, MergeRow]) -> Iterator[Write]:
    if merges.added:
        yield Write(MERGE.insert, stored(MERGE, merges.added))
    if merges.changed:
        rows = [(row.undone_at, merge_id) for merge_id, row in merges.changed.items()]
        yield Write("UPDATE merge SET undone_at = ? WHERE merge_id = ?", rows)


TABLES = (
    entities("merges", MERGE, saves=_save_merges),
    Table("absorptions", _load_absorptions),
)
