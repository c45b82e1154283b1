"""An archive's files, attacked by a person who can write them but has no master secret: with the log's records and alone."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.audit.archive import Archive
from gateway.audit.segment import MAGIC, Header, header_digest, name_of, signature
from gateway.audit.segment_file import read_segment, write_segment
from gateway.audit.signed import Breach
from gateway.audit.verify import Cut, verifier_of
from tests.audit.log_in_memory import KEY, Log


class Archived(Log):
    """A log with three of its chains in one segment each."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.build()
        self.begin("d", 2)
        for name in ("a", "b", "d"):
            header = self.archive(name)
            write_segment(directory, header, KEY, self.packed[header.number].body())

    def path(self, number: int = 2) -> Path:
        return self.directory / name_of(number)

    def rewrite(self, number: int, change: Callable[[bytes], bytes]) -> None:
        """With another body under the header that is there."""
        *head, body = self.path(number).read_bytes().split(b"\n", 3)
        self.path(number).write_bytes(b"\n".join([*head, gzip.compress(change(gzip.decompress(body)))]))

    def put(self, number: int, header: Header, key: bytes = KEY) -> None:
        """Another header before the body that is there, signed with `key`."""
        body = self.path(2).read_bytes().split(b"\n", 3)[3]
        text = header.encoded()
        self.path(number).write_bytes(b"\n".join([MAGIC, text.encode(), signature(key, text).encode(), body]))

    def found(self, cuts: list[Cut] | None) -> list[str]:
        archive, verifier = (
            Archive(self.directory, KEY, cuts),
            verifier_of(KEY, self.points, self.cuts, whole=True),
        )
        found = [*archive.breaches, *(one for piece in archive.check(verifier) for one in piece)]
        assert {breach.chain for breach in found} <= {"archive"}
        return [
            breach.what.removeprefix(f"segment {breach.seq} ({name_of(breach.seq)}) ") for breach in found
        ]


@pytest.fixture
def log(tmp_path: Path) -> Archived:
    return Archived(tmp_path)


@pytest.mark.parametrize("with_records", [True, False])
def test_an_archive_holds_with_the_log_and_alone(log: Archived, with_records: bool) -> None:
    archive = Archive(log.directory, KEY, log.cuts if with_records else None)
    verifier = verifier_of(KEY, log.points, log.cuts, whole=True)
    assert [one for piece in archive.check(verifier) for one in piece] == archive.breaches == []
    assert (archive.segments, verifier.events) == (3, 7)
    assert "".join(link.chain for links in archive.links() for link in links) == "aaabbdd"


def _remove(log: Archived) -> None:
    log.path().unlink()


def _remove_the_first(log: Archived) -> None:
    log.path(1).unlink()


def _truncate(log: Archived) -> None:
    log.path().write_bytes(log.path().read_bytes()[:-1])


def _append(log: Archived) -> None:
    log.path().write_bytes(log.path().read_bytes() + b"x")


def _edit_a_header(log: Archived) -> None:
    log.path().write_bytes(log.path().read_bytes().replace(b'"since":', b'"since":1', 1))


def _break_a_header(log: Archived) -> None:
    log.path().write_bytes(log.path().read_bytes().replace(b'"since"', b'"until"', 1))


def _write_another_file(log: Archived) -> None:
    log.path().write_text("a file of another program\n")


def _swap_two(log: Archived) -> None:
    one, other = log.path(1).read_bytes(), log.path(2).read_bytes()
    log.path(1).write_bytes(other)
    log.path(2).write_bytes(one)


def _copy(log: Archived) -> None:
    shutil.copy(log.path(2), log.path(4))


def _sign_with_another_secret(log: Archived) -> None:
    header = read_segment(log.path()).header
    log.put(2, msgspec.structs.replace(header, until=header.until + 1), b"another")


def _link(log: Archived) -> None:
    log.path().rename(log.directory / "elsewhere")
    log.path().symlink_to("elsewhere")


def _make_a_directory(log: Archived) -> None:
    log.path().unlink()
    log.path().mkdir()


_EDITED = "is not the one that the log records: it was edited, or belongs to another log"
_UNSIGNED = "is not signed with the master secret: it was edited, or belongs to another database"
_RENAMED = "holds segment 2: the file was renamed"

FORGED: dict[Callable[[Archived], None], tuple[list[str], list[str]]] = {
    _edit_a_header: ([_EDITED], [_UNSIGNED]),
    _sign_with_another_secret: ([_EDITED], [_UNSIGNED]),
    **{
        forge: (found, found)
        for forge, found in {
            _remove: ["is missing in {}"],
            _remove_the_first: ["is missing in {}"],
            _append: ["was altered: data after the end"],
            _truncate: ["was altered: the end is missing"],
            _break_a_header: ["cannot be used: its header cannot be read"],
            _write_another_file: ["cannot be used: it is not a segment of an audit log"],
            _swap_two: [_RENAMED, "holds segment 1: the file was renamed"],
            _copy: [_RENAMED],
            _link: ["cannot be read (Too many levels of symbolic links)"],
            _make_a_directory: ["cannot be used: it is not a file"],
        }.items()
    },
}


@pytest.mark.parametrize("forge", FORGED)
def test_a_forged_file_is_named(log: Archived, forge: Callable[[Archived], None]) -> None:
    forge(log)
    with_records, alone = ([what.format(log.directory) for what in found] for found in FORGED[forge])
    assert log.found(log.cuts) == with_records
    assert log.found(None) == alone


_MISMATCH = "the events do not match the digest in the header"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda body: body.replace(b'"ok"', b'"no"', 1), _MISMATCH),
        (lambda body: body.split(b"\n", 1)[1], _MISMATCH),
        (lambda body: b"\n".join([*reversed(body.splitlines()), b""]), _MISMATCH),
        (lambda body: body.replace(b'"ok"', b"1", 1), "Expected `str`, got `int`"),
        (lambda body: body.replace(b'"ok"', b'"\xff"', 1), "'utf-8' codec can't decode byte 0xff"),
    ],
    ids=["edited", "dropped", "reordered", "another type", "no text"],
)
def test_events_that_were_altered_are_named_with_their_segment(
    log: Archived, change: Callable[[bytes], bytes], what: str
) -> None:
    log.rewrite(2, change)
    verifier = verifier_of(KEY, log.points, log.cuts, whole=True)
    *_, breach = (one for piece in Archive(log.directory, KEY).check(verifier) for one in piece)
    assert (breach.chain, breach.seq) == ("archive", 2)
    assert breach.what.startswith(f"segment 2 ({name_of(2)}) was altered: {what}")


def test_a_file_that_goes_away_in_between_is_named(log: Archived) -> None:
    archive, verifier = Archive(log.directory, KEY), verifier_of(KEY, log.points, log.cuts, whole=True)
    log.path().unlink()
    assert [one for piece in archive.check(verifier) for one in piece] == [
        Breach("archive", 2, f"segment 2 ({name_of(2)}) cannot be read (No such file or directory)")
    ]


def test_a_directory_that_cannot_be_read_is_named(log: Archived) -> None:
    missing = log.directory / "missing"
    archive = Archive(missing, KEY, log.cuts)
    assert archive.breaches == [
        Breach("archive", 0, f"{missing}: cannot be read (No such file or directory)")
    ]
    assert archive.segments == 0


def test_an_empty_directory_is_an_archive_of_nothing(tmp_path: Path) -> None:
    for archive in (Archive(tmp_path, KEY), Archive(tmp_path, KEY, [])):
        assert (archive.breaches, archive.segments) == ([], 0)


# ---- segments that the log does not record ----


def _next(log: Archived) -> Header:
    newest = read_segment(log.path(3))
    return msgspec.structs.replace(newest.header, number=4, previous=header_digest(newest.text))


def test_the_next_segment_of_a_run_that_was_killed_is_no_breach_and_does_not_count(log: Archived) -> None:
    log.put(4, _next(log))
    archive = Archive(log.directory, KEY, log.cuts)
    assert (archive.breaches, archive.segments) == ([], 3)
    first = log.directory / "first"
    first.mkdir()
    shutil.copy(log.path(1), first)
    archive = Archive(first, KEY, [])
    assert (archive.breaches, archive.segments) == ([], 0)


@pytest.mark.parametrize(
    ("change", "key", "what"),
    [
        (
            {"previous": "another"},
            KEY,
            "is not recorded in the log: it belongs to another log, or the log was",
        ),
        ({"previous": ""}, KEY, "is not recorded in the log: it belongs to another log, or the log was"),
        ({"number": 5}, KEY, "is not recorded in the log: it belongs to another log, or the log was"),
        ({}, b"another", _UNSIGNED),
    ],
)
def test_a_segment_that_cannot_be_the_next_one_is_named(
    log: Archived, change: dict[str, Any], key: bytes, what: str
) -> None:
    header = msgspec.structs.replace(_next(log), **change)
    log.put(header.number, header, key)
    (found,) = log.found(log.cuts)
    assert found.startswith(what)


def test_segments_of_two_logs_do_not_follow_each_other(log: Archived) -> None:
    header = read_segment(log.path()).header
    log.put(2, msgspec.structs.replace(header, previous="another"))
    assert log.found(None) == ["does not follow the one before: they belong to two logs"] * 2
    log.put(1, msgspec.structs.replace(header, number=1, previous="another"))
    first, *_ = Archive(log.directory, KEY).breaches
    assert first == Breach("archive", 1, f"segment 1 ({name_of(1)}) is not the first of its log")
