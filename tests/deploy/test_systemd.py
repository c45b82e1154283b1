"""The units for systemd: valid, closed to what the gateway does not need, and alike."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

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
def test_a_service_is_open_to_little(name: str) -> None:
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


def test_the_backup_script_can_be_run() -> None:
    assert os.access(UNITS / "gateway-backup", os.X_OK)
