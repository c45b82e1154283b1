"""A rule file that a command names."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.failure import MISUSED, Failure
from gateway.cli.output import note, print_json
from rules.language.effects import idle
from rules.language.parse import PRESETS, parse, preset
from rules.language.problems import describe
from rules.ruleset import RuleSet

RuleFile = Annotated[Path, typer.Argument(metavar="FILE", help="A rule file (TOML).")]

PRESET_NAMES = ", ".join(PRESETS)


def chosen_rules(file: Path | None, name: str, *, as_json: bool) -> RuleSet:
    """The rule set of the file, or else the preset of this name."""
    if file is not None:
        return parsed(file, as_json=as_json)
    if name not in PRESETS:
        raise typer.BadParameter(f"{name} is not a preset; known: {PRESET_NAMES}", param_hint="--preset")
    found = parse(preset(name))
    assert isinstance(found, RuleSet)  # noqa: S101 - a preset is in order
    return found


def warn_of(rules: RuleSet, file: Path, others: Iterable[str] = ()) -> None:
    for remark in (*remarks_on(rules), *others):
        note(f"warning: {file}: {remark}")


def remarks_on(rules: RuleSet) -> list[str]:
    """What has no effect in it, a line each."""
    return describe(idle(rules)).splitlines()


def parsed(file: Path, *, as_json: bool) -> RuleSet:
    """The rule set; raises Failure after it printed all problems."""
    try:
        found = parse(file.read_text("utf-8"))
    except OSError as error:
        raise Failure(f"{file}: cannot be read ({error.strerror}); name a rule file", MISUSED) from None
    except UnicodeDecodeError:
        raise Failure(f"{file}: is not UTF-8 text; save it as UTF-8", MISUSED) from None
    if isinstance(found, RuleSet):
        return found
    if as_json:
        print_json({"ok": False, "problems": found})
    for line in describe(found).splitlines():
        note(f"{file}: {line}")
    raise typer.Exit(MISUSED)
