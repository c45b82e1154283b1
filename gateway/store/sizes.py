"""How large the database is, and how much room is left for it."""

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple

from gateway.store.protocol import Store

_HAS_SIZE = "SELECT COUNT(*) FROM pg_proc WHERE proname = 'pg_database_size'"
_SIZE = "SELECT pg_database_size(current_database())"


class Sizes(NamedTuple):
    """In bytes; None if it is not known here."""

    database: int | None
    wal: int | None = None
    disk_free: int | None = None


async def sizes_of(store: Store, path: str | None) -> Sizes:
    """`path` is that of the database file; None if the database is on a server."""
    if path is not None:
        return await asyncio.to_thread(_of_file, Path(path))
    [[known]] = await store.fetch(_HAS_SIZE)  # engines of the same protocol may lack it
    return Sizes((await store.fetch(_SIZE))[0][0] if known else None)


def _of_file(path: Path) -> Sizes:
    wal = path.with_name(f"{path.name}-wal")
    return Sizes(_bytes(path), _bytes(wal), shutil.disk_usage(path.parent).free)


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
