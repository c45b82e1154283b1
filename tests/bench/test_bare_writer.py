"""The reference for grants and imports: it writes the rows that the gateway wrote, all of them and no others."""

import asyncio
import time
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from gateway.bench.bare_writer import Rows, Writing, write_all
from gateway.bench.database import PostgresDatabase, SqliteFile
from gateway.bench.errors import BenchError
from gateway.bench.grants import without_deciding
from gateway.bench.imports import INSERTS, run_import, without_resolving
from gateway.bench.population import add_backlog, build
from gateway.bench.sheets import write_sheets
from gateway.bench.subjects import gateway
from gateway.bench.tables import counts
from gateway.sqlite_library import sqlite3
from gateway.store.migrations import pending
from tests.support.postgresql import PostgresServer

PEOPLE = 20


def migrated(path: Path) -> SqliteFile:
    with closing(sqlite3.connect(path)) as connection:
        for step in pending({}):
            connection.executescript(step.sql)
    return SqliteFile(path)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[SqliteFile, list[Path]]:
    directory = tmp_path_factory.mktemp("import")
    database, sheets = SqliteFile(directory / "gateway.db"), write_sheets(directory, 60)
    run_import(directory, database, sheets)
    return database, sheets


def test_the_rows_of_an_import_are_written_again(
    imported: tuple[SqliteFile, list[Path]], tmp_path: Path
) -> None:
    database, sheets = imported
    target = migrated(tmp_path / "target.db")
    written = without_resolving(database, target, sheets)
    for table, select in INSERTS.items():
        rows = database.rows(select)
        assert rows, table
        assert target.rows(select) == rows
    assert written.rates[0] > 0
    assert written.cpu[0] > 0


def test_other_lines_than_those_imported_void_the_run(
    imported: tuple[SqliteFile, list[Path]], tmp_path: Path
) -> None:
    database, sheets = imported
    with pytest.raises(BenchError, match="identifiers were normalised"):
        without_resolving(database, migrated(tmp_path / "target.db"), sheets[:1])


def test_grants_are_written_again(tmp_path: Path) -> None:
    database, target = SqliteFile(tmp_path / "gateway.db"), migrated(tmp_path / "target.db")
    with gateway(tmp_path, database, campaigns=2):
        pass
    for each in (database, target):
        build(each, PEOPLE)
        add_backlog(each, PEOPLE, campaigns=2)
    with gateway(tmp_path, database, campaigns=2):
        while counts(database).granted_events < 2 * PEOPLE:
            time.sleep(0.02)
    without_deciding(target, database, rounds=1)
    for select in (
        "SELECT * FROM achievement ORDER BY achievement_id",
        "SELECT * FROM ledger ORDER BY entry_id",
        "SELECT * FROM audit WHERE action = 'achievement.granted' ORDER BY event_id",
    ):
        rows = database.rows(select)
        assert len(rows) == 2 * PEOPLE
        assert target.rows(select) == rows


def test_rows_of_a_server_are_written_in_transactions_of_the_given_size(postgres: PostgresServer) -> None:
    source, target = (PostgresDatabase(postgres.url("postgres"), postgres.fresh()) for _ in range(2))
    for database in (source, target):
        asyncio.run(execute(database.url, "CREATE TABLE seen (n int, name text, written_in bigint)"))
    asyncio.run(execute(source.url, "INSERT INTO seen SELECT n, n::text, 0 FROM generate_series(1, 5) AS n"))
    rows = Rows("SELECT n, name FROM seen ORDER BY n", "INSERT INTO seen VALUES ({}, txid_current())")
    write_all(Writing(source.url, target.url, [rows], each=2, rounds=1))
    assert target.rows("SELECT n, name FROM seen ORDER BY n") == [(n, str(n)) for n in range(1, 6)]
    sizes = target.rows("SELECT count(*) FROM seen GROUP BY written_in ORDER BY min(n)")
    assert sizes == [(2,), (2,), (1,)]


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
