"""A snapshot of a SQLite file, over a read-only connection of its own."""

import contextlib
from collections.abc import Collection, Generator, Iterator
from pathlib import Path

from gateway.sqlite_library import sqlite3
from gateway.store.snapshot import (
    ANSWERS,
    ASKED,
    ATTRIBUTES,
    BALANCES,
    NAMES,
    OWN_LISTS,
    PINS,
    PROFILES,
    RECORDS,
    SCORED,
    SIDES,
    Snapshot,
    answers,
    judgements,
    own_lists,
    profiles,
    records,
    texts,
)
from rules.record import Record


@contextlib.contextmanager
def snapshot(path: Path, attributes: Collection[str], *, with_profiles: bool = True) -> Generator[Snapshot]:
    """A consistent state. Only the named attributes are loaded; `profiles` and `names` are empty unless they are wanted."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("BEGIN")
        yield Snapshot(
            _records(connection),
            profiles(connection.execute(PROFILES)) if with_profiles else {},
            dict(connection.execute(NAMES)) if with_profiles else {},
            dict(connection.execute(BALANCES)),
            texts(connection.execute(ATTRIBUTES), attributes) if attributes else {},
            judgements(connection.execute(PINS), connection.execute(SIDES)),
            own_lists(connection.execute(OWN_LISTS)),
            {(one, other): reason for one, other, reason in connection.execute(ASKED)},
            {(one, other) for one, other in connection.execute(SCORED)},
            answers(connection.execute(ANSWERS)),
        )


def _records(connection: sqlite3.Connection) -> Iterator[Record]:
    """Ends the transaction at the end, so that the write-ahead log does not grow while the caller works on the records."""
    yield from records(connection.execute(RECORDS))
    connection.execute("COMMIT")
