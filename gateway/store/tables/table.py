"""Binds a collection of the working set to the database: how it is loaded, and how it is saved.

A load is a generator that yields the queries which can be asked at once, and is sent their rows. A save yields statements. The
engine runs both, so nothing here depends on the engine.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from gateway.store.statement import Query, Rows, Write
from gateway.store.tables.columns import Columns
from gateway.workingset import WorkingSet, Written

V = TypeVar("V")
Loading = Generator[list[Query], list[Rows], None]
Load = Callable[[WorkingSet, list[Any]], Loading]
Save = Callable[[WorkingSet, Written[Any, Any]], Iterable[Write]]


class Table(NamedTuple):
    """`collection` is its name in the working set."""

    collection: str
    load: Load | None = None
    save: Save | None = None


def entities(
    collection: str,
    columns: Columns[Any],
    *,
    saves: Save | None = None,
    packed: bool = False,
    notes: Callable[[WorkingSet, Any], None] | None = None,
) -> Table:
    """Entities under their primary key; None if there is none. Unless `saves` says otherwise, added ones are inserted, changed ones
    updated or inserted, and dropped ones deleted. `notes` is called for each that is found."""
    by_key = columns.by_key
    outside = len(columns.outside)
    width = len(columns.key)
    names = columns.all.index
    places = [names(column.name) for column in columns.key]

    def load(ws: WorkingSet, keys: list[Any]) -> Loading:
        held = getattr(ws, collection).held
        for key in keys:
            held[key] = None
        [rows] = yield [Query(by_key, keys, packed=packed)]
        for row in rows:
            key = row[places[0]] if width == 1 else tuple([row[place] for place in places])
            held[key] = columns.read(row[outside:])
            if notes is not None:
                notes(ws, held[key])

    return Table(collection, load, saves or rows_of(columns))


def rows_of(columns: Columns[Any], *, once: bool = False) -> Save:
    """Rows that are inserted, updated or inserted, and deleted. `once`: existing rows do not change."""
    upsert = columns.insert_new if once else columns.upsert
    insert, delete = columns.insert, columns.delete
    is_one = len(columns.key) == 1

    def save(ws: WorkingSet, rows: Written[Any, Any]) -> Iterator[Write]:
        if rows.dropped:
            yield Write(delete, [(key,) for key in rows.dropped] if is_one else list(rows.dropped))
        if rows.added:
            yield Write(insert, stored(columns, rows.added))
        if rows.changed:
            yield Write(upsert, stored(columns, rows.changed))

    return save


def fenced_rows(columns: Columns[V], update: str, fence: Callable[[V], int]) -> Save:
    """Rows that are inserted, and updated only while their `fence` is what it was when they were loaded."""

    def save(ws: WorkingSet, rows: Written[Any, V]) -> Iterator[Write]:
        if rows.added:
            yield Write(columns.insert, stored(columns, rows.added))
        if rows.changed:
            changes = [(*columns.change(one), key, fence(one)) for key, one in sorted(rows.changed.items())]
            yield Write(update, changes, fenced=True)

    return save


def stored(columns: Columns[V], rows: dict[Any, V]) -> list[tuple[Any, ...]]:
    """The rows of these entities, in order."""
    if not columns.outside:
        return [columns.row(one) for one in rows.values()]
    if len(columns.outside) == 1:
        return [(key, *columns.row(one)) for key, one in rows.items()]
    return [(*key, *columns.row(one)) for key, one in rows.items()]
