"""The schema on PostgreSQL, from the same numbered steps as on SQLite.

Every statement can be run twice and is committed by itself. So replicas may start at the same moment, and an interrupted step is
simply run again. This needs no lock and no transaction around DDL, which not every engine of this protocol has.
"""

import re
from collections.abc import Iterator

import asyncpg

from gateway.errors import SchemaMismatch
from gateway.store.migrations import Migration, pending
from gateway.store.postgres.dialect import Columns, Connection
from gateway.store.postgres.key_order import ordered_index, ordered_key

_VERSIONS = """
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT
"""
_TYPES = {"INTEGER": "BIGINT", "BLOB": "BYTEA"}
_MADE_BY_ANOTHER = (
    asyncpg.UniqueViolationError,
    asyncpg.DuplicateTableError,
    asyncpg.DuplicateObjectError,
    asyncpg.DuplicateColumnError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InternalServerError,
)
"""The errors of a replica that makes the same thing at the same moment as another one."""
_TRIES = 20
MARK = "copying"
"""The name of the lease that marks a database as an unfinished copy."""
_YUGABYTE = "-YB-"
_COMMENT = re.compile(r"--[^\n]*")


async def migrate(connection: Connection, now: int) -> None:
    """Bring the schema up to date. Raises SchemaMismatch for a database that this gateway must not touch."""
    collation, hashes_keys = await _collation(connection), await _hashes_keys(connection)
    for statement in statements(_VERSIONS, collation, hashes_keys=hashes_keys):
        await _until_made(connection, statement)
    applied = {row[0]: row[1] for row in await connection.fetch("SELECT version, sha256 FROM schema_version")}
    for step in pending(applied):
        for statement in statements(step.sql, collation, hashes_keys=hashes_keys):
            await _until_made(connection, statement)
        await _record(connection, step, now)


async def refuse_unfinished_copy(connection: Connection) -> None:
    """Raises SchemaMismatch while the database is being filled from another one."""
    if await connection.fetchval("SELECT 1 FROM lease WHERE name = $1", MARK):
        raise SchemaMismatch(
            "The database is an unfinished copy. Stop the gateway it is copied from and run `gateway db copy` once more."
        )


async def _record(connection: Connection, step: Migration, now: int) -> None:
    await connection.execute(
        "INSERT INTO schema_version VALUES ($1, $2, $3, $4) ON CONFLICT (version) DO NOTHING",
        step.version,
        step.name,
        step.sha256,
        now,
    )


async def _until_made(connection: Connection, statement: str) -> None:
    """Two replicas that collide both find it made when they try again."""
    for _ in range(_TRIES):
        try:
            await connection.execute(statement)
        except _MADE_BY_ANOTHER:
            continue
        return
    await connection.execute(statement)


def statements(sql: str, collation: str, *, hashes_keys: bool = False) -> Iterator[str]:
    """The statements of a step in PostgreSQL's SQL, each of which may be run twice. Keys stay in order, also where the engine
    `hashes_keys` unless it is told otherwise."""
    sql = _COMMENT.sub("", sql)
    sql = re.sub(r"\)\s*(STRICT|WITHOUT ROWID)\b[^;]*", ")", sql)
    sql = re.sub(r"\b(INTEGER|BLOB)\b", lambda found: _TYPES[found[1]], sql)
    sql = re.sub(r"\bTEXT\b", f"TEXT{collation}", sql)
    sql = re.sub(
        r"\b(CREATE TABLE|CREATE (?:UNIQUE )?INDEX|ADD COLUMN) (?!IF NOT EXISTS)", r"\1 IF NOT EXISTS ", sql
    )
    sql = re.sub(r"\bDROP (INDEX|TABLE) ", r"DROP \1 IF EXISTS ", sql)
    sql = sql.replace("CREATE VIEW ", "CREATE OR REPLACE VIEW ")
    for statement in sql.split(";"):
        if statement.strip():
            one = ordered_index(statement.strip())
            yield ordered_key(one) if hashes_keys else one


async def _collation(connection: Connection) -> str:
    """Text is compared by its bytes, as on SQLite: by default in most databases that are made for it, else column by column."""
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding.upper().replace("-", "") != "UTF8":
        raise SchemaMismatch(f"The database's encoding is {encoding}. Create it with: ENCODING 'UTF8'")
    by_bytes = await connection.fetchval("SELECT 'B'::text < 'a'::text AND 'a b'::text < 'aa'::text")
    return "" if by_bytes else ' COLLATE "C"'


async def _hashes_keys(connection: Connection) -> bool:
    return _YUGABYTE in await connection.fetchval("SELECT version()")


async def columns(connection: Connection) -> Columns:
    found: Columns = {}
    for table, column, kind in await connection.fetch(
        "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns "
        "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
    ):
        found.setdefault(table, {})[column] = kind
    return found
