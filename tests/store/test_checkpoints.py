"""Checkpoints beside the calls: what was committed gets into the file, and the log stays short."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.sqlite_library import sqlite3
from gateway.store.sqlite import SqliteStore, checkpoints
from gateway.store.sqlite.connection import SERVING, connection_to
from gateway.store.sqlite.connection_thread import run_on_thread
from tests.support.in_process_gateway import CHECKPOINT_KEY, ManualClock
from tests.support.public_api import until

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.db"


@pytest.fixture
def no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "_AFTER_SECONDS", 3_600)


@pytest.fixture
async def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[SqliteStore]:
    """Whatever the library here: what an older one could lose in a second connection is not part of these tests."""
    monkeypatch.setattr(checkpoints, "MAY_CHECKPOINT_BESIDE", True)
    opened = SqliteStore(path, ManualClock(), checkpoint_key=CHECKPOINT_KEY)
    await opened.open()
    await opened._in_writer(lambda connection: connection.execute("CREATE TABLE filling (bytes BLOB)"))
    yield opened
    await opened.close()


async def fill(store: SqliteStore, pages: int) -> None:
    """One commit."""
    sql = "INSERT INTO filling SELECT zeroblob(?) FROM json_each(?)"
    rows = (PAGE - 100, str([0] * pages))
    await store._in_writer(lambda connection: connection.execute(sql, rows))


async def checkpoint(store: SqliteStore) -> None:
    await store._checkpoints.run()


def file_pages(path: Path) -> int:
    return path.stat().st_size // PAGE


def log_pages(path: Path) -> int:
    return path.with_name("gateway.db-wal").stat().st_size // PAGE


@contextlib.contextmanager
def reading(path: Path) -> Generator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM record").fetchone()
        yield


async def test_what_is_committed_gets_into_the_file_soon(store: SqliteStore, path: Path) -> None:
    before = file_pages(path)
    await fill(store, 900)
    await until(lambda: file_pages(path) >= before + 900)


@pytest.mark.usefixtures("no_timer")
async def test_no_call_waits_for_a_checkpoint(store: SqliteStore, path: Path) -> None:
    before = file_pages(path)
    await fill(store, 900)
    assert file_pages(path) == before
    await checkpoint(store)
    assert file_pages(path) >= before + 900


async def test_a_log_that_is_written_without_a_break_begins_anew_again_and_again(
    store: SqliteStore, path: Path
) -> None:
    (bound,) = [int(text.split("=")[1]) for text in SERVING if "wal_autocheckpoint" in text]
    most = 0
    for _ in range(30):
        await asyncio.gather(fill(store, 1_000), checkpoint(store))
        most = max(most, log_pages(path))
    assert bound / 2 < most < 2 * bound


async def test_readers_that_follow_one_another_do_not_keep_the_log_for_ever(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "MOST_PAGES", 500)
    monkeypatch.setattr(checkpoints, "_TRY_AGAIN_SECONDS", 0)
    with contextlib.ExitStack() as first:
        first.enter_context(reading(path))
        for _ in range(4):
            await fill(store, 400)
            second = contextlib.ExitStack()
            second.enter_context(reading(path))
            first.close()
            first = second
            await checkpoint(store)
        first.close()
    await checkpoint(store)
    assert log_pages(path) == 0


async def test_a_reader_that_stays_is_told_of_and_the_log_is_empty_after_it(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "MOST_PAGES", 500)
    structlog.reset_defaults()
    monkeypatch.setattr(checkpoints, "_log", structlog.get_logger("store"))
    with reading(path), capture_logs() as logs:
        for _ in range(3):
            await fill(store, 400)
            await checkpoint(store)
        assert log_pages(path) > 1_200
    assert [line["event"] for line in logs] == ["write_ahead_log_held"]
    await checkpoint(store)
    assert log_pages(path) > 1_200  # it is not tried again at once: calls wait for it
    monkeypatch.setattr(store._checkpoints, "_wait_until", 0)
    await checkpoint(store)
    assert log_pages(path) == 0


@pytest.mark.usefixtures("no_timer")
@pytest.mark.parametrize("kind", ["SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_BUSY"])
async def test_a_checkpoint_that_fails_is_told_of_and_does_not_end_the_store(
    kind: str, store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: sqlite3.Connection) -> int:
        error = sqlite3.OperationalError(kind)
        error.sqlite_errorcode = getattr(sqlite3, kind)
        raise error

    structlog.reset_defaults()
    monkeypatch.setattr(checkpoints, "_log", structlog.get_logger("store"))
    before = file_pages(path)
    await fill(store, 400)
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(checkpoints, "_move", fail)
        await checkpoint(store)
    assert [line["event"] for line in logs] == ["checkpoint_failed"]
    await checkpoint(store)
    assert file_pages(path) >= before + 400


async def test_errors_say_exactly_what_went_wrong(tmp_path: Path) -> None:
    def twice(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE known (name TEXT UNIQUE)")
        for _ in range(2):
            connection.execute("INSERT INTO known VALUES ('ann')")

    async with connection_to(tmp_path / "exact.db", cached_statements=1) as connection:
        with pytest.raises(sqlite3.DatabaseError) as raised:
            await run_on_thread(connection, twice)
    assert raised.value.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT | 8 << 8


_WITH_AN_OLDER_ONE = """
import asyncio, sqlite3, sys
from pathlib import Path
sys.modules["pysqlite3"] = None
sqlite3.sqlite_version_info = (3, 51, 2)
from structlog.testing import capture_logs
from gateway.clock import SystemClock
from gateway.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(Path(sys.argv[1]), SystemClock(), checkpoint_key=b"")
    with capture_logs() as logs:
        await store.open()
    assert [line["event"] for line in logs] == ["sqlite_outdated"], logs
    await store._in_writer(lambda connection: connection.execute("CREATE TABLE filling (bytes BLOB)"))
    sql = "INSERT INTO filling SELECT zeroblob(4000) FROM json_each(?)"
    await store._in_writer(lambda connection: connection.execute(sql, (str([0] * 1500),)))
    assert Path(sys.argv[1]).stat().st_size > 1400 * 4096
    assert await store.scrub() == ()
    await store.close()
    assert Path(sys.argv[1]).stat().st_size > 1400 * 4096

asyncio.run(main())
"""


def test_with_an_older_library_the_writer_makes_the_checkpoints_and_the_start_warns(path: Path) -> None:
    command = [sys.executable, "-c", _WITH_AN_OLDER_ONE, str(path)]
    ran: subprocess.CompletedProcess[Any] = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
