"""`gateway db clock`: the time that the gateway goes by, what is wrong with it, and an operator's word that the clock is right."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from gateway.cli.connection import Admin, ask
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import note, print_json


def clock(
    believe: Annotated[
        bool,
        typer.Option("--believe", help="The clock is right: go by it at once. For the gateway that answers."),
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """The time that deadlines are judged by; exit 1 when the clock, the database and the time that passed do not agree."""

    async def asked(admin: Admin) -> Any:
        if not believe:
            return await admin.get("/clock")
        if not admin.running:
            raise Failure("no gateway is running; at its start it goes by the clock as it is")
        return await admin.post("/clock/believe")

    state = ask(config, asked)
    if json:
        print_json(state)
    else:
        print(state["now"])
    if state["warnings"]:
        warn(state)
        raise typer.Exit(REFUSED)


def warn(state: Mapping[str, Any]) -> None:
    """On stderr, each thing that is wrong with what to do."""
    for warning in state["warnings"]:
        note(warning)
