"""Imports: their progress, and the lines that were refused or taken with a warning."""

from typing import Any

from gateway.model import ChangedRecord, ImportRun, RefusedLine, WarnedLine
from gateway.store import Store
from gateway.store.tables.imports import ALL_RUNS, CHANGED_RECORDS
from gateway.store.tables.imports import changed_records as from_rows
from gateway.store.tables.imports import import_run as from_row


async def import_run(store: Store, import_id: str) -> ImportRun | None:
    rows = await store.fetch(f"{ALL_RUNS} WHERE m.import_id = ?", (import_id,))
    return from_row(rows[0]) if rows else None


async def runs(
    store: Store, before: tuple[int, str] | None, limit: int, channel: str = ""
) -> list[ImportRun]:
    """Newest first, behind the (started_at, import_id) given; of every channel when `channel` is empty."""
    conditions, values = ["1 = 1"], list[Any]()
    if before is not None:
        conditions.append("(m.started_at, m.import_id) < (?, ?)")
        values += before
    if channel:
        conditions.append("m.channel = ?")
        values.append(channel)
    rows = await store.fetch(
        f"{ALL_RUNS} WHERE {' AND '.join(conditions)} ORDER BY m.started_at DESC, m.import_id DESC LIMIT ?",
        (*values, limit),
    )
    return [from_row(row) for row in rows]


async def refusals(store: Store, import_id: str, after: int, limit: int) -> list[RefusedLine]:
    """By line, after `after`."""
    rows = await store.fetch(
        "SELECT line, reason FROM import_refusal WHERE import_id = ? AND line > ? ORDER BY line LIMIT ?",
        (import_id, after, limit),
    )
    return [RefusedLine(*row) for row in rows]


async def warnings(store: Store, import_id: str, after: tuple[int, str, str], limit: int) -> list[WarnedLine]:
    """By line, after `after`: a line, an identifier type and a reason."""
    line, identifier, reason = after
    rows = await store.fetch(
        "SELECT line, identifier, reason FROM import_warning WHERE import_id = ?"
        " AND (line > ? OR (line = ? AND (identifier > ? OR (identifier = ? AND reason > ?))))"
        " ORDER BY line, identifier, reason LIMIT ?",
        (import_id, line, line, identifier, identifier, reason, limit),
    )
    return [WarnedLine(*row) for row in rows]


async def changed_records(store: Store, import_id: str, after: int, limit: int) -> list[ChangedRecord]:
    """The records that an import changed, as they are now, by record id after `after`."""
    return from_rows(await store.fetch(CHANGED_RECORDS, (import_id, after, limit, import_id)))
