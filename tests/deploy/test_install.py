"""The page for a bare Debian machine does what it says, block by block, in a machine of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.support.certificates import write_certificate

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/operations/install.md"
FETCHED = "/opt/gateway/bin/pip install --require-hashes --requirement requirements/runtime.txt\n"
HERE = 'echo /mnt/packages > "$(echo /opt/gateway/lib/python3*/site-packages)/dependencies.pth"\n'
"""What else would be fetched is here already."""


def test_a_bare_machine_gets_a_gateway_behind_nginx(tmp_path: Path) -> None:
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), flags=re.M | re.S))
    assert FETCHED in blocks
    (tmp_path / "blocks").write_text(blocks.replace(FETCHED, HERE))
    write_certificate(tmp_path, "loyalty.example.com", "gateway-admin.example.com")
    ended = subprocess.run(
        [
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--mount-proc",
            "sh",
            ROOT / "tests/deploy/install.sh",
        ],
        cwd=ROOT,
        env={
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "PIP_"))
            },
            "BLOCKS": str(tmp_path / "blocks"),
            "TLS": str(tmp_path),
            "PYTHON": sys.base_prefix,
            "PACKAGES": sysconfig.get_path("purelib"),
        },
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert '"status":"ready"' in said.replace(" ", "")
    assert "program.points_name" in said
    assert "gateway_build_info{" in said
    assert re.search(r"-rw------- +1 gateway gateway .* /etc/gateway/config.toml", said)
    assert re.search(r"-rw------- .* gateway-\d{8}T\d{6}Z\.db\n", said)
    assert "gateway.db.secret" in said
    assert "gateway.log.1" in said
