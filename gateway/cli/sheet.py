"""Customer files, read as a stream: CSV and JSON lines, of any size, in little memory. An unreadable record becomes one line
with a code and never ends the file. If a quote is not closed, reading resumes at the next line."""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

from gateway.http.gameball.decode import parse_object

LONGEST = 64 << 10
"""The most bytes of one record, over all its lines."""
_BOM = b"\xef\xbb\xbf"


Cells = Callable[[Sequence[str]], list[Any]]
"""Selects the wanted values from the cells of a row."""


class SheetRecord(NamedTuple):
    """One record: the line on which it begins, and its values or the code of its error."""

    line: int
    values: list[Any] | None
    reason: str = ""


class ReadPosition(Protocol):
    """The reading position in a file: `number` is the last line that was read, `position` the number of bytes up to its end."""

    @property
    def number(self) -> int: ...

    @property
    def position(self) -> int: ...


class Unreadable(Exception):
    """A line that is not text, or too long; `args[0]` is the code."""


class Lines:
    """The physical lines of a file. Remembers the lines of the current record, so that they can be read again."""

    def __init__(self, file: BinaryIO, source: BinaryIO | None = None) -> None:
        """`source` is the stored file, from which `file` is decoded."""
        self._file, self._source = file, source or file
        self._record: list[bytes] = []
        self._again: deque[bytes] = deque()
        self._size = 0
        self.number = 0
        self.ended_whole = True
        """Whether the last line that was read has a line end. A file that was cut off may end anywhere."""

    @property
    def position(self) -> int:
        return self._source.tell()

    def begin(self) -> None:
        """Start a new record at the next line."""
        self._record.clear()
        self._size = 0

    def put_back(self) -> None:
        """Only the first line of this record was wrong; read the others again."""
        rest = self._record[1:]
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        raw = self.raw()
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise Unreadable("encoding") from None

    def raw(self) -> bytes:
        line = self._again.popleft() if self._again else self._read()
        self.number += 1
        self.ended_whole = line.endswith(b"\n")
        self._record.append(line)
        self._size += len(line)
        if self._size > LONGEST:
            raise Unreadable("too_long")
        return line

    def _read(self) -> bytes:
        """If a line has no end, enough of it to show that it is too long."""
        line = self._file.readline(LONGEST + 1)
        if not line:
            raise StopIteration
        rest = line
        while len(rest) > LONGEST and not rest.endswith(b"\n"):
            rest = self._file.readline(LONGEST + 1)
        if self.number == 0:
            line = line.removeprefix(_BOM)
        return line


def read_table(
    lines: Lines, delimiter: str, width: int, needed: int, values: Cells, *, spaced: bool = False
) -> Iterator[SheetRecord]:
    """The records after the header, which has `width` names. Empty lines are skipped. Cells after the last name must be empty.
    A shorter row needs at least `needed` cells, because spreadsheets omit empty cells at the end. If a row is broken in two,
    the second part begins a new row with its first cell. `spaced`: a quoted cell may follow a space."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced, strict=True)
    while True:
        lines.begin()
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, Unreadable) as error:
            lines.put_back()
            reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced, strict=True)
            yield SheetRecord(line, None, error.args[0] if isinstance(error, Unreadable) else "bad_csv")
            continue
        if not any(cells):
            continue
        if len(cells) != width:
            if len(cells) < width and (len(cells) < needed or not lines.ended_whole):
                yield SheetRecord(line, None, "wrong_columns")
                continue
            if any(cells[width:]):
                yield SheetRecord(line, None, "wrong_columns")
                continue
            cells = [*cells[:width], *[""] * (width - len(cells))]
        yield SheetRecord(line, values(cells))


def read_objects(lines: Lines, values: Callable[[dict[str, Any]], list[Any]]) -> Iterator[SheetRecord]:
    while True:
        lines.begin()
        line = lines.number + 1
        try:
            raw = lines.raw()
        except StopIteration:
            return
        except Unreadable as error:
            yield SheetRecord(line, None, error.args[0])
            continue
        if raw.isspace():
            continue
        one = parse_object(raw)
        if isinstance(one, dict):
            yield SheetRecord(line, values(one))
        else:
            yield SheetRecord(line, None, "bad_json" if _is_text(raw) else "encoding")


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
