"""Commands that are imported only when they are called, so that `gateway --help` and each command load only what they need."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Lazy(NamedTuple):
    """A command or a group of commands: where it is defined, and its line in the list of commands."""

    module: str
    name: str
    summary: str

    def load(self) -> "Callable[..., Any] | typer.Typer":
        return getattr(import_module(self.module), self.name)


class LazyGroup(TyperGroup):
    """A group over a table of lazy commands. Subclasses set `table`."""

    table: dict[str, Lazy]

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        lazy = self.table.get(cmd_name)
        return None if lazy is None else as_command(lazy.load(), cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in self.table.items()])


def as_command(loaded: "Callable[..., Any] | typer.Typer", name: str) -> Any:
    """The command behind a function or a group, with this application's style of help."""
    if isinstance(loaded, typer.Typer):
        single = loaded
    else:
        single = typer.Typer(add_completion=False)
        single.command(name)(loaded)
    single.rich_markup_mode = None
    command = typer.main.get_command(single)
    command.name = name
    return command
