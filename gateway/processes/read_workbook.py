"""`python -m gateway.processes.read_workbook FILE SHEET MEMORY`: the rows of an .xlsx file as JSON, a line each, on stdout. The
first line says which sheet it is, or why the file cannot be read.

It is a separate process with a memory limit, in bytes, because a small archive can hold very much: beyond the limit this process
ends and nothing else. Cells are written as the text that a spreadsheet writes into a CSV file.
"""

import contextlib
import datetime
import json
import os
import re
import resource
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

_MOST_ROWS = 1 << 20
_MOST_MEMBERS = 10_000
_SAMPLE_ROWS = 100
_SHEET_HEAD = 256 << 10
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_LARGEST_PART = 256 << 20
"""The most bytes of a part that is held in memory: names of sheets, formats, shared texts. Sheets are read row by row and may be
larger."""
_LARGEST_SHEET = 8 << 30
_DIGITS_KEPT = 10**15
"""A spreadsheet keeps fifteen digits of a number and writes zeros for the others."""
_LONGEST = 64 << 10
_HEAD = 4096
_STRICT = b"http://purl.oclc.org/ooxml/"
"""In the names of a format that spreadsheets can write and openpyxl cannot read."""
_DAMAGED = "is damaged or no .xlsx file; open it in the spreadsheet and save it again"
_PADDED = re.compile(r"(?:\[[^\]]*\])?(0{2,30})(?:_.)?(?:;.*)?", re.DOTALL)
"""A number format of zeros alone, perhaps with a language or colour, room for a bracket, and formats for other values."""
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""A character that XML cannot hold or keep, such as the CR in a cell of several lines: `_x000D_`."""
_BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What openpyxl raises for an archive with damaged, encrypted, missing or wrong parts; the syntax errors are XML's."""


class Unusable(Exception):
    """`args[0]` says why, and what to do."""


def main(path: str, sheet: str, memory: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    warnings.simplefilter("ignore")
    out = sys.stdout.buffer
    try:
        for row in _rows(path, sheet):
            out.write(_line(row))
    except BrokenPipeError:
        os._exit(0)  # the command has read enough; nothing is left to be flushed
    except Unusable as why:
        out.write(_line({"error": why.args[0]}))
    except MemoryError:
        out.write(_line({"error": "needs too much memory; save the sheet as «CSV UTF-8»"}))
    except _BROKEN:  # its text may quote a cell
        out.write(_line({"error": _DAMAGED}))


def _line(row: object) -> bytes:
    """`null` for a row that is longer than a record may be."""
    line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
    return (b"null" if len(line) > _LONGEST else line) + b"\n"


def _rows(path: str, wanted: str) -> Iterator[dict[str, Any] | list[str]]:
    _check_archive(path)
    import openpyxl

    with open(path, "rb") as opened:  # openpyxl looks at the name of a path, not at its content
        book = openpyxl.load_workbook(opened, read_only=True, data_only=True, keep_links=False)
        sheet = _sheet(book, wanted)
        sheet.reset_dimensions()
        _check_formulas(path, sheet)
        yield {"sheet": sheet.title}
        for number, cells in enumerate(sheet.iter_rows(), 1):
            if number > _MOST_ROWS:
                raise Unusable("has more rows than a sheet can have; save the sheet as «CSV UTF-8»")
            yield _texts(cells)


def _check_archive(path: str) -> None:
    """The sizes that an archive declares can be trusted: no more than that is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            with archive.open("xl/workbook.xml") as book:
                head = book.read(_HEAD)
    except _BROKEN:
        raise Unusable(_DAMAGED) from None
    if _STRICT in head:
        raise Unusable("is a «Strict Open XML» workbook; save it as «Excel Workbook (*.xlsx)» or «CSV UTF-8»")
    too_large = any(
        part.file_size > (_LARGEST_SHEET if part.filename.startswith("xl/worksheets/") else _LARGEST_PART)
        for part in parts
    )
    if len(parts) > _MOST_MEMBERS or too_large:
        raise Unusable("unpacks to more than the gateway reads; save the sheet as «CSV UTF-8»")


def _sheet(book: Any, wanted: str) -> Any:
    """The named one, else the only visible one that is not empty."""
    sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "iter_rows")]
    names = ", ".join(sheet.title for sheet in sheets)
    if wanted:
        for sheet in sheets:
            if sheet.title == wanted:
                return sheet
        raise Unusable(f"has no sheet {wanted!r}; there are: {names}")
    filled = [sheet for sheet in sheets if sheet.sheet_state == "visible" and _is_filled(sheet)]
    if len(filled) > 1:
        raise Unusable(
            f"has several sheets; say which one with --sheet: {', '.join(one.title for one in filled)}"
        )
    if not filled:
        raise Unusable(
            "has no visible sheet with anything in it; name one with --sheet" if sheets else "has no sheet"
        )
    return filled[0]


def _is_filled(sheet: Any) -> bool:
    sheet.reset_dimensions()
    rows = zip(range(1000), sheet.iter_rows(values_only=True), strict=False)
    return any(value is not None for _, row in rows for value in row)


def _check_formulas(path: str, sheet: Any) -> None:
    """A program that writes formulas may not calculate them, and its cells would be read as empty."""
    if not _has_formulas(path):
        return
    import openpyxl

    with open(path, "rb") as opened:
        book = openpyxl.load_workbook(opened, read_only=True, keep_links=False)
        written = _sample(book[sheet.title])
    formulas = [
        value
        for cells, texts in zip(_sample(sheet), written, strict=False)
        for value, text in zip(cells, texts, strict=False)
        if isinstance(text, str) and text.startswith("=") and value != text
    ]
    if formulas and all(value is None for value in formulas):
        raise Unusable("has formulas without their values; open it in the spreadsheet and save it again")


def _has_formulas(path: str) -> bool:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as part:
                    if _FORMULA.search(part.read(_SHEET_HEAD)):
                        return True
    return False


def _sample(sheet: Any) -> list[tuple[Any, ...]]:
    sheet.reset_dimensions()
    return list(islice(sheet.iter_rows(values_only=True), _SAMPLE_ROWS))


def _texts(cells: Iterable[Any]) -> list[str]:
    """Without the empty cells at the end."""
    texts = [_text(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(cell: Any) -> str:
    value = cell.value
    match value:
        case None:
            return ""
        case str():
            return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _padded(_number(value), cell.number_format)
        case datetime.datetime():
            return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()
        case _:
            return str(value)


def _number(value: float) -> str:
    """4711.0 is 4711. A number that lost digits is written as a spreadsheet shows it, so that it is not taken for whole."""
    if isinstance(value, float) and not value.is_integer():
        return repr(value)
    whole = int(value)
    lost = abs(whole) >= _DIGITS_KEPT and (isinstance(value, float) or whole % 10 == 0)
    return f"{whole:.14E}" if lost else str(whole)


def _padded(text: str, number_format: str) -> str:
    """A format such as 00000 shows the zeros that the number does not have."""
    found = _PADDED.fullmatch(number_format) if text.isdigit() else None
    return text.zfill(len(found[1])) if found else text


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
