"""A shell for commands, with and without a running gateway."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway
from tests.support.shell import SETTINGS, Shell


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin="127.0.0.1:0"))
    return Shell(config, capsys)


@pytest.fixture
def beside(
    gateway: RunningGateway,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    """A shell on the settings of a gateway that runs."""
    config = tmp_path / "beside.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin=gateway.admin_url.removeprefix("http://")))
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", gateway.services.admin_token)
    return Shell(config, capsys)
