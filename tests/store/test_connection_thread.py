"""aiosqlite runs a whole function on the thread of its connection, as the store builds on."""

from __future__ import annotations

import threading
from pathlib import Path

import aiosqlite
import pytest

from gateway.sqlite_library import sqlite3
from gateway.store.sqlite.connection_thread import run_on_thread


async def test_aiosqlite_runs_a_function_in_one_hop_on_the_connections_thread(tmp_path: Path) -> None:
    connection = await aiosqlite.connect(tmp_path / "hop.db", isolation_level=None)
    try:
        threads: list[int] = []

        def transaction(raw: sqlite3.Connection, value: int) -> int:
            threads.append(threading.get_ident())
            raw.execute("CREATE TABLE t (v)")
            raw.execute("INSERT INTO t VALUES (?)", (value,))
            threads.append(threading.get_ident())
            return raw.execute("SELECT v + 1 FROM t").fetchone()[0]

        assert await run_on_thread(connection, transaction, 41) == 42
        assert len(set(threads)) == 1
        assert threads[0] != threading.get_ident()
    finally:
        await connection.close()


async def test_aiosqlite_raises_what_the_function_raised_and_goes_on(tmp_path: Path) -> None:
    connection = await aiosqlite.connect(tmp_path / "hop.db", isolation_level=None)
    try:

        def fail(_: sqlite3.Connection) -> None:
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await run_on_thread(connection, fail)
        assert await run_on_thread(connection, lambda _: 1) == 1
    finally:
        await connection.close()
