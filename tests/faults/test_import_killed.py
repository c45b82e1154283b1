"""kill -9 in the middle of an import, of the gateway, of the command and of the process that reads: the import goes on where
it was, and at the end the database is as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway.sqlite_library import sqlite3
from tests.support.processes.gateway_process import ADMIN_TOKEN, Process
from tests.support.reader_processes import readers_of, wait_for_end

_PERSONS = 6_667
_LINES = 3 * _PERSONS
_PATIENCE = 60.0


def _write(file: Path) -> None:
    """Each person three times: by address, by number, and by both in another spelling. The third joins the first two."""
    rows = [
        row
        for n in range(_PERSONS)
        for row in (
            f"a{n},person{n}@shop{n % 40}.example.com,",
            f"b{n},,+2010{23_000_000 + 7 * n:08d}",
            f"c{n},Person{n}@SHOP{n % 40}.example.com,0020 10 {23_000_000 + 7 * n:08d}",
        )
    ]
    random.Random(1).shuffle(rows)
    file.write_text("customer_id,email,mobile\n" + "\n".join(rows) + "\n")


def _importing(process: Process, file: Path) -> "subprocess.Popen[bytes]":
    words = ("import", str(file), "--channel", "web", "--config", str(process.config))
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN},
    )


def _rows(process: Process, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{process.database}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def _reached(process: Process) -> int:
    """How many lines are taken; the file is one block."""
    try:
        rows = _rows(
            process,
            "SELECT r.next_line + b.ahead FROM import_run AS r JOIN import_block AS b USING (import_id)",
        )
    except sqlite3.OperationalError:  # there is no database yet, or no table in it
        return 0
    return rows[0][0] if rows else 0


def _wait_for_more(process: Process, lines: int, command: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE
    while _reached(process) <= lines:
        assert command.poll() is None, command.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _kill_command(process: Process, command: "subprocess.Popen[bytes]") -> None:
    command.kill()
    command.communicate()


def _kill_gateway(process: Process, command: "subprocess.Popen[bytes]") -> None:
    process.kill()
    _, errors = command.communicate(timeout=_PATIENCE)
    assert command.returncode == 1
    assert b"Traceback" not in errors


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Process:
    """A gateway whose import was killed three times: the command over the file alone, then the gateway, then the command
    beside the gateway; the last time, only the process that reads was. None of these outlives who started it."""
    directory = tmp_path_factory.mktemp("import")
    file = directory / "customers.csv"
    _write(file)
    process = Process(directory)
    rounds: list[tuple[bool, Callable[[Process, Any], None]]] = [
        (False, _kill_command),
        (True, _kill_gateway),
        (True, _kill_command),
    ]
    running = False
    for served, kill in rounds:
        if served and not running:
            process.start()
        command = _importing(process, file)
        _wait_for_more(process, _reached(process), command)
        (reader,) = readers_of(process.pid if served else command.pid)
        kill(process, command)
        running = served and kill is not _kill_gateway
        if not running:
            wait_for_end(reader)
    command = _importing(process, file)
    _wait_for_more(process, _reached(process), command)
    (reader,) = readers_of(process.pid)
    os.kill(reader, signal.SIGKILL)
    _, errors = command.communicate(timeout=_PATIENCE)
    assert command.returncode == 0, errors
    assert b"resumes" in errors
    assert process.stop() == 0
    return process


def test_each_person_is_one_profile_with_each_record_once(process: Process) -> None:
    profiles: dict[int, set[str]] = {}
    rows = _rows(process, "SELECT profile_id, customer_id FROM record")
    for profile_id, customer_id in rows:
        profiles.setdefault(profile_id, set()).add(customer_id)
    assert len(rows) == _LINES
    assert sorted(map(sorted, profiles.values())) == sorted(
        [f"a{n}", f"b{n}", f"c{n}"] for n in range(_PERSONS)
    )


def test_the_counts_are_those_of_the_file(process: Process) -> None:
    ((next_line, finished),) = _rows(process, "SELECT next_line, finished_at IS NOT NULL FROM import_run")
    assert (next_line, finished) == (_LINES + 2, 1)
    actions = Counter(action for (action,) in _rows(process, "SELECT action FROM audit"))
    decided = {name: actions[f"identity.{name}"] for name in ("created", "attached", "merged")}
    ((counts,),) = _rows(process, "SELECT counts FROM import_run")
    assert json.loads(counts) == decided
    assert sum(decided.values()) == _LINES


def test_each_line_was_taken_by_one_chunk(process: Process) -> None:
    details = _rows(process, "SELECT detail FROM audit WHERE action = 'import.rows' ORDER BY event_id")
    chunks = [
        tuple(zip(*(json.loads(detail)[name] for name in ("lines", "ahead")), strict=True))
        for (detail,) in details
    ]
    assert chunks[0][0] == (1, 0)
    assert all(before[1] == after[0] for before, after in pairwise(chunks))
