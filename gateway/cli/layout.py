"""The layout of a table: encoding, line ends, separator, and the line of its column names. It is detected from the first lines,
before any record is taken."""

import csv
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.cli.failure import MISUSED, Failure
from gateway.cli.recoding import check_utf8, encoding_of, has_cr_line_ends, recoded
from gateway.cli.sheet import LONGEST, Lines, Unreadable
from rules.normalize.written import visible

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 60
_SAMPLE_BYTES = 4 * LONGEST
_HEAD = 4096
_HEADER_WITHIN = 10
_SAID_DELIMITER = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_LIKE_A_CUSTOMER = re.compile(r".+@.+\..+|\+?[\d ()/.-]{6,}")

Fits = Callable[[Sequence[str]], int]
"""How many of these cells are known column names, including a customer id; 0 if there is none."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`begins` is the line after the header; `title` is the text before it. `spaced`: a quoted cell may follow a space."""

    names: list[str]
    begins: int
    title: str = ""
    delimiter: str = ","
    spaced: bool = False
    encoding: str = "utf-8"
    cr: bool = False


def opened_lines(opened: BinaryIO, encoding: str, *, cr: bool) -> Lines:
    opened.seek(0)
    return Lines(recoded(opened, encoding, cr=cr), source=opened)


def layout_of_text(file: Path, opened: BinaryIO, said_encoding: str, fits: Fits) -> Layout:
    """Raises Failure for a file that is not a text table, or that is neither UTF-8 nor of a stated encoding."""
    encoding, cr = encoding_and_line_ends(file, opened, said_encoding)
    if encoding == "utf-8" and not said_encoding:
        check_utf8(file, opened)
    texts, whole = _sample(opened_lines(opened, encoding, cr=cr))
    told = _SAID_DELIMITER.fullmatch(texts[0]) if texts else None
    skipped = 1 if told else 0
    found: list[tuple[tuple[int, ...], str, bool, int, list[_Line]]] = []
    for delimiter, spaced in itertools.product(told[1] if told else _DELIMITERS, (False, True)):
        if spaced and not any(f'{delimiter} "' in text for text in texts):
            continue
        lines = _records(texts[skipped:], delimiter, whole=whole, spaced=spaced)
        at = header_at([line.cells for line in lines], fits)
        if at is not None:
            found.append((_worth(lines[at:], fits), delimiter, spaced, at, lines))
    if not found:
        raise Failure(
            f"{file}: has no first line with the names of its columns; save it as CSV with a header line",
            MISUSED,
        )
    _, delimiter, spaced, at, lines = max(found, key=lambda one: one[0])
    return Layout(
        header_names(file, lines[at].cells, fits),
        lines[at].ends + 1 + skipped,
        title_of(line.cells for line in lines[:at]),
        delimiter,
        spaced,
        encoding,
        cr,
    )


def encoding_and_line_ends(file: Path, opened: BinaryIO, said_encoding: str) -> tuple[str, bool]:
    """The encoding, and whether CR alone ends lines. Raises Failure for a file that is not a text."""
    opened.seek(0)
    encoding = encoding_of(file, opened.read(_HEAD), said_encoding)
    opened.seek(0)
    with_lf = recoded(opened, encoding, cr=False).read(_SAMPLE_BYTES)
    return encoding, has_cr_line_ends(with_lf.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class _Line:
    """One record of the sample, and the physical line on which it ends."""

    ends: int
    cells: list[str]


def _sample(lines: Lines) -> tuple[list[str], bool]:
    """The first lines, and whether the file ends after them."""
    texts: list[str] = []
    size = 0
    while len(texts) < _SAMPLE_LINES and size < _SAMPLE_BYTES:
        lines.begin()
        try:
            raw = lines.raw()
        except StopIteration:
            return texts, True
        except Unreadable:
            break
        texts.append(raw.decode(errors="replace"))
        size += len(raw)
    return texts, False


def _records(texts: Sequence[str], delimiter: str, *, whole: bool, spaced: bool) -> list[_Line]:
    reader = csv.reader(texts, delimiter=delimiter, skipinitialspace=spaced)
    found: list[_Line] = []
    try:
        found.extend(_Line(reader.line_num, cells) for cells in reader)
    except csv.Error:
        return found
    return found if whole or len(found) < 2 else found[:-1]


def _worth(lines: Sequence[_Line], fits: Fits) -> tuple[int, ...]:
    """The better separator: the one that gives known names, or else rows as wide as the header."""
    header, *rows = lines
    width = len(header.cells)
    like_it = sum(len(row.cells) == width for row in rows if row.cells)
    return fits(header.cells), width > 1, like_it, width


def header_at(rows: Sequence[Sequence[str]], fits: Fits) -> int | None:
    """The row with the names: the first that names a customer id, or else the first that is not a title. A title has one cell;
    the rows after it have more."""
    first = rows[:_HEADER_WITHIN]
    for place, cells in enumerate(first):
        if fits(cells):
            return place
    filled = [sum(bool(cell.strip()) for cell in cells) for cells in rows]
    widest = max(filled, default=0)
    return next((place for place in range(len(first)) if filled[place] >= min(widest, 2) > 0), None)


def column_name(cell: str) -> str:
    """A heading as a person types it: on one line, without invisible marks and unusual blanks."""
    return " ".join(visible(unicodedata.normalize("NFC", cell)).split())


def header_names(file: Path, cells: Sequence[str], fits: Fits) -> list[str]:
    """The names without empty ones at the end. Raises Failure for a row of data, whose cells are not shown because they are
    personal data. A column beside known ones may be named `2023/2024`."""
    names = [column_name(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names or (not fits(cells) and any(map(_LIKE_A_CUSTOMER.fullmatch, names))):
        raise Failure(
            f"{file}: its first line seems to be a customer; put a line with the names of its columns before it",
            MISUSED,
        )
    return names


def title_of(rows: Iterable[Iterable[str]]) -> str:
    return " ".join(cell.strip() for cells in rows for cell in cells if cell.strip())
