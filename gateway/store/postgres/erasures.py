"""Erasures outside the database's own schema: in a second schema, which backups of the first one leave out."""

import contextlib
from collections.abc import Sequence

import asyncpg
import msgspec
import structlog

from gateway.model import Erasure
from gateway.store.erasures import erasure_of, is_signed, signature, unsigned
from gateway.store.postgres.connection import Connection

_TRIES = 20
_MADE_BY_ANOTHER = (
    asyncpg.UniqueViolationError,
    asyncpg.DuplicateSchemaError,
    asyncpg.DuplicateTableError,
    asyncpg.DuplicateObjectError,  # the type of the table's rows
)
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger("store")


class ErasureTable:
    """`SCHEMA_erased.erasure`. If the role may not create it, erasures are not kept outside, and the log says so at each start."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._table = ""
        self._is_complete = False

    async def open(self, connection: Connection) -> None:
        schema = f"{await connection.fetchval('SELECT current_schema()::text')}_erased"
        quoted = schema.replace('"', '""')
        table = f'"{quoted}".erasure'
        try:
            for _ in range(_TRIES):
                with contextlib.suppress(*_MADE_BY_ANOTHER):
                    await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{quoted}"')
                    await connection.execute(
                        f"CREATE TABLE IF NOT EXISTS {table} (erasure_id BIGINT PRIMARY KEY, profile_id BIGINT NOT NULL,"
                        " records TEXT NOT NULL, at BIGINT NOT NULL, signature TEXT NOT NULL)"
                    )
                    break
        except asyncpg.InsufficientPrivilegeError:
            _log.warning(
                "erasures_not_kept_outside",
                hint=f"let the database's owner run: CREATE SCHEMA {quoted} AUTHORIZATION the gateway's role",
            )
            return
        self._table = table

    async def lacking(self, connection: Connection) -> list[Erasure]:
        if not self._table:
            return []
        rows = await connection.fetch(
            f"SELECT o.erasure_id, o.profile_id, o.records, o.at, o.signature FROM {self._table} AS o"
            " WHERE NOT EXISTS (SELECT 1 FROM erasure AS e WHERE e.erasure_id = o.erasure_id) ORDER BY o.erasure_id"
        )
        found: list[Erasure] = []
        for *row, signed in rows:
            one = erasure_of((row[0], row[1], row[2], row[3]))
            if not is_signed(self._key, one, signed):
                raise unsigned(one.erasure_id, self._table)
            found.append(one)
        return found

    async def keep(self, connection: Connection, erased: Sequence[Erasure]) -> None:
        """The erasures that were just stored; after a failure also earlier ones that are missing."""
        if not self._table:
            return
        missing = erased if self._is_complete else await self._missing(connection)
        self._is_complete = False
        for one in missing:
            await self._add(connection, one)
        self._is_complete = True

    async def keep_all(self, connection: Connection) -> None:
        self._is_complete = False
        await self.keep(connection, ())

    async def _missing(self, connection: Connection) -> list[Erasure]:
        rows = await connection.fetch(
            "SELECT e.erasure_id, e.profile_id, e.records, e.at FROM erasure AS e WHERE NOT EXISTS"
            f" (SELECT 1 FROM {self._table} AS o WHERE o.erasure_id = e.erasure_id) ORDER BY e.erasure_id"
        )
        return [erasure_of(tuple(row)) for row in rows]

    async def _add(self, connection: Connection, one: Erasure) -> None:
        await connection.execute(
            f"INSERT INTO {self._table} VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (erasure_id) DO UPDATE SET signature = excluded.signature",
            one.erasure_id,
            one.profile_id,
            _encode(one.records).decode(),
            one.at,
            signature(self._key, one),
        )

    async def rotate_secret(self, connection: Connection) -> None:
        if not self._table:
            return
        rows = await connection.fetch(f"SELECT erasure_id, profile_id, records, at FROM {self._table}")
        for row in rows:
            await self._add(connection, erasure_of(tuple(row)))
