"""A snapshot of a SQLite file, over a connection of its own that can write nothing."""

import contextlib
import sqlite3
from collections.abc import Collection, Generator, Iterator
from pathlib import Path

from gateway.store.snapshot import (
    ATTRIBUTES,
    BALANCES,
    NAMES,
    OWN_LISTS,
    PINS,
    PROFILES,
    RECORDS,
    Snapshot,
    own_lists,
    profiles,
    records,
    texts,
)
from rules.record import Pin, Record


@contextlib.contextmanager
def snapshot(path: Path, attributes: Collection[str]) -> Generator[Snapshot]:
    """A consistent state. Of the attributes only those named are loaded."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("BEGIN")
        yield Snapshot(
            _records(connection),
            profiles(connection.execute(PROFILES)),
            dict(connection.execute(NAMES)),
            dict(connection.execute(BALANCES)),
            texts(connection.execute(ATTRIBUTES), attributes) if attributes else {},
            [Pin(*row) for row in connection.execute(PINS)],
            own_lists(connection.execute(OWN_LISTS)),
        )


def _records(connection: sqlite3.Connection) -> Iterator[Record]:
    """At the end the transaction is over, so that the log of the database does not grow behind it while somebody thinks
    about the records."""
    yield from records(connection.execute(RECORDS))
    connection.execute("COMMIT")
