"""`gateway db clock`: shows the gateway's time and what is wrong with it, and lets an operator state that the clock is
right."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import ask
from gateway.cli.failure import REFUSED
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import note, print_json, say


def clock(
    believe: Annotated[
        bool,
        typer.Option(
            "--believe", help="State that the clock is right; the gateway that answers uses its time at once."
        ),
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Show the time for deadlines; exit 1 if the clock and the database disagree about it."""
    state = ask(
        config,
        lambda admin: admin.post("/clock/believe") if believe else admin.get("/clock"),
        changes=believe,
        only_running=believe,
    )
    if json:
        print_json(state)
    else:
        say(state["now"])
    if state["warnings"]:
        warn(state)
        raise typer.Exit(REFUSED)


def warn(state: Mapping[str, Any]) -> None:
    """Prints each problem, with its remedy, on stderr."""
    for warning in state["warnings"]:
        note(warning)
