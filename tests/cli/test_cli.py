"""Commands in general: keys, exit codes, and the way to the running gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway
from tests.support.shell import Shell, bring_till_customer


def test_keys_are_made_listed_and_revoked(shell: Shell) -> None:
    issued = shell.json("keys", "new", "--channel", "pos")
    assert issued["api_key"].startswith("gw_api_pos_")
    assert [key["id"] for key in shell.json("keys", "list")["items"]] == [issued["id"]]
    shell("keys", "revoke", issued["id"], "--yes")
    assert "revoked" in shell.out
    assert shell.json("keys", "list")["items"][0]["revoked_at"]
    assert issued["api_key"] not in shell("audit", "query")


def test_a_refusal_exits_with_1_and_prints_one_line(shell: Shell) -> None:
    shell("db", "migrate")
    for words in (
        ("keys", "new", "--channel", "fax"),
        ("keys", "revoke", "nothing", "--yes"),
        ("profile", "show", "prf_1"),
    ):
        shell(*words, code=1)
        assert not shell.out
        assert len(shell.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "new"),
        ("keys", "list", "--limit", "201"),
        ("audit", "query", "--since", "soon"),
        ("no-such-command",),
    ],
)
def test_misuse_exits_with_2(shell: Shell, words: tuple[str, ...]) -> None:
    shell(*words, code=2)
    assert shell.err


def test_missing_settings_name_the_remedy(shell: Shell) -> None:
    shell.config.unlink()
    shell("keys", "list", code=2)
    assert "--config" in shell.err


def test_every_mistake_in_the_settings_is_reported(shell: Shell) -> None:
    with shell.config.open("a") as file:
        file.write('colour = "red"\n[log]\nlevel = "loud"\n')
    shell("check", code=2)
    assert "colour" in shell.err
    assert "log.level" in shell.err
    assert len(shell.json("check", code=2)["problems"]) == 2


async def test_commands_are_sent_to_the_running_gateway(
    gateway: RunningGateway, beside: Shell, tmp_path: Path
) -> None:
    await bring_till_customer(gateway)
    profiles = (await asyncio.to_thread(beside.json, "profile", "find", "0100 123 4567"))["items"]
    assert len(profiles) == 1
    profile = profiles[0]["id"]
    shown = await asyncio.to_thread(beside, "profile", "show", profile)
    assert "+201001234567" in shown
    (achievement,) = (await asyncio.to_thread(beside.json, "achievements", "list", "--profile", profile))[
        "items"
    ]
    told = await asyncio.to_thread(beside.json, "audit", "explain", achievement["id"])
    assert "pos created a new customer (mobile ***67)" in [event["sentence"] for event in told["items"]]
    issued = await asyncio.to_thread(beside.json, "keys", "new", "--channel", "web")
    opened = gateway.services.keyring.open(issued["api_key"], issued["secret_key"], secret_needed=True)
    assert not isinstance(opened, str)
    copy = tmp_path / "copy.db"
    await asyncio.to_thread(beside, "db", "backup", "--to", str(copy))
    assert copy.stat().st_size
    assert (await asyncio.to_thread(beside.json, "db", "check"))["ok"]
    erased = await asyncio.to_thread(beside.json, "erase", profile, "--yes")
    assert erased == {"erased": profile, "records": 1, "effects": None}


async def test_a_gateway_that_does_not_know_the_token_is_named(
    gateway: RunningGateway, beside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", "another-token-0123456789")
    await asyncio.to_thread(beside, "keys", "list", code=2)
    assert "another gateway" in beside.err


async def test_a_store_that_another_process_holds_is_refused(gateway: RunningGateway, shell: Shell) -> None:
    """The shell's settings have another admin listener, so the command tries to open the file itself. It does not advise to stop
    the other process: that may be a gateway which serves, and is only slow to answer."""
    await asyncio.to_thread(shell, "keys", "list", code=1)
    assert "no gateway answers on server.admin_listen" in shell.err
    assert "--config" in shell.err
    assert "top it" not in shell.err
