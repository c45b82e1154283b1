"""What other people wrote is text wherever it ends up: on a terminal, in a spreadsheet, in the log."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.output import plain
from gateway.telemetry.escape import csv_line, escaped, escaped_line
from gateway.telemetry.log import LogWriter

if TYPE_CHECKING:
    from pathlib import Path

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫−"
PIECES = st.sampled_from(
    [*SIGNS, ";", ",", "|", "\t", "\r", "\n", " ", "\u00a0", "\u3000", '"', "'", "`", "\x1b[31m", "\x9b", "\u202e", "\u2028",
     "\x00",
     "HYPERLINK(1)", "cmd|' /C calc'!A0", "ann", "é", "\ud800", "\x7f", "\u200b", "\ufeff"]
)  # fmt: skip
HOSTILE = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20)


def cells_of(line: str, delimiter: str, *, quotes: bool) -> list[str]:
    """The cells that a spreadsheet would find in a line, whichever separator its country has."""
    if not quotes:
        return line.rstrip("\n").split(delimiter)
    return next(csv.reader(io.StringIO(line), delimiter=delimiter), [])


def begins_formula(cell: str) -> bool:
    bare = cell.lstrip().lstrip('"`').lstrip().lstrip('"`').lstrip()
    return bare[:1] != "" and bare[0] in SIGNS


@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_no_cell_begins_a_formula_whatever_separates_cells(values: list[str]) -> None:
    line = csv_line(values)
    assert line.count("\n") == 1
    for delimiter in ",;|\t":
        for quotes in (True, False):
            assert not [cell for cell in cells_of(line, delimiter, quotes=quotes) if begins_formula(cell)]
    assert len(cells_of(line, ",", quotes=True)) == len(values)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("ann", "ann"), ("o'neill", "o'neill"), ("a-b", "a-b"), ("a=b", "a=b"), ("7", "7"), ("Zoë, 7", "Zoë, 7"),
        ("=1", "'=1"), ("+20100", "'+20100"), ("-1", "'-1"), ("@x", "'@x"), ("＝1", "'＝1"), ("−1", "'−1"), ("  =1", "'  =1"),
        ('"=1', "'\"=1"), (";=HYPERLINK(1)", ";'=HYPERLINK(1)"), ("x;=1", "x;'=1"), ("x, =1", "x,' =1"), ("a|-1", "a|'-1"),
        ("'=1", "''=1"), ("\t=1", "\\u0009=1"), ("\r\n=1", "\\u000d\\u000a=1"), ("\u00a0=1", "'\u00a0=1"),
    ],
)  # fmt: skip
def test_a_cell_that_could_be_a_formula_gets_an_apostrophe_and_no_other_changes(
    cell: str, written: str
) -> None:
    assert next(csv.reader([csv_line([cell, "end"])])) == [written, "end"]


@given(HOSTILE)
def test_what_is_visible_moves_nothing_and_hides_nothing(text: str) -> None:
    shown = escaped(text)
    assert shown == plain(text) == escaped(shown)
    assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")]
    assert not {"\u200b", "\u202e", "\ufeff"} & set(shown)
    assert json.loads('"' + escaped("\x1b\x7f\u202e\ud800").replace('"', "") + '"') == "\x1b\x7f\u202e\ud800"


@given(st.dictionaries(HOSTILE, HOSTILE))
def test_a_line_of_the_log_stays_one_line_of_the_same_json(values: dict[str, str]) -> None:
    values = {key.replace("\ud800", ""): value.replace("\ud800", "") for key, value in values.items()}
    line = escaped_line(json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    assert json.loads(line) == values or "\\ud" in line.decode()
    assert line.isascii() or line.decode() == escaped(line.decode())


def test_the_log_file_has_no_control_characters(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path / "log"))
    writer.write_now('{"a":"\x7f\x9b31m\u202e\u2028é"}'.encode())
    writer.close()
    assert (tmp_path / "log").read_text() == '{"a":"\\u007f\\u009b31m\\u202e\\u2028é"}\n'
