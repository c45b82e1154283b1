"""A customer file as the operator names it: its kind, the targets of its columns, and its records."""

import codecs
import contextlib
import hashlib
import json
import shlex
import zipfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from gateway.cli.columns import (
    Assignment,
    Mapped,
    assigned,
    cells_needed,
    check_columns,
    first_picked,
    values_of,
)
from gateway.cli.failure import MISUSED, Failure
from gateway.cli.headings import PRESETS
from gateway.cli.layout import (
    Fits,
    Layout,
    column_name,
    encoding_and_line_ends,
    layout_of_text,
    opened_lines,
)
from gateway.cli.recoding import recoded
from gateway.cli.sheet import LONGEST, ReadPosition, SheetRecord, Unreadable, read_objects, read_table
from gateway.cli.workbook import layout_of_rows, opened_rows, read_rows

Kind = Literal["csv", "jsonl", "xlsx"]
_SUFFIXES: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
_SAVE_AS = "open it in the spreadsheet and save it as .xlsx or as «CSV UTF-8»"
_OTHERS = {
    b"\xd0\xcf\x11\xe0": f"is an old .xls file, or protected by a password; {_SAVE_AS}",
    b"%PDF": "is a PDF; export the customers as .xlsx or CSV",
    b"\x1f\x8b": "is packed with gzip; unpack it first",
    b"<": f"is a web page or XML, whatever it is called; {_SAVE_AS}",
    b"{\\rtf": f"is a text document; {_SAVE_AS}",
}
_AS_LINES = "write each object on a line of its own, as does: jq -c"
_SUFFIX_ADVICE = {".xls": _SAVE_AS, ".ods": _SAVE_AS, ".xlsb": _SAVE_AS, ".numbers": _SAVE_AS}


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """`said` and `ignored` are the operator's words on the columns, and `preset` the platform that exported the file."""

    file: Path
    kind: Kind
    channel: str
    said: Mapped
    ignored: tuple[str, ...] = ()
    preset: str = ""
    encoding: str = ""
    sheet: str = ""
    resume: str = ""

    def assigned(self, names: Sequence[str], identifiers: Sequence[str]) -> Assignment:
        ignored = _as_in_header(self.ignored, names)
        taken = [name for name in names if name not in ignored]
        said = {target: _as_in_header(columns, names) for target, columns in self.said.items()}
        return assigned(self.file, said, taken, identifiers, self.preset)

    def import_id(self) -> str:
        """The same for the same content, channel and mapping, whatever the file's name."""
        if self.resume:
            return self.resume.removeprefix("imp_")
        with opened_file(self.file) as opened:
            found = hashlib.file_digest(opened, "sha256")
        mapping = sorted((t, c[0] if len(c) == 1 else list(c)) for t, c in self.said.items())
        others = [one for one in (*sorted(self.ignored), self.preset, self.encoding, self.sheet) if one]
        found.update(json.dumps([self.kind, self.channel, mapping, *others]).encode())
        return found.hexdigest()[:32]


def _as_in_header(columns: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The operator's words for columns, which may have been copied from a header with invisible marks."""
    return tuple(one if one in names else column_name(one) for one in columns)


class Sheet(NamedTuple):
    """The records of an opened file, in the order of the assignment's targets. `names` are the file's columns."""

    names: Sequence[str]
    title: str
    assignment: Assignment
    place: ReadPosition
    records: Iterator[SheetRecord]


def opened_file(file: Path) -> BufferedReader:
    try:
        return file.open("rb")
    except OSError as error:
        raise Failure(f"{file}: cannot be read ({error.strerror}); name a file", MISUSED) from None


def kind_of(file: Path, given: str) -> tuple[Kind, str]:
    """The kind of the file and, if it was given, the platform that exported it. The content outranks the file's name."""
    if given and given not in (*get_args(Kind), *PRESETS):
        known = ", ".join((*get_args(Kind), *PRESETS))
        raise Failure(f"--format {given}: is not known; known formats: {known}", MISUSED)
    preset = given if given in PRESETS else ""
    with opened_file(file) as opened:
        head = opened.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise Failure(f"{file}: {what}", MISUSED)
    if head.startswith(b"PK\x03\x04"):
        _check_workbook(file)
        return "xlsx", preset
    suffix = file.suffix.lower()
    if not given and suffix in _SUFFIX_ADVICE:
        raise Failure(f"{file}: cannot be read as it is; {_SUFFIX_ADVICE[suffix]}", MISUSED)
    kind = _SUFFIXES.get(suffix, "csv" if preset else None) if preset or not given else given
    if kind is None:
        raise Failure(f"{file}: is it CSV or JSON lines? Say so with --format csv or jsonl", MISUSED)
    if kind == "xlsx":
        raise Failure(f"{file}: is not an .xlsx file; {_SAVE_AS}", MISUSED)
    return ("jsonl" if kind == "jsonl" else "csv"), preset


def _check_workbook(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = frozenset(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        names = frozenset[str]()
    if "xl/workbook.xml" not in names:
        kind = (
            "an .xlsb or .ods file, or damaged" if names & {"xl/workbook.bin", "mimetype"} else "an archive"
        )
        remedy = _SAVE_AS if kind != "an archive" else "unpack it first, or save the sheet as .xlsx"
        raise Failure(f"{file}: is {kind}; {remedy}", MISUSED)


@contextlib.contextmanager
def opened_sheet(job: CustomerFile, identifiers: Sequence[str]) -> Generator[Sheet]:
    match job.kind:
        case "jsonl":
            with opened_file(job.file) as opened:
                yield _objects(job, opened, identifiers)
        case "xlsx":
            layout = layout_of_rows(job.file, job.sheet, _fits(job, identifiers))
            assignment = _assignment(job, layout.names, identifiers)
            values = values_of(assignment, layout.names)
            with opened_rows(job.file, job.sheet) as rows:
                yield Sheet(layout.names, layout.title, assignment, rows, read_rows(rows, layout, values))
        case "csv":
            with opened_file(job.file) as opened:
                layout = layout_of_text(job.file, opened, job.encoding, _fits(job, identifiers))
                yield _table(job, layout, opened, identifiers)


def _fits(job: CustomerFile, identifiers: Sequence[str]) -> Fits:
    def fits(cells: Sequence[str]) -> int:
        names = [column_name(cell) for cell in cells]
        found = job.assigned(names, identifiers)
        known = [column for columns in found.mapped.values() for column in columns if column in names]
        there = "customer_id" in found.mapped and found.mapped["customer_id"][0] in names
        return len(known) if there else 0

    return fits


def _assignment(job: CustomerFile, names: Sequence[str], identifiers: Sequence[str]) -> Assignment:
    for name in job.ignored:
        if not set(_as_in_header([name], names)) & set(names):
            raise Failure(f"--ignore {name}: {job.file} has no such column", MISUSED)
    assignment = job.assigned(names, identifiers)
    check_columns(job.file, assignment, names)
    return assignment


def _table(job: CustomerFile, layout: Layout, opened: BufferedReader, identifiers: Sequence[str]) -> Sheet:
    assignment = _assignment(job, layout.names, identifiers)
    lines = opened_lines(opened, layout.encoding, cr=layout.cr)
    with contextlib.suppress(Unreadable):
        while lines.number < layout.begins - 1:
            lines.begin()
            lines.raw()
    values = values_of(assignment, layout.names)
    needed = cells_needed(assignment, layout.names, identifiers)
    records = read_table(lines, layout.delimiter, len(layout.names), needed, values, spaced=layout.spaced)
    return Sheet(layout.names, layout.title, assignment, lines, records)


def _objects(job: CustomerFile, opened: BufferedReader, identifiers: Sequence[str]) -> Sheet:
    """The members of all objects are its columns: programs leave out what a customer does not have."""
    encoding, cr = encoding_and_line_ends(job.file, opened, job.encoding)
    opened.seek(0)
    _check_json_lines(job.file, recoded(opened, encoding, cr=cr).read(512))
    names = _members(job.file, read_objects(opened_lines(opened, encoding, cr=cr), list))
    assignment = job.assigned(list(dict.fromkeys((*names, *identifiers))), identifiers)
    paths = list(assignment.mapped.values())
    lines = opened_lines(opened, encoding, cr=cr)
    records = read_objects(lines, lambda one: [first_picked(one, some) for some in paths])
    return Sheet(names, "", assignment, lines, records)


def _members(file: Path, objects: Iterable[SheetRecord]) -> list[str]:
    """Raises Failure if their names are longer together than the header of a table may be."""
    names: dict[str, None] = {}
    size = 0
    for found in objects:
        new = [name for name in found.values or () if name not in names]
        names |= dict.fromkeys(new)
        size += sum(map(len, new))
        if size > LONGEST:
            raise Failure(
                f"{file}: its objects have too many different members, so some must be values;"
                " write them as values, not as names",
                MISUSED,
            )
    return list(names)


def _check_json_lines(file: Path, head: bytes) -> None:
    """Raises Failure for JSON that is not one object on each line."""
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith(b"["):
        raise Failure(f"{file}: is one JSON array; {_AS_LINES} '.[]' {shlex.quote(file.name)}", MISUSED)
    if text.partition(b"\n")[0].strip() == b"{":
        raise Failure(
            f"{file}: has objects over several lines; {_AS_LINES} . {shlex.quote(file.name)}", MISUSED
        )
