"""Blocks of a file: which records they hold, in which order, and how they are parted."""

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import blocks
from gateway.cli.blocks import Block, Blocks
from gateway.cli.failure import Failure
from gateway.cli.sheet import Lines, SheetRecord, read_table

COLUMNS = ("customer_id", "mobile", "email")
IDENTIFIERS = ("mobile", "email")


def sheet(text: str, columns: Sequence[str] = COLUMNS) -> Blocks:
    lines = Lines(io.BytesIO(text.encode()))
    width = len(columns)
    return Blocks(columns, IDENTIFIERS, lines, read_table(lines, ",", width, width, list))


def first_block(text: str, columns: Sequence[str] = COLUMNS) -> Block:
    return sheet(text, columns).read(1)


def lines_in_order(block: Block, count: int = 100, size: int = 1000) -> list[int]:
    """Those that are left of it."""
    taken: list[int] = []
    with closing(block):
        while (part := block.part(count, size)).records:
            assert part.records <= count
            records = json.loads(part.unread) + json.loads(part.rows)
            assert len(records) == part.records
            taken += [record[0] for record in records]
    return taken


def all_of(reading: Blocks) -> Iterator[Block]:
    first_line = 1
    while True:
        block = reading.read(first_line)
        yield block
        if block.last:
            return
        first_line = block.next_line


def test_records_are_sorted_by_normalised_e_mail_or_mobile() -> None:
    text = "1,+20 100 0000002,\n2,,bob@x.eg\n3,0100 000 0001,\n4,00201000000003,\n5,0, ANN@x.eg \n6,,\n"
    assert lines_in_order(first_block(text)) == [6, 3, 1, 4, 5, 2]


def test_the_records_of_one_customer_stay_in_the_order_of_the_file() -> None:
    text = "1,,zoe@x.eg\n2,,bob@x.eg\n1,,ann@x.eg\n2,,ann@x.eg\n1,,bob@x.eg\n"
    assert lines_in_order(first_block(text)) == [2, 1, 3, 5, 4]


def test_however_an_id_is_written_its_records_stay_in_the_order_of_the_file() -> None:
    text = "1 ,,zoe@x.eg\n2,,bob@x.eg\n'1,,ann@x.eg\n2.0,,ann@x.eg\n\u00a01,,bob@x.eg\n"
    assert lines_in_order(first_block(text)) == [2, 1, 3, 5, 4]


def test_lines_that_cannot_be_read_come_first() -> None:
    block = first_block('1,,b@x.eg\n2,"\n3,,a@x.eg\n')
    part = block.part(2, 1000)
    assert (json.loads(part.unread), json.loads(part.rows)) == ([[2, "bad_csv"]], [[3, ["3", "", "a@x.eg"]]])
    assert lines_in_order(block) == [1]


def test_a_block_is_named_by_its_records_their_order_and_their_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "1,,b@x.eg\n2,,a@x.eg\n"
    names = [
        first_block(text).name,
        first_block(text.replace("b@", "c@")).name,
        first_block(text.replace("b@", "A@")).name,
        first_block(text, ("customer_id", "firstName", "email")).name,
    ]
    assert first_block(text).name == names[0]
    assert len(set(names)) == len(names)
    number = "1,010 1,\n"
    before = first_block(number).name
    monkeypatch.setattr(blocks, "_NO_DIGITS", re.compile("never"))
    assert first_block(number).name != before


def test_an_unfinished_block_is_continued_and_another_block_starts_over() -> None:
    text = "1,,c@x.eg\n2,,b@x.eg\n3,,a@x.eg\n"
    name = first_block(text).name
    begun, other = (sheet(text).read(1, one, 2) for one in (name, "other"))
    assert (begun.start, lines_in_order(begun)) == (2, [1])
    assert (other.start, lines_in_order(other)) == (0, [3, 2, 1])


def test_a_file_without_records_is_one_empty_block() -> None:
    (block,) = all_of(sheet(""))
    assert (block.count, block.next_line, block.last) == (0, 1, True)
    assert (block.part(10, 10).rows, block.part(10, 10).records) == (b"[]", 0)


def test_a_record_larger_than_a_part_comes_alone() -> None:
    block = first_block("1,,a@x.eg\n2,,b@x.eg\n3,,c@x.eg\n")
    assert [block.part(2, 1).records for _ in range(3)] == [1, 1, 1]


def test_text_that_utf_8_cannot_encode_is_escaped() -> None:
    found = iter([SheetRecord(1, ["\ud800", "\udfff@x.eg", 1 << 70])])
    block = Blocks(("customer_id", "email", "custom.a"), IDENTIFIERS, Lines(io.BytesIO()), found).read(1)
    assert block.part(1, 1).rows == b'[[1, ["\\ud800", "\\udfff@x.eg", %d]]]' % (1 << 70)


def test_a_disk_without_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_SORTER", blocks._SORTER + "PRAGMA max_page_count = 3;")
    with pytest.raises(Failure, match=r"disk is full.*TMPDIR"):
        first_block("1,,ann@x.eg\n" * 1000)


def test_each_block_is_as_large_as_all_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_SMALLEST", 2)
    monkeypatch.setattr(blocks, "_LARGEST", 7)
    found = [block.count for block in all_of(sheet("1,,\n" * 30))]
    assert found == [2, 2, 4, 7, 7, 7, 1]


@given(
    cells=st.lists(st.tuples(*[st.text("ab0@ 19", max_size=4)] * 3), max_size=30),
    smallest=st.integers(1, 9),
    count=st.integers(1, 7),
    size=st.integers(1, 200),
    alike=st.booleans(),
)
def test_every_line_is_in_one_block_and_those_of_a_customer_in_their_order(
    cells: list[tuple[str, str, str]], smallest: int, count: int, size: int, alike: bool
) -> None:
    text = "".join(",".join(row) + "\n" for row in cells)
    taken: list[int] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(blocks, "_SMALLEST", smallest)
        patched.setattr(blocks, "_CUSTOMERS", 8 if alike else 1 << 20)
        for block in all_of(sheet(text)):
            lines = lines_in_order(block, count, size)
            assert all(block.first_line <= line < block.next_line for line in lines)
            taken += lines
    assert sorted(taken) == [line for line, row in enumerate(cells, 1) if any(row)]
    for customer_id in {row[0] for row in cells}:
        own = [line for line in taken if cells[line - 1][0] == customer_id]
        assert own == sorted(own)
