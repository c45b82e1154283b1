"""Printing: a table for a person, JSON for a machine. Rows go to stdout, everything said about them to stderr."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

Row = Mapping[str, Any]
Columns = Mapping[str, str | Callable[[Row], Any]]
"""Heading to the key of a row, or to a function of it."""
_UNBOUNDED = 240


def console() -> Console:
    """Rich on a terminal; plain and wide where the output goes into a file or a pipe."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=_UNBOUNDED)


def note(text: str) -> None:
    """For the person at the terminal; machines read stdout."""
    print(text, file=sys.stderr)


def print_json(value: object) -> None:
    """One document, indented."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_line(value: object) -> None:
    """One document on one line, out at once: somebody may be following."""
    print(msgspec.json.encode(value).decode(), flush=True)


def print_rows(rows: Iterable[Row], columns: Columns) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row, source) for source in columns.values()))
    console().print(table)


def print_page(answer: Row, columns: Columns, *, as_json: bool) -> None:
    """A list answer of the admin API."""
    if as_json:
        print_json(answer)
        return
    print_rows(answer["items"], columns)
    if not answer["items"]:
        note("nothing found")
    if answer["next"]:
        note(f"there is more: --cursor {answer['next']}")


def _cell(row: Row, source: str | Callable[[Row], Any]) -> str:
    value = row.get(source) if isinstance(source, str) else source(row)
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value).replace("[", r"\[")
