"""The page of commands, from the command line's own parser."""

from collections.abc import Iterator
from typing import Any

import typer.main

from docs.generator.text import bullet, paragraph
from gateway.cli import app


def commands() -> dict[str, Any]:
    """Every command by its words, such as `audit query`; the program itself is ``."""
    found: dict[str, Any] = {}

    def walk(command: Any, words: str) -> None:
        found[words] = command
        for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
            walk(command.get_command(None, name), f"{words} {name}".strip())

    walk(typer.main.get_command(app), "")
    return found


def lines() -> Iterator[str]:
    yield paragraph(
        "The CLI asks the admin API of the running gateway. If none runs, it opens the database itself. "
        "A command that reads creates nothing: no database, no secret, no newer schema."
    )
    yield ""
    final = [
        f"`{words}`"
        for words, command in commands().items()
        if any(part.help == "Do not ask." for part in command.params)
    ]
    yield paragraph(
        "Exit codes: 0 done, 1 refused, 2 wrong usage or configuration. With `--json`, an error is one line of JSON on "
        f"stderr. Commands that cannot be undone ({', '.join(final)}) ask first. Without a terminal they need `--yes`."
    )
    yield ""
    for words, command in commands().items():
        yield from _command(f"gateway {words}".strip(), command)


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"{'###' if name.count(' ') > 1 else '##'} `{name}`"
    yield ""
    yield paragraph(" ".join((command.help or "").split()))
    yield ""
    context = command.make_context(name, [], resilient_parsing=True)
    records = [record for part in command.get_params(context) if (record := part.get_help_record(context))]
    for term, text in records:
        if term != "--help":
            yield bullet(f"`{term}`" + (f": {' '.join(text.split())}" if text.strip() else ""))
    if len(records) > 1:
        yield ""
