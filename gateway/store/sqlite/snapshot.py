"""The whole database as the rules see it, from one read transaction; the process that serves is not held up by it."""

import contextlib
import sqlite3
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rules.identifier import Identifier
from rules.record import Observation, Pin, Record

_RECORDS = """
SELECT r.record_id, r.id_space, r.customer_id, r.profile_id, r.created_at,
       o.type, o.value, o.first_seen, o.last_seen, o.verified, o.blocked, o.retired
FROM record AS r LEFT JOIN observation AS o ON o.record_id = r.record_id
"""


@dataclass(slots=True)
class Snapshot:
    """`balances` are points by record id, `attributes` texts by record id."""

    connection: sqlite3.Connection
    profiles: dict[int, list[int]]
    balances: dict[int, int]
    attributes: dict[int, dict[str, str]]
    pins: list[Pin]
    own_lists: dict[str, frozenset[str]]

    def records(self) -> Iterator[Record]:
        """Every record with its observations. Once: at the end the transaction is over, so that the log of the database
        does not grow behind it while somebody thinks about the records."""
        record: Record | None = None
        for record_id, id_space, customer_id, profile_id, created_at, *seen in self.connection.execute(
            _RECORDS
        ):
            if record is None or record.record_id != record_id:
                if record is not None:
                    yield record
                record = Record(record_id, id_space, customer_id, profile_id, created_at)
            if seen[0] is not None:
                kind, value, first, last, verified, blocked, retired = seen
                identifier = Identifier(kind, value)
                record.observations[identifier] = Observation(
                    identifier, first, last, bool(verified), bool(blocked), bool(retired)
                )
        if record is not None:
            yield record
        self.connection.execute("COMMIT")


@contextlib.contextmanager
def snapshot(path: Path, attributes: Collection[str]) -> Generator[Snapshot]:
    """A consistent state, read-only. Of the attributes only those named are loaded."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("BEGIN")
        yield Snapshot(
            connection,
            _profiles(connection),
            dict(connection.execute("SELECT record_id, SUM(points) FROM ledger GROUP BY record_id")),
            _attributes(connection, attributes) if attributes else {},
            [Pin(*row) for row in connection.execute("SELECT record_a, record_b, kind, expires_at FROM pin")],
            _own_lists(connection),
        )


def _profiles(connection: sqlite3.Connection) -> dict[int, list[int]]:
    profiles: dict[int, list[int]] = {}
    for profile_id, record_id in connection.execute("SELECT profile_id, record_id FROM record"):
        profiles.setdefault(profile_id, []).append(record_id)
    return profiles


def _own_lists(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    lists: dict[str, set[str]] = {}
    for name, value in connection.execute("SELECT name, value FROM own_list"):
        lists.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in lists.items()}


def _attributes(connection: sqlite3.Connection, names: Collection[str]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    wanted = msgspec.json.encode(list(names)).decode()
    sql = "SELECT record_id, name, value FROM attribute WHERE name IN (SELECT value FROM json_each(?))"
    for record_id, name, text in connection.execute(sql, (wanted,)):
        value = msgspec.json.decode(text)
        if isinstance(value, str):
            found.setdefault(record_id, {})[name] = value
    return found
