"""What is not documented does not exist: settings, codes, actions, commands and reasons are in the pages for users."""

import re
import tomllib
import typing
from pathlib import Path

import pytest
import typer.main

from gateway.audit.event import Action
from gateway.cli import app as cli
from gateway.config import load
from gateway.http.admin.problem import STATUS
from gateway.http.gameball import envelope
from gateway.http.gameball.envelope import Fault
from gateway.loyalty import eligibility

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAP = (ROOT / "gateway/README.md").read_text()


@pytest.mark.parametrize("action", [action.value for action in Action])
def test_every_audit_action_is_documented(action: str) -> None:
    assert f"`{action}`" in MAP


@pytest.mark.parametrize("code", sorted(STATUS))
def test_every_code_of_the_admin_listener_is_documented(code: str) -> None:
    assert f"`{code}`" in MAP


def test_every_code_that_an_operator_can_be_refused_with_is_documented() -> None:
    pattern = re.compile(r'(?:Refused|Refusal)\(\s*"([a-z_]+)"')
    found = {code for path in (ROOT / "gateway").rglob("*.py") for code in pattern.findall(path.read_text())}
    assert found
    assert not {code for code in found if f"`{code}`" not in MAP}


def test_every_fault_of_the_public_listener_is_documented() -> None:
    faults = [value for value in vars(envelope).values() if isinstance(value, Fault)]
    rows = [line for line in MAP.splitlines() if line.startswith("| ")]
    missing = [
        fault
        for fault in faults
        if not any(
            str(fault.status) in row.split("|")[1] and str(fault.code) in row.split("|")[2] for row in rows
        )
    ]
    assert faults
    assert not missing


@pytest.mark.parametrize("reason", typing.get_args(eligibility.Reason))
def test_every_reason_of_an_ignored_achievement_is_documented(reason: str) -> None:
    assert f"`{reason}`" in MAP


def _commands() -> list[str]:
    names: list[str] = []
    group: typing.Any = typer.main.get_command(cli)
    for name in group.list_commands(None):
        inner = getattr(group.get_command(None, name), "commands", None)
        names += [f"{name} {sub}" for sub in inner] if inner else [name]
    return names


@pytest.mark.parametrize("command", _commands())
def test_every_command_is_documented(command: str) -> None:
    assert f"gateway {command}" in README + MAP or f"`{command}" in README + MAP


def test_the_example_configuration_loads_as_it_is() -> None:
    config = load(ROOT / "config.example.toml", {})
    assert {channel.name for channel in config.channels} == {"web", "mobile", "pos", "callcenter"}


def test_the_readme_names_the_settings_that_exist() -> None:
    example = tomllib.loads((ROOT / "config.example.toml").read_text())
    for section, key in re.findall(r"`\[(\w+)\] (\w+)", README + MAP):
        assert key in example[section]
