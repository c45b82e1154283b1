"""How SQLite runs the common statements: keys travel as one JSON array through `json_each`, and rows several at a time.

Each step of a statement releases the interpreter's lock and has to get it back from the thread that serves calls, which costs more
than a row under load. CROSS JOIN keeps the planner from turning the look-ups into scans.
"""

import itertools
import re
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from functools import cache, lru_cache, partial
from threading import Event
from typing import Any

import msgspec

from gateway.audit.chain import Chain, Tip
from gateway.sqlite_library import sqlite3
from gateway.store.batch import StaleEpoch, writes
from gateway.store.statement import Query, Rows, Step, Write, key_columns, with_keys
from gateway.store.tables.table import Loading
from gateway.workingset import WorkingSet

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_KEYS = "json_each(?1) AS k"
_BLOCKS = (512, 256, 128, 64)
"""Rows in one statement; one more statement has the rest. So most statements repeat and stay prepared."""
_VALUES = re.compile(r"VALUES (\([^)]*\))")


class Saver:
    """Writes what batches changed, and commits it. Raises StaleEpoch before any part of a stale decision can be committed.

    Methods with `beside` work on the thread of `beside`, in order, while the caller continues. The connection must then be left
    alone until `save`, `commit` or `give_up` return. After a failure nothing more is written, and the next call raises it.
    """

    def __init__(self, connection: sqlite3.Connection, chain: Chain, beside: Executor) -> None:
        self._connection = connection
        self._chain = chain
        self._beside = beside
        self._newest: Future[None] | None = None

    def save_beside(self, ws: WorkingSet) -> None:
        """Write the changes. They are read from `ws` now, so it may change afterwards."""
        self._do_beside(partial(self._write_all, list(writes(ws, self._chain))))

    def save(self, ws: WorkingSet) -> None:
        self._wait()
        self._write_all(writes(ws, self._chain))

    def commit(self, stored: Callable[[], None]) -> None:
        """`stored` is called once it is on disk."""
        self._wait()
        self._commit(self._chain.tip, stored)

    def commit_beside(self, stored: Callable[[], None]) -> None:
        """Commit, and begin the next transaction. Returns once the other thread runs: it needs the interpreter's lock to begin, and
        would not get it while the caller decides the next batch."""
        begun = Event()
        self._do_beside(partial(self._commit, self._chain.tip, stored), begun.set)
        begun.wait()
        self._do_beside(partial(self._connection.execute, "BEGIN IMMEDIATE"))

    def give_up(self) -> BaseException | None:
        """Wait for what is under way. Returns its failure, if any."""
        return self._newest.exception() if self._newest is not None else None

    def _wait(self) -> None:
        if (failure := self.give_up()) is not None:
            raise failure

    def _do_beside(self, job: Callable[[], object], begin: Callable[[], object] = lambda: None) -> None:
        if self._newest is not None and self._newest.done():
            self._newest.result()
        self._newest = self._beside.submit(_after, self._newest, job, begin)

    def _commit(self, tip: Tip, stored: Callable[[], None]) -> None:
        self._connection.execute("COMMIT")
        self._chain.keep(tip)
        stored()

    def _write_all(self, changed: Iterable[Write]) -> None:
        for write in changed:
            _write(self._connection, write)


def _after(earlier: Future[None] | None, job: Callable[[], object], begin: Callable[[], object]) -> None:
    """Nothing is done after a failure: it is raised again in place of the job."""
    begin()
    if earlier is not None:
        earlier.result()
    job()


def run_housekeeping(connection: sqlite3.Connection, step: Step) -> int:
    """Run a step of housekeeping; returns how much it did."""
    answer: Rows | int | None = None
    while True:
        try:
            statement = step.send(answer)
        except StopIteration as end:
            return end.value
        answer = (
            _rows(connection, statement) if isinstance(statement, Query) else _write(connection, statement)
        )


def load(connection: sqlite3.Connection, loading: Loading) -> None:
    """Run the queries that `loading` asks for."""
    queries = next(loading, None)
    while queries is not None:
        answers = [_rows(connection, query) for query in queries]
        try:
            queries = loading.send(answers)
        except StopIteration:
            return


def _rows(connection: sqlite3.Connection, query: Query) -> Rows:
    sql, width = _with_json_keys(query.sql)
    parameters = query.parameters
    if width:
        if not query.keys:
            return []
        parameters = (_encode(list(query.keys)).decode(), *parameters)
    if query.packed:
        return _decode(connection.execute(_packed(sql), parameters).fetchone()[0])
    return connection.execute(sql, parameters).fetchall()


@cache
def _with_json_keys(sql: str) -> tuple[str, int]:
    """The statement with `?1` for all keys, and how many columns they have; 0 without keys."""
    columns = {column.name: n for n, column in enumerate(key_columns(sql))}

    def column(name: str) -> str:
        if name == "position":
            return "k.key"
        return "k.value" if len(columns) == 1 else f"k.value ->> {columns[name]}"

    return with_keys(sql, _KEYS, column), len(columns)


@cache
def _packed(sql: str) -> str:
    columns, _, rest = sql.strip().removeprefix("SELECT").partition(f"FROM {_KEYS}")
    return f"SELECT json_group_array(json_array({columns})) FROM {_KEYS}{rest}"


def _write(connection: sqlite3.Connection, write: Write) -> int:
    """The number of rows that were written, except by an INSERT."""
    sql, width = _with_json_keys(write.sql)
    if width:
        keys = [row[0] for row in write.rows] if width == 1 else list(write.rows)
        return connection.execute(sql, (_encode(keys).decode(),)).rowcount
    if sql.lstrip().startswith("INSERT"):
        _insert(connection, sql, list(write.rows))
        return len(write.rows)
    done = connection.executemany(sql, write.rows).rowcount
    if write.fenced and done != len(write.rows):
        raise StaleEpoch
    return done


def _insert(connection: sqlite3.Connection, sql: str, rows: list[tuple[Any, ...]]) -> None:
    start = 0
    for size in _BLOCKS:
        while len(rows) - start >= size:
            connection.execute(
                _of_rows(sql, size), [*itertools.chain.from_iterable(rows[start : start + size])]
            )
            start += size
    if rest := rows[start:]:
        connection.execute(_of_rows(sql, len(rest)), [*itertools.chain.from_iterable(rest)])


@lru_cache(maxsize=4096)
def _of_rows(sql: str, count: int) -> str:
    return _VALUES.sub(lambda one: f"VALUES {', '.join([one[1]] * count)}", sql, count=1)
