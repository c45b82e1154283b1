"""Splits a file into blocks of records and sorts each block by what identifies the record. So rows of one person come together,
and the rows of a chunk touch few pages of the database. Each page is then read and written once, not once for each person. Rows
with the same customer id stay in the order of the file, because of two values the later one counts.

Each block is as large as all blocks before it together. So the first rows start soon, and a large file needs few passes over
the database. SQLite sorts a block, in a file without a name that ends with the process.
"""

import hashlib
import re
import sqlite3
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from gateway.cli.admin_client import as_json
from gateway.cli.failure import Failure
from gateway.cli.sheet import ReadPosition, SheetRecord
from gateway.http.gameball.texts import text_of
from rules.normalize.customer_id import from_spreadsheet, normal_form

_SMALLEST = 200_000
_LARGEST = 8_000_000
_SORTER = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16384;
CREATE TABLE record (key BLOB NOT NULL, unread INTEGER NOT NULL, json BLOB NOT NULL);
BEGIN;
"""
_SORTED = "SELECT unread, json FROM record ORDER BY unread DESC, key, rowid LIMIT -1 OFFSET ?"
_CUSTOMERS = 1 << 27
"""The size of the table that recognises customers. If two are mistaken for one, the second one's row comes later, among the further
rows of known customers."""
_NO_DIGITS = re.compile(r"\D+", re.ASCII)
_NATIONAL = 9
"""How many of a number's last digits are the same in every way of writing it."""


class Part(NamedTuple):
    """Some of a block's records as JSON lists: the records that were read, and for each other line the reason."""

    rows: bytes
    unread: bytes
    records: int


@dataclass(slots=True)
class Block:
    """The lines from `first_line` up to, but not including, `next_line`; the first `start` of their `count` records are taken.
    `name` is the same for the same records in the same order. `position` is how much of the file has been read after the block,
    in bytes. `last`: the file ends here."""

    first_line: int
    next_line: int
    position: int
    name: str
    count: int
    start: int
    last: bool
    _sorter: sqlite3.Connection
    _sorted: Iterator[tuple[int, bytes]]
    _fetched: list[tuple[int, bytes]] = field(default_factory=list)

    def part(self, count: int, size: int) -> Part:
        """The next records, up to `count` of them and up to `size` bytes together; at least one if there is one."""
        if not self._fetched:
            with _sorting():
                self._fetched = list(islice(self._sorted, count))
        taken = 0
        for _, record in self._fetched[:count]:
            size -= len(record)
            if size < 0 and taken:
                break
            taken += 1
        part, self._fetched = self._fetched[:taken], self._fetched[taken:]
        return Part(_listed(part, unread=False), _listed(part, unread=True), taken)

    def close(self) -> None:
        self._sorter.close()


class Blocks:
    """The blocks of a file whose records have these columns. `identifiers` are the columns to sort by."""

    def __init__(
        self,
        columns: Sequence[str],
        identifiers: Iterable[str],
        place: ReadPosition,
        records: Iterator[SheetRecord],
    ) -> None:
        self._columns = columns
        self._identifiers = [columns.index(name) for name in identifiers if name in columns]
        self._customer_id = columns.index("customer_id") if "customer_id" in columns else None
        self._place, self._records = place, records

    def read(self, first_line: int, begun: str = "", ahead: int = 0) -> Block:
        """The next block, which may be empty. If it is the block that was `begun`, it resumes after its first `ahead` records.
        Raises Failure, and the errors of reading the file."""
        size = min(max(_SMALLEST, first_line - 1), _LARGEST)
        sorter = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            sorter.executescript(_SORTER)
            named = hashlib.sha256(as_json(self._columns))
            entries = self._entries(islice(self._records, size), named.update)
            with _sorting():
                count = sorter.executemany("INSERT INTO record VALUES (?, ?, ?)", entries).rowcount
                name = named.hexdigest()[:32]
                start = ahead if name == begun else 0
                in_order = sorter.execute(_SORTED, (start,))
        except BaseException:
            sorter.close()
            raise
        place = self._place
        return Block(
            first_line,
            place.number + 1,
            place.position,
            name,
            max(count, 0),
            start,
            count < size,
            sorter,
            in_order,
        )

    def _entries(
        self, records: Iterable[SheetRecord], note: Callable[[bytes], None]
    ) -> Iterator[tuple[bytes, bool, bytes]]:
        seen = bytearray(_CUSTOMERS >> 3)
        for line, values, reason in records:
            if values is None:
                key, record = b"", as_json((line, reason))
            else:
                key, record = self._key(values, seen), as_json((line, values))
            note(b"%b\0%b\n" % (key, record))
            yield key, values is None, record

    def _key(self, values: Sequence[Any], seen: bytearray) -> bytes:
        """For the first row of a customer, what identifies it; later rows of the customer are sorted to the end, together."""
        if self._customer_id is None:
            return b""
        written = values[self._customer_id]
        customer_id = normal_form(from_spreadsheet(text_of(written) or str(written))).encode(
            errors="surrogatepass"
        )
        place, bit = divmod(zlib.crc32(customer_id) % _CUSTOMERS, 8)
        if seen[place] >> bit & 1:
            return b"1" + customer_id
        seen[place] |= 1 << bit
        return b"0" + self._identity(values).encode(errors="surrogatepass")

    def _identity(self, values: Sequence[Any]) -> str:
        """Roughly its position in the database's index, however it is written. An e-mail comes before a number: it is longer,
        so it fills more pages."""
        first = ""
        for place in self._identifiers:
            value = str(values[place] or "")
            if "@" in value:
                return value.strip().lower()
            first = first or value
        return _NO_DIGITS.sub("", first)[-_NATIONAL:] or first


@contextmanager
def _sorting() -> Generator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Failure(
            f"the rows cannot be sorted where temporary files are ({error}); name a directory with room as TMPDIR"
        ) from None


def _listed(records: Iterable[tuple[int, bytes]], *, unread: bool) -> bytes:
    return b"[%b]" % b",".join([record for is_unread, record in records if bool(is_unread) is unread])
