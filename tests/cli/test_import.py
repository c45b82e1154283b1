"""Bringing a file and looking for duplicates, as a person does it at the terminal."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from gateway.cli import blocks
from gateway.sqlite_library import sqlite3
from tests.support.shell import Shell

MAP = ("--map", "customer_id=ID", "--map", "email=Mail", "--map", "mobile=Phone", "--map", "firstName=Name")
ID_ALONE = ("--map", "customer_id=ID", "--ignore", "Mail", "--ignore", "Phone")
TABLE = """ID,Mail,Phone,Name
1,ann@x.eg,010 0123 4567,Ann
2,ANN@x.eg,,Ann
,bob@x.eg,,Bob
3,"bob@x.eg,,Bob
4,bob@x.eg,123,Bob
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "customers.csv"
    file.write_text(TABLE)
    return file


def customers(directory: Path) -> dict[str, int]:
    with sqlite3.connect(directory / "gateway.db") as connection:
        return dict(connection.execute("SELECT customer_id, profile_id FROM record"))


def test_a_file_is_imported_and_its_refused_lines_are_listed(
    shell: Shell, table: Path, tmp_path: Path
) -> None:
    answer = shell.json("import", str(table), "--channel", "pos", *MAP)
    assert answer["counts"] == {"attached": 1, "created": 2, "rejected": 2}
    assert answer["unusable"] == {"mobile:not_possible": 1}
    found = customers(tmp_path)
    assert found["1"] == found["2"] != found["4"]
    assert (tmp_path / "customers.csv.rejects.csv").read_text() == (
        "line,reason\n4,customer_id_missing\n5,bad_csv\n"
    )


def test_a_finished_import_says_so_and_changes_nothing(shell: Shell, table: Path, tmp_path: Path) -> None:
    first = shell.json("import", str(table), "--channel", "pos", *MAP)
    before = customers(tmp_path)
    again = shell.json("import", str(table), "--channel", "pos", *MAP)
    assert "nothing to do" in shell.err
    assert again == first
    assert customers(tmp_path) == before


def test_another_mapping_is_another_import(shell: Shell, table: Path) -> None:
    first = shell.json("import", str(table), "--channel", "pos", *ID_ALONE)
    second = shell.json("import", str(table), "--channel", "pos", *MAP)
    assert first["id"] != second["id"]
    assert second["counts"] == {"attached": 2, "merged": 1, "rejected": 2}


def test_a_file_that_grew_continues_after_its_last_imported_line(shell: Shell, table: Path) -> None:
    first = shell.json("import", str(table), "--channel", "pos", *MAP)
    table.write_text(TABLE + "5,,,Eve\n")
    grown = shell.json("import", str(table), "--channel", "pos", *MAP, "--resume", f"imp_{first['id']}")
    assert grown["counts"]["created"] == first["counts"]["created"] + 1
    assert sum(grown["counts"].values()) == 6


def test_a_file_of_many_blocks_is_imported_completely(
    shell: Shell, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_SMALLEST", 2)
    table.write_text(TABLE + "".join(f"{number},{20 - number}@x.eg,,\n" for number in range(5, 15)))
    answer = shell.json("import", str(table), "--channel", "pos", *MAP)
    assert answer["counts"] == {"attached": 1, "created": 12, "rejected": 2}
    assert (answer["next_line"], answer["ahead"]) == (17, 0)
    assert set(customers(tmp_path)) == {str(number) for number in range(1, 15)} - {"3"}
    assert (tmp_path / "customers.csv.rejects.csv").read_text().splitlines()[1:] == [
        "4,customer_id_missing",
        "5,bad_csv",
    ]


def test_of_two_rows_of_one_customer_the_later_one_counts(shell: Shell, table: Path, tmp_path: Path) -> None:
    table.write_text("ID,Mail,Phone,Name\n1,zoe@x.eg,,Zoe\n1,ann@x.eg,,Ann\n")
    shell("import", str(table), "--channel", "pos", *MAP)
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        assert connection.execute("SELECT value FROM attribute").fetchall() == [('"Ann"',)]


def test_json_lines_are_read_by_their_names(shell: Shell, tmp_path: Path) -> None:
    rows: list[Any] = [
        {
            "customerId": 1,
            "email": "ann@x.eg",
            "customerAttributes": {"city": "Cairo"},
            "guest": True,
        },
        {"customerId": "2", "mobile": "+201001234567", "unknown": {"a": 1}},
    ]
    file = tmp_path / "customers.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\nnonsense\n")
    words = ("import", str(file), "--channel", "web", "--map", "city=customerAttributes.city")
    assert shell.json(*words)["counts"] == {"created": 2, "rejected": 1}
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        assert connection.execute("SELECT name, value FROM attribute").fetchall() == [("city", '"Cairo"')]


def test_a_member_that_the_first_thousands_of_json_lines_lack_is_read(shell: Shell, tmp_path: Path) -> None:
    rows: list[Any] = [{"customerId": number} for number in range(1, 2_501)]
    rows.append({"customerId": "last", "email": "last@x.eg"})
    file = tmp_path / "customers.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    assert shell.json("import", str(file), "--channel", "web")["counts"] == {"created": 2_501}
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        assert connection.execute("SELECT value FROM observation").fetchall() == [("last@x.eg",)]


def test_json_lines_whose_members_are_values_are_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "customers.jsonl"
    file.write_text("\n".join(json.dumps({"customerId": n, f"order {n:08d}": 1}) for n in range(6_000)))
    shell("import", str(file), "--channel", "web", code=2)
    assert "too many different members" in shell.err


def test_a_dry_run_reports_everything_and_stores_nothing(shell: Shell, table: Path, tmp_path: Path) -> None:
    shell("import", str(table), "--channel", "web", "--map", "customer_id=ID", "--map", "email=Mail")
    before, files = customers(tmp_path), {path.name for path in tmp_path.iterdir()}
    files.add("customers.csv.warnings.csv")
    tried = shell.json("import", str(table), "--channel", "pos", *MAP, "--dry-run")
    assert tried["dry_run"] is True
    assert sum(tried["counts"].values()) == 5
    assert customers(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == files
    real = shell.json("import", str(table), "--channel", "pos", *MAP)
    assert (real["counts"], real["unusable"]) == (tried["counts"], tried["unusable"])


async def test_a_running_gateway_takes_the_file(beside: Shell, table: Path) -> None:
    words = ("import", str(table), "--channel", "pos", *MAP)
    tried = await asyncio.to_thread(beside.json, *words, "--dry-run")
    assert (await asyncio.to_thread(beside.json, *words))["counts"] == tried["counts"]


@pytest.mark.parametrize(
    "words",
    [
        ("missing.csv", "--channel", "pos"),
        ("{table}", "--channel", "pos"),
        ("{table}", "--channel", "pos", "--map", "customer_id=Id"),
        ("{table}", "--channel", "pos", "--map", "customer_id=ID", "--map", "shoe=Name"),
        ("{table}", "--channel", "pos", "--format", "xml"),
        ("{table}", "--channel", "pos", "--mapping", "missing.toml"),
    ],
)
def test_a_command_that_cannot_work_exits_with_2(shell: Shell, table: Path, words: tuple[str, ...]) -> None:
    shell("import", *(word.format(table=table) for word in words), code=2)
    assert len(shell.err.splitlines()) == 1


def test_an_unknown_channel_is_refused(shell: Shell, table: Path) -> None:
    shell("import", str(table), "--channel", "fax", *MAP, code=1)


def test_duplicates_are_shown_as_table_csv_and_json(shell: Shell, table: Path) -> None:
    for channel in ("web", "pos"):
        shell("import", str(table), "--channel", channel, *ID_ALONE)
    assert "customer_id" in shell("duplicates")
    assert shell.err.splitlines() == ["3 groups"]
    sheet = shell("duplicates", "--format", "csv").splitlines()
    assert sheet[0] == "reason,type,in_common,state,profile,record,id_space,customer_id,value"
    assert len(sheet) == 7
    groups = [json.loads(line) for line in shell("duplicates", "--json").splitlines()]
    assert [group["mask"] for group in groups] == ["1", "2", "4"]
    assert shell("duplicates", "--reason", "provider_form", "--format", "json") == ""
    shell("duplicates", "--reason", "looks", code=2)


def test_unusable_identifiers_are_listed_by_line_for_the_operator_alone(
    shell: Shell, table: Path, tmp_path: Path
) -> None:
    shell("import", str(table), "--channel", "pos", *MAP, "--yes")
    for name in ("warnings", "rejects"):
        listed = tmp_path / f"customers.csv.{name}.csv"
        assert listed.stat().st_mode & 0o777 == 0o600
    lines = (tmp_path / "customers.csv.warnings.csv").read_text().splitlines()
    assert lines[0] == "line,identifier,reason,meaning"
    assert lines[1].startswith('6,mobile,not_possible,"too short')
    assert "not_possible: too short or too long" in shell.err


def test_a_list_is_not_written_through_a_link(shell: Shell, table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("untouched")
    (tmp_path / "customers.csv.rejects.csv").symlink_to(other)
    shell("import", str(table), "--channel", "pos", *MAP, code=1)
    assert "is a link" in shell.err
    assert other.read_text() == "untouched"


def test_an_import_of_which_no_line_could_be_taken_ends_with_1(shell: Shell, table: Path) -> None:
    table.write_text("customer_id,email\n,a@x.eg\n,b@x.eg\n")
    shell("import", str(table), "--channel", "pos", code=1)
    assert "none of the 2 lines could be taken" in shell.err
    shell("import", str(table), "--channel", "pos", code=1)


def test_each_column_is_shown_before_the_first_row_is_sent(shell: Shell, table: Path, tmp_path: Path) -> None:
    table.write_text(
        "Customer ID,Accepts Email Marketing,Email,Phone,Total Spent\n'17,yes,a@x.eg,'010 0123 4567,1\n"
    )
    shell("import", str(table), "--channel", "pos")
    told = {" ".join(line.split()) for line in shell.err.splitlines()}
    assert {"Customer ID customer id", "Phone identifier mobile", "Total Spent ignored"} <= told
    assert "Shopify" in shell.err
    assert customers(tmp_path).keys() == {"17"}


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_on_a_terminal_the_command_asks_before_it_imports_anything(
    shell: Shell, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr(sys.modules["gateway.cli.import_"], "may_ask", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
    shell("import", str(table), "--channel", "pos", *MAP, code=code)
    assert bool(customers(tmp_path)) is (code == 0)


def test_a_workbook_is_imported_block_by_block(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_SMALLEST", 2)
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Customer ID", "Email"])
    for number in range(1, 12):
        book.worksheets[0].append([number, f"{number}@x.eg"])
    book.save(tmp_path / "customers.xlsx")
    answer = shell.json("import", str(tmp_path / "customers.xlsx"), "--channel", "pos")
    assert answer["counts"] == {"created": 11}
    assert set(customers(tmp_path)) == {str(number) for number in range(1, 12)}


def test_an_import_is_undone_as_the_dry_run_said(shell: Shell, table: Path, tmp_path: Path) -> None:
    name = f"imp_{shell.json('import', str(table), '--channel', 'pos', *MAP)['id']}"
    why = ("--reason", "wrong file")
    planned = shell.json("import", "undo", name, *why, "--dry-run")
    assert planned["counts"]["removed"] == 3
    assert "created by the import: removed" in shell("import", "undo", name, *why, "--dry-run")
    shell("import", "undo", name, *why, code=2)
    assert "--yes" in shell.err
    assert len(customers(tmp_path)) == 3
    assert shell.json("import", "undo", name, *why, "--yes")["counts"] == planned["counts"]
    assert customers(tmp_path) == {}
    shell("import", "undo", name, *why, "--yes", code=1)
    assert shell.json("import", str(table), "--channel", "pos", *MAP)["counts"]["created"] == 2
