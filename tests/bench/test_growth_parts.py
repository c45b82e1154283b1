"""The parts of the benchmark behind the figures of the page about scaling, on very little data."""

from pathlib import Path

import pytest
from rich.progress import Progress

from gateway.bench.database import Databases, SqliteFile
from gateway.bench.options import BenchOptions
from gateway.bench.rounds import Session
from gateway.bench.sizes import sizes
from gateway.bench.weight import weight
from gateway.sqlite_library import sqlite3

RECORDS = 300


@pytest.fixture
def session(tmp_path: Path) -> Session:
    options = BenchOptions(rounds=1, seconds=0.3, profiles=RECORDS, rows=200, sizes=(RECORDS,))
    return Session(options, tmp_path, Databases(""), Progress(disable=True))


def test_the_size_of_a_database_is_without_the_pages_that_are_free(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    database = SqliteFile(path)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE one (text)")
        connection.execute("INSERT INTO one VALUES (zeroblob(1000000))")
    full = database.size()
    assert full > 1_000_000
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM one")
    assert database.size() < full / 10
    assert path.stat().st_size == full


@pytest.mark.soak
def test_a_customer_and_a_call_weigh_something_and_a_forwarded_event_nothing(session: Session) -> None:
    found = {figure.name: figure.spread.median for figure in weight(session)}
    assert found["audit events of an imported customer"] >= 1
    assert found["audit events of an accepted achievement"] >= 1
    assert found["an imported customer"] > found["an accepted achievement"] > 100
    assert found["an event of a known customer"] < 100


@pytest.mark.soak
def test_each_operation_has_its_cost_at_each_size(session: Session) -> None:
    found = {figure.name: figure.spread.median for figure in sizes(session)}
    assert all(value > 0 for value in found.values())
    names = ("an accept", "a search by e-mail", "a page of history", "a merge", "an erasure", "a plan")
    assert {f"{name}, {RECORDS} records" for name in names} <= found.keys()
