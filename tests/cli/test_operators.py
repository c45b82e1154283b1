"""`gateway operators`, and commands that act as an operator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.shell import Shell

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway


def test_a_command_acts_as_the_operator_of_the_token_that_the_settings_have(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    steward = shell.json("operators", "add", "ann", "--role", "steward")["token"]
    shown = shell("operators", "list")
    assert "ann" in shown
    assert steward not in shown
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", steward)
    assert shell("admin-token").strip() == steward
    shell("lists", "add", "shops", "+201001234567")
    shell("keys", "new", "--channel", "web", code=1)
    assert "forbidden_role: this needs the role admin, and ann is a steward" in shell.err
    (event, *_) = shell.json("audit", "query", "--action", "list.changed")["items"]
    assert event["actor"] == "operator:ann"
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN")
    again = shell.json("operators", "rotate", "ann", "--grace", "0")["token"]
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", steward)
    shell("operators", "list", code=2)
    assert "refused this configuration's admin token" in shell.err
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", again)
    shell("operators", "list")
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN")
    assert shell("operators", "remove", "ann", "--yes") == "ann is removed\n"
    shell("operators", "remove", "ann", "--yes", code=1)
    assert "operator_unknown" in shell.err


async def test_a_running_gateway_proves_itself_to_an_operator_before_it_gets_the_token(
    gateway: RunningGateway, beside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = await asyncio.to_thread(beside.json, "operators", "add", "ann", "--role", "viewer")
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", issued["token"])
    assert "ann" in await asyncio.to_thread(beside, "operators", "list")
    *parts, proof = issued["token"].split("_")
    strange = "_".join([*parts, proof[::-1]])
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", strange)
    await asyncio.to_thread(beside, "operators", "list", code=2)
    assert "it did not prove that it knows" in beside.err
    known = await gateway.rows("SELECT COUNT(*) FROM audit WHERE action = 'call.refused'")
    assert known == [(0,)], "it was not told the token"
