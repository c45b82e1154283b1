"""Schema steps: killed at any moment and run again, applied beside gateways of the version before, and met by one of them when it
starts (F45)."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.sqlite_library import sqlite3
from gateway.store.migrations import all_migrations
from tests.support.postgresql import PostgresServer
from tests.support.processes import next_version
from tests.support.processes.evidence import all_decided, findings, rows
from tests.support.processes.gateway_process import ADMIN_TOKEN, GATEWAY, Launch, Process
from tests.support.processes.load import introduce_customers, load, pairs, send_all, told, until

_TORN, _LONG_TORN = 2, 100
_SOME = 150
_PATIENCE = 90
_NEXT = (next_version.__file__, "table")
_NEXT_WITH_MANY = (next_version.__file__, "many")
_NEXT_WITH_COLUMNS = (next_version.__file__, "columns")
_STEPS = "SELECT version, sha256 FROM schema_version ORDER BY version"
_SCHEMA = {
    "sqlite": "SELECT name, sql FROM sqlite_schema ORDER BY name",
    "postgres": "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text, column_default::text"
    " FROM information_schema.columns WHERE table_schema = 'public' UNION ALL"
    " SELECT tablename::text, indexname::text, indexdef::text, '', '' FROM pg_indexes WHERE schemaname = 'public'"
    " ORDER BY 1, 2, 3",
}
Fresh = Callable[[], Process]


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def fresh(kind: str, prepare: Launch, tmp_path: Path, request: pytest.FixtureRequest) -> Fresh:
    """Each a gateway that was never started, on a database of its own."""

    def made() -> Process:
        if kind == "sqlite":
            return prepare()
        server: PostgresServer = request.getfixturevalue("postgres")
        secret_file = str(tmp_path / "secret")
        return prepare({"server": {"secret_file": secret_file}, "store": {"url": server.url(server.fresh())}})

    return made


def _migrating(process: Process, launcher: Sequence[str] = GATEWAY) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", *launcher, "db", "migrate", "--config", str(process.config)],
        env={**os.environ, "GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _migrate(process: Process, launcher: Sequence[str] = GATEWAY) -> tuple[int, str]:
    command = _migrating(process, launcher)
    said, _ = command.communicate(timeout=_PATIENCE)
    return command.returncode, said


def _applied(process: Process) -> list[Any]:
    try:
        return rows(process.place, _STEPS)
    except (sqlite3.OperationalError, asyncpg.UndefinedTableError):  # no process has begun
        return []


# ---- killed in the middle ----


def _kill_after(process: Process, steps: int) -> None:
    """Start to migrate, and kill it once so many steps are done."""
    with _migrating(process, _NEXT_WITH_MANY) as command:
        deadline = time.monotonic() + _PATIENCE
        while len(_applied(process)) < steps:
            assert time.monotonic() < deadline
            time.sleep(0.0005)
        command.kill()


@pytest.mark.parametrize("torn", [_TORN, pytest.param(_LONG_TORN, marks=pytest.mark.soak)])
def test_f45_a_migration_that_is_killed_is_finished_by_the_next_run(
    fresh: Fresh, kind: str, torn: int
) -> None:
    whole, chance = fresh(), random.Random(45)
    assert _migrate(whole, _NEXT_WITH_MANY)[0] == 0
    steps, schema = _applied(whole), rows(whole.place, _SCHEMA[kind])
    found = 0
    for _ in range(3 * torn):
        process = fresh()
        _kill_after(process, chance.randint(1, len(steps) - 2))
        found += len(_applied(process)) < len(steps)
        assert _migrate(process, _NEXT_WITH_MANY)[0] == 0
        assert _applied(process) == steps
        assert rows(process.place, _SCHEMA[kind]) == schema
        if found == torn:
            return
    raise AssertionError("the control: no kill fell into the middle")


# ---- a newer schema ----


async def test_f45_a_gateway_goes_on_while_the_next_version_adds_to_the_schema(
    prepare: Launch, postgres: PostgresServer, tmp_path: Path
) -> None:
    settings = {
        "server": {"secret_file": str(tmp_path / "secret")},
        "store": {"url": postgres.url(postgres.fresh())},
    }
    before = await asyncio.to_thread(prepare(settings).start)
    await introduce_customers(before)
    attempts = pairs()
    async with load(before, attempts) as history:
        await until(lambda: told(history, "accepted") > _SOME)
        assert (await asyncio.to_thread(_migrate, before, _NEXT_WITH_COLUMNS))[0] == 0
        served = told(history, "accepted")
        await until(lambda: told(history, "accepted") > served + _SOME)
    assert {attempt.verdict for attempt in history} == {"accepted"}
    assert _applied(before)[-1][0] == next_version.VERSION
    after = await asyncio.to_thread(prepare(settings, launcher=_NEXT_WITH_COLUMNS).start)
    more = await send_all(after, [next(attempts) for _ in range(_SOME)])
    assert {attempt.verdict for attempt in more} == {"accepted"}
    await all_decided(before)
    for gateway in (before, after):
        assert await asyncio.to_thread(gateway.stop) == 0
    assert findings(before, history + more) == []


def test_f45_a_gateway_of_the_version_before_does_not_start_on_the_newer_schema_and_says_why(
    fresh: Fresh,
) -> None:
    process = fresh()
    assert _migrate(process, _NEXT)[0] == 0
    process.launch()
    assert process.wait() == 1
    newest = all_migrations()[-1].version
    said = process.output.read_text()
    assert f"The database is at schema {next_version.VERSION}, this gateway knows up to {newest}." in said
    assert "Run the gateway version that wrote it, or a newer one." in said
    assert "Traceback" not in said


def test_a_migration_beside_a_running_gateway_of_the_version_before_does_not_say_that_it_was_done(
    prepare: Launch,
) -> None:
    """Only on SQLite: the file is the running gateway's alone."""
    process = prepare().start()
    code, said = _migrate(process, _NEXT)
    assert code == 1
    assert "stop it, then run this again" in said
    assert _applied(process)[-1][0] == all_migrations()[-1].version
    assert _migrate(process)[0] == 0
