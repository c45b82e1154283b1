"""SQL as plain values, written once for every engine; each engine's `dialect` says how it is run.

The text is the common part of SQLite's and PostgreSQL's SQL, with one notation of our own for the keys of a look-up:

    FROM keys(id_space text, customer_id text) AS k
    CROSS JOIN record AS r ON r.id_space = k.id_space AND r.customer_id = k.customer_id

That is one row for each key, in one statement whatever their number. `CROSS JOIN … ON` fixes the order in which tables are
looked at; `k.position` counts the keys from 0. Write `CAST(SUM(…) AS BIGINT)`, because sums are decimals in PostgreSQL.
"""

import re
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from typing import Any, NamedTuple

Rows = Sequence[Sequence[Any]]


class Query(NamedTuple):
    """One SELECT. `keys` fill its `keys(…)`: values, or tuples if it has several columns; `parameters` fill its `?`. With `keys(…)`
    and no keys there are no rows, and the engine is not asked.

    `packed`: read often and without blobs, so the engine may fetch all rows as one value.
    """

    sql: str
    keys: Collection[Any] = ()
    parameters: tuple[Any, ...] = ()
    packed: bool = False


class Write(NamedTuple):
    """One INSERT, UPDATE or DELETE for each of `rows`, which fill its `?`. An INSERT gives the columns that it names, else all of
    them in the table's order. With `keys(…)` it is one statement for all rows at once.

    `fenced`: every row must hit, or StaleEpoch is raised.
    """

    sql: str
    rows: Collection[tuple[Any, ...]]
    fenced: bool = False


Step = Generator[Query | Write, Any, int]
"""Statements, each answered by its rows or by the number of rows written. Returns how much was done."""


class KeyColumn(NamedTuple):
    name: str
    type: str


def together(writes: Iterable[Write]) -> Step:
    """One step of these statements."""
    done = 0
    for write in writes:
        done += yield write
    return done


_KEYS = re.compile(r"\bkeys\(([^)]*)\) AS k\b")
_COLUMN = re.compile(r"\bk\.(\w+)")


def columns_of(text: str) -> list[KeyColumn]:
    """Key columns as `keys(…)` writes them."""
    return [KeyColumn(*column.split()) for column in text.split(",")]


def key_columns(sql: str) -> list[KeyColumn]:
    """The columns of the statement's `keys(…)`, in order; empty if it has none."""
    found = _KEYS.search(sql)
    return columns_of(found[1]) if found else []


def with_keys(sql: str, table: str, column: Callable[[str], str]) -> str:
    """The statement with `table` for each `keys(…) AS k` and `column(name)` for each `k.name`."""
    return _COLUMN.sub(lambda found: column(found[1]), _KEYS.sub(table, sql))
