"""Keys in order, for engines that would spread them by a hash.

YugabyteDB hashes the first column of a key unless it is declared `ASC`. Pages, housekeeping and queues read ranges of keys, and
would then read whole tables. PostgreSQL takes `ASC` in an index, where it changes nothing, but not in a primary key.
"""

import re
from collections.abc import Iterator

_INDEX = re.compile(r"(CREATE (?:UNIQUE )?INDEX [^(]*)(\(.*)", re.DOTALL)
_TABLE = re.compile(r"(CREATE TABLE [^(]*)\((.*)\)\s*", re.DOTALL)
_KEY = "PRIMARY KEY"


def ordered_index(statement: str) -> str:
    """An index whose columns are all declared `ASC`; any other statement as it is."""
    if found := _INDEX.fullmatch(statement):
        start, rest = found.groups()
        end = _length(rest)
        return f"{start}({_ascending(rest[1 : end - 1])}){rest[end:]}"
    return statement


def ordered_key(statement: str) -> str:
    """A table whose primary key is declared `ASC`, which PostgreSQL does not know."""
    found = _TABLE.fullmatch(statement)
    if not found:
        return statement
    start, inside = found.groups()
    parts = [part.strip() for part in _parts(inside)]
    key = next((part for part in parts if part.endswith(_KEY) or part.startswith(_KEY)), None)
    if key is None:
        return statement
    columns = key.removeprefix(_KEY).strip(" ()") if key.startswith(_KEY) else key.split()[0]
    others = [part.removesuffix(_KEY).rstrip() for part in parts if not part.startswith(_KEY)]
    return f"{start}({', '.join([*others, f'{_KEY} ({_ascending(columns)})'])})"


def _ascending(columns: str) -> str:
    return ", ".join(f"{column.strip()} ASC" for column in _parts(columns))


def _parts(text: str) -> Iterator[str]:
    """Split at the commas that are in no parentheses."""
    depth, begin = 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            yield text[begin:place]
            begin = place + 1
    yield text[begin:]


def _length(text: str) -> int:
    """Of the parentheses that the text begins with."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return place + 1
    raise ValueError(text)
