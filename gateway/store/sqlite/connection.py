"""Connections to a SQLite file: how one is set up, what runs on its thread, and what its errors mean to the gateway."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from gateway.errors import StoreBroken, StoreUnavailable
from gateway.sqlite_library import EXACT_ERRORS, MAY_CHECKPOINT_BESIDE, error_name, sqlite3
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
    f"PRAGMA wal_autocheckpoint={8192 if MAY_CHECKPOINT_BESIDE else 1000}",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA cache_size=-49152",
)
"""Pages of the log from which on each commit tries a checkpoint, for which calls have to wait; bytes of the log that is kept; KiB
of cache."""
ALONE = (
    "PRAGMA wal_autocheckpoint=65536",
    "PRAGMA journal_size_limit=268435456",
    "PRAGMA cache_size=-262144",
)
"""For a command that runs alone: a page that many batches change is checkpointed once, and the tables that it works on stay in the
cache."""
_SHMSIZE = sqlite3.SQLITE_IOERR | 19 << 8
_FULL = {sqlite3.SQLITE_FULL, _SHMSIZE}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def rows(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """A statement that fails half-way is closed too: left open, it would keep its reader in the past."""
    with contextlib.closing(connection.execute(sql, parameters)) as cursor:
        return cursor.fetchall()


def connection_to(path: Path, *, cached_statements: int, reads_only: bool = False) -> aiosqlite.Connection:
    """Not opened yet. More than one thread may use it, one at a time."""
    uri = f"{path.resolve().as_uri()}?mode={'ro' if reads_only else 'rwc'}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            uri,
            uri=True,
            isolation_level=None,
            cached_statements=cached_statements,
            check_same_thread=False,
            **EXACT_ERRORS,
        )

    return aiosqlite.Connection(connect, iter_chunk_size=64)


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
        return StoreBroken(f"SQLite reports {error_name(code)}")
    return error
