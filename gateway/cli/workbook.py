"""The rows of an .xlsx file. Another process reads them (`gateway.processes.read_workbook`)."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from gateway.cli.failure import MISUSED, Failure
from gateway.cli.layout import Fits, Layout, header_at, header_names, title_of
from gateway.cli.sheet import Cells, SheetRecord

_SAMPLE = 60
_MEMORY = 1 << 30
"""The most memory of the other process, in bytes."""


class Rows:
    """The rows from the first one on. `number` is that of the last row that was read."""

    def __init__(self, lines: Iterator[bytes], size: int) -> None:
        self._lines, self._size = lines, size
        self.number = 0
        self.ended = False

    @property
    def position(self) -> int:
        """It is not known how much of the archive a row takes."""
        return self._size if self.ended else 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.number += 1
            yield line
        self.ended = True


@contextlib.contextmanager
def opened_rows(file: Path, sheet: str) -> Generator[Rows]:
    """Raises Failure for an unreadable file, at once or at the point where its rows end."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "gateway.processes.read_workbook",
        str(file.resolve()),
        sheet,
        str(_MEMORY),
    ]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as reading:
        assert reading.stdout is not None  # noqa: S101 - it is a pipe
        try:
            lines = _checked(file, reading.stdout, reading)
            next(lines, b"")
            yield Rows(lines, file.stat().st_size)
        finally:
            reading.kill()


def _checked(file: Path, lines: Iterator[bytes], reading: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    for line in lines:
        if line.startswith(b"{"):
            said = json.loads(line)
            if "error" in said:
                raise Failure(f"{file}: {said['error']}", MISUSED)
        yield line
    if reading.wait() != 0:
        raise Failure(f"{file}: the process that reads it ended; save the sheet as «CSV UTF-8»", MISUSED)


def layout_of_rows(file: Path, sheet: str, fits: Fits) -> Layout:
    sample: list[list[str]] = []
    with opened_rows(file, sheet) as rows:
        for line in rows:
            sample.append(json.loads(line) or [])
            if len(sample) == _SAMPLE:
                break
    at = header_at(sample, fits)
    if at is None:
        raise Failure(f"{file}: the sheet has no row with the names of its columns", MISUSED)
    return Layout(header_names(file, sample[at], fits), at + 2, title_of(sample[:at]))


def read_rows(rows: Rows, layout: Layout, values: Cells) -> Iterator[SheetRecord]:
    """The records after the header. A row has as many cells as are filled; missing cells are no mistake."""
    width = len(layout.names)
    for line in rows:
        if rows.number < layout.begins or line == b"[]\n":
            continue
        if line == b"null\n":
            yield SheetRecord(rows.number, None, "too_long")
            continue
        cells: Sequence[str] = json.loads(line)
        if any(cells[width:]):
            yield SheetRecord(rows.number, None, "wrong_columns")
        elif any(cell.strip() for cell in cells):
            yield SheetRecord(rows.number, values([*cells, *[""] * (width - len(cells))]))
