"""The power goes under load: whatever was acknowledged is there when it comes back, in a database that is whole (F02, F03).
Each engine has its control, the same cut with commits that do not wait for the disk. Only where a disk can be mounted."""

import asyncio
import contextlib
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.sqlite_library import sqlite3
from tests.support.postgresql import PostgresServer, programs
from tests.support.processes.evidence import all_decided, broken_promises, findings
from tests.support.processes.gateway_process import Launch, Process
from tests.support.processes.load import (
    Attempt,
    History,
    introduce_customers,
    load,
    pairs,
    send_all,
    told,
    until,
)
from tests.support.processes.power_cut import Disk

_SOME = 150
_SQLITE_CUTS, _LONG_SQLITE_CUTS = 2, 100
_POSTGRES_CUTS, _LONG_POSTGRES_CUTS = 1, 30
_CAREFUL_CUTS = 30
_CARELESS = {"synchronous_commit": "off", "wal_writer_delay": "10s"}
_PAGE = 8192
_CAREFUL_WRITER = f"""
import os, struct, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
for number in range(1_000_000):
    os.pwrite(file, struct.pack("<i", number).ljust({_PAGE}), number * {_PAGE})
    os.fdatasync(file)
    os.write(1, struct.pack("<i", number))
"""
_CARELESS_WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA synchronous = NORMAL")
connection.execute("PRAGMA wal_autocheckpoint = 0")
for number in range(1_000_000):
    connection.execute("INSERT INTO said VALUES (?)", (number,))
    print(number, flush=True)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk.img")
    try:
        made.plug_in()
        yield made
    finally:
        made.remove()


class Server:
    """PostgreSQL with everything that it writes on `disk`."""

    def __init__(self, disk: Disk) -> None:
        found = programs()
        if found.user:
            shutil.chown(disk.directory, found.user)
        self._server = PostgresServer(found, disk.directory)
        self._server.make()
        self._pid = 0
        self.url = self._server.url("postgres")

    def start(self, **settings: str) -> None:
        self._server.start(**settings)
        self._pid = int((self._server.data / "postmaster.pid").read_text().split("\n")[0])

    def start_after_the_cut(self) -> None:
        """On a machine that was just switched on: no process has the number that these files hold."""
        (self._server.data / "postmaster.pid").unlink(missing_ok=True)
        for lock in self._server.directory.glob(".s.PGSQL.*.lock"):
            lock.unlink()
        self.start()

    def forget_who_led(self) -> None:
        """No call has to wait until the lease of the lost gateway ends."""
        self._server.sql("DELETE FROM lease")

    def kill(self) -> None:
        """Its own tool would look for the number in a file, and there may be none to read any more. Its children go with it."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


@pytest.fixture
def server(disk: Disk) -> Iterator[Server]:
    made = Server(disk)
    yield made
    made.kill()


@pytest.fixture
def on_postgres(prepare: Launch, server: Server, tmp_path: Path) -> Process:
    secret_file = str(tmp_path / "secret")
    return prepare({"server": {"secret_file": secret_file}, "store": {"url": server.url}})


async def _work_until_the_power_goes(process: Process, disk: Disk, attempts: Iterator[Attempt]) -> History:
    async with load(process, attempts) as history:
        await until(lambda: told(history, "accepted") > _SOME)
        disk.cut()
        process.kill()
    return history


async def _everything_is_there(process: Process, history: History) -> None:
    """After every open call was made once more."""
    again = [attempt.again() for attempt in history if attempt.verdict in ("unknown", "unavailable")]
    history += await send_all(process, again)
    await all_decided(process)
    assert await asyncio.to_thread(process.stop) == 0
    assert findings(process, history) == []


def _cuts(short: int, long: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cuts", [short, pytest.param(long, marks=pytest.mark.soak)])


@_cuts(_SQLITE_CUTS, _LONG_SQLITE_CUTS)
async def test_f02_a_power_cut_takes_nothing_that_was_acknowledged_from_sqlite(
    disk: Disk, prepare: Launch, cuts: int
) -> None:
    process = prepare({"store": {"url": f"sqlite:///{disk.directory}/gateway.db"}}).start()
    await introduce_customers(process)
    history: History = []
    attempts = pairs()
    for _ in range(cuts):
        history += await _work_until_the_power_goes(process, disk, attempts)
        disk.unplug()
        disk.plug_in()
        process.start()
    await _everything_is_there(process, history)


def test_the_disk_keeps_what_it_had_confirmed_when_the_power_went(disk: Disk) -> None:
    """The instrument itself: what the other tests find lost was lost by the gateway, not by the file system under it."""
    file = disk.directory / "confirmed"
    for cut in range(_CAREFUL_CUTS):
        file.unlink(missing_ok=True)
        disk.sync()
        words = (sys.executable, "-ISc", _CAREFUL_WRITER, str(file))
        with subprocess.Popen(words, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            said = writer.stdout.read(4 * (20 + cut))
            disk.cut()
            said += writer.stdout.read()
        disk.unplug()
        disk.plug_in()
        kept = file.read_bytes()
        numbers = range(len(said) // 4)
        assert [kept[number * _PAGE :][:4] for number in numbers] == [
            struct.pack("<i", number) for number in numbers
        ]


def test_f02_the_control_a_commit_that_does_not_wait_for_the_disk_is_lost(disk: Disk) -> None:
    database = disk.directory / "careless.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE said (number INTEGER)")
    disk.sync()
    words = (sys.executable, "-c", _CARELESS_WRITER, str(database))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(_SOME)]
        disk.cut()
        said += [int(line) for line in writer.stdout if line.endswith(b"\n")]
    disk.unplug()
    disk.plug_in()
    with closing(sqlite3.connect(database)) as connection:
        kept = connection.execute("SELECT COUNT(*) FROM said").fetchone()[0]
    assert kept < len(said)


@_cuts(_POSTGRES_CUTS, _LONG_POSTGRES_CUTS)
async def test_f03_a_power_cut_takes_nothing_that_was_acknowledged_from_postgresql(
    disk: Disk, server: Server, on_postgres: Process, cuts: int
) -> None:
    server.start()
    process = await asyncio.to_thread(on_postgres.start)
    await introduce_customers(process)
    disk.sync()
    history: History = []
    attempts = pairs()
    for _ in range(cuts):
        history += await _work_until_the_power_goes(process, disk, attempts)
        await asyncio.to_thread(_power_returns, disk, server)
        server.forget_who_led()
        process.start()
    await _everything_is_there(process, history)


async def test_f03_the_control_a_commit_that_does_not_wait_for_the_disk_is_lost(
    disk: Disk, server: Server, on_postgres: Process
) -> None:
    server.start(**_CARELESS)
    process = await asyncio.to_thread(on_postgres.start)
    await introduce_customers(process)
    disk.sync()
    history = await _work_until_the_power_goes(process, disk, pairs())
    await asyncio.to_thread(_power_returns, disk, server)
    assert any("lost" in finding for finding in broken_promises(process, history))


def _power_returns(disk: Disk, server: Server) -> None:
    disk.unplug()
    disk.plug_in()
    server.start_after_the_cut()
