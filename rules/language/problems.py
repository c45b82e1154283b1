"""Collects the problems of one rule file, so that all of them are reported at once, each with its line."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from rules.language.fields import Mistake, nearest, shown
from rules.language.grammar import Fields
from rules.language.toml_lines import Path, line_of


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a rule file: 1-based line (0 when the file as a whole is meant), dotted path, what, and
    the remedy.

    Paths count from 1 in file order, as in `rule[2].all_of[1]`; keys that are not bare TOML keys are quoted.
    """

    line: int
    path: str
    message: str
    remedy: str


class Problems:
    """The problems found so far."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self._lines = lines
        self._problems: list[Problem] = []
        self._touched: set[Path] = set()

    def add(self, path: Path, message: str, remedy: str) -> None:
        self._problems.append(Problem(line_of(self._lines, path), dotted(path), message, remedy))
        self._touched.update(path[:length] for length in range(1, len(path) + 1))

    def by_line(self) -> tuple[Problem, ...]:
        """By line; those of the file as a whole come first."""
        return tuple(sorted(self._problems, key=lambda problem: (problem.line, problem.path)))

    def is_clean(self, path: Path) -> bool:
        """Whether no problem was found at `path` or inside it, so that what was read there can be trusted."""
        return path not in self._touched

    def mistakes(self, path: Path, result: object) -> bool:
        """Adds the mistakes that a reader found at `path`; False if there are none."""
        found: list[Mistake] = result if isinstance(result, list) else []
        for mistake in found:
            self.add((*path, *mistake.at), mistake.message, mistake.remedy)
        return bool(found)

    def table(self, value: object, path: Path) -> dict[str, Any]:
        """`value` as a table; an empty table, with a problem noted, if it is something else."""
        if isinstance(value, dict):
            return value
        self.add(path, "must be a table", f"write [{dotted(path)}]")
        return {}

    def fields(
        self,
        value: object,
        readers: Fields,
        path: Path,
        required: tuple[str, ...] = (),
        foreign: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The values of a table that could be read, by key. `foreign` holds keys of other kinds, each with its kind."""
        if not isinstance(value, dict):
            return self.table(value, path)
        table: dict[str, object] = value
        for key in required:
            if key not in table:
                self.add((*path, key), "is missing", "add it")
        for key in [key for key in table if key not in readers]:
            if foreign and key in foreign:
                self.add((*path, key), f"is a key of kind {foreign[key]} only", "delete it")
            else:
                self.unknown((*path, key), readers)
        results = {key: readers[key](value) for key, value in table.items() if key in readers}
        return {key: result for key, result in results.items() if not self.mistakes((*path, key), result)}

    def unknown(self, path: Path, known: Iterable[str]) -> None:
        self.add(path, "is not a known key", nearest(path[-1], list(known)))


def dotted(path: Path) -> str:
    """`("rule", 0, "all_of", 1)` as `rule[1].all_of[2]`."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{shown(part)}" for part in path)
    return re.sub(r"^\.", "", "".join(parts))


def describe(problems: Iterable[Problem]) -> str:
    """One line for each problem: `line 12: rule[3].all_of: … (remedy)`."""
    return "\n".join(
        f"{f'line {line}' if line else 'file'}: {f'{path}: ' if path else ''}{message} ({remedy})"
        for line, path, message, remedy in map(astuple, problems)
    )
