"""SQLite: one process on the file, for its owner alone, with a schema that the gateway knows."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import AlreadyRunning, SchemaMismatch, StoreUnavailable
from gateway.sqlite_library import sqlite3
from gateway.store import Store
from gateway.store.migrations import all_migrations
from gateway.store.sqlite import SqliteStore
from tests.support.in_process_gateway import CHECKPOINT_KEY, ManualClock
from tests.support.store_batches import (
    Open,
    person,
    run,
)

# ---- one process ----


async def test_a_second_store_on_the_same_file_is_refused(store_factory: Open, store: Store) -> None:
    with pytest.raises(AlreadyRunning, match=r"gateway\.db"):
        await store_factory()
    await run(store, lambda ws: person(ws, "web:ann"))


_OPEN = """
import asyncio, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.errors import AlreadyRunning
from gateway.store.sqlite import SqliteStore
try:
    asyncio.run(SqliteStore(Path(sys.argv[1]), SystemClock(), checkpoint_key=b"").open())
except AlreadyRunning:
    sys.exit(77)
"""


@pytest.mark.usefixtures("store")
async def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OPEN, str(tmp_path / "gateway.db"), stderr=subprocess.DEVNULL
    )
    assert await process.wait() == 77


def _link(path: Path) -> Path:
    other = path.with_name("other.db")
    other.symlink_to(path)
    return other


def _hard_link(path: Path) -> Path:
    other = path.with_name("other.db")
    other.hardlink_to(path)
    return other


def _without_side_file(path: Path) -> Path:
    path.with_name("gateway.db.lock").unlink()
    return path


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("way", [_link, _hard_link, _without_side_file])
async def test_no_other_name_leads_around_the_lock(way: Callable[[Path], Path], tmp_path: Path) -> None:
    other = way(tmp_path / "gateway.db")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OPEN, str(other), stderr=subprocess.DEVNULL
    )
    assert await process.wait() == 77


async def test_a_store_that_could_not_open_lets_go_of_the_file(tmp_path: Path, store_factory: Open) -> None:
    (tmp_path / "gateway.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        await store_factory()
    (tmp_path / "gateway.db").unlink()
    await run(await store_factory(), lambda ws: person(ws, "web:ann"))


async def test_only_the_owner_can_read_the_file(tmp_path: Path, store: Store) -> None:
    await run(store, lambda ws: person(ws, "web:ann"))
    modes = {entry.name: entry.stat().st_mode & 0o077 for entry in os.scandir(tmp_path)}
    assert modes == dict.fromkeys(modes, 0)
    assert {"gateway.db", "gateway.db-wal"} <= modes.keys()


async def test_a_store_that_is_not_open_takes_nothing(tmp_path: Path, clock: ManualClock) -> None:
    store = SqliteStore(tmp_path / "gateway.db", clock, checkpoint_key=CHECKPOINT_KEY)
    with pytest.raises(StoreUnavailable):
        await run(store)


# ---- a schema that it knows ----


async def closed_database(store_factory: Open) -> None:
    await (await store_factory()).close()


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ("INSERT INTO schema_version VALUES (9999, 'later', 'sha', 0)", "or a newer one"),
        ("UPDATE schema_version SET sha256 = 'other' WHERE version = 52", "Restore the backup"),
        ("UPDATE schema_version SET version = 51 WHERE version = 52", "Upgrade it first"),
    ],
    ids=["newer", "altered", "older"],
)
async def test_a_schema_that_is_newer_altered_or_too_old_is_refused_with_a_remedy(
    store_factory: Open, tmp_path: Path, change: str, remedy: str
) -> None:
    await closed_database(store_factory)
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(SchemaMismatch, match=remedy):
        await store_factory()


async def test_each_schema_step_is_applied_once_with_its_checksum(store_factory: Open) -> None:
    await closed_database(store_factory)
    store = await store_factory()
    applied = await store.fetch("SELECT version, name, sha256 FROM schema_version ORDER BY version")
    assert applied == [(step.version, step.name, step.sha256) for step in all_migrations()]
