"""Fills a PostgreSQL database from a SQLite file: in pieces, by each table's key, and only with what differs.

So it resumes wherever it was stopped. If a gateway wrote to the file in the meantime, a second run brings what changed since the
first. The new database is marked as unfinished, and no gateway opens it, until a run has found both sides equal while no gateway
writes.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import asyncpg

from gateway.errors import SchemaMismatch
from gateway.sqlite_library import sqlite3
from gateway.store.migrations import pending
from gateway.store.postgres.connection import Connection, Server
from gateway.store.postgres.dialect import Columns, write
from gateway.store.postgres.schema import MARK, columns, migrate
from gateway.store.statement import Write

Told = Callable[[str, int], None]
"""Called for each piece, with its table and its number of rows."""
Row = tuple[Any, ...]
_PIECE = 5_000
_OF_A_DATABASE = frozenset({"schema_version", "lease"})
_NEVER_EMPTY = ("rule_set", "record", "audit")


class Table(NamedTuple):
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def key_of(self, row: Row) -> Row:
        return tuple(row[self.columns.index(name)] for name in self.key)


class Piece(NamedTuple):
    """Rows in the order of their key: all those after `after` (None: the table's start), up to `last`."""

    after: Row | None
    last: Row
    rows: list[Row]


class NotTheSame(Exception):
    """A piece differs although nothing should be writing any more."""


def _tables(source: sqlite3.Connection) -> list[Table]:
    if pending(dict(source.execute("SELECT version, sha256 FROM schema_version").fetchall())):
        raise SchemaMismatch("The file is of an older gateway; bring it up to date first: gateway db migrate")
    names = source.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
    return [_table(source, name) for (name,) in names if name not in _OF_A_DATABASE]


def _table(source: sqlite3.Connection, name: str) -> Table:
    described = source.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
    key = sorted((place, column) for column, place in described if place)
    return Table(name, tuple(column for column, _ in described), tuple(column for _, column in key))


class Filling:
    """`async with`, then `run`: any number of times, from the same source. Raises SchemaMismatch if the source is not at this
    gateway's schema."""

    def __init__(self, source: sqlite3.Connection, url: str) -> None:
        self._source = source
        self._tables = _tables(source)
        self._server = Server(url, 1)
        self._columns: Columns = {}

    async def __aenter__(self) -> "Filling":
        await self._server.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    def count(self) -> int:
        """The rows of the source at this moment."""
        counts = (self._source.execute(f"SELECT COUNT(*) FROM {table.name}") for table in self._tables)
        return sum(count.fetchone()[0] for count in counts)

    async def run(self, now: int, told: Told, *, closed: bool) -> int:
        """Returns the number of rows that were brought. With `closed`, nothing writes to the source: then everything is compared
        once more, and the new database is finished. Raises SchemaMismatch for one that is not this source's copy."""
        async with self._server.connection() as connection:
            await migrate(connection, now)
            self._columns = await columns(connection)
            await self._claim(connection)
            brought = sum([await self._bring(connection, table, told) for table in self._tables])
            if closed:
                for table in self._tables:
                    await self._compare(connection, table, told)
                await connection.execute("DELETE FROM lease WHERE name = $1", MARK)
        return brought

    async def _claim(self, connection: Connection) -> None:
        """Mark the target as the unfinished copy of this source. It must be that already, or be empty."""
        first = self._source.execute("SELECT hash FROM audit ORDER BY event_id LIMIT 1").fetchone()
        identity = first[0].hex() if first else "empty"
        owner = await connection.fetchval("SELECT owner FROM lease WHERE name = $1", MARK)
        if owner is None:
            for name in _NEVER_EMPTY:
                if await connection.fetchval(f"SELECT 1 FROM {name} LIMIT 1"):
                    raise SchemaMismatch(
                        "The target is a gateway's database already; give a new, empty one: createdb NAME"
                    )
            await connection.execute("INSERT INTO lease VALUES ($1, $2, 0)", MARK, identity)
        elif owner not in (identity, "empty"):
            raise SchemaMismatch(
                "The target is the unfinished copy of another file; give a new, empty database"
            )

    # ---- one table ----

    async def _bring(self, connection: Connection, table: Table, told: Told) -> int:
        brought, end = 0, None
        for piece in self._pieces(table):
            if await self._there(connection, table, piece) != piece.rows:
                await self._replace(connection, table, piece)
                brought += len(piece.rows)
            told(table.name, len(piece.rows))
            end = piece.last
        await connection.execute(f"DELETE FROM {table.name}{_where(table, end, None)}", *(end or ()))
        return brought

    async def _compare(self, connection: Connection, table: Table, told: Told) -> None:
        for piece in self._pieces(table):
            if await self._there(connection, table, piece) != piece.rows:
                raise NotTheSame(table.name)
            told(table.name, len(piece.rows))

    def _pieces(self, table: Table) -> Iterator[Piece]:
        names, key = ", ".join(table.columns), ", ".join(table.key)
        after: Row | None = None
        while True:
            where = f" WHERE ({key}) > ({', '.join('?' * len(after))})" if after else ""
            sql = f"SELECT {names} FROM {table.name}{where} ORDER BY {key} LIMIT {_PIECE}"
            rows = self._source.execute(sql, after or ()).fetchall()
            if rows:
                piece = Piece(after, table.key_of(rows[-1]), rows)
                yield piece
                after = piece.last
            if len(rows) < _PIECE:
                return

    async def _there(self, connection: Connection, table: Table, piece: Piece) -> list[Row]:
        sql = (
            f"SELECT {', '.join(table.columns)} FROM {table.name}{_where(table, piece.after, piece.last)}"
            f" ORDER BY {', '.join(table.key)}"
        )
        return [tuple(row) for row in await connection.fetch(sql, *(piece.after or ()), *piece.last)]

    async def _replace(self, connection: Connection, table: Table, piece: Piece) -> None:
        """If a value moved to an earlier row, the target still has it on the old one: then the rest of the table is brought
        again."""
        try:
            await self._put(connection, table, piece, piece.last)
        except asyncpg.UniqueViolationError:
            await self._put(connection, table, piece, None)

    async def _put(self, connection: Connection, table: Table, piece: Piece, last: Row | None) -> None:
        """Write the piece in place of what is there after its start, up to `last`."""
        placeholders = ", ".join("?" * len(table.columns))
        async with connection.transaction():
            bounds = chain(piece.after or (), last or ())
            await connection.execute(f"DELETE FROM {table.name}{_where(table, piece.after, last)}", *bounds)
            await write(
                connection,
                self._columns,
                Write(f"INSERT INTO {table.name} VALUES ({placeholders})", piece.rows),
            )


def _where(table: Table, after: Row | None, last: Row | None) -> str:
    """The rows after `after` up to `last`; None is no bound."""
    key, width = ", ".join(table.key), len(table.key)
    conditions: list[str] = []
    for bound, sign in ((after, ">"), (last, "<=")):
        if bound is not None:
            start = len(conditions) * width + 1
            placeholders = ", ".join(f"${number}" for number in range(start, start + width))
            conditions.append(f"({key}) {sign} ({placeholders})")
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
