"""Finds the line of each key and element of a TOML text, because `tomllib` gives values without positions. Every path that
`tomllib` would build from the text is known here, with the 1-based line on which its key or element begins."""

import re
import tomllib
from bisect import bisect_left
from collections import Counter
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys as `tomllib` spells them, and 0-based positions in arrays: `("rule", 0, "all_of", 1)`."""

_TRIVIA = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}#\r\n]+")
_STRING = re.compile(
    r"""
    \"{3} (?:[^\\]|\\.)*? \"{3,5}
    | '{3} .*? '{3,5}
    | " (?:[^"\\]|\\.)* "
    | ' [^']* '
    """,
    re.DOTALL | re.VERBOSE,
)
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")


def locate(text: str) -> dict[Path, int]:
    """The line of every path. `text` must be TOML that `tomllib` accepts; for any other text the result means nothing."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of `path`. If it is absent, the line of the nearest table around it, or 0 if there is none."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._breaks = [found.start() for found in re.finditer("\n", text)]
        self._elements: Counter[Path] = Counter()

    def document(self) -> None:
        table: Path = ()
        self._take(_TRIVIA)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._take(_TRIVIA)

    def _header(self) -> Path:
        line = self._line()
        of_array = self._text.startswith("[[", self._at)
        brackets = 2 if of_array else 1
        self._at += brackets
        path: Path = ()
        for part in self._key():
            path = (*self._last_element(path), part)
        if of_array:
            self._mark(path, line)
            self._elements[path] += 1
            path = self._last_element(path)
        self._mark(path, line)
        self._at += brackets
        return path

    def _last_element(self, path: Path) -> Path:
        return (*path, self._elements[path] - 1) if path in self._elements else path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = (*table, *self._key())
        self._mark(path, line)
        self._at += 1  # the equals sign
        self._take(_BLANK)
        self._value(path)

    def _key(self) -> list[str]:
        parts: list[str] = []
        while not parts or self._text[self._at] == ".":
            self._at += bool(parts)
            self._take(_BLANK)
            parts.append(_unquoted(self._take(_KEY_PART)))
            self._take(_BLANK)
        return parts

    def _value(self, path: Path) -> None:
        match self._text[self._at]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._take(_STRING)
            case _:
                self._take(_SCALAR)

    def _array(self, path: Path) -> None:
        self._next_item()
        position = 0
        while self._text[self._at] != "]":
            self._mark((*path, position), self._line())
            self._value((*path, position))
            self._end_item()
            position += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._next_item()
        while self._text[self._at] != "}":
            self._pair(path)
            self._end_item()
        self._at += 1

    def _end_item(self) -> None:
        self._take(_TRIVIA)
        if self._text[self._at] == ",":
            self._next_item()

    def _next_item(self) -> None:
        self._at += 1
        self._take(_TRIVIA)

    def _take(self, token: re.Pattern[str]) -> str:
        found = token.match(self._text, self._at)
        taken = found.group() if found else ""
        self._at += len(taken)
        return taken

    def _line(self) -> int:
        return bisect_left(self._breaks, self._at) + 1

    def _mark(self, path: Path, line: int) -> None:
        """Records the line of `path`, and of the tables around it that have no line of their own."""
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)


def _unquoted(part: str) -> str:
    """The key that a quoted or bare part stands for; `tomllib` itself resolves the escapes."""
    return part if part[0] not in "\"'" else next(iter(tomllib.loads(f"{part} = 0")))
