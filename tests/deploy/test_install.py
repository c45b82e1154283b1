"""The page for a bare Debian machine does what it says, block by block, in a machine that Debian's systemd boots."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.certificates import write_certificate

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/operations/install.md"
FETCHED = "/opt/gateway/bin/pip install --require-hashes --requirement requirements/runtime.txt\n"
HERE = 'echo /mnt/packages > "$(echo /opt/gateway/lib/python3*/site-packages)/dependencies.pth"\n'
"""What would be fetched is here already."""
CHECK = "promtool check config"
LOOKS = {
    "## 4.": "own_settings",
    "## 6.": "installed",
    "## 7.": "backed_up",
    "## 9.": "restored",
    "## Containers": "rotated",
}
"""Functions of looks.sh, and the section of the page that each comes before."""


def story(end: str) -> str:
    """The page's blocks before the section `end`, and the looks between them."""
    page = PAGE.read_text()
    for heading, look in LOOKS.items():
        assert page.count(f"\n{heading}") == 1
        page = page.replace(f"\n{heading}", f"\n```sh\n{look}\n```\n{heading}")
    assert page.count(FETCHED) == page.count(CHECK) == 1
    page = page.replace(FETCHED, HERE).replace(CHECK, f"hasten\n{CHECK}").partition(f"\n{end}")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", page, flags=re.M | re.S)
    return "".join([(ROOT / "tests/deploy/looks.sh").read_text(), *blocks, "ended\n"])


def played(directory: Path, end: str) -> str:
    """What the machine said."""
    (directory / "story").write_text(story(end))
    said = directory / "said"
    said.mkdir()
    write_certificate(directory, "loyalty.example.com", "gateway-admin.example.com")
    ended = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", ROOT / "tests/deploy/install.sh"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "STORY": str(directory / "story"),
            "SAID": str(said),
            "TLS": str(directory),
            "PYTHON": sys.base_prefix,
            "PACKAGES": sysconfig.get_path("purelib"),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    told = "".join(path.read_text() for path in said.iterdir())
    assert ended.returncode == 0, told + ended.stdout + ended.stderr
    told = re.sub(r"^\+ .*\n", "", told, flags=re.M)
    assert "-- installed: 200 200 200\nNRestarts=1\nUser=gateway\n" in told
    assert re.search(r"^CapBnd:\s0+\nNoNewPrivs:\s1\nSeccomp:\s2$", told, flags=re.M)
    assert told.count('"status":"ready"') + told.count('"status": "ready"') >= 3
    assert 'program.points_name: "points" -> "stars"' in told
    assert '{"settings":["program.points_name"]' in told
    assert "gateway_build_info{" in told
    assert "-- backed up: 200 200 1 200 1\n" in told
    assert re.search(r"-rw------- +1 gateway gateway .* /etc/gateway/config.toml", told)
    assert re.search(r"-rw------- .* gateway-\d{8}T\d{6}Z\.db\n-rw------- .*Z\.db\.secret\n", told)
    assert "gateway.log.1" in told
    assert told.endswith("-- stopped: success\n")
    return told


@pytest.mark.timeout(300)
def test_a_bare_machine_gets_a_gateway_behind_nginx(tmp_path: Path) -> None:
    played(tmp_path, "## 7.")


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_machine_raises_an_alert_is_restored_and_gets_other_secrets(tmp_path: Path) -> None:
    """Twice as long as the test above, and all that it plays is played here too."""
    told = played(tmp_path, "## Containers")
    assert 'alertname="GatewayDown", alertstate="firing"' in told
    assert "-- restored: 200 1 200 0 200\n" in told
    assert "-- old secrets: 401 401 401\n" in told
    assert "-- new secrets: 200 200 200\n" in told
    assert '"channel[web].secret_key"' in told
    assert '"webhook[crm].secret"' in told
