"""The measured databases, which the benchmark fills and reads without the gateway: a SQLite file each, or a database each on
the server of `--db`."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gateway.sqlite_library import sqlite3

T = TypeVar("T")
Row = tuple[int | str | None, ...]
_DATABASE = re.compile(r"(postgres(?:ql)?://[^/?]*/)([^?]*)")


class Database(Protocol):
    """`url` is the gateway's `store.url`."""

    url: str

    def fill(self, table: str, rows: Iterable[Row]) -> None:
        """Add the rows, whole ones, as fast as the engine can."""
        ...

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def size(self) -> int:
        """The size in bytes, without free pages."""
        ...

    def damage(self) -> str:
        """What is wrong with its structure; "" if nothing is."""
        ...


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = f"sqlite:///{path}"

    def fill(self, table: str, rows: Iterable[Row]) -> None:
        """One transaction without journal or fsync: if it is interrupted, its directory is deleted."""
        rows = iter(rows)
        first = next(rows)
        placeholders = ", ".join("?" * len(first))
        sql = f"INSERT INTO {table} VALUES ({placeholders})"  # noqa: S608 - a table of ours
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -262144")
            connection.execute("BEGIN")
            connection.executemany(sql, itertools.chain([first], rows))
            connection.execute("COMMIT")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, parameters).fetchall()

    def size(self) -> int:
        pages, free, each = (
            self.rows(f"PRAGMA {name}")[0][0] for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * each

    def damage(self) -> str:
        ((state,),) = self.rows("PRAGMA integrity_check(1)")
        return "" if state == "ok" else state


class PostgresDatabase:
    """`server` is a URL whose user may create databases; this one is `name`."""

    def __init__(self, server: str, name: str) -> None:
        self._server = server
        self._name = name
        self.url = _DATABASE.sub(rf"\g<1>{name}", server)

    def create(self) -> None:
        self._run(self._server, lambda connection: connection.execute(f"CREATE DATABASE {self._name}"))

    def drop(self) -> None:
        self._run(self._server, lambda connection: connection.execute(f"DROP DATABASE {self._name}"))

    def fill(self, table: str, rows: Iterable[Row]) -> None:
        self._run(self.url, lambda connection: connection.copy_records_to_table(table, records=rows))
        self._run(self.url, lambda connection: connection.execute(f"VACUUM ANALYZE {table}"))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        from gateway.store.postgres.dialect import numbered

        found = self._run(self.url, lambda connection: connection.fetch(numbered(sql), *parameters))
        return [tuple(row) for row in found]

    def size(self) -> int:
        ((size,),) = self.rows("SELECT pg_database_size(current_database())")
        return size

    def damage(self) -> str:
        return ""

    @staticmethod
    def _run(url: str, work: Callable[[Any], Awaitable[T]]) -> T:
        import asyncpg

        async def connected() -> T:
            connection = await asyncpg.connect(url)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(connected())


class Databases:
    """Creates the databases. `server` "" creates files. Databases on a server are dropped at the end."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._made: list[PostgresDatabase] = []

    def new(self, directory: Path) -> Database:
        """The one that belongs to this directory, without a schema yet."""
        if not self._server:
            return SqliteFile(directory / "gateway.db")
        made = PostgresDatabase(self._server, f"{directory.parent.name}_{directory.name}".replace("-", "_"))
        made.create()
        self._made.append(made)
        return made

    def drop(self) -> None:
        for made in self._made:
            made.drop()


@contextmanager
def databases(server: str) -> Generator[Databases]:
    made = Databases(server)
    try:
        yield made
    finally:
        made.drop()
