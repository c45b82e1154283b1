"""`gateway import`: imports a file, unless the next word is `list` or `undo`. To import a file of that name, write `./undo`."""

from typing import Any

import typer

from gateway.cli.lazy import Lazy, LazyGroup

_FILE = "FILE"


class _Imports(LazyGroup):
    table = {  # noqa: RUF012 - LazyGroup declares it
        _FILE: Lazy("gateway.cli.import_", "import_", "Import customers from a file."),
        "list": Lazy("gateway.cli.import_list", "list_", "List imports, newest first."),
        "undo": Lazy("gateway.cli.import_undo", "undo", "Undo a whole import."),
    }

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if args[:1] in (["list"], ["undo"]) else [_FILE, *args])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return ("" if name == _FILE else name), command, rest


app = typer.Typer(cls=_Imports, add_completion=False)


@app.callback()
def imports() -> None:
    """Import customers from a file, list imports, or undo one."""
