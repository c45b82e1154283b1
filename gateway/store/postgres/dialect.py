"""How PostgreSQL runs the common statements: keys and rows travel as one array a column through `unnest`.

So a batch costs the same number of round trips whatever its size. Rows are sorted by their unique key before they are written: two
writers that lock the same rows in the same order cannot deadlock. Inserts into different tables share a round trip: none of them
reads what another one writes.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

from gateway.audit.chain import Chain
from gateway.store.batch import StaleEpoch, writes
from gateway.store.postgres.connection import Connection
from gateway.store.statement import Query, Rows, Step, Write, key_columns, with_keys
from gateway.store.tables.table import Loading
from gateway.workingset import WorkingSet

Columns = dict[str, dict[str, str]]
"""The type of each column by table, both in the schema's order."""

_INSERT = re.compile(r"\s*INSERT INTO (\w+) (?:\(([^)]*)\) )?VALUES \([^)]*\)(.*)", re.DOTALL)
_CHANGE = re.compile(r"\s*(UPDATE|DELETE FROM) (\w+)(.*?)\s(WHERE .*)", re.DOTALL)
_COLUMN_MARK = re.compile(r"(\w+) = \?")
_MARK = re.compile(r"'[^']*'|\?")
_PARAMETER = re.compile(r"\$(\d+)")
_ORDERED_JOIN = re.compile(r"\bCROSS JOIN(?=\s+\w+(?:\s+AS)?\s+\w+\s+ON\b)")
_KEY_LENGTH = 5
"""No unique key of the schema has more columns, and every one stands first in its table."""


async def load(connection: Connection, loading: Loading) -> None:
    """Run the queries that `loading` asks for."""
    queries = next(loading, None)
    while queries is not None:
        answers = [await rows(connection, query) for query in queries]
        try:
            queries = loading.send(answers)
        except StopIteration:
            return


async def save(connection: Connection, columns: Columns, ws: WorkingSet, chain: Chain) -> None:
    """Write everything; the caller commits. Raises StaleEpoch before any part of a stale decision can be committed."""
    for trip in _trips(writes(ws, chain)):
        if len(trip) == 1:
            await write(connection, columns, trip[0])
        else:
            arguments = [column for one in trip for column in _arguments(one, columns)]
            await connection.execute(
                _joined(tuple(_written(one.sql, columns)[0] for one in trip)), *arguments
            )


@lru_cache(1024)
def readable(sql: str) -> str:
    """A statement of the listeners, with `$1`, `$2` … for its `?`."""
    return numbered(_in_any_order(sql))


async def run_housekeeping(connection: Connection, columns: Columns, step: Step, *before: str) -> int:
    """Run a step of housekeeping; returns how much it did. The statements `before` are run if it asks for anything."""
    answer: Rows | int | None = None
    while True:
        try:
            statement = step.send(answer)
        except StopIteration as end:
            return end.value
        for one in before:
            await connection.execute(one)
        before = ()
        if isinstance(statement, Query):
            answer = await rows(connection, statement)
        else:
            answer = await write(connection, columns, statement)


async def rows(connection: Connection, query: Query) -> Rows:
    sql, arguments = statement_of(query)
    if not query.keys and _with_array_keys(query.sql)[1]:
        return []
    return await connection.fetch(sql, *arguments)


def statement_of(query: Query) -> tuple[str, list[Any]]:
    """The text and the arguments for it."""
    sql, count = _with_array_keys(query.sql)
    return sql, [*_arrays(query.keys, count), *query.parameters]


async def write(connection: Connection, columns: Columns, one: Write) -> int:
    """The number of rows that were written."""
    if not one.rows:
        return 0
    status = await connection.execute(_written(one.sql, columns)[0], *_arguments(one, columns))
    done = int(status.rpartition(" ")[2])
    if one.fenced and done != len(one.rows):
        raise StaleEpoch
    return done


def _arguments(one: Write, columns: Columns) -> Iterator[list[Any]]:
    """An array for each column."""
    order = _written(one.sql, columns)[1]
    if order:
        given = sorted(one.rows, key=lambda row: [row[place] for place in order])
    else:
        given = sorted(one.rows, key=lambda row: row[:_KEY_LENGTH])
    return map(list, zip(*given, strict=True))


def _trips(changes: Iterable[Write]) -> Iterator[list[Write]]:
    """The changes in their order, as they go to the server."""
    inserts: dict[str, Write] = {}
    for one in changes:
        if not one.rows:
            continue
        found = _INSERT.fullmatch(one.sql)
        if inserts and (found is None or found[1] in inserts):
            yield [*inserts.values()]
            inserts = {}
        if found is None:
            yield [one]
        else:
            inserts[found[1]] = one
    if inserts:
        yield [*inserts.values()]


@cache
def _joined(inserts: tuple[str, ...]) -> str:
    """One statement for all of them, with their parameters one after the other."""
    texts, given = list[str](), 0
    for text in inserts:
        texts.append(_PARAMETER.sub(lambda found, given=given: f"${int(found[1]) + given}", text))
        given += max(map(int, _PARAMETER.findall(text)))
    *others, last = texts
    return f"WITH {', '.join(f'w{n} AS ({text})' for n, text in enumerate(others))} {last}"


def numbered(sql: str, start: int = 1) -> str:
    """The statement with `$1`, `$2` … for its `?`."""
    number = start - 1

    def next_number(found: re.Match[str]) -> str:
        nonlocal number
        if found[0] != "?":
            return found[0]
        number += 1
        return f"${number}"

    return _MARK.sub(next_number, sql)


def _arrays(keys: Collection[Any], count: int) -> list[list[Any]]:
    if count <= 1:
        return [list(keys)] if count else []
    return [list(column) for column in zip(*keys, strict=True)] or [[] for _ in range(count)]


@cache
def _with_array_keys(sql: str) -> tuple[str, int]:
    """The statement with the keys as its first parameters, one array a column, and the number of these."""
    columns = key_columns(sql)
    positions = "k.position" in sql
    names = ", ".join([column.name for column in columns] + ["position"] * positions)
    unnested = _unnest([column.type for column in columns])
    table = f"{unnested}{' WITH ORDINALITY' if positions else ''} AS k({names})"
    sql = with_keys(sql, table, lambda name: "k.position - 1" if name == "position" else f"k.{name}")
    return numbered(_in_any_order(sql), len(columns) + 1), len(columns)


def _in_any_order(sql: str) -> str:
    """`CROSS JOIN … ON` fixes the order for SQLite and is an error here."""
    return _ORDERED_JOIN.sub("JOIN", sql)


def _unnest(types: list[str]) -> str:
    return f"unnest({', '.join(f'${n}::{one}[]' for n, one in enumerate(types, 1))})"


_texts: dict[str, tuple[str, list[int]]] = {}


def _written(sql: str, columns: Columns) -> tuple[str, list[int]]:
    """The statement for any number of rows, and the columns that they are sorted by, else their first ones."""
    if sql not in _texts:
        _texts[sql] = _write_text(sql, columns)
    return _texts[sql]


def _write_text(sql: str, columns: Columns) -> tuple[str, list[int]]:
    if key_columns(sql):
        return _with_array_keys(sql)[0], []
    if found := _INSERT.fullmatch(sql):
        table, names, rest = found.groups()
        if names:
            types = [columns[table][name.strip()] for name in names.split(",")]
            return f"INSERT INTO {table} ({names}) SELECT * FROM {_unnest(types)}{rest}", []
        types = list(columns[table].values())[: sql.count("?")]
        return f"INSERT INTO {table} SELECT * FROM {_unnest(types)}{rest}", []
    found = _CHANGE.fullmatch(sql)
    assert found is not None, sql  # noqa: S101 - a statement of ours that cannot be run for several rows at once
    verb, table, changed, condition = found.groups()
    marked = _COLUMN_MARK.findall(sql)
    names = [f"p{n}" for n in range(len(marked))]
    given = f"{_unnest([columns[table][name] for name in marked])} AS n({', '.join(names)})"
    place = iter(names)

    def bound(part: str) -> str:
        return _COLUMN_MARK.sub(lambda mark: f"{mark[1]} = n.{next(place)}", part)

    source = "USING" if verb == "DELETE FROM" else "FROM"
    text = f"{verb} {table}{bound(changed)} {source} {given} {bound(condition)}"
    first_of_condition = len(_COLUMN_MARK.findall(changed))
    return text, list(range(first_of_condition, len(marked)))
