"""A backup that was made while calls came in is one moment of the shop: it has all that was acknowledged before it began and
nothing by halves, and a gateway that starts on it goes on from there (F43)."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.postgresql import PostgresServer
from tests.support.processes.evidence import (
    all_decided,
    breaches,
    broken_grants,
    rows,
    stored_pairs,
    unrecorded_changes,
)
from tests.support.processes.gateway_process import ADMIN_TOKEN, Launch, Process
from tests.support.processes.load import History, introduce_customers, load, pairs, send_all, told, until

_SOME = 150
_BACKUPS, _LONG_BACKUPS = 1, 20
_EVENTS = "SELECT chain, seq, hash FROM audit"
Restored = Callable[[Process, Path], str]


def _from_file(source: Process, directory: Path) -> str:
    to = directory / "backup.db"
    words = ("db", "backup", "--to", str(to), "--config", str(source.config))
    environment = {**os.environ, "GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN}
    subprocess.run(
        [sys.executable, "-m", "gateway", *words], env=environment, check=True, capture_output=True
    )
    return f"sqlite:///{to}"


def _from_dump(server: PostgresServer, source: Process, directory: Path) -> str:
    dump = server.directory / f"{directory.name}.dump"
    server.programs.run(
        "pg_dump",
        "--format=custom",
        "--exclude-table-data=lease",
        f"--file={dump}",
        "--dbname",
        str(source.place),
    )
    restored = server.url(server.fresh())
    server.programs.run("pg_restore", "--exit-on-error", "--dbname", restored, str(dump))
    return restored


@pytest.mark.parametrize("backups", [_BACKUPS, pytest.param(_LONG_BACKUPS, marks=pytest.mark.soak)])
async def test_f43_a_backup_of_the_file_under_load_is_a_moment_of_the_shop(
    prepare: Launch, tmp_path: Path, backups: int
) -> None:
    await _backed_up(prepare, tmp_path, f"sqlite:///{tmp_path}/shop.db", _from_file, backups)


@pytest.mark.parametrize("backups", [_BACKUPS, pytest.param(_LONG_BACKUPS, marks=pytest.mark.soak)])
async def test_f43_a_dump_of_postgresql_under_load_is_a_moment_of_the_shop(
    prepare: Launch, tmp_path: Path, postgres: PostgresServer, backups: int
) -> None:
    def restored(source: Process, directory: Path) -> str:
        return _from_dump(postgres, source, directory)

    await _backed_up(prepare, tmp_path, postgres.url(postgres.fresh()), restored, backups)


async def _backed_up(prepare: Launch, directory: Path, url: str, restored: Restored, backups: int) -> None:
    def gateway(url: str, place: Path) -> Process:
        secret_file = str(directory / "secret")
        return prepare({"server": {"secret_file": secret_file}, "store": {"url": url}}, place)

    shop = await asyncio.to_thread(gateway(url, directory / "shop").start)
    await introduce_customers(shop)
    attempts = pairs()
    for number in range(backups):
        place = directory / f"restored-{number}"
        place.mkdir()
        async with load(shop, attempts) as history:
            await until(lambda history=history: told(history, "accepted") > _SOME)
            before = {attempt.pair for attempt in history if attempt.answer is not None}
            copy = gateway(await asyncio.to_thread(restored, shop, place), place)
            served = told(history, "accepted")
            await until(lambda history=history, served=served: told(history, "accepted") > served + _SOME)
        _is_a_moment(copy, shop, before)
        assert len(history) > len(before), "the control: calls came in meanwhile"
        await _goes_on(copy, history)
    assert await asyncio.to_thread(shop.stop) == 0


def _is_a_moment(copy: Process, shop: Process, before: set[tuple[str, int]]) -> None:
    stored, later = stored_pairs(copy.place), stored_pairs(shop.place)
    assert before <= stored.keys() < later.keys()
    events, all_events = set(rows(copy.place, _EVENTS)), set(rows(shop.place, _EVENTS))
    newest: dict[str, int] = {}
    for chain, seq, _ in events:
        newest[chain] = max(seq, newest.get(chain, 0))
    assert events == {event for event in all_events if event[1] <= newest.get(event[0], -1)}


async def _goes_on(copy: Process, history: History) -> None:
    """A client that repeats its call gets an answer; every promise in it is kept."""
    await asyncio.to_thread(copy.start)
    history = await send_all(copy, [attempt.again() for attempt in history[-_SOME:]])
    assert {attempt.verdict for attempt in history} <= {"accepted", "duplicate"}
    await all_decided(copy)
    assert await asyncio.to_thread(copy.stop) == 0
    assert [*broken_grants(copy), *unrecorded_changes(copy), *breaches(copy)] == []
