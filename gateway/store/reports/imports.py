"""Imports as they stand: how far each is, and the lines that it could not take."""

import msgspec

from gateway.model import ImportRun, RefusedLine
from gateway.store import Store


async def import_run(store: Store, import_id: str) -> ImportRun | None:
    rows = await store.fetch(
        "SELECT import_id, channel, started_at, next_line, counts, unusable, finished_at FROM import_run"
        " WHERE import_id = ?",
        (import_id,),
    )
    if not rows:
        return None
    import_id, channel, started_at, next_line, counts, unusable, finished_at = rows[0]
    return ImportRun(
        import_id,
        channel,
        started_at,
        next_line,
        msgspec.json.decode(counts),
        msgspec.json.decode(unusable),
        finished_at,
    )


async def refusals(store: Store, import_id: str, after: int, limit: int) -> list[RefusedLine]:
    """By their lines, behind `after`."""
    rows = await store.fetch(
        "SELECT line, reason FROM import_refusal WHERE import_id = ? AND line > ? ORDER BY line LIMIT ?",
        (import_id, after, limit),
    )
    return [RefusedLine(*row) for row in rows]
