"""`gateway check`: everything that is wrong with the settings and the rule set they start from, before anything runs."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import typer

from gateway.cli.failure import MISUSED
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, settings
from gateway.cli.output import note, print_json, say
from gateway.clock import SystemClock
from gateway.config import Config, ConfigError
from gateway.config.check import masked, warnings


def check(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Check settings and rules, and print the settings as they take effect, secrets masked."""
    try:
        loaded = settings(config)
        _check_start(loaded)
    except ConfigError as error:
        if json:
            print_json({"ok": False, "problems": error.problems})
        for problem in error.problems:
            note(problem)
        raise typer.Exit(MISUSED) from None
    effective, remarks = masked(loaded), warnings(loaded)
    if json:
        print_json({"ok": True, "settings": effective, "warnings": remarks})
    else:
        for line in _lines(effective, ""):
            say(line)
    for remark in remarks:
        note(f"warning: {remark}")


def _check_start(config: Config) -> None:
    """What would stop a start before it touches anything: the rule set and the kind of store."""
    from gateway.app import make_store, seed_rules

    seed_rules(config)
    make_store(config, SystemClock(), b"")


def _lines(table: Mapping[str, Any], path: str) -> Iterator[str]:
    """One setting a line, under its dotted path."""
    for name, value in table.items():
        match value:
            case dict():
                yield from _lines(value, f"{path}{name}.")
            case [dict(), *_]:
                for position, row in enumerate(value):
                    yield from _lines(row, f"{path}{name}[{position}].")
            case _:
                yield f"{path}{name} = {msgspec.json.encode(value).decode()}"
