"""Files of customers, read as a stream: CSV and JSON lines, of any size in a little memory. What cannot be read is one line
with a code, never the end of the file; after a quote that nobody closes, reading goes on at the next line."""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from gateway.cli.failure import MISUSED, Failure
from gateway.http.gameball.decode import parse_object

Format = Literal["csv", "jsonl"]
LONGEST = 64 << 10
"""Bytes of one record, over all its lines."""
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t|"


class Found(NamedTuple):
    """One record: the line where it begins, and its values or the code of what is wrong with it."""

    line: int
    values: list[Any] | None
    reason: str = ""


class Unreadable(Exception):
    """A line that is no text, or too long; `args[0]` is the code."""


class Lines:
    """The physical lines of a file. It remembers those of the record that is being read, to give them out once more."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._record: list[bytes] = []
        self._again: deque[bytes] = deque()
        self._size = 0
        self.number = 0
        self.position = 0

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
        self.position += len(line)
        rest = line
        while len(rest) > LONGEST and not rest.endswith(b"\n"):
            rest = self._file.readline(LONGEST + 1)
            self.position += len(rest)
        if self.number == 0:
            line = line.removeprefix(_BOM)
        return line


def format_of(file: Path, given: str) -> Format:
    match given or file.suffix.lower().removeprefix("."):
        case "csv" | "tsv" | "txt":
            return "csv"
        case "jsonl" | "ndjson":
            return "jsonl"
        case _:
            raise Failure(f"{file}: is it CSV or JSON lines? Say so with --format csv or jsonl", MISUSED)


def header_of(lines: Lines, file: Path, kind: Format) -> tuple[list[str], str]:
    """The names of the columns, with the delimiter between them. Of JSON lines: the names of the first object that can be
    read; `lines` is then used up."""
    if kind == "jsonl":
        for found in read_objects(lines, lambda one: list(one)):
            if found.values is not None:
                return found.values, ""
        return [], ""
    try:
        text = next(lines)
    except (StopIteration, Unreadable):
        text = ""
    delimiter = max(_DELIMITERS, key=text.count)
    names = next(csv.reader([text], delimiter=delimiter), [])
    if not any(names):
        raise Failure(
            f"{file}: has no first line with the names of its columns in UTF-8; save it as CSV in UTF-8",
            MISUSED,
        )
    return [name.strip() for name in names], delimiter


def read_table(lines: Lines, delimiter: str, columns: Sequence[int], width: int) -> Iterator[Found]:
    """The records behind the header; `columns` says which cells to take, in which order. Empty lines are no records."""
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
        if len(cells) == width:
            yield Found(line, [cells[column] for column in columns])
        elif cells:
            yield Found(line, None, "wrong_columns")


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
