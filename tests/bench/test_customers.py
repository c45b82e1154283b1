"""The customers that the benchmark brings and thinks about: as many as it says, and the duplicates among them."""

import csv
from contextlib import closing
from pathlib import Path

import pytest

from gateway.bench.database import SqliteFile
from gateway.bench.imports import run_import, verify
from gateway.bench.population import add_second_records, build
from gateway.bench.sheets import HEADER, write_sheets
from gateway.sqlite_library import sqlite3
from gateway.store.migrations import pending


@pytest.fixture
def database(tmp_path: Path) -> SqliteFile:
    path = tmp_path / "gateway.db"
    with closing(sqlite3.connect(path)) as connection:
        for step in pending({}):
            connection.executescript(step.sql)
    return SqliteFile(path)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_two_files_hold_the_rows_and_three_in_ten_belong_to_an_existing_customer(tmp_path: Path) -> None:
    sheets = write_sheets(tmp_path, 4_000)
    rows = [row for sheet in sheets for row in rows_of(sheet)]
    assert len({row["customer_id"] for row in rows}) == len(rows) == 4_000
    assert all(tuple(row) == HEADER and (row["email"] or row["mobile"]) for row in rows)
    mobiles = ["".join(filter(str.isdigit, row["mobile"]))[-9:] for row in rows]
    emails = [row["email"].strip().lower() for row in rows]
    seen: set[str] = set()
    again = 0
    for keys in zip(mobiles, emails, strict=True):
        again += not seen.isdisjoint({*keys} - {""})
        seen.update(keys)
    assert 0.25 < again / len(rows) < 0.35


def test_second_records_are_on_the_persons_profile_or_apart_with_a_key_in_common(
    database: SqliteFile,
) -> None:
    build(database, 50)
    add_second_records(database, 20)
    counted = ("record", "profile", "observation")
    records, profiles, observed = (database.rows(f"SELECT count(*) FROM {name}")[0][0] for name in counted)
    assert (records, profiles) == (70, 52)
    assert (observed, database.rows("SELECT count(*) FROM identifier_owner")) == (130, [(100,)])


def test_the_rows_that_the_benchmark_imports_are_stored(tmp_path: Path) -> None:
    database = SqliteFile(tmp_path / "gateway.db")
    took = run_import(tmp_path, database, write_sheets(tmp_path, 60))
    verify(database, 60)
    assert all(each.memory > 1 and each.cpu > 0 for each in took)


@pytest.mark.soak
def test_ten_million_rows_take_ten_times_as_long_as_one_million(tmp_path: Path) -> None:
    def seconds_of_a_row(rows: int) -> float:
        directory = tmp_path / str(rows)
        directory.mkdir()
        database = SqliteFile(directory / "gateway.db")
        took = run_import(directory, database, write_sheets(directory, rows))
        verify(database, rows)
        assert max(each.memory for each in took) < 600
        return sum(each.seconds for each in took) / rows

    assert seconds_of_a_row(10_000_000) < 1.25 * seconds_of_a_row(1_000_000)
