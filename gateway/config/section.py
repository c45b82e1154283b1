"""What every table of the file is: a frozen struct that knows its own mistakes."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec


class Mistake(NamedTuple):
    """One wrong setting: its dotted path within the reporting table, then what is wrong and the remedy."""

    path: str
    message: str

    def under(self, table: str) -> "Mistake":
        return Mistake(f"{table}.{self.path}" if table else self.path, self.message)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    def mistakes(self) -> Iterator[Mistake]:
        """What is wrong with settings that are right one by one."""
        yield from ()
