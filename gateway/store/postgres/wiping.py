"""What an erasure leaves on a PostgreSQL server: dead rows until a vacuum, and the write-ahead log until it is recycled."""

import contextlib

import asyncpg

from gateway.store.postgres.connection import Connection

_LONGEST_SECONDS = 3600
_LOG = "the server's write-ahead log until its segments are recycled, and in its archive and backups as long as these are kept"
_NO_VACUUM = "old versions of rows, until the engine's own garbage collection has removed them"

_AFTERWARDS = ("VACUUM (FULL) pg_catalog.pg_statistic", "SELECT pg_switch_wal()", "CHECKPOINT")
"""The planner's statistics hold values of rows, too. Not every role may run these."""
_TABLES = """
SELECT table_name::text FROM information_schema.tables
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name
"""


async def rewrite(connection: Connection) -> tuple[str, ...]:
    """Rewrite every table and begin a new segment of the log. Returns where copies may be left."""
    try:
        for (table,) in await connection.fetch(_TABLES):
            await connection.execute(f"VACUUM (FULL, ANALYZE) {table}", timeout=_LONGEST_SECONDS)
    except (asyncpg.PostgresSyntaxError, asyncpg.FeatureNotSupportedError):
        return _NO_VACUUM, _LOG
    for statement in _AFTERWARDS:
        with contextlib.suppress(asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFunctionError):
            await connection.execute(statement, timeout=_LONGEST_SECONDS)
    return (_LOG,)
