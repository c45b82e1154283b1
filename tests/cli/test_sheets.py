"""Files as they really come: every kind of broken line is one refused line, and the lines after it are read."""

import io
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.columns import Assignment, assigned, check_columns, first_picked, picked, read_mapping
from gateway.cli.failure import Failure
from gateway.cli.sheet import LONGEST, Lines, SheetRecord, read_objects, read_table

FILE = Path("customers.csv")
LONG = b"x" * (2 * LONGEST)


def table(content: bytes) -> list[SheetRecord]:
    lines = Lines(io.BytesIO(content))
    lines.raw()
    return list(read_table(lines, ";" if b";" in content else ",", 2, 2, list))


def objects(content: bytes) -> list[SheetRecord]:
    return list(read_objects(Lines(io.BytesIO(content)), lambda one: list(one.values())))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"id,mail\n1,a\n2,b\n", [SheetRecord(2, ["1", "a"]), SheetRecord(3, ["2", "b"])]),
        (b"\xef\xbb\xbfid;mail\r\n1;a\r\n2;b", [SheetRecord(2, ["1", "a"]), SheetRecord(3, ["2", "b"])]),
        (b"id,mail\n\n1,a\n\n\n2,b\n", [SheetRecord(3, ["1", "a"]), SheetRecord(6, ["2", "b"])]),
        (b'id,mail\n1,"a\nb"\n2,b\n', [SheetRecord(2, ["1", "a\nb"]), SheetRecord(4, ["2", "b"])]),
        (b"id,mail\n1\n2,b\n", [SheetRecord(2, None, "wrong_columns"), SheetRecord(3, ["2", "b"])]),
        (b"id,mail\n1,a,z\n2,b\n", [SheetRecord(2, None, "wrong_columns"), SheetRecord(3, ["2", "b"])]),
        (b'id,mail\n1,"a\n2,b\n3,c\n', [SheetRecord(2, None, "bad_csv"), SheetRecord(3, ["2", "b"]), SheetRecord(4, ["3", "c"])]),
        (b'id,mail\n1,"a"x\n2,b\n', [SheetRecord(2, None, "bad_csv"), SheetRecord(3, ["2", "b"])]),
        (b"id,mail\n1,\xff\n2,b\n", [SheetRecord(2, None, "encoding"), SheetRecord(3, ["2", "b"])]),
        (
            b'id,mail\n1,"\n\xff"\n2,b\n',
            [SheetRecord(2, None, "encoding"), SheetRecord(3, None, "encoding"), SheetRecord(4, ["2", "b"])],
        ),
        (b"id,mail\n1," + LONG + b"\n2,b\n", [SheetRecord(2, None, "too_long"), SheetRecord(3, ["2", "b"])]),
        (b"id,mail\n1," + LONG, [SheetRecord(2, None, "too_long")]),
        (b"id,mail\n1,\x00\n", [SheetRecord(2, ["1", "\x00"])]),
        (b"id,mail\n", []),
    ],
)  # fmt: skip
def test_a_table_is_read_line_by_line(content: bytes, expected: list[SheetRecord]) -> None:
    assert table(content) == expected


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"1,a\n", SheetRecord(2, ["1", "a", ""])),
        (b"1\n", SheetRecord(2, None, "wrong_columns")),
        (b"1,a", SheetRecord(2, None, "wrong_columns")),
        (b"1,a,", SheetRecord(2, ["1", "a", ""])),
        (b"1,a,b,,,\n", SheetRecord(2, ["1", "a", "b"])),
        (b"1,a,b,,x,\n", SheetRecord(2, None, "wrong_columns")),
        (b",,\n,,,,,\n1,a,b\n", SheetRecord(4, ["1", "a", "b"])),
    ],
)
def test_cells_that_a_spreadsheet_omits_or_adds_at_the_end_of_a_row_are_empty(
    rest: bytes, expected: SheetRecord
) -> None:
    lines = Lines(io.BytesIO(b"id,mail,note\n" + rest))
    lines.raw()
    assert list(read_table(lines, ",", 3, 2, list)) == [expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a":1}\n{"a":2}', [SheetRecord(1, [1]), SheetRecord(2, [2])]),
        (b'\xef\xbb\xbf{"a":1}\r\n\r\n{"a":2}\r\n', [SheetRecord(1, [1]), SheetRecord(3, [2])]),
        (b'{"a":1\n{"a":2}\n', [SheetRecord(1, None, "bad_json"), SheetRecord(2, [2])]),
        (b'[1]\n"a"\nnull\n', [SheetRecord(line, None, "bad_json") for line in (1, 2, 3)]),
        (b'{"a":1,"a":2}\n', [SheetRecord(1, None, "bad_json")]),
        (b'{"a":"\xff"}\n{"a":2}\n', [SheetRecord(1, None, "encoding"), SheetRecord(2, [2])]),
        (b'{"a":"' + LONG + b'"}\n{"a":2}\n', [SheetRecord(1, None, "too_long"), SheetRecord(2, [2])]),
        (b'{"a":' * 2000 + b"\n", [SheetRecord(1, None, "bad_json")]),
        (b"", []),
    ],
)
def test_json_lines_are_read_one_by_one(content: bytes, expected: list[SheetRecord]) -> None:
    assert objects(content) == expected


def test_columns_with_usual_names_need_no_mapping() -> None:
    names = ["CustomerId", "EMAIL", "Phone", "isGuest"]
    assert assigned(FILE, {"mobile": ("Phone",)}, names, ["email", "mobile"]).mapped == {
        "customer_id": ("CustomerId",),
        "guest": ("isGuest",),
        "email": ("EMAIL",),
        "mobile": ("Phone",),
    }


def test_the_command_line_outranks_the_mapping_file(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text('customer_id = "ID"\nemail = "Mail"\n[custom]\nshoe = "Size"\n')
    assert read_mapping(["email=E-mail"], file) == {
        "customer_id": ("ID",),
        "email": ("E-mail",),
        "custom.shoe": ("Size",),
    }


def test_a_mapping_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text('customer_id = "ID"\r\n', "utf-8-sig")
    assert read_mapping([], file) == {"customer_id": ("ID",)}
    file.write_text('customer_id = "ID"\n', "utf-16")
    with pytest.raises(Failure, match="save it as UTF-8"):
        read_mapping([], file)


@pytest.mark.parametrize(
    "content", ["email = 1", "email = ''", "email = [1]", "email = []", "email", "\udcff"]
)
def test_a_mapping_file_that_cannot_be_used_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "map.toml"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(Failure, match=r"map\.toml"):
        read_mapping([], file)


def test_a_mapping_with_an_empty_target_is_refused() -> None:
    with pytest.raises(Failure, match="TARGET=COLUMN"):
        read_mapping(["email"], None)
    with pytest.raises(Failure, match="no column 'Mail'; there are: ID, E-mail"):
        check_columns(FILE, Assignment({"email": ("Mail",)}), ["ID", "E-mail"])
    with pytest.raises(Failure, match="customer_id='ID'"):
        check_columns(FILE, Assignment({"email": ("E-mail",)}), ["ID", "E-mail"])
    with pytest.raises(Failure, match=r"custom\.shoe"):
        assigned(FILE, {"shoe": ("Size",)}, ["Size"], ["email"])


def test_a_target_with_several_columns_takes_the_first_that_is_not_empty() -> None:
    assert read_mapping(["mobile=Cell", "email=Mail", "mobile=Home"], None) == {
        "mobile": ("Cell", "Home"),
        "email": ("Mail",),
    }
    assert first_picked({"a": "", "b": {"c": 1}}, ("a", "b.c", "d")) == 1
    assert first_picked({"a": ""}, ("a",)) == ""


@pytest.mark.parametrize(
    ("path", "expected"), [("a", {"b": 1}), ("a.b", 1), ("a.c", None), ("c.d", 2), ("x.y", None), ("c.d.e", None)]
)  # fmt: skip
def test_a_member_inside_an_object_is_reached_by_its_path(path: str, expected: Any) -> None:
    assert picked({"a": {"b": 1}, "c.d": 2}, path) == expected
