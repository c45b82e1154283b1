"""A wall clock that is wrong for a moment, or from the start, under a gateway that serves: rewards go on, time in the audit log
does not go back, and what is wrong is said."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgresql import PostgresServer
from tests.support.processes.client import achieve_request, admin_request, call, customer_request
from tests.support.processes.evidence import all_decided, rows
from tests.support.processes.gateway_process import ADMIN_TOKEN, Launch, Process

_LAUNCHER = str(Path(__file__).parents[1] / "support" / "processes" / "wrong_clock.py")
_AHEAD = 400 * 86_400
_YEAR = timedelta(days=365)
_GRANTED = "SELECT COUNT(*) FROM achievement WHERE state = 'granted'"
_CAMPAIGN = 99


class WrongClock:
    """What the wall clock of one process is wrong by."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.set(0)

    def set(self, seconds: int) -> None:
        new = self.place.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.place)


@pytest.fixture
def clock(tmp_path: Path) -> WrongClock:
    return WrongClock(tmp_path / "seconds")


def with_an_end(process: Process, believe_after: str) -> Process:
    """A campaign that ends long before the wrong clock's time."""
    end = (datetime.now(UTC) + _YEAR / 2).strftime("%Y-%m-%dT%H:%M:%SZ")
    with process.config.open("a") as config:
        config.write(
            f'\n[[campaign]]\nid = {_CAMPAIGN}\nname = "With an end"\npoints = 5\nends_at = {end}\n'
            f'[clock]\nbelieve_after = "{believe_after}"\n'
        )
    return process


async def reported(process: Process, name: str) -> None:
    assert (await call(process.port, customer_request(name))).status == 200
    assert (await call(process.port, achieve_request(name, _CAMPAIGN))).status == 202


async def readiness(process: Process) -> dict[str, Any]:
    answer = await call(process.admin_port, admin_request("/readyz"))
    assert answer.status == 200
    return json.loads(answer.body)


async def becomes(process: Process, status: str) -> None:
    """Wait until `/readyz` says so."""
    async with asyncio.timeout(30):
        while (await readiness(process))["status"] != status:  # noqa: ASYNC110 - it changes in another process
            await asyncio.sleep(0.05)


def audit_times(process: Process) -> list[int]:
    return [at for (at,) in rows(process.place, "SELECT at FROM audit ORDER BY event_id")]


def logged(process: Process) -> list[str]:
    return [json.loads(line).get("event", "") for line in process.log.read_text().splitlines()]


async def test_a_clock_that_is_ahead_for_a_moment_changes_nothing(prepare: Launch, clock: WrongClock) -> None:
    process = with_an_end(prepare(launcher=(_LAUNCHER, str(clock.place))), "10m").start()
    clock.set(_AHEAD)
    await becomes(process, "degraded")
    await reported(process, "ann")
    clock.set(0)
    await becomes(process, "ready")
    process.stop()
    process.start()
    await reported(process, "bob")
    await all_decided(process)
    assert rows(process.place, _GRANTED) == [(2,)]
    times = audit_times(process)
    assert times == sorted(times)
    assert times[-1] < (datetime.now(UTC) + _YEAR).timestamp() * 1_000
    assert {"clock_jumped", "clock_agrees_again"} <= set(logged(process))
    assert process.stop() == 0


async def test_after_a_start_with_a_clock_that_was_ahead_rewards_go_on(
    prepare: Launch, clock: WrongClock
) -> None:
    process = with_an_end(prepare(launcher=(_LAUNCHER, str(clock.place))), "10m")
    clock.set(_AHEAD)
    process.start()
    await reported(process, "ann")
    process.stop()
    clock.set(0)
    process.start()
    await becomes(process, "degraded")
    assert any(
        "jumped" in warning and "back" in warning for warning in (await readiness(process))["warnings"]
    )
    _command(process, "db", "clock", "--believe")
    (warning,) = (await readiness(process))["warnings"]
    assert "the newest moment in the database is 400 d ahead of the clock" in warning or "399 d" in warning
    await reported(process, "bob")
    await all_decided(process)
    assert rows(
        process.place,
        "SELECT a.state FROM achievement a JOIN record r ON r.record_id = a.record_id"
        " WHERE r.customer_id = 'bob'",
    ) == [("granted",)]
    times = audit_times(process)
    assert times == sorted(times)
    assert "database_ahead_of_clock" in logged(process)
    metrics = (await call(process.admin_port, admin_request("/metrics"))).body.decode()
    (ahead,) = (line for line in metrics.splitlines() if 'clock_ahead_seconds{of="database"}' in line)
    assert float(ahead.split()[1]) > _AHEAD - 86_400
    said = _command(process, "db", "clock")
    assert said.returncode == 1
    assert "ahead of the clock" in said.stderr
    assert "ahead of the clock" in _command(process, "db", "check").stderr
    assert process.stop() == 0


async def test_a_clock_that_is_wrong_at_a_start_is_found_out_when_it_was_right_before_in_this_boot(
    prepare: Launch, clock: WrongClock
) -> None:
    process = with_an_end(prepare(launcher=(_LAUNCHER, str(clock.place))), "10m").start()
    await reported(process, "ann")
    async with asyncio.timeout(30):
        while not rows(process.place, "SELECT 1 FROM boot"):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
    process.stop()
    clock.set(_AHEAD)
    process.start()
    await becomes(process, "degraded")
    await reported(process, "bob")
    await all_decided(process)
    assert rows(process.place, _GRANTED) == [(2,)]
    assert audit_times(process)[-1] < (datetime.now(UTC) + _YEAR).timestamp() * 1_000
    assert process.stop() == 0


async def test_a_jump_that_lasts_is_believed_and_so_is_an_operator(
    prepare: Launch, clock: WrongClock
) -> None:
    process = with_an_end(prepare(launcher=(_LAUNCHER, str(clock.place))), "1h").start()
    await reported(process, "ann")
    clock.set(-_AHEAD)
    await becomes(process, "degraded")
    said = _command(process, "db", "clock", "--json")
    assert said.returncode == 1
    assert json.loads(said.stdout)["wall_ahead_ms"] < -_AHEAD * 900
    believed = json.loads(_command(process, "db", "clock", "--believe", "--json").stdout)
    assert believed["wall_ahead_ms"] == 0
    assert datetime.fromisoformat(believed["now"]) < datetime.now(UTC) - _YEAR
    clock.set(0)
    await becomes(process, "degraded")
    assert "clock.believed" in [
        action for (action,) in rows(process.place, "SELECT action FROM audit ORDER BY event_id")
    ]
    assert _command(process, "db", "clock", "--believe").returncode == 0
    await all_decided(process)
    assert rows(process.place, _GRANTED) == [(1,)]
    assert process.stop() == 0


@pytest.fixture
def replicas(
    prepare: Launch, postgres: PostgresServer, tmp_path: Path, clock: WrongClock
) -> tuple[Process, Process]:
    settings = {
        "server": {"secret_file": str(tmp_path / "secret")},
        "store": {"url": postgres.url(postgres.fresh())},
        "achievements": {"grant_delay": ["0s", "0s"]},
    }
    wrong, right = prepare(settings, launcher=(_LAUNCHER, str(clock.place))), prepare(settings)
    clock.set(_AHEAD)
    return with_an_end(wrong, "10m").start(), with_an_end(right, "10m").start()


async def test_replicas_go_by_the_database_servers_clock(replicas: tuple[Process, Process]) -> None:
    wrong, right = replicas
    await becomes(wrong, "degraded")
    (warning,) = (await readiness(wrong))["warnings"]
    assert "this machine's clock is" in warning
    await becomes(right, "ready")
    for process, name in ((wrong, "ann"), (right, "bob"), (wrong, "eve")):
        await reported(process, name)
    await all_decided(right)
    assert rows(right.place, _GRANTED) == [(3,)]
    assert audit_times(right)[-1] < (datetime.now(UTC) + _YEAR).timestamp() * 1_000


def _command(process: Process, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words, "--config", str(process.config)],
        env={"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
