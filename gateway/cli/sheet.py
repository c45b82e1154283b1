"""Files of customers, read as a stream: CSV and JSON lines, of any size in a little memory. What cannot be read is one line
with a code, never the end of the file; after a quote that is not closed, reading goes on at the next line."""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

from gateway.http.gameball.decode import parse_object

LONGEST = 64 << 10
"""Bytes of one record, over all its lines."""
_BOM = b"\xef\xbb\xbf"


Cells = Callable[[Sequence[str]], list[Any]]
"""Of the cells of a row, the values that are taken."""


class Found(NamedTuple):
    """One record: the line where it begins, and its values or the code of what is wrong with it."""

    line: int
    values: list[Any] | None
    reason: str = ""


class Place(Protocol):
    """How far a file is read: `number` is the line that was read last, `position` how much of the file that is, in bytes."""

    @property
    def number(self) -> int: ...

    @property
    def position(self) -> int: ...


class Unreadable(Exception):
    """A line that is no text, or too long; `args[0]` is the code."""


class Lines:
    """The physical lines of a file. It remembers those of the record that is being read, to give them out once more."""

    def __init__(self, file: BinaryIO, source: BinaryIO | None = None) -> None:
        """`source` is the file as it is stored, where `file` is read from it."""
        self._file, self._source = file, source or file
        self._record: list[bytes] = []
        self._again: deque[bytes] = deque()
        self._size = 0
        self.number = 0
        self.ended_whole = True
        """Whether the line that was read last has its line end: a file that was cut off may end anywhere."""

    @property
    def position(self) -> int:
        return self._source.tell()

    def begin(self) -> None:
        """A new record begins with the next line."""
        self._record.clear()
        self._size = 0

    def put_back(self) -> None:
        """Only the first line of this record was wrong; the others are to be read again."""
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
        """Of an endless line, only so much as shows that it is too long."""
        line = self._file.readline(LONGEST + 1)
        if not line:
            raise StopIteration
        rest = line
        while len(rest) > LONGEST and not rest.endswith(b"\n"):
            rest = self._file.readline(LONGEST + 1)
        if self.number == 0:
            line = line.removeprefix(_BOM)
        return line


def read_table(lines: Lines, delimiter: str, width: int, needed: int, values: Cells) -> Iterator[Found]:
    """The records behind the header, which has `width` names. Empty lines are no records. Cells behind the last name may be
    there if they are empty. Of a row that is shorter, `needed` cells have to be there: spreadsheets omit empty cells at the
    end of a row, and a row that is broken in two begins anew with its first cell."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, Unreadable) as error:
            lines.put_back()
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            yield Found(line, None, error.args[0] if isinstance(error, Unreadable) else "bad_csv")
            continue
        if not any(cells):
            continue
        if len(cells) != width:
            if len(cells) < width and (len(cells) < needed or not lines.ended_whole):
                yield Found(line, None, "wrong_columns")
                continue
            if any(cells[width:]):
                yield Found(line, None, "wrong_columns")
                continue
            cells = [*cells[:width], *[""] * (width - len(cells))]
        yield Found(line, values(cells))


def read_objects(lines: Lines, values: Callable[[dict[str, Any]], list[Any]]) -> Iterator[Found]:
    while True:
        lines.begin()
        line = lines.number + 1
        try:
            raw = lines.raw()
        except StopIteration:
            return
        except Unreadable as error:
            yield Found(line, None, error.args[0])
            continue
        if raw.isspace():
            continue
        one = parse_object(raw)
        if isinstance(one, dict):
            yield Found(line, values(one))
        else:
            yield Found(line, None, "bad_json" if _is_text(raw) else "encoding")


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
