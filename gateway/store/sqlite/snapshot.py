"""A snapshot of a SQLite file, over a read-only connection of its own."""

import contextlib
from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.sqlite_library import sqlite3
from gateway.store.snapshot import RECORDS, Loading, Snapshot, load


@contextlib.contextmanager
def snapshot(path: Path, attributes: Collection[str], *, with_profiles: bool = True) -> Generator[Snapshot]:
    """A consistent state, as `load` says."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("BEGIN")
        yield _run(load(attributes, with_profiles=with_profiles), connection)


def _run(loading: Loading, connection: sqlite3.Connection) -> Snapshot:
    sql = next(loading)
    while True:
        try:
            sql = loading.send(_records(connection) if sql is RECORDS else connection.execute(sql))
        except StopIteration as done:
            return done.value


def _records(connection: sqlite3.Connection) -> Iterator[Sequence[Any]]:
    """Ends the transaction at the end, so that the write-ahead log does not grow while the caller works on the records."""
    yield from connection.execute(RECORDS)
    connection.execute("COMMIT")
