"""Printing: a table for a person, JSON for a program. Rows go to stdout, messages about them to stderr.

Text from callers or operators is shown as text: control characters are made escaped, so no value can move the cursor, change a
title or imitate a link.
"""

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.telemetry.escape import csv_line
from gateway.telemetry.escape import escaped as plain

Row = Mapping[str, Any]
Columns = Mapping[str, str | Callable[[Row], Any]]
"""From a heading to the key of a row, or to a function of the row."""
_GAP = "  "


def print_csv(cells: Iterable[object]) -> None:
    """A line of CSV on stdout."""
    sys.stdout.write(csv_line(cells))


def say(text: str, *, flush: bool = False) -> None:
    """The answer in words, on stdout. Line breaks in `text` must be our own: pass values that may contain some through `plain`
    first."""
    print(_lines(text), flush=flush)


def note(text: str) -> None:
    """Print a message for a person, on stderr. Programs read stdout. A message that cannot be written changes no exit code."""
    with contextlib.suppress(OSError):
        print(_lines(text), file=sys.stderr)


def _lines(text: str) -> str:
    return "\n".join("\t".join(map(plain, line.split("\t"))) for line in text.split("\n"))


def print_document(text: str) -> None:
    """A text that may be redirected to a file: byte for byte into a pipe or a file, made visible on a terminal."""
    if sys.stdout.isatty():
        say(text.rstrip("\n"))
    else:
        sys.stdout.write(text)


def print_json(value: object) -> None:
    """One document, indented."""
    print(_lines(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()))


def print_line(value: object) -> None:
    """One document on one line, flushed at once, because a program may be following."""
    print(plain(msgspec.json.encode(value).decode()), flush=True)


def print_rows(rows: Iterable[Row], columns: Columns) -> None:
    """A table if the rows fit the terminal, otherwise a block of lines for each row. Values are never cut or folded, so that
    ids can be copied."""
    headings = list(columns)
    cells = [[_cell(row, source) for source in columns.values()] for row in rows]
    widths = [max(_width(line[at]) for line in [headings, *cells]) for at in range(len(headings))]
    if cells and sys.stdout.isatty() and _table_width(widths) > shutil.get_terminal_size().columns:
        _print_blocks(headings, cells)
        return
    for line in [headings, *cells]:
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        print(_GAP.join(padded).rstrip())


def _table_width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _print_blocks(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Each row under its first value, with one line for each further value that is present."""
    indent = max(map(_width, headings))
    for first, *others in cells:
        print(f"{headings[0]} {first}")
        for heading, cell in zip(headings[1:], others, strict=True):
            if cell != "-":
                print(f"{_GAP}{heading:<{indent}}{_GAP}{cell}")


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
            return plain(str(value))


def _width(text: str) -> int:
    """How many terminal columns a text needs."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
