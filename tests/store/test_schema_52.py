"""A database of schema 52, which went through the single steps that the initial step replaces. `schema_52.sql` was recorded from
the gateways that had those steps: begun by one at schema 51, bound and used on by one at 52."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.clock import DAY
from gateway.errors import SchemaMismatch
from gateway.model import Accepted
from gateway.sqlite_library import sqlite3
from gateway.store.migrations import all_migrations, pending
from gateway.store.postgres.schema import statements
from gateway.store.queries.verification import verify
from tests.support.in_process_gateway import CHECKPOINT_KEY, NOON, InProcessGateway, ManualClock, achieve
from tests.support.postgresql import PostgresServer

RECORDED = Path(__file__).with_name("schema_52.sql").read_text("utf-8")
INITIAL = all_migrations()[0]
_SCHEMA = (
    "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'schema_version' ORDER BY name"
)
_STEPS = "SELECT version, sha256 FROM schema_version ORDER BY version"
_BOUND = {"profile", "merge", "merge_undone", "review", "coupon"}
_EMPTY = {"audit_cut", "lease", "lookup", "lookup_progress"}
"""Without an archive, and where one process has the file; the index of look-ups was left out, for it is rebuilt."""


@pytest.fixture
def recorded() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(RECORDED)
        yield connection


def _rows(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}


def _schema(connection: sqlite3.Connection) -> dict[str, str]:
    found = connection.execute(_SCHEMA).fetchall()
    return {name: "".join(sql.split()) for name, sql in found}


def test_the_initial_step_makes_what_the_single_steps_made(recorded: sqlite3.Connection) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(INITIAL.sql)
        assert _schema(fresh) == _schema(recorded)


def test_what_was_recorded_has_rows_of_each_kind(recorded: sqlite3.Connection) -> None:
    assert {name for name, rows in _rows(recorded).items() if not rows} == _EMPTY


async def _on_postgres(recorded: sqlite3.Connection, url: str) -> None:
    connection = await asyncpg.connect(url)
    versions = recorded.execute("SELECT sql FROM sqlite_schema WHERE name = 'schema_version'").fetchone()[0]
    for statement in statements(f"{INITIAL.sql};{versions}", ""):
        await connection.execute(statement)
    for name, rows in _rows(recorded).items():
        await connection.copy_records_to_table(name, records=rows)
    await connection.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, recorded: sqlite3.Connection, tmp_path: Path) -> str:
    """The URL of a database that holds what was recorded."""
    if request.param == "sqlite":
        with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
            recorded.backup(connection)
        return f"sqlite:///{tmp_path}/gateway.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.url(server.fresh())
    await _on_postgres(recorded, url)
    return url


async def test_a_database_from_the_single_steps_serves_on_and_its_rows_are_as_the_log_says(
    database: str, recorded: sqlite3.Connection, tmp_path: Path
) -> None:
    before = recorded.execute(_STEPS).fetchall()
    async with InProcessGateway(tmp_path, url=database, clock=ManualClock(NOON + 2 * DAY)) as core:
        verdict = await verify(core.store, CHECKPOINT_KEY, state=True)
        assert verdict.breaches == []
        since = {covered.table: covered.since for covered in verdict.rows}
        assert {table for table, at in since.items() if at != min(filter(None, since.values()))} >= _BOUND
        won = await core.send(achieve("web:bob", email="bob@example.com"))
        assert isinstance(won, Accepted)
        assert await core.rows(_STEPS) == before + [
            (step.version, step.sha256) for step in all_migrations()[1:]
        ]
        for _ in range(3):
            await core.store.maintain(100)
        assert (await verify(core.store, CHECKPOINT_KEY, state=True)).breaches == []


def test_single_steps_that_were_cut_short_or_altered_are_refused_with_a_remedy(
    recorded: sqlite3.Connection,
) -> None:
    applied = dict(recorded.execute(_STEPS).fetchall())
    assert INITIAL not in pending(applied)
    with pytest.raises(SchemaMismatch, match=r"at schema 51.*CHANGELOG\.md"):
        pending({version: sha256 for version, sha256 in applied.items() if version < INITIAL.version})
    with pytest.raises(SchemaMismatch, match="Restore the backup"):
        pending({**applied, 7: "other"})
