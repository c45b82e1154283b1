"""What the commands about the system say: status, activity, campaigns, imports, rule sets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.cli.status import size, span
from tests.support.admin_rules import SEED, rule_text
from tests.support.import_chunks import IMPORT, bring, chunk
from tests.support.shell import SETTINGS, Shell, bring_till_customer

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


@pytest.fixture
def shell(
    gateway: RunningGateway,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    config = tmp_path / "operator.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin=gateway.admin_url.removeprefix("http://")))
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", gateway.services.admin_token)
    return Shell(config, capsys)


async def test_status_shows_the_system_at_a_glance_and_over_time(
    gateway: RunningGateway, shell: Shell
) -> None:
    await bring_till_customer(gateway)
    await bring(gateway, chunk(["7", "ann@x.eg"], ["8", "no address"]))
    now = gateway.services.clock.now()
    gateway.services.activity.note_call("pos", 429, now)
    await gateway.services.activity.store_counts()

    async def say(*words: str) -> list[list[str]]:
        return [line.split() for line in (await asyncio.to_thread(shell, *words)).splitlines()]

    status = await asyncio.to_thread(shell, "status")
    assert status.startswith(f"ready: local mode, rules {SEED}, version ")
    assert "waiting for a person: nothing" in status
    assert "1 accepted" in status
    assert ["pos", "0.0", "1", "1", "0"] in [
        [line[0], line[1], *line[-3:]] for line in map(str.split, status.splitlines()) if line[:1] == ["pos"]
    ]
    assert f"import     {IMPORT}" in status
    headings, *rows = await say("activity", "--channel", "pos", "--step", "1d")
    assert dict(zip(headings, rows[-1], strict=False))["calls"] == "1"
    assert (await say("campaigns"))[1][:1] == ["11664"]
    assert (await say("import", "list"))[1][:4] == [f"imp_{IMPORT}", "pos", "under", "way"]


async def test_two_rule_sets_are_compared_as_a_diff(gateway: RunningGateway, shell: Shell) -> None:
    for version in ("v2", "v3"):
        async with gateway.admin("POST", "rules", json={"text": rule_text(version)}) as response:
            assert response.status == 201
    told = await asyncio.to_thread(shell, "rules", "diff", "v2", "v3")
    assert [line for line in told.splitlines() if line[0] in "+-"] == ['- version = "v2"', '+ version = "v3"']
    await asyncio.to_thread(shell, "rules", "stats", SEED)
    assert "decided nothing" in shell.err


def test_without_a_gateway_the_stored_figures_are_shown_and_the_command_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin="127.0.0.1:0"))
    shell = Shell(config, capsys)
    shell("db", "migrate")
    assert shell("status", code=1).startswith("NOT READY: local mode")
    assert "gateway serve" in shell.err
    told = shell.json("status", code=1)
    assert (told["ready"], told["today"]["calls"]) == (False, 0)


def test_durations_and_sizes_are_shown_in_a_fitting_unit() -> None:
    assert [span(seconds) for seconds in (0, 59, 840, 7_200, 200_000)] == [
        "0 s",
        "59 s",
        "14 min",
        "2 h",
        "2 d",
    ]
    assert [size(count) for count in (17, 2_048, 5 << 20, 3 << 30)] == [
        "17 B",
        "2.0 KiB",
        "5.0 MiB",
        "3.0 GiB",
    ]
