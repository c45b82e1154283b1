"""`gateway audit archive` and what the commands that read the log say afterwards."""

import asyncio
from pathlib import Path

import pytest

from gateway.audit.segment import name_of
from gateway.config import load
from gateway.config.master_secret import open_box
from gateway.store.sqlite import SqliteStore
from tests.support.in_process_gateway import ManualClock
from tests.support.shell import SETTINGS, Shell
from tests.support.store_batches import log, run


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """On a database with events of long ago."""
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin="127.0.0.1:0"))
    key = open_box(load(config, {}), make=True).key("audit checkpoint")
    asyncio.run(_log_long_ago(SqliteStore(tmp_path / "gateway.db", ManualClock(), checkpoint_key=key)))
    (tmp_path / "archive").mkdir()
    return Shell(config, capsys)


async def _log_long_ago(store: SqliteStore) -> None:
    await store.open()
    await run(store, lambda ws: log(ws, 10))
    await store.close()


def _archive(shell: Shell, *words: str, code: int = 0) -> str:
    return shell(
        "audit", "archive", "--before", "1d", "--to", f"{shell.config.parent}/archive", *words, code=code
    )


def test_nothing_is_archived_without_a_word(shell: Shell) -> None:
    _archive(shell, code=2)
    assert "--yes" in shell.err
    assert "more are in the archive" not in shell("audit", "verify") + shell.err


def test_old_events_are_moved_told_of_and_verified(shell: Shell) -> None:
    directory = shell.config.parent / "archive"
    assert f"10 events moved to {directory}, in 1 segment" in _archive(shell, "--yes")
    assert [path.name for path in directory.glob("*.segment")] == [name_of(1)]
    assert "0 events moved" in _archive(shell, "--yes")
    shell("audit", "verify", "--state")
    assert "10 events more are in the archive" in shell.err
    whole = ("audit", "verify", "--archive", str(directory))
    assert "the archive is intact: 10 events, 1 segment" in shell(*whole, "--state")
    assert "the archive is intact: 10 events, 1 segment" in shell(*whole, "--alone")
    assert shell.json(*whole, "--alone")["ok"]
    shell(*whole, "--alone", "--state", code=2)


def test_anchors_of_archived_checkpoints_are_compared_too(shell: Shell, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors"
    with shell.config.open("a") as settings:
        settings.write(f'\n[audit]\nanchor = "file:{anchors}"\n')
    directory = str(tmp_path / "archive")
    with_anchors = ("audit", "verify", "--anchors", str(anchors))
    shell("keys", "new", "--channel", "web")
    assert "checkpoints moved beside them" in _archive(shell, "--yes")
    alone = shell.json(*with_anchors)
    moved = alone["moved"]["number"]
    assert (alone["ok"], alone["unanchored"], alone["uncompared"]) == (True, 0, moved - 1)
    shell(*with_anchors)
    assert moved == 2
    assert "not compared: 1 anchor of archived checkpoints; add --archive DIRECTORY" in shell.err
    whole = shell.json(*with_anchors, "--archive", directory)
    assert (whole["ok"], whole["unanchored"], whole["uncompared"]) == (True, 0, 0)
    assert whole["anchors"] == whole["checkpoints"] > alone["checkpoints"]
    content = anchors.read_bytes()
    last = content.splitlines()[moved - 1]
    anchors.write_bytes(content.replace(last + b"\n", b""))
    (breach,) = shell.json(*with_anchors, code=1)["breaches"]
    assert breach["what"].startswith(f"no line has checkpoint {moved}, the last in the archive")
    assert shell.json(*with_anchors, "--archive", directory)["unanchored"] == 1
    other = content.replace(b'"signature":"', b'"signature":"0')
    anchors.write_bytes(content + other)
    found = shell.json(*with_anchors, "--archive", directory, code=1)["breaches"]
    assert len(found) == whole["anchors"]
    assert {one["what"].partition(": ")[2] for one in found} == {"the log does not have this checkpoint"}
    next((tmp_path / "archive").glob("*.checkpoints")).unlink()
    (breach, *_) = shell.json(*with_anchors, "--archive", directory, code=1)["breaches"]
    assert breach["chain"] == "archive"


def test_what_reads_the_log_says_that_it_does_not_see_all(shell: Shell) -> None:
    _archive(shell, "--yes")
    for words in (
        ("query",),
        ("query", "--since", "2020-01-01"),
        ("export",),
        ("explain", name_of(1)),
    ):
        shell("audit", *words)
        assert "are in the archive, and are not searched" in shell.err, words
    shell("audit", "query", "--since", "1h")
    assert "archive" not in shell.err


def test_an_archive_that_was_changed_is_refused(shell: Shell) -> None:
    _archive(shell, "--yes")
    directory = shell.config.parent / "archive"
    path = directory / name_of(1)
    path.write_bytes(path.read_bytes()[:-1])
    for more in ((), ("--alone",)):
        told = shell("audit", "verify", "--archive", str(directory), *more, code=1)
        assert f"segment 1 ({name_of(1)}) was altered" in " ".join(told.split())
    assert not shell.json("audit", "verify", "--archive", str(directory), "--alone", code=1)["ok"]
