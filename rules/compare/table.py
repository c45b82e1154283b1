"""The tables of this package: texts in `tables/`, a line an entry; a line that begins with `#` is a note."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def table_lines(name: str) -> list[str]:
    text = files("rules").joinpath("compare", "tables", f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@cache
def words_by_use(name: str) -> Mapping[str, frozenset[str]]:
    """A table with lines of the form `use: word word …`."""
    found: dict[str, frozenset[str]] = {}
    for line in table_lines(name):
        use, _, words = line.partition(":")
        found[use] = found.get(use, frozenset()) | frozenset(words.split())
    return found
