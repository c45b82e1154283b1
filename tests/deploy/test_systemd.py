"""The units for systemd: valid, closed to what the gateway does not need, and alike."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes.gateway_process import Process

UNITS = Path(__file__).parents[2] / "deploy/systemd"
SERVICES = ("gateway.service", "gateway@.service", "gateway-backup.service", "gateway-audit.service")
MOST_EXPOSED = 2.0


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they are, except for where the gateway was installed."""
    programs, units = tmp_path / "bin", tmp_path / "units"
    programs.mkdir()
    units.mkdir()
    for name in ("gateway", "gateway-backup"):
        (programs / name).symlink_to("/bin/true")
    for path in UNITS.iterdir():
        if path.suffix in (".service", ".timer"):
            (units / path.name).write_text(path.read_text().replace("/opt/gateway/bin", str(programs)))
    return units


def test_systemd_finds_nothing_wrong_with_the_units(installed: Path) -> None:
    instance = installed / "gateway@a.service"
    shutil.copy(installed / "gateway@.service", instance)
    jobs = (f"gateway-{name}.{kind}" for name in ("backup", "audit") for kind in ("service", "timer"))
    names = ("gateway.service", instance.name, *jobs)
    verified = analyze("verify", "--man=no", *(installed / name for name in names))
    assert (verified.returncode, verified.stderr, verified.stdout) == (0, "", "")


@pytest.mark.parametrize(
    ("wrong", "said"), [("Type=notifi", "Failed to parse"), ("WatchdogSecond=60s", "Unknown key")]
)
def test_the_check_finds_a_wrong_line(installed: Path, wrong: str, said: str) -> None:
    unit = installed / "gateway.service"
    unit.write_text(unit.read_text().replace("Type=notify", wrong))
    assert said in analyze("verify", "--man=no", unit).stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_low_exposure(name: str) -> None:
    judged = analyze("security", "--offline=yes", "--no-pager", UNITS / name)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", judged.stdout + judged.stderr)
    assert found
    assert float(found[1]) <= MOST_EXPOSED


def test_each_service_is_closed_in_the_same_way() -> None:
    closed = {
        name: (UNITS / name).read_text().partition("\nAmbient")[2].partition("[Install]")[0]
        for name in SERVICES
    }
    assert all(closed.values())
    assert len({text.strip() for text in closed.values()}) == 1


def test_one_of_several_differs_from_the_only_one_in_its_settings_alone() -> None:
    one, of_several = (UNITS / name for name in SERVICES[:2])
    same = of_several.read_text().replace("/%i.toml", "/config.toml").replace(" %i", "")
    assert same.splitlines()[1:] == one.read_text().splitlines()[1:]


def test_the_backup_script_keeps_the_newest_copies_and_what_they_need(tmp_path: Path) -> None:
    database, copies = tmp_path / "gateway.db", tmp_path / "copies"
    copies.mkdir()
    for day in ("20260101", "20260102", "20260103"):
        (copies / f"gateway-{day}T023000Z.db").write_text("an older copy")
        (copies / f"gateway-{day}T023000Z.db.secret").write_text("its secret")
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{database}"\nmin_free_disk = "0B"\n')
    program = tmp_path / "gateway"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
    program.chmod(0o755)
    subprocess.run([program, "db", "migrate", "--config", config], check=True, capture_output=True)
    places = {"GATEWAY": program, "CONFIG": config, "DATABASE": database, "TO": copies}
    environment = {name: str(path) for name, path in places.items()} | {"KEEP": "2", "PATH": "/usr/bin:/bin"}
    subprocess.run([UNITS / "gateway-backup"], env=environment, check=True, capture_output=True)
    found = sorted(path.name for path in copies.iterdir())
    assert found[:2] == ["gateway-20260103T023000Z.db", "gateway-20260103T023000Z.db.secret"]
    assert re.fullmatch(r"gateway-\d{8}T\d{6}Z\.db", found[2])
    assert found[3:] == [f"{found[2]}.secret"]
    assert {stat.S_IMODE((copies / name).stat().st_mode) for name in found[2:]} == {0o600}


# ---- what the units rely on ----


class Systemd:
    """Its end of the socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(60)

    def hears(self) -> str:
        return self._socket.recv(4096).decode().splitlines()[0]

    def hears_news(self) -> str:
        """The next that is no sign of life."""
        while (said := self.hears()) == "WATCHDOG=1":
            pass
        return said

    def close(self) -> None:
        self._socket.close()


def test_a_gateway_tells_systemd_what_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    systemd = Systemd(tmp_path / "notify")
    process = Process(tmp_path / "gateway")
    try:
        process.launch()
        assert systemd.hears_news() == "READY=1"
        assert systemd.hears() == "WATCHDOG=1"
        os.kill(process.pid, signal.SIGHUP)
        assert [systemd.hears_news(), systemd.hears_news()] == ["RELOADING=1", "READY=1"]
        process.terminate()
        assert systemd.hears_news() == "STOPPING=1"
        assert process.wait() == 0
    finally:
        process.kill()
        systemd.close()
