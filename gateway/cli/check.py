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
from gateway.config.check import masked, warnings, with_api_key_alone
from rules.references import unknown_id_spaces
from rules.rulefile import describe
from rules.ruleset import RuleSet


def check(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Check settings and rules, and print the settings as they take effect, secrets masked."""
    try:
        loaded = settings(config)
        rules = _check_start(loaded)
    except ConfigError as error:
        if json:
            print_json({"ok": False, "problems": error.problems})
        for problem in error.problems:
            note(problem)
        raise typer.Exit(MISUSED) from None
    effective, remarks = (
        masked(loaded),
        [*warnings(loaded), *(f"rules.seed: {line}" for line in strangers(rules, loaded))],
    )
    alone = with_api_key_alone(loaded)
    if json:
        print_json({"ok": True, "settings": effective, "api_key_alone": alone, "warnings": remarks})
    else:
        for line in _lines(effective, ""):
            say(line)
        for name, can in alone.items():
            say(f"channel {name}: with the API key alone a caller can {can}")
    for remark in remarks:
        note(f"warning: {remark}")


def strangers(rules: RuleSet, config: Config) -> list[str]:
    """Id spaces that the rules name and no channel has; a channel that was may have had them."""
    found = unknown_id_spaces(rules, {channel.id_space for channel in config.channels})
    return describe(found).splitlines()


def _check_start(config: Config) -> RuleSet:
    """What would stop a start before it touches anything: the rule set and the kind of store."""
    from gateway.app import make_store, seed_rules

    make_store(config, SystemClock(), b"")
    return seed_rules(config)


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
