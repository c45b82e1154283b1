"""Segments as files: one is written whole under its name, whatever else writes there at the same moment."""

import os
from pathlib import Path

import pytest

from gateway.audit.chain import Chain
from gateway.audit.event import AuditEvent
from gateway.audit.segment import Packing, name_of
from gateway.audit.segment_file import read_segment, write_segment

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
