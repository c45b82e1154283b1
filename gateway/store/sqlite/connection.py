"""Connections to a SQLite file: how one is set up, what runs on its thread, and what its errors mean to the gateway."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import StoreBroken, StoreUnavailable
from gateway.store.migrations import pending

T = TypeVar("T")
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=5000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA secure_delete=ON",
)
SERVING = (
    "PRAGMA wal_autocheckpoint=1000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA cache_size=-49152",
)
"""Pages between two checkpoints, for which calls have to wait; bytes of the log that is kept; KiB of cache."""
ALONE = (
    "PRAGMA wal_autocheckpoint=65536",
    "PRAGMA journal_size_limit=268435456",
    "PRAGMA cache_size=-262144",
)
"""For a command that runs alone: a page that many batches change is checkpointed once, and the tables that it works on stay in the
cache."""
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def rows(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """A statement that fails half-way is closed too: left open, it would keep its reader in the past."""
    with contextlib.closing(connection.execute(sql, parameters)) as cursor:
        return cursor.fetchall()


def uri_path(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def prepare(connection: sqlite3.Connection, pragmas: Sequence[str], now: int) -> None:
    for pragma in pragmas:
        connection.execute(pragma)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
        "sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
    )
    applied = dict(connection.execute("SELECT version, sha256 FROM schema_version").fetchall())
    for step in pending(applied):
        connection.executescript(
            f"BEGIN IMMEDIATE; {step.sql}; INSERT INTO schema_version VALUES "
            f"({step.version}, '{step.name}', '{step.sha256}', {now}); COMMIT;"
        )


def probe(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def translated(error: sqlite3.DatabaseError) -> Exception:
    """In the gateway's terms. A violated constraint is raised unchanged, because it belongs to one command."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code in _FULL or code & 0xFF in _FULL:
        return StoreUnavailable("the disk is full; nothing was stored")
    if code & 0xFF in _BUSY:
        return StoreUnavailable("the database is busy; nothing was stored")
    if code & 0xFF in _BROKEN:
        return StoreBroken(f"SQLite reports {error.sqlite_errorname}")
    return error
