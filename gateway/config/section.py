"""The base of every table of the file: a frozen struct that checks itself."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import msgspec


class Mistake(NamedTuple):
    """One wrong setting: its dotted path within its table, then what is wrong, and the remedy."""

    path: str
    message: str

    def under(self, table: str) -> "Mistake":
        return Mistake(f"{table}.{self.path}" if table else self.path, self.message)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """`given` are the settings that were read; the others have their defaults."""

    given: ClassVar[frozenset[str]] = frozenset()

    def mistakes(self) -> Iterator[Mistake]:
        """Mistakes in settings that are each valid alone."""
        yield from ()
