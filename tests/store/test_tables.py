"""Every collection of a working set is bound to a table, and every entity to the columns that the schema has."""

import pytest

from gateway.sqlite_library import sqlite3
from gateway.store.migrations import all_migrations
from gateway.store.row_digests import GONE, KEPT
from gateway.store.row_digests import TABLES as DIGESTED
from gateway.store.tables import (
    TABLES,
    accounts,
    achievements,
    customers,
    deliveries,
    identity,
    imports,
    jobs,
    merges,
    operators,
    pins,
    regrouping,
    reviews,
)
from gateway.store.tables.columns import Columns
from gateway.workingset import WorkingSet
from gateway.workingset.collection import Of
from gateway.workingset.workingset import BOUND

WITH_ANOTHER = {"tags", "balances", "removed", "erased", "erasures"}
"""Loaded with attributes and profiles; and what an erasure takes."""
SUBJECTS = (
    accounts,
    achievements,
    customers,
    deliveries,
    identity,
    imports,
    jobs,
    merges,
    operators,
    pins,
    regrouping,
    reviews,
)
COLUMNS = [one for subject in SUBJECTS for one in vars(subject).values() if isinstance(one, Columns)]

NOT_DIGESTED = {
    (
        "profile",
        "redirect_to",
    ): "it leads to the record that the profile is named after; verify --state follows it",
    ("review", "evidence_at"): "it orders a list; the evidence itself is covered",
    ("review", "points"): "it orders a list; housekeeping counts it anew",
    ("profile", "changes"): "a version for callers; it changes with rows that no digest covers",
    **{
        ("job", column): "how far the job has come; it never goes above the id that a digest covers"
        for column in (
            *("before", "done", "refused", "closed", "passed", "failures", "due_at"),
            *("skipped", "stuck_at"),
        )
    },
}
"""Columns of covered tables that no digest covers, and why."""


def columns_in_database(connection: sqlite3.Connection, table: str) -> set[str]:
    return {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


def test_every_column_of_a_covered_table_is_in_a_digest_or_an_exception_with_a_reason() -> None:
    covered: dict[str, set[str]] = {}
    for name, shape in DIGESTED.items():
        table = (shape.source or name).partition(" WHERE ")[0]
        covered.setdefault(table, set()).update(shape.columns)
    connection = sqlite3.connect(":memory:")
    for step in all_migrations():
        connection.executescript(step.sql)
    left = {
        (table, column)
        for table, columns in covered.items()
        for column in columns_in_database(connection, table) - columns
    }
    connection.close()
    assert left == {*NOT_DIGESTED}


def test_a_working_set_knows_which_collections_have_rows_that_the_log_vouches_for() -> None:
    assert {collection for collection, *_ in (*KEPT, *GONE)} == BOUND


def test_every_collection_is_loaded_or_saved_by_a_table() -> None:
    declared = {
        name for part in WorkingSet.__mro__ for name, one in vars(part).items() if isinstance(one, Of)
    }
    bound = [table.collection for table in TABLES]
    assert len(bound) == len(set(bound))
    assert declared == {*bound} | WITH_ANOTHER


@pytest.mark.parametrize("columns", COLUMNS, ids=lambda columns: columns.table)
def test_an_entity_has_the_columns_of_its_table(columns: Columns[object]) -> None:
    connection = sqlite3.connect(":memory:")
    for step in all_migrations():
        connection.executescript(step.sql)
    shape = connection.execute(f"PRAGMA table_info({columns.table})").fetchall()
    assert {name for _, name, *_ in shape} == {*columns.all}
    keys = {name for _, name, *_, place in shape if place}
    assert {column.name for column in columns.key} == keys
    connection.close()
