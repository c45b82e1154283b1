"""The summary of an import before its first row: each column of the file and its target."""

import sys
from collections.abc import Iterator

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli.columns import Assignment
from gateway.cli.customer_file import CustomerFile, Sheet
from gateway.cli.failure import Failure
from gateway.cli.headings import CUSTOMER_ID, GUEST, PRESETS
from gateway.cli.output import note, plain

_MOST_IGNORED = 60


def show_columns(job: CustomerFile, sheet: Sheet, identifiers: list[str]) -> None:
    """Goes to stderr, because it is a message about the rows."""
    if sheet.title:
        note(f"{job.file}: the title above the column names is not imported")
    if sheet.assignment.preset:
        title = PRESETS[sheet.assignment.preset].title
        said = (
            ""
            if job.preset
            else f" (its columns say so; --format {sheet.assignment.preset} says it for them)"
        )
        note(f"{job.file}: read as an export of {title}{said}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("column", overflow="fold")
    table.add_column("becomes", overflow="fold")
    ignored = 0
    for name, becomes in _becoming(sheet, identifiers):
        ignored += becomes.startswith("ignored")
        if not becomes.startswith("ignored") or ignored <= _MOST_IGNORED:
            table.add_row(Text(plain(name) or "(no name)"), Text(plain(becomes)))
    if ignored > _MOST_IGNORED:
        table.add_row(f"{ignored - _MOST_IGNORED} more", "ignored")
    console = Console(stderr=True, highlight=False)
    console.print(table) if console.is_terminal else Console(stderr=True, highlight=False, width=240).print(
        table
    )
    if ignored:
        note(
            "an ignored column is taken with --map, for example --map firstName='First Name' or --map custom.size=Size"
        )


def may_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm() -> None:
    """Raises Failure if the answer is no."""
    if not typer.confirm("Import the rows like this?", err=True):
        raise Failure("nothing was imported; assign the columns with --map TARGET=COLUMN")


def _becoming(sheet: Sheet, identifiers: list[str]) -> Iterator[tuple[str, str]]:
    assignment = sheet.assignment
    seen: set[str] = set()
    for name in sheet.names:
        targets = [target for target, columns in assignment.mapped.items() if name in columns]
        said = "; ".join(_said(assignment, target, name, identifiers) for target in targets) or "ignored"
        if name in seen and targets:
            said = "ignored: another" if CUSTOMER_ID in targets else f"{said}, where the other"
            said += " column has the same name" if CUSTOMER_ID in targets else " column of this name is empty"
        yield name, said
        seen.add(name)
    for target, columns in assignment.mapped.items():
        for column in columns:
            if column not in seen and sheet.names and "." in column:
                yield column, _said(assignment, target, column, identifiers)


def _said(assignment: Assignment, target: str, name: str, identifiers: list[str]) -> str:
    if target == CUSTOMER_ID:
        return "customer id"
    if target == GUEST:
        return "guest: yes or no"
    kind = f"identifier {target}" if target in identifiers else f"attribute {target}"
    columns = assignment.mapped[target]
    before = columns[: columns.index(name)]
    return (
        f"{kind}, where {' and '.join(before)} {'is' if len(before) == 1 else 'are'} empty"
        if before
        else kind
    )
