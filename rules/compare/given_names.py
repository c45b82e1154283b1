"""The table of given names: which are short forms, pet names or other spellings of one name.

One line of `tables/given_names.txt` has the names that grew out of one. Bars part what people keep apart: within two bars, one
person may use each of the names; beyond a bar it is the name's form in another language. `tables/other_given_names.txt` has
names without other forms.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from rules.compare.letters import folded, plain, wide
from rules.compare.table import table_lines

_BAR = "|"


class NameGroups(NamedTuple):
    """The groups and the lines of the table that have a name. Both are empty for a name that it does not know."""

    groups: frozenset[int]
    lines: frozenset[int]


UNKNOWN = NameGroups(frozenset(), frozenset())


def groups_of(name: str) -> NameGroups:
    """Of a plain word."""
    return _table().get(name, UNKNOWN)


@cache
def _table() -> dict[str, NameGroups]:
    groups: dict[str, set[int]] = {}
    lines: dict[str, set[int]] = {}
    for line, group, name in _entries():
        groups.setdefault(name, set()).add(group)
        lines.setdefault(name, set()).add(line)
    return {name: NameGroups(frozenset(groups[name]), frozenset(lines[name])) for name in groups}


def _entries() -> Iterator[tuple[int, int, str]]:
    group = 0
    alone = [name for line in table_lines("other_given_names") for name in line.split()]
    for number, line in enumerate((*table_lines("given_names"), *alone)):
        for names in line.split(_BAR):
            group += 1
            for name in names.split():
                for spelt in {plain(folded(name)), plain(wide(folded(name)))}:
                    yield number, group, spelt
