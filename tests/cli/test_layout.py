"""Tables as spreadsheets write them: every encoding, separator, line end and header gives the same records."""

import codecs
import io
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.customer_file import CustomerFile, kind_of, opened_sheet
from gateway.cli.failure import Failure
from gateway.cli.recoding import recoded
from gateway.cli.sheet import SheetRecord

IDENTIFIERS = ["email", "mobile"]
ROWS = [
    ["Kundennummer", "Straße", "E-Mail"],
    ["17", 'Hof "A"; 1', "ann@x.de"],
    ["18", "Zeile\nzwei", "bob@x.de"],
]
RECORDS = [["17", "ann@x.de"], ["18", "bob@x.de"]]
BOMS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE, "utf-8": codecs.BOM_UTF8}


def written(delimiter: str, line_end: str, rows: list[list[str]] = ROWS) -> str:
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    return "".join(delimiter.join(row) + line_end for row in quoted)


def records(file: Path, encoding: str = "", **said: tuple[str, ...]) -> list[SheetRecord]:
    kind, preset = kind_of(file, "")
    with opened_sheet(CustomerFile(file, kind, "web", said, (), preset, encoding), IDENTIFIERS) as sheet:
        return list(sheet.records)


def values(file: Path, encoding: str = "", **said: tuple[str, ...]) -> list[list[str] | None]:
    return [found.values for found in records(file, encoding, **said)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("marked", [True, False])
def test_separators_and_line_ends_in_unicode(file: Path, encoding: str, marked: bool) -> None:
    for delimiter, line_end, said in itertools.product(
        ",;\t|", ("\n", "\r\n", "\r", "\r\r\n"), (True, False)
    ):
        text = (f"sep={delimiter}{line_end}" if said else "") + written(delimiter, line_end)
        file.write_bytes((BOMS[encoding] if marked else b"") + text.encode(encoding))
        assert values(file) == RECORDS, (delimiter, line_end, said)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp1252", "Müller"),
        ("cp1250", "Łódź"),
        ("cp1251", "Иванов"),
        ("cp1256", "عميل"),
        ("cp1253", "Παπάς"),
        ("cp1254", "Şahin"),
        ("cp1255", "כהן"),
        ("mac-roman", "Müller"),
        ("cp932", "山田"),
        ("gb18030", "王"),
        ("iso-8859-15", "Mü€"),
    ],
)
def test_a_code_page_is_read_where_it_is_named(file: Path, encoding: str, name: str) -> None:
    text = f"Kundennr;E-Mail;Name\r\n17;a@x.de;{name}\r\n18;b@x.de;x\r\n"
    file.write_bytes(text.encode(encoding))
    said = {"firstName": ("Name",)}
    found = [
        dict(zip(("customer", "mail", "name"), one or [], strict=True))
        for one in values(file, encoding, **said)
    ]
    assert [one["name"] for one in found] == [name, "x"]
    with pytest.raises(Failure, match=r"line 2 is not UTF-8; .*--encoding cp1252"):
        records(file)


def test_the_first_line_that_is_not_utf8_is_named_at_any_line_end(file: Path) -> None:
    for line_end, chunk in itertools.product((b"\n", b"\r\n", b"\r"), (1, 40_000)):
        file.write_bytes(b"id,email" + line_end + (b"1,a@x.de" + line_end) * chunk + b"2,\xe9@x.de")
        with pytest.raises(Failure, match=f"line {chunk + 2} is not UTF-8"):
            records(file, customer_id=("id",))


def test_only_the_lines_that_are_not_in_the_named_encoding_are_refused(file: Path) -> None:
    file.write_bytes(b"customer_id,email\n1,\xffx@x.de\n2,b@x.de\n")
    assert records(file, "utf-8") == [SheetRecord(2, None, "encoding"), SheetRecord(3, ["2", "b@x.de"])]
    file.write_bytes(b"customer_id,email\n1,\x81x@x.de\n2,b@x.de\n")
    assert records(file, "cp1252") == [SheetRecord(2, None, "encoding"), SheetRecord(3, ["2", "b@x.de"])]


@pytest.mark.parametrize("encoding", ["latin-9000", "rot13", "base64", "zlib", "undefined", "cp037"])
def test_an_encoding_that_is_none_of_a_table_is_refused(file: Path, encoding: str) -> None:
    file.write_bytes(b"customer_id,email\n")
    with pytest.raises(Failure, match="--encoding"):
        records(file, encoding)


def test_an_encoding_that_the_file_contradicts_is_refused(file: Path) -> None:
    file.write_bytes(codecs.BOM_UTF8 + b"customer_id,email\n1,a@x.de\n")
    with pytest.raises(Failure, match="omit --encoding"):
        records(file, "cp1252")
    assert values(file, "utf-8") == values(file, "utf-8-sig") == [["1", "a@x.de"]]


@pytest.mark.parametrize(
    "before",
    [
        "Customers of May\n",
        "Customers of May,,,\n\n",
        '"Customers, all of them"\n\n\n',
        "Report,2026-05-01\nFilter,all\n\n",
        ",,\n",
    ],
)
def test_a_title_before_the_header_is_no_header(file: Path, before: str) -> None:
    file.write_text(before + "Customer No.,E-Mail Address\n17,a@x.de\n")
    line = before.count("\n") + 2
    assert records(file) == [SheetRecord(line, ["17", "a@x.de"])]


@pytest.mark.parametrize("names", ["Email,Email", "E-Mail,email", "E-MAIL ADDRESS,e_mail_address"])
def test_of_two_columns_of_one_name_the_first_that_is_not_empty_counts(file: Path, names: str) -> None:
    file.write_text(f"customer_id,{names},,\n17,a@x.de,b@x.de,,\n18,,c@x.de,,\n19, ,d@x.de\n20,e@x.de\n")
    assert values(file) == [["17", "a@x.de"], ["18", "c@x.de"], ["19", "d@x.de"], ["20", "e@x.de"]]


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_a_quoted_cell_may_follow_a_space(file: Path, delimiter: str) -> None:
    rows = [
        'customer_id, "name", "email"',
        f'17, "Meyer{delimiter} ""Anna""", "a@x.de"',
        '18, "two\nlines", b@x.de',
        '19, 5" x, "c@x.de"',
    ]
    file.write_text("\n".join(row.replace(", ", f"{delimiter} ", 2) for row in rows))
    assert values(file, firstName=("name",)) == [
        ["17", "a@x.de", f'Meyer{delimiter} "Anna"'],
        ["18", "b@x.de", "two\nlines"],
        ["19", "c@x.de", '5" x'],
    ]


def test_a_second_column_of_customer_ids_never_counts(file: Path) -> None:
    file.write_text("customer_id,email,customer_id\n17,a@x.de,18\n,b@x.de,19\n")
    assert values(file) == [["17", "a@x.de"], ["", "b@x.de"]]


@pytest.mark.parametrize("name", ["2023/2024", "01.01.2024", "------", "2024-2025"])
def test_a_column_may_be_named_by_numbers_beside_the_customer_id(file: Path, name: str) -> None:
    file.write_text(f"customer_id,{name},email\n17,3,a@x.de\n")
    assert values(file) == [["17", "a@x.de"]]
    file.write_text(f"name,{name},email\nx,3,a@x.de\n")
    with pytest.raises(Failure, match="seems to be a customer"):
        records(file)


@pytest.mark.parametrize(
    "header",
    [
        "\u200fCustomer\u00a0ID,E-Mail\u00a0\u200e",
        '"Customer\nID", e\u00adMail',
        "\u202aCustomer  ID\u202c,\tE-Mail ",
    ],
)
def test_a_column_is_named_without_the_marks_and_blanks_in_its_heading(file: Path, header: str) -> None:
    file.write_text(header.replace("e\u00adMail", "E-\u00adMail") + "\n17,a@x.de\n")
    for said in ("Customer ID", "\u200fCustomer\u00a0ID"):
        assert values(file, customer_id=(said,), email=("E-Mail",)) == [["17", "a@x.de"]]


def test_a_header_in_turkish_capitals_is_recognised(file: Path) -> None:
    for header in (
        "MÜŞTERİ NUMARASI;E-POSTA ADRESİ",
        "müşteri numarası;e-posta adresi",
        "MÜŞTERI NUMARASI;E-POSTA ADRESI",
    ):
        file.write_text(f"{header}\n17;a@x.de\n")
        assert values(file) == [["17", "a@x.de"]]


def test_apostrophes_may_stand_for_quotation_marks(file: Path) -> None:
    file.write_text("'customer_id','first name','email'\n'17','Anna','a@x.de'\n")
    assert values(file, firstName=("'first name'",)) == [["17", "'a@x.de'".strip("'"), "Anna"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_json_lines_come_in_every_unicode_encoding(tmp_path: Path, encoding: str, line_end: str) -> None:
    file = tmp_path / "customers.json"
    lines = ['{"customer_id":"17","email":"a@x.de"}', '{"customer_id":18,"email":"müller@x.de"}', ""]
    file.write_bytes(line_end.join(lines).encode(encoding))
    assert values(file) == [["17", "a@x.de", None], [18, "müller@x.de", None]]


def test_json_lines_of_a_code_page_are_read_where_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "customers.jsonl"
    file.write_bytes('{"customer_id":"17","email":"müller@x.de"}\n'.encode("cp1252"))
    assert [one.reason for one in records(file)] == ["encoding"]
    assert values(file, "cp1252") == [["17", "müller@x.de", None]]


def test_a_member_that_the_first_object_does_not_have_is_a_column_too(tmp_path: Path) -> None:
    file = tmp_path / "customers.jsonl"
    file.write_text(
        '{"customer_id":"17"}\n{"customer_id":"18","Phone":"0151"}\n{"customer_id":"19","E-Mail":"a@x.de"}\n'
    )
    assert values(file) == [["17", None, None], ["18", None, "0151"], ["19", "a@x.de", None]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"customer_id":"17"}]', r"is one JSON array; .* jq -c '\.\[\]' 'my customers.json'"),
        ('\ufeff\n[\n{"customer_id":"17"},\n{"customer_id":"18"}\n]\n', "is one JSON array"),
        ('{\n  "customer_id": "17"\n}\n', r"objects over several lines; .* jq -c \. 'my customers.json'"),
    ],
)
def test_json_that_is_not_line_by_line_is_refused_with_advice(
    tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "my customers.json"
    for encoding in ("utf-8", "utf-16"):
        file.write_text(content, encoding)
        with pytest.raises(Failure, match=said):
            records(file)


def test_a_very_wide_table_is_read(file: Path) -> None:
    names = [f"c{number}" for number in range(3000)] + ["customer_id", "email"]
    file.write_text(",".join(names) + "\n" + "x," * 3000 + "17,a@x.de\n")
    assert values(file) == [["17", "a@x.de"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "names of its columns"),
        (b"\n\n", "names of its columns"),
        (b"sep=;\n", "names of its columns"),
        (b"17,a@x.de\n18,b@x.de\n", "seems to be a customer"),
        (b"+4915112345678\n", "seems to be a customer"),
        (b"name,email\nx,a@x.de\n", "no column is known to be the customer id"),
        (bytes(range(256)) * 8, "is not a text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"\.xls"),
        (b"PK\x03\x04nothing", "archive"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"%PDF-1.7", "PDF"),
        (b"\xef\xbb\xbf <html><table>", "web page"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_advice(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    with pytest.raises(Failure, match=said) as refused:
        records(file)
    assert "a@x.de" not in str(refused.value)


def test_the_name_of_a_file_tells_its_kind_where_its_content_does_not(tmp_path: Path) -> None:
    for name, kind in {
        "a.CSV": "csv",
        "a.tsv": "csv",
        "a.txt": "csv",
        "a.jsonl": "jsonl",
        "a.ndjson": "jsonl",
    }.items():
        (tmp_path / name).write_text("x")
        assert kind_of(tmp_path / name, "") == (kind, "")
    (tmp_path / "a").write_text("x")
    assert kind_of(tmp_path / "a", "csv") == ("csv", "")
    assert kind_of(tmp_path / "a", "shopify") == ("csv", "shopify")
    for name, format_, said in (
        ("a", "", "--format"),
        ("a", "xml", "shopify"),
        ("a.xls", "", "save it as"),
        ("a.ods", "", "save it as"),
        ("a.xlsx", "", r"not an \.xlsx file"),
    ):
        (tmp_path / name).write_text("x")
        with pytest.raises(Failure, match=said):
            kind_of(tmp_path / name, format_)


@given(
    st.text(st.sampled_from('a1\r\n,"ä€'), max_size=60),
    st.sampled_from(["utf-16", "cp1252", "utf-8"]),
    st.integers(1, 7),
)
def test_recoding_reads_as_universal_line_ends_do(text: str, encoding: str, size: int) -> None:
    whole = recoded(io.BytesIO(text.encode(encoding)), encoding, cr=True)
    expected = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    found = b"".join(iter(lambda: whole.read(size), b"")).decode()
    if "\r\r\r\n" not in text:
        assert found == expected
    assert "\r" not in found
