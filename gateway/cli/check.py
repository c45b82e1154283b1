"""`gateway check`: reports everything that is wrong with the settings and the rule set, before anything runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from gateway.cli.admin_client import ask
from gateway.cli.failure import MISUSED, Failure
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, settings
from gateway.cli.output import note, print_json, say
from gateway.clock import SystemClock
from gateway.config import Config, ConfigError
from gateway.config.change import Change, changes, comparable
from gateway.config.check import masked, warnings, with_api_key_alone
from rules.language.problems import describe
from rules.language.references import unknown_id_spaces
from rules.ruleset import RuleSet


def check(
    config: ConfigFile = DEFAULT_CONFIG,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print what a reload of the running gateway would change.")
    ] = False,
    json: AsJson = False,
) -> None:
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
    if diff:
        _print_changes(_changes_of_running(config, loaded), as_json=json)
        return
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


def _changes_of_running(file: Path, config: Config) -> list[Change]:
    """The difference between the running gateway's settings and these. Raises Failure if no gateway runs."""
    from gateway.config.master_secret import admin_token

    running = ask(file, lambda admin: admin.get("/settings"), only_running=True)
    return changes(running["settings"], comparable(config, admin_token(config).encode()))


def _print_changes(found: list[Change], *, as_json: bool) -> None:
    """Raises Failure if a reload would be refused."""
    fixed = [change.setting for change in found if not change.is_live]
    if as_json:
        rows = [{**change._asdict(), "needs_restart": not change.is_live} for change in found]
        print_json({"ok": not fixed, "changes": rows})
    else:
        for change in found:
            say(_told(change))
    if not found:
        note("a reload would change nothing")
    if fixed:
        raise Failure(
            f"a reload would be refused and would change nothing: {', '.join(fixed)} cannot change while the gateway"
            " runs; restart it, or undo the change"
        )


def _told(change: Change) -> str:
    if change.kind != "changed":
        return f"{change.setting}: {change.kind}"
    before, after = (msgspec.json.encode(value).decode() for value in (change.before, change.after))
    return f"{change.setting}: {before} -> {after}"


def strangers(rules: RuleSet, config: Config) -> list[str]:
    """Id spaces that the rules name but no channel has. A former channel may have had them."""
    found = unknown_id_spaces(rules, {channel.id_space for channel in config.channels})
    return describe(found).splitlines()


def _check_start(config: Config) -> RuleSet:
    """Checks what would stop a start before it changes anything: the rule set, the kind of store and the packages."""
    from gateway.app.exporting import make_encoder
    from gateway.app.factories import make_store, seed_rules

    make_store(config, SystemClock(), b"")
    make_encoder(config)
    return seed_rules(config)


def _lines(table: Mapping[str, Any], path: str) -> Iterator[str]:
    """One line for each setting, under its dotted path."""
    for name, value in table.items():
        match value:
            case dict():
                yield from _lines(value, f"{path}{name}.")
            case [dict(), *_]:
                for position, row in enumerate(value):
                    yield from _lines(row, f"{path}{name}[{position}].")
            case _:
                yield f"{path}{name} = {msgspec.json.encode(value).decode()}"
