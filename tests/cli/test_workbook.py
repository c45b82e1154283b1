"""Sheets as spreadsheets store them: what a cell shows is what is taken, and a hostile archive is one line of advice."""

import struct
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from gateway.cli import workbook
from gateway.cli.customer_file import CustomerFile, kind_of, opened_sheet
from gateway.cli.failure import Failure
from gateway.cli.sheet import SheetRecord

HEADER = ["Customer ID", "Email", "Phone", "Note"]


def book(file: Path, *rows: list[Any], sheet: str = "") -> openpyxl.Workbook:
    made = openpyxl.load_workbook(file) if file.exists() else openpyxl.Workbook()
    target = made.create_sheet(sheet) if sheet else made.worksheets[0]
    for row in rows:
        target.append(row)
    made.save(file)
    return made


def records(file: Path, sheet: str = "", **said: tuple[str, ...]) -> list[SheetRecord]:
    kind, preset = kind_of(file, "")
    with opened_sheet(
        CustomerFile(file, kind, "web", said, preset=preset, sheet=sheet), ["email", "mobile"]
    ) as opened:
        return list(opened.records)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "customers.xlsx"


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (4711, "General", "4711"),
        (4711.0, "General", "4711"),
        (120.5, "0.00", "120.5"),
        (17, "00000", "00017"),
        (123456, "00000", "123456"),
        (17, "00000;@", "00017"),
        (17, "[$-407]00000", "00017"),
        (17, "00000_);[Red](00000)", "00017"),
        (17, "0", "17"),
        (17, "00000-00", "17"),
        (4915123456709, "General", "4915123456709"),
        (4915123456709.0, "0.00E+00", "4915123456709"),
        (6574839201001000, "General", "6.57483920100100E+15"),
        (6574839201001001, "General", "6574839201001001"),
        (1e21, "General", "1.00000000000000E+21"),
        (-5, "General", "-5"),
        ("'007", "General", "007"),
        ("007", "@", "007"),
        (True, "General", "true"),
        (datetime.fromisoformat("1990-05-01"), "yyyy-mm-dd", "1990-05-01"),
        (datetime.fromisoformat("2026-05-01T09:30"), "yyyy-mm-dd hh:mm", "2026-05-01T09:30:00"),
        ("two\nlines", "General", "two\nlines"),
        ("two_x000D_\nlines", "General", "two\r\nlines"),
        ("a_x005F_x000D_b", "General", "a_x000D_b"),
        ("_x00E9_", "General", "é"),
        (None, "General", ""),
        ("#N/A", "General", "#N/A"),
    ],
)
def test_a_cell_comes_as_the_text_that_it_shows(
    file: Path, value: Any, number_format: str, text: str
) -> None:
    made = book(file, HEADER, ["x", "a@x.de", "1"])
    made.worksheets[0].cell(2, 4, value).number_format = number_format
    made.save(file)
    assert records(file, firstName=("Note",)) == [SheetRecord(2, ["x", "a@x.de", "1", text])]


def test_titles_blank_rows_and_cells_that_are_not_there_are_no_mistakes(file: Path) -> None:
    book(
        file,
        ["Customers of May"],
        [],
        HEADER,
        ["17", "a@x.de"],
        [],
        [None, None, None, "  "],
        ["18"],
        ["1", "", "", "", "x"],
    )
    assert records(file) == [
        SheetRecord(4, ["17", "a@x.de", ""]),
        SheetRecord(7, ["18", "", ""]),
        SheetRecord(8, None, "wrong_columns"),
    ]


def test_a_file_that_is_a_workbook_is_read_as_one_whatever_it_is_called(file: Path) -> None:
    book(file, HEADER, [17, "a@x.de"])
    renamed = file.rename(file.with_suffix(".csv"))
    assert records(renamed) == [SheetRecord(2, ["17", "a@x.de", ""])]


def test_a_workbook_with_several_sheets_needs_a_named_sheet(file: Path) -> None:
    book(file, HEADER, ["17", "a@x.de"])
    made = book(file, HEADER, ["18", "b@x.de"], sheet="Old")
    with pytest.raises(Failure, match="--sheet: Sheet, Old"):
        records(file)
    assert records(file, "Old") == [SheetRecord(2, ["18", "b@x.de", ""])]
    with pytest.raises(Failure, match="no sheet 'New'; there are: Sheet, Old"):
        records(file, "New")
    made.worksheets[1].sheet_state = "hidden"
    made.save(file)
    assert records(file) == [SheetRecord(2, ["17", "a@x.de", ""])]


def test_a_workbook_with_formulas_that_were_never_calculated_is_refused(file: Path) -> None:
    book(file, HEADER, ["=1+1", "a@x.de", "=B2", None], [None, None, None, None])
    with pytest.raises(Failure, match="formulas without their values; open it in the spreadsheet"):
        records(file)


def test_a_text_that_looks_like_a_formula_and_calculated_formulas_are_taken(file: Path) -> None:
    book(file, HEADER, ["17", "a@x.de", "1", None])
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    row = (
        '<row r="2"><c r="A2"><f>10+7</f><v>17</v></c><c r="B2" t="str"><f>""</f><v></v></c>'
        '<c r="C2" t="inlineStr"><is><t>=1</t></is></c></row>'
    )
    before, _, rest = parts[sheet].decode().partition('<row r="2"')
    parts[sheet] = f"{before}{row}{rest.partition('</row>')[2]}".encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert records(file) == [SheetRecord(2, ["17", "", "=1"])]


def test_a_strict_workbook_is_refused_with_what_to_save(file: Path) -> None:
    book(file, HEADER, ["x", "a@x.de", "1"]).save(file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            strict = content.replace(
                b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                b"http://purl.oclc.org/ooxml/spreadsheetml/main",
            )
            archive.writestr(name, strict)
    with pytest.raises(Failure, match=r"Strict Open XML.*save it as «Excel Workbook"):
        records(file)


def test_an_empty_workbook_is_refused(file: Path) -> None:
    book(file)
    with pytest.raises(Failure, match="no visible sheet"):
        records(file)


def tampered(file: Path, part: str, content: bytes) -> None:
    """The same archive with another content of one part."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, was in (parts | {part: content}).items():
            archive.writestr(name, was)


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%b</sheetData></worksheet>'


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/workbook.xml", b"nonsense"),
        ("xl/worksheets/sheet1.xml", b"<worksheet"),
        ("xl/worksheets/sheet1.xml", SHEET % b'<row r="2000000000"><c r="A2000000000"><v>1</v></c></row>'),
        ("xl/worksheets/sheet1.xml", SHEET % b'<row><c r="ZZZZZZ1"><v>1</v></c></row>'),
        ("xl/worksheets/sheet1.xml", b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>' + SHEET % b"&b;"),
    ],
)  # fmt: skip
def test_a_hostile_archive_is_refused_with_advice(file: Path, part: str, content: bytes) -> None:
    book(file, HEADER, ["17", "a@x.de"])
    tampered(file, part, content)
    with pytest.raises(Failure, match=r"save|no row|no visible sheet"):
        records(file)


def test_a_part_that_unpacks_to_too_much_is_not_unpacked(file: Path) -> None:
    book(file, HEADER, ["17", "a@x.de"])
    content = bytearray(file.read_bytes())
    entry = content.index(b"xl/styles.xml", content.index(b"PK\x01\x02")) - 46
    struct.pack_into("<I", content, entry + 24, 300 << 20)
    file.write_bytes(content)
    with pytest.raises(Failure, match="unpacks to more"):
        records(file)


def test_what_a_cell_unpacks_to_is_bounded_by_the_memory_of_a_process_of_its_own(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(file, HEADER, ["17", "a@x.de"])
    monkeypatch.setattr(workbook, "_MEMORY", 160 << 20)
    assert records(file) == [SheetRecord(2, ["17", "a@x.de", ""])]
    text = b"x" * (100 << 20)
    tampered(
        file,
        "xl/worksheets/sheet1.xml",
        SHEET % (b'<row><c r="A1" t="inlineStr"><is><t>' + text + b"</t></is></c></row>"),
    )
    with pytest.raises(Failure, match="save the sheet"):
        records(file)
