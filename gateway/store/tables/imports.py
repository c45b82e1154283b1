"""Imports: how they are stored, and what happened to the records that one changed."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from gateway.model import (
    ChangedRecord,
    ImportChange,
    ImportPosition,
    ImportRun,
    RefusedLine,
    WarnedLine,
)
from gateway.store.statement import Query, Rows, Write
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table
from gateway.workingset import WorkingSet, Written
from gateway.workingset.imports import ChangedWanted

_encode = msgspec.json.Encoder().encode
_CHANGE = Columns("import_change", ImportChange, "import_id text, record_id bigint, change_id bigint")
_REFUSED = Columns("import_refusal", RefusedLine, "import_id text, line bigint")
_WARNED = Columns("import_warning", WarnedLine, "import_id text, line bigint, identifier text, reason text")
_RUN_COLUMNS = """m.import_id, m.channel, m.started_at, m.next_line, COALESCE(b.ahead, 0), COALESCE(b.block, ''),
m.counts, m.unusable, m.finished_at, m.undo_after, m.undone_at"""
_BLOCK = "LEFT JOIN import_block AS b ON b.import_id = m.import_id"
ALL_RUNS = f"SELECT {_RUN_COLUMNS} FROM import_run AS m {_BLOCK}"
_RUNS = f"""SELECT {_RUN_COLUMNS} FROM keys(import_id text) AS k
CROSS JOIN import_run AS m ON m.import_id = k.import_id {_BLOCK}"""
_SAVED_RUN = """
INSERT INTO import_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (import_id) DO UPDATE SET
next_line = excluded.next_line, counts = excluded.counts, unusable = excluded.unusable,
finished_at = excluded.finished_at, undo_after = excluded.undo_after, undone_at = excluded.undone_at
"""
_SAVED_BLOCK = """
INSERT INTO import_block VALUES (?, ?, ?) ON CONFLICT (import_id) DO UPDATE SET
block = excluded.block, ahead = excluded.ahead
"""
CHANGED_RECORDS = """
SELECT c.import_id, c.record_id, c.change_id, c.at, c.created, c.before, r.profile_id, r.active,
  (SELECT COUNT(*) FROM record AS q WHERE q.profile_id = r.profile_id),
  (SELECT MAX(o.last_seen) FROM observation AS o WHERE o.record_id = c.record_id),
  (SELECT MAX(a.at) FROM attribute AS a WHERE a.record_id = c.record_id),
  (SELECT MAX(x.change_id) FROM import_change AS x WHERE x.record_id = c.record_id),
  (SELECT COUNT(*) FROM tag AS t WHERE t.record_id = c.record_id),
  (SELECT COUNT(*) FROM pin AS p WHERE p.record_a = c.record_id)
    + (SELECT COUNT(*) FROM pin AS p WHERE p.record_b = c.record_id)
    + (SELECT COUNT(*) FROM split_side AS s JOIN split AS x ON x.split_id = s.split_id WHERE s.record_id = c.record_id),
  (SELECT COUNT(*) FROM ledger AS l WHERE l.record_id = c.record_id)
    + (SELECT COUNT(*) FROM dedup AS d JOIN achievement AS w ON w.achievement_id = d.achievement_id
       WHERE d.profile_id = r.profile_id AND w.record_id = c.record_id)
FROM (SELECT DISTINCT record_id FROM import_change WHERE import_id = ? AND record_id > ?
      ORDER BY record_id LIMIT ?) AS n
JOIN import_change AS c ON c.record_id = n.record_id AND c.import_id = ?
LEFT JOIN record AS r ON r.record_id = c.record_id
ORDER BY c.record_id, c.change_id
"""


def _load_runs(ws: WorkingSet, import_ids: list[str]) -> Loading:
    for import_id in import_ids:
        ws.imports.put(import_id, None)
    [rows] = yield [Query(_RUNS, import_ids)]
    for row in rows:
        run = import_run(row)
        ws.imports.put(run.import_id, run)


def import_run(row: Sequence[Any]) -> ImportRun:
    """From a row of `ALL_RUNS`."""
    import_id, channel, started_at, next_line, ahead, block, counts, unusable, *ends = row
    return ImportRun(
        import_id,
        channel,
        started_at,
        ImportPosition(next_line, ahead, block),
        msgspec.json.decode(counts),
        msgspec.json.decode(unusable),
        *ends,
    )


def _save_runs(ws: WorkingSet, runs: Written[str, ImportRun]) -> Iterator[Write]:
    rows = [
        (
            m.import_id,
            m.channel,
            m.started_at,
            m.reached.next_line,
            _encode(m.counts).decode(),
            _encode(m.unusable).decode(),
            m.finished_at,
            m.undo_after,
            m.undone_at,
        )
        for m in runs.changed.values()
    ]
    yield Write(_SAVED_RUN, rows)
    yield Write(
        _SAVED_BLOCK, [(m.import_id, m.reached.block, m.reached.ahead) for m in runs.changed.values()]
    )


def _save_undone(ws: WorkingSet, undone: Written[str, None]) -> Iterator[Write]:
    rows = [(import_id,) for import_id in undone.dropped]
    for table in (_REFUSED.table, _WARNED.table, _CHANGE.table):
        yield Write(f"DELETE FROM {table} WHERE import_id = ?", rows)


def _save_changes(ws: WorkingSet, changes: Written[int, ImportChange]) -> Iterator[Write]:
    yield Write(_CHANGE.insert, sorted(_CHANGE.row(change) for change in changes.added.values()))


def _save_refused(ws: WorkingSet, lines: Written[tuple[str, int], RefusedLine]) -> Iterator[Write]:
    rows = [(import_id, *_REFUSED.row(line)) for (import_id, _), line in lines.changed.items()]
    yield Write(_REFUSED.upsert, rows)


def _save_warned(ws: WorkingSet, lines: Written[tuple[str, WarnedLine], WarnedLine]) -> Iterator[Write]:
    rows = [(import_id, *_WARNED.row(line)) for (import_id, _), line in lines.changed.items()]
    yield Write(_WARNED.insert_new, rows)


# ---- what an import changed ----


def _load_changed_records(ws: WorkingSet, wanted: list[ChangedWanted]) -> Loading:
    for import_id, after, limit in wanted:
        [rows] = yield [Query(CHANGED_RECORDS, parameters=(import_id, after, limit, import_id))]
        ws.changed_by_import.put((import_id, after, limit), changed_records(rows))


def changed_records(rows: Rows) -> list[ChangedRecord]:
    """From `CHANGED_RECORDS`."""
    found: list[ChangedRecord] = []
    for _, group in groupby(rows, key=itemgetter(1)):
        own = list(group)
        changes = tuple(_CHANGE.read(row[: len(_CHANGE.all)]) for row in own)
        profile_id, active, records, *later = own[-1][len(_CHANGE.all) :]
        touched = "" if profile_id is None else _touched(changes[-1], bool(active), *later)
        found.append(ChangedRecord(changes[-1].record_id, profile_id, records, changes, touched))
    return found


def _touched(
    last: ImportChange,
    active: bool,
    seen: int | None,
    set_: int | None,
    change: int,
    tags: int,
    pins: int,
    earned: int,
) -> str:
    """What happened to a record after the import."""
    said = {
        "earned": earned,
        "pinned": pins,
        "tagged": tags,
        "deactivated": not active,
        "imported_again": change > last.change_id,
        "seen_again": max(seen or 0, set_ or 0) > last.at,
    }
    return next((what for what, is_so in said.items() if is_so), "")


TABLES = (
    Table("imports", _load_runs, _save_runs),
    Table("changed_by_import", _load_changed_records),
    Table("import_changes", None, _save_changes),
    Table("undone_imports", None, _save_undone),
    Table("refused_lines", None, _save_refused),
    Table("warned_lines", None, _save_warned),
)
