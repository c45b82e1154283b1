"""Which column of a file is what: said with `--map`, or in a small TOML file, or plain from the column's name."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.cli.failure import MISUSED, Failure

_USUAL = {"customer_id": ("customer_id", "customerid"), "guest": ("guest", "isguest")}


def read_mapping(pairs: Iterable[str], file: Path | None) -> dict[str, str]:
    """What is said of the columns: target to column. A pair on the command line outranks the file."""
    found = _from_file(file) if file else {}
    for pair in pairs:
        target, equals, column = pair.partition("=")
        if not (target and equals and column):
            raise Failure(
                f"--map {pair}: is not TARGET=COLUMN; write for example --map customer_id=ID", MISUSED
            )
        found[target] = column
    return found


def _from_file(file: Path) -> dict[str, str]:
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Failure(f"{file}: cannot be read ({error.strerror}); name a mapping file", MISUSED) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(
            f'{file}: is not TOML ({error}); write lines such as customer_id = "ID"', MISUSED
        ) from None
    return dict(_flat(file, tables, ""))


def _flat(file: Path, table: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(file, value, f"{prefix}{key}.")
        elif isinstance(value, str) and value:
            yield prefix + key, value
        else:
            raise Failure(f"{file}: {prefix}{key}: is not the name of a column; write a text", MISUSED)


def with_usual(said: Mapping[str, str], names: Sequence[str], identifiers: Iterable[str]) -> dict[str, str]:
    """What nobody said is taken from columns that are named like their target, in whatever case."""
    by_name = {name.casefold(): name for name in reversed(names)}
    usual = {**_USUAL, **{kind: (kind.casefold(),) for kind in identifiers}}
    guessed = {
        target: by_name[name]
        for target, known in usual.items()
        for name in known
        if target not in said and name in by_name
    }
    return {**guessed, **said}


def positions(file: Path, mapping: Mapping[str, str], names: Sequence[str]) -> list[int]:
    """Where the mapping's columns stand in a table."""
    for column in mapping.values():
        if column not in names:
            raise Failure(f"{file}: has no column {column!r}; there are: {', '.join(names)}", MISUSED)
    return [names.index(column) for column in mapping.values()]


def picked(one: Mapping[str, Any], path: str) -> Any:
    """The member of an object; `a.b` is b inside a, where there is no member of that very name."""
    if path in one or "." not in path:
        return one.get(path)
    head, _, rest = path.partition(".")
    inner = one.get(head)
    return picked(inner, rest) if isinstance(inner, dict) else None
