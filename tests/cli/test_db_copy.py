"""Moving a shop from SQLite to PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from gateway.cli import run
from gateway.model import MergeProfiles
from gateway.sqlite_library import sqlite3
from gateway.store.postgres import PostgresStore
from tests.support.in_process_gateway import InProcessGateway, achieve, caller, customer, erase

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store import Store
    from tests.support.postgresql import PostgresServer

CHECKPOINT_KEY = b"the key of the checkpoints"


class Move:
    """The command from one file to one database."""

    def __init__(self, path: Path, server: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self.name = server.fresh()
        self.url = server.url(self.name)
        self._capsys = capsys

    def run(self, code: int = 0) -> Any:
        self._capsys.readouterr()
        ended = run(["db", "copy", "--from", f"sqlite:///{self.path}", "--to", self.url, "--json"])
        out, err = self._capsys.readouterr()
        assert ended == code, err
        return json.loads(out) if not code else err

    async def started(self) -> Any:
        return await asyncio.to_thread(self.run)


@pytest.fixture
def move(tmp_path: Path, postgres: PostgresServer, capsys: pytest.CaptureFixture[str]) -> Move:
    return Move(tmp_path / "gateway.db", postgres, capsys)


async def fill(core: InProcessGateway, first: int, last: int) -> None:
    for number in range(first, last):
        mobile = f"+2010012{number // 2:05d}"
        await core.send(customer(f"web:{number}", {"firstName": f"Näme {number}"}, mobile=mobile))
        await core.send(achieve(f"web:{number}", mobile=mobile))


def differences(path: Path, there: dict[str, list[tuple[Any, ...]]]) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        here = {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in there
        }
    return [name for name in there if here[name] != sorted(there[name], key=repr)]


async def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
        )
        return {
            name: [tuple(row) for row in await connection.fetch(f"SELECT * FROM {name}")]
            for (name,) in names
            if name not in ("lease", "schema_version")
        }
    finally:
        await connection.close()


async def opened(url: str, core: InProcessGateway) -> Store:
    store = PostgresStore(url, core.clock, checkpoint_key=CHECKPOINT_KEY)
    await store.open()
    return store


async def test_a_shop_moves_while_it_is_open_and_the_last_run_brings_what_changed_since(
    tmp_path: Path, move: Move
) -> None:
    async with InProcessGateway(tmp_path) as core:
        await fill(core, 0, 30)
        while_open = await move.started()
        assert while_open["complete"] is False
        assert while_open["rows_brought"] > 100
        await fill(core, 30, 40)
        await core.send(erase("web:3"))
        await core.send(customer("web:3", mobile="+201001299999"))
    last = await move.started()
    assert last["complete"] is True
    there = await everything(move.url)
    assert len(there["record"]) == 39, "one was erased together with the other record of the same person"
    assert differences(move.path, there) == []


async def test_a_gateway_refuses_a_database_that_is_still_being_filled(tmp_path: Path, move: Move) -> None:
    async with InProcessGateway(tmp_path) as core:
        await fill(core, 0, 4)
        await move.started()
        with pytest.raises(Exception, match="unfinished copy"):
            await opened(move.url, core)
    await move.started()
    store = await opened(move.url, core)
    assert await store.fetch("SELECT COUNT(*) FROM record") == [(4,)]
    await store.close()


async def test_a_second_run_copies_nothing_twice(tmp_path: Path, move: Move) -> None:
    async with InProcessGateway(tmp_path) as core:
        await fill(core, 0, 10)
        await move.started()
        assert (await move.started())["rows_brought"] == 0


async def test_rows_changed_in_an_unfinished_copy_are_corrected(
    tmp_path: Path, move: Move, postgres: PostgresServer
) -> None:
    async with InProcessGateway(tmp_path) as core:
        await fill(core, 0, 10)
        one, other = [row[0] for row in await core.store.fetch("SELECT profile_id FROM profile LIMIT 2")]
        await move.started()
        await core.send(MergeProfiles(caller("", "req"), (one, other), "the same person"))
        postgres.sql(
            "UPDATE profile SET canonical_id = 'x' || canonical_id; DELETE FROM attribute", move.name
        )
    await move.started()
    assert differences(move.path, await everything(move.url)) == []


async def test_a_database_that_a_gateway_uses_is_never_filled(tmp_path: Path, move: Move) -> None:
    async with InProcessGateway(tmp_path) as core:
        await fill(core, 0, 2)
    await move.started()
    said = await asyncio.to_thread(move.run, 1)
    assert "a gateway's database already" in said


async def test_without_the_driver_it_says_what_to_install(
    tmp_path: Path, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with InProcessGateway(tmp_path):
        pass
    monkeypatch.setitem(sys.modules, "gateway.store.postgres.copy_from_sqlite", None)
    assert "pip install 'loyalty-identity-gateway[postgres]'" in await asyncio.to_thread(move.run, 1)
