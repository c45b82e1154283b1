"""Assigns the columns of a file to targets: by `--map` or a small TOML file, by the known export of a platform, or by a
column's name. A target may have several columns; the first that is not empty in a row counts."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.failure import MISUSED, Failure
from gateway.cli.headings import CUSTOMER_ID, GUEST, PRESETS, USUAL, heading_key, preset_of
from rules.attributes import CUSTOM, KINDS

Mapped = dict[str, tuple[str, ...]]
"""Target to columns."""
_FORMULA_TEXT = re.compile(r'="((?:[^"]|"")*)"')
_GUARDED = frozenset("+-=@\t0123456789")


def read_mapping(pairs: Iterable[str], file: Path | None) -> Mapped:
    """What the operator said about the columns. A target on the command line outranks the file's."""
    found = _from_file(file) if file else {}
    said: dict[str, list[str]] = {}
    for pair in pairs:
        target, equals, column = pair.partition("=")
        if not (target and equals and column):
            raise Failure(
                f"--map {pair}: is not TARGET=COLUMN; write for example --map customer_id=ID", MISUSED
            )
        said.setdefault(target, []).append(column)
    return found | {target: tuple(columns) for target, columns in said.items()}


def _from_file(file: Path) -> Mapped:
    try:
        tables = tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise Failure(f"{file}: cannot be read ({error.strerror}); name a mapping file", MISUSED) from None
    except UnicodeDecodeError:
        raise Failure(f"{file}: is not UTF-8 text; save it as UTF-8", MISUSED) from None
    except tomllib.TOMLDecodeError as error:
        raise Failure(
            f'{file}: is not TOML ({error}); write lines such as customer_id = "ID"', MISUSED
        ) from None
    return dict(_flat(file, tables, ""))


def _flat(file: Path, table: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    for key, value in table.items():
        columns = value if isinstance(value, list) else [value]
        if isinstance(value, dict):
            yield from _flat(file, value, f"{prefix}{key}.")
        elif columns and all(isinstance(column, str) and column for column in columns):
            yield prefix + key, tuple(columns)
        else:
            raise Failure(f"{file}: {prefix}{key}: is not the name of a column; write a text", MISUSED)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The assignment of a file's columns: `mapped` has the columns of each target; `preset` is the platform that exported the
    file."""

    mapped: Mapped
    preset: str = ""

    @property
    def targets(self) -> list[str]:
        return list(self.mapped)


def assigned(
    file: Path, said: Mapped, names: Sequence[str], identifiers: Iterable[str], preset: str = ""
) -> Assignment:
    """Completes the assignment. Columns that the operator did not assign follow the export of the named platform, or of the
    platform with these column names, or else the meaning of their names. Raises Failure if no column is the customer id."""
    identifiers = list(identifiers)
    _check_targets(said, identifiers)
    known = preset or preset_of(names)
    by_key: dict[str, dict[str, None]] = {}
    for name in names:
        by_key.setdefault(heading_key(name), {})[name] = None
    found: Mapped = {}
    if known:
        found = _found(PRESETS[known].columns, by_key, {*identifiers, *KINDS, CUSTOMER_ID})
        _check_export(file, said, known, by_key)
    usual = {CUSTOMER_ID: USUAL[CUSTOMER_ID], GUEST: USUAL[GUEST]}
    usual |= {kind: USUAL.get(kind, (heading_key(kind),)) for kind in identifiers}
    taken = {column for columns in (*found.values(), *said.values()) for column in columns}
    for target, columns in _found(usual, by_key, usual).items():
        left = tuple(column for column in columns if column not in taken)
        if target not in found and target not in said and left:
            found[target] = left
    mapped = {**{target: found[target] for target in found if target not in said}, **said}
    if CUSTOMER_ID in mapped:
        mapped[CUSTOMER_ID] = mapped[CUSTOMER_ID][:1]
    return Assignment(mapped, known)


def _found(
    wanted: Mapping[str, tuple[str, ...]], by_key: Mapping[str, Iterable[str]], targets: Iterable[str]
) -> Mapped:
    allowed = set(targets)
    found = {
        target: tuple(name for key in keys for name in by_key.get(key, ()))
        for target, keys in wanted.items()
        if target in allowed
    }
    return {target: columns for target, columns in found.items() if columns}


def _check_targets(said: Mapped, identifiers: Sequence[str]) -> None:
    known = {CUSTOMER_ID, GUEST, *identifiers, *KINDS}
    for target in said:
        if target not in known and not target.startswith(CUSTOM):
            raise Failure(
                f"--map {target}: is not an identifier type of the active rules and not a customer attribute; "
                f"write custom.{target} for one of your own",
                MISUSED,
            )


def _check_export(file: Path, said: Mapped, preset: str, by_key: Collection[str]) -> None:
    for key, remedy in PRESETS[preset].stops.items():
        if key in by_key and CUSTOMER_ID not in said:
            raise Failure(f"{file}: is {PRESETS[preset].title}'s export of something else: {remedy}", MISUSED)


def check_columns(file: Path, assignment: Assignment, names: Sequence[str]) -> None:
    """Raises Failure for a missing column, and if no column is the customer id."""
    shown = ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
    for columns in assignment.mapped.values():
        for column in columns:
            if column not in names:
                raise Failure(f"{file}: has no column {column!r}; there are: {shown}", MISUSED)
    if CUSTOMER_ID not in assignment.mapped:
        example = next((name for name in names if heading_key(name) in ("id", "number", "nr")), "COLUMN")
        raise Failure(
            f"{file}: no column is known to be the customer id; name it with --map customer_id={example!r};"
            f" there are: {shown}",
            MISUSED,
        )


def values_of(assignment: Assignment, names: Sequence[str]) -> Callable[[Sequence[str]], list[Any]]:
    """A function from a row's cells to the values of the targets. It removes the marks by which spreadsheets protect a text.

    Of several columns with one name, the first that is not empty counts; for the customer id only the first.
    """
    places_of: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places_of.setdefault(name, []).append(place)
    plans = [
        [place for column in columns for place in places_of[column]][: 1 if target == CUSTOMER_ID else None]
        for target, columns in assignment.mapped.items()
    ]

    def values(cells: Sequence[str]) -> list[Any]:
        found: list[Any] = []
        for places in plans:
            for place in places:
                value = unmarked(cells[place])
                if value and not value.isspace():
                    break
            else:
                value = unmarked(cells[places[0]])
            found.append(value)
        return found

    return values


def cells_needed(assignment: Assignment, names: Sequence[str], identifiers: Iterable[str]) -> int:
    """How many cells a row must have: enough for the customer id and for one identifier."""
    known = [names.index(column) for kind in identifiers for column in assignment.mapped.get(kind, ())]
    last = max(names.index(assignment.mapped[CUSTOMER_ID][0]), min(known, default=len(names) - 1))
    return last + 1


def unmarked(cell: str) -> str:
    """`="0151"` is a formula that stands for its text. An apostrophe before a number or a sign keeps it from becoming a
    formula. Some programs write apostrophes for quotation marks."""
    if cell.startswith('="') and (formula := _FORMULA_TEXT.fullmatch(cell.strip())):
        return formula[1].replace('""', '"')
    if cell[:1] != "'":
        return cell
    if len(cell) > 1 and cell[-1] == "'" and "'" not in cell[1:-1]:
        return cell[1:-1]
    return cell[1:] if cell[1:2] in _GUARDED else cell


def picked(one: Mapping[str, Any], path: str) -> Any:
    """The member of an object. `a.b` is b inside a, unless there is a member with exactly that name."""
    if path in one or "." not in path:
        return one.get(path)
    head, _, rest = path.partition(".")
    inner = one.get(head)
    return picked(inner, rest) if isinstance(inner, dict) else None


def first_picked(one: Mapping[str, Any], paths: Iterable[str]) -> Any:
    """The first member that is present and not empty."""
    found: Any = None
    for path in paths:
        found = picked(one, path)
        if found not in (None, ""):
            return found
    return found
