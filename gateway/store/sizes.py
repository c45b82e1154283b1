"""How large the database is, and how much room is left for it."""

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple

from gateway.clock import DAY
from gateway.store.protocol import Store
from gateway.store.statement import Write

_HAS_SIZE = "SELECT COUNT(*) FROM pg_proc WHERE proname = 'pg_database_size'"
_SIZE = "SELECT pg_database_size(current_database())"


_KEEP_SIZE = "INSERT INTO database_size (day, bytes) VALUES (?, ?) ON CONFLICT (day) DO NOTHING"
_KEPT_SIZES = "SELECT day, bytes FROM database_size WHERE day >= ? ORDER BY day"
_LOOKED_BACK = 30 * DAY


_TABLES = """
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY name
"""
_KNOWS_TABLES = """
SELECT (SELECT COUNT(*) FROM pg_class WHERE relname = 'pg_stat_user_tables')
* (SELECT COUNT(*) FROM pg_proc WHERE proname = 'pg_total_relation_size')
"""
_ESTIMATES = """
SELECT s.relname, CAST(COALESCE(NULLIF(s.n_live_tup, 0), GREATEST(c.reltuples, 0)) AS BIGINT),
COALESCE(pg_total_relation_size(s.relid), 0)
FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid WHERE s.schemaname = current_schema()
"""


class Sizes(NamedTuple):
    """In bytes; None if it is not known here."""

    database: int | None
    wal: int | None = None
    disk_free: int | None = None


class Growth(NamedTuple):
    """Bytes a day, over so many days."""

    bytes_a_day: int
    days: int


async def keep_size(store: Store, size: int, now: int) -> None:
    """The first size of a day stays."""
    day = now - now % DAY
    if not await store.fetch("SELECT 1 FROM database_size WHERE day = ?", (day,)):
        await store.write(Write(_KEEP_SIZE, [(day, size)]))


async def growth(store: Store, size: int | None, now: int) -> Growth | None:
    """Since the oldest kept size of the last 30 days; None on the first day."""
    rows = await store.fetch(_KEPT_SIZES, (now - _LOOKED_BACK,))
    if size is None or not rows or (days := (now - rows[0][0]) // DAY) < 1:
        return None
    return Growth((size - rows[0][1]) // days, days)


async def sizes_of(store: Store, path: str | None) -> Sizes:
    """`path` is that of the database file; None if the database is on a server."""
    if path is not None:
        return await asyncio.to_thread(_of_file, Path(path))
    [[known]] = await store.fetch(_HAS_SIZE)  # engines of the same protocol may lack it
    return Sizes((await store.fetch(_SIZE))[0][0] if known else None)


async def tables(store: Store) -> list[str]:
    """The names of an SQLite database's tables."""
    return [name for [name] in await store.fetch(_TABLES)]


async def counted_rows(store: Store, table: str) -> int:
    """`table` is one of `tables`. SQLite reads the smallest index of the table for this."""
    [[rows]] = await store.fetch(f'SELECT COUNT(*) FROM "{table}"')
    return rows


async def estimated_tables(store: Store) -> list[tuple[str, int, int]]:
    """Of each table of a PostgreSQL database: its name, its rows as the statistics have them, and its bytes with its indexes."""
    [[known]] = await store.fetch(_KNOWS_TABLES)  # engines of the same protocol may lack them
    return [(name, rows, size) for name, rows, size in await store.fetch(_ESTIMATES)] if known else []


def _of_file(path: Path) -> Sizes:
    wal = path.with_name(f"{path.name}-wal")
    return Sizes(_bytes(path), _bytes(wal), shutil.disk_usage(path.parent).free)


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
