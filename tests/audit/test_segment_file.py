"""Segments as files: one is written whole under its name, whatever else writes there at the same moment."""

import os
from pathlib import Path

import pytest

from gateway.audit import segment_file
from gateway.audit.chain import Chain
from gateway.audit.event import AuditEvent
from gateway.audit.segment import MAGIC, Packing, name_of, signature
from gateway.audit.segment_file import SegmentFile, listed, read_segment, secure_segment, write_segment

KEY = b"the key of the segments"


def packed(actor: str, count: int) -> Packing:
    chain, packing = Chain("a"), Packing()
    event = AuditEvent(1, 1, "pin.set", "ok", "", actor, "", "", "", "", "{}")
    packing.add([chain.link(event) for _ in range(count)], {})
    return packing


def write(directory: Path, packing: Packing) -> Path:
    return write_segment(directory, packing.header(1, ""), KEY, packing.body())


def test_two_that_write_the_same_segment_at_once_do_not_share_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one begins when the first has given its file the name, and has not put its draft away yet."""
    link = os.link

    def met(draft: Path, path: Path) -> None:
        assert draft.match(f"{name_of(1)}.????????.partial")
        link(draft, path)
        monkeypatch.setattr(os, "link", link)
        with pytest.raises(FileExistsError):
            write(tmp_path, packed("operator:bob", 2))

    monkeypatch.setattr(os, "link", met)
    written = read_segment(write(tmp_path, packed("operator:ann", 5)))
    assert [link.event.actor for links in written.links() for link in links] == ["operator:ann"] * 5
    assert [path.name for path in tmp_path.iterdir()] == [name_of(1)]


def test_drafts_that_killed_runs_left_go_with_the_next_segment_of_that_name(tmp_path: Path) -> None:
    for name in (f"{name_of(1)}.0123abcd.partial", f"{name_of(2)}.0123abcd.partial"):
        (tmp_path / name).write_text("begun")
    write(tmp_path, packed("operator:ann", 1))
    assert {path.name for path in tmp_path.iterdir()} == {name_of(1), f"{name_of(2)}.0123abcd.partial"}


def test_drafts_that_another_run_removes_at_the_same_moment_are_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed(self: Path, pattern: str) -> list[Path]:
        return [self / pattern.replace("*", "0123abcd")]

    monkeypatch.setattr(Path, "glob", removed)
    assert write(tmp_path, packed("operator:ann", 1)).exists()


def test_a_segment_that_another_run_wrote_is_secured_with_its_drafts_gone(tmp_path: Path) -> None:
    file = read_segment(write(tmp_path, packed("operator:ann", 1)))
    drafts = [tmp_path / f"{name_of(number)}.0123abcd.partial" for number in (1, 2)]
    for draft in drafts:
        draft.write_text("begun")
    secure_segment(file)
    assert [draft.exists() for draft in drafts] == [False, True]


def test_a_segment_whose_events_were_altered_is_not_secured(tmp_path: Path) -> None:
    path = write(tmp_path, packed("operator:ann", 1))
    file = read_segment(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="the end is missing"):
        secure_segment(file)


def test_segments_are_listed_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in (name_of(1_000_000), name_of(2), name_of(999_999), "notes.txt", f"{name_of(3)}.0.partial"):
        (tmp_path / name).touch()
    assert list(listed(tmp_path).items()) == [(n, tmp_path / name_of(n)) for n in (2, 999_999, 1_000_000)]


def test_a_segment_is_written_as_it_is_read(tmp_path: Path) -> None:
    packing = packed("operator:ann", 2)
    header = packing.header(1, "")
    path = write_segment(tmp_path, header, KEY, packing.body())
    head, text, signed, _ = path.read_bytes().split(b"\n", 3)
    assert (head, text.decode()) == (MAGIC, header.encoded())
    file = read_segment(path)
    assert file == SegmentFile(path, header.encoded(), header, signature(KEY, header.encoded()))
    assert signed.decode() == file.signature


@pytest.mark.parametrize(
    ("line", "padding", "field", "longest"), [(1, b" ", "text", 1_000), (2, b"x", "signature", 100)]
)
def test_a_line_of_the_head_that_is_too_long_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: int, padding: bytes, field: str, longest: int
) -> None:
    path = write(tmp_path, packed("operator:ann", 1))
    monkeypatch.setattr(segment_file, "LONGEST_HEADER", 1_000)
    lines = path.read_bytes().split(b"\n", 3)
    lines[line] += padding * 2_000
    path.write_bytes(b"\n".join(lines))
    assert len(getattr(read_segment(path), field)) == longest
