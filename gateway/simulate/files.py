"""An invented shop as files: one for each channel, as `gateway import` reads them, the mapping of their columns, and the truth."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gateway.new_file import write_new
from gateway.simulate.registrations import ATTRIBUTES, COLUMNS, Registration
from gateway.simulate.shapes import Shape

TRUTH, MAPPING, INVENTED = "truth.csv", "mapping.toml", "INVENTED.txt"
TRUTH_COLUMNS = ("channel", "customer_id", "person", "household", "marks")
_NOTE = """\
Everything in these files was invented by `gateway simulate shop`: the people, their names and their homes.
Mail addresses are at domains kept for examples. Numbers are random, and a real person may have one: never call them, and never
import these files into a gateway that reports to a real platform.

"""


def write_shop(directory: Path, rows: Sequence[Registration], shape: Shape, about: str) -> list[Path]:
    """Raises OSError if a file is there already. Returns the files of the channels."""
    directory.mkdir(parents=True, exist_ok=True)
    write_new(directory / INVENTED, [(_NOTE + about + "\n").encode()])
    write_new(directory / MAPPING, [_mapping().encode()])
    write_new(directory / TRUTH, _lines(TRUTH_COLUMNS, map(_truth, rows)))
    written: list[Path] = []
    for name, channel in shape.channels.items():
        cells = [row.cells for row in rows if row.channel == name]
        path = directory / f"{name}.{'ndjson' if channel.ndjson else 'csv'}"
        write_new(path, _objects(cells) if channel.ndjson else _lines(COLUMNS, cells))
        written.append(path)
    return written


def _truth(row: Registration) -> tuple[str, ...]:
    return row.channel, row.cells[0], str(row.person), str(row.household), " ".join(row.marks)


def _mapping() -> str:
    return "".join(f'"{target}" = "{column}"\n' for column, target in ATTRIBUTES.items())


def _lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    for row in (header, *rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        yield line.getvalue().encode()


def _objects(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Without the empty cells, but for the first row, which names the columns."""
    for place, cells in enumerate(rows):
        filled = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell or not place}
        yield json.dumps(filled, ensure_ascii=False).encode() + b"\n"
