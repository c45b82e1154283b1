"""The archive's files, attacked by a person who can write them but does not hold the master secret, and runs that are killed. On
one engine, as the files are the same for each."""

import gzip
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from gateway.audit.archive import Archive
from gateway.audit.chain import Link, event_hash
from gateway.audit.segment import MAGIC, Header, name_of, signature
from gateway.audit.segment_file import read_segment
from gateway.audit.verify import Verifier
from gateway.clock import DAY, HOUR
from gateway.errors import Refusal, StoreBusy
from gateway.store import Store
from gateway.store.queries.audit import links
from gateway.workers import archive as archiving
from gateway.workers.archive import Archiver
from tests.support.audit_history import ArchivedDatabase, put_in_a_chain
from tests.support.in_process_gateway import CHECKPOINT_KEY


async def _alone(kept: ArchivedDatabase) -> list[str]:
    archive, verifier = Archive(kept.directory, CHECKPOINT_KEY), Verifier()
    return [
        breach.what
        for breach in (*archive.breaches, *(b for found in archive.check(verifier) for b in found))
    ]


async def test_the_archive_verifies_by_itself(kept: ArchivedDatabase) -> None:
    assert await _alone(kept) == []


async def test_what_is_younger_than_an_unsigned_event_stays(fresh: ArchivedDatabase) -> None:
    links = await fresh.links(fresh.orderly)
    await put_in_a_chain(fresh, links[-1].event.event_id + 1)
    done = await fresh.archive()
    assert (done.events, done.left) == (len(links), True)


# ---- forgeries; tests/audit/test_archive.py has all ways to forge a file ----


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """With another body under the header that is there."""
    magic, header, signed, body = path.read_bytes().split(b"\n", 3)
    changed = gzip.compress(change(gzip.decompress(body)))
    path.write_bytes(b"\n".join([magic, header, signed, changed]))


def _segment(kept: ArchivedDatabase, number: int = 2) -> Path:
    return kept.directory / name_of(number)


async def _remove_a_segment(kept: ArchivedDatabase) -> None:
    _segment(kept).unlink()


async def _edit_an_event(kept: ArchivedDatabase, number: int = 2) -> None:
    _rewrite(_segment(kept, number), lambda body: body.replace(b'"ok"', b'"no"', 1))


async def _truncate(kept: ArchivedDatabase, number: int = 2) -> None:
    path = _segment(kept, number)
    path.write_bytes(path.read_bytes()[:-4])


async def _edit_a_header(kept: ArchivedDatabase) -> None:
    path = _segment(kept)
    path.write_bytes(path.read_bytes().replace(b'"since":1', b'"since":2', 1))


_FORGED_FILES: dict[Callable[[ArchivedDatabase], Awaitable[None]], tuple[int, str]] = {
    _remove_a_segment: (2, "is missing"),
    _edit_an_event: (2, "was altered"),
    _truncate: (2, "was altered"),
    _edit_a_header: (2, "edited"),
}


@pytest.mark.parametrize("forge", _FORGED_FILES)
async def test_a_forged_file_is_named(
    kept: ArchivedDatabase, forge: Callable[[ArchivedDatabase], Awaitable[None]]
) -> None:
    await forge(kept)
    number, what = _FORGED_FILES[forge]
    expected = f"segment {number} ({name_of(number)}) "
    with_log = [breach.what for breach in (await kept.checked(kept.directory)).breaches]
    for found in (with_log, await _alone(kept)):
        assert [one for one in found if one.startswith(expected) and what in one], found
    assert (await kept.checked()).breaches == []


async def test_an_archive_of_another_log_of_the_same_secret_is_named(
    kept: ArchivedDatabase, tmp_path: Path
) -> None:
    file = read_segment(_segment(kept, 1))
    header = msgspec.structs.replace(file.header, first=file.header.first + 1).encoded()
    body = file.path.read_bytes().split(b"\n", 3)[3]
    file.path.write_bytes(
        b"\n".join([MAGIC, header.encode(), signature(CHECKPOINT_KEY, header).encode(), body])
    )
    assert "does not follow the one before" in " ".join(await _alone(kept))
    breaches = (await kept.checked(kept.directory)).breaches
    assert [breach.seq for breach in breaches if "to another log" in breach.what] == [1]


# ---- runs that were killed ----


class _Killed(BaseException):
    """Stands for SIGKILL: nothing that handles errors handles it."""


def _kill_at(monkeypatch: pytest.MonkeyPatch, target: object, name: str, call: int) -> None:
    """Before the so-manieth call."""
    real, calls = getattr(target, name), iter(range(1_000))

    def killed(*arguments: object, **named: object) -> object:
        if next(calls) == call:
            raise _Killed
        return real(*arguments, **named)

    monkeypatch.setattr(target, name, killed)


@pytest.mark.parametrize(
    ("target", "name", "call"),
    [
        ("gateway.workers.archive.write_segment", "", 0),
        ("gateway.workers.archive.write_segment", "", 1),
        ("os.link", "", 0),
        ("store", "cut", 0),
        ("store", "cut", 1),
        ("store", "prune", 0),
        ("store", "prune", 2),
    ],
)
async def test_a_run_that_was_killed_is_finished_by_the_next(
    fresh: ArchivedDatabase, monkeypatch: pytest.MonkeyPatch, target: str, name: str, call: int
) -> None:
    whole, before = await fresh.links(), fresh.clock.now() - 2 * HOUR
    with monkeypatch.context() as patching:
        store = await fresh._open()
        if target == "store":
            _kill_at(patching, store, name, call)
        else:
            place, _, function = target.rpartition(".")
            _kill_at(patching, __import__(place, fromlist=["_"]), function, call)
        with pytest.raises(_Killed):
            await Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann", 7).archive(before)
        await store.close()
    between = await fresh.checked(fresh.directory)
    assert between.breaches == []
    fresh.clock.advance(DAY)
    await fresh.archive(before)
    archive = Archive(fresh.directory, CHECKPOINT_KEY)
    moved = [link for links in archive.links() for link in links]
    rest = await fresh.links()
    assert moved + [link for link in rest if link in whole] == whole
    assert (await fresh.checked(fresh.directory)).breaches == []
    assert {path.name for path in fresh.directory.glob("*.segment")} == {
        name_of(n + 1) for n in range(archive.segments)
    }
    assert not list(fresh.directory.glob("*.partial"))


async def test_housekeeping_takes_away_what_a_killed_run_left(fresh: ArchivedDatabase) -> None:
    store: Store = await fresh._open()
    archiver = Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann", 7)
    archiver._prune = _nothing  # type: ignore[method-assign]
    await archiver.archive(fresh.clock.now() - 2 * HOUR)
    fresh.clock.advance(HOUR)
    while await store.maintain(5):
        pass
    [[left]] = await store.fetch(
        "SELECT COUNT(*) FROM audit WHERE event_id <= (SELECT MAX(event_id) FROM audit_cut)"
    )
    await store.close()
    assert left == 0
    assert (await fresh.checked(fresh.directory)).breaches == []


async def _nothing() -> None: ...


async def test_a_file_of_another_log_is_never_replaced(fresh: ArchivedDatabase) -> None:
    path = fresh.directory / name_of(1)
    path.write_text("something else")
    with pytest.raises(Refusal, match="move it away"):
        await fresh.archive()
    assert path.read_text() == "something else"


async def test_a_restored_database_does_not_overwrite_what_was_archived_of_later(
    fresh: ArchivedDatabase,
) -> None:
    """The log went on differently after the backup: the segment that is there holds events that this log does not have."""
    points = await fresh.points()
    await fresh.archive()
    content = (fresh.directory / name_of(1)).read_bytes()
    await fresh.tamper("DELETE FROM audit_cut")
    await fresh.tamper("DELETE FROM audit_checkpoint")
    await fresh.put_back(points)
    with pytest.raises(Refusal, match="is not the next segment of this log"):
        await fresh.archive()
    assert (fresh.directory / name_of(1)).read_bytes() == content


@pytest.mark.parametrize("damage", [_truncate, _edit_an_event])
async def test_a_segment_that_lost_events_is_not_taken_over(
    fresh: ArchivedDatabase,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[ArchivedDatabase, int], Awaitable[None]],
) -> None:
    """A file that was copied in part has a good header; the events would be deleted and be nowhere."""
    whole, store = await fresh.links(), await fresh._open()
    with monkeypatch.context() as patching:
        _kill_at(patching, store, "cut", 0)
        with pytest.raises(_Killed):
            await Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann").archive(
                fresh.clock.now() - 2 * HOUR
            )
    await store.close()
    await damage(fresh, 1)
    with pytest.raises(Refusal, match="is damaged"):
        await fresh.archive()
    assert [link for link in await fresh.links() if link in whole] == whole
    assert (await fresh.checked()).archived == 0


async def test_what_is_taken_over_is_on_disk_before_the_events_go(
    fresh: ArchivedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The killed run may have died between its file's name and the sync of the directory."""
    store, synced, cut_after = await fresh._open(), list[str](), list[int]()
    with monkeypatch.context() as patching:
        _kill_at(patching, store, "cut", 0)
        with pytest.raises(_Killed):
            await Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann").archive(
                fresh.clock.now() - 2 * HOUR
            )
    sync, cut = os.fsync, store.cut

    def noted(opened: int) -> None:
        synced.append(Path(f"/proc/self/fd/{opened}").resolve().name)
        sync(opened)

    async def counted(header: Header, actor: str) -> bool:
        cut_after.append(len(synced))
        return await cut(header, actor)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(store, "cut", counted)
    await Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann").archive(
        fresh.clock.now() - 2 * HOUR
    )
    await store.close()
    assert synced[: cut_after[0]] == [name_of(1), fresh.directory.name]


async def test_a_run_that_is_overtaken_is_no_breach(
    fresh: ArchivedDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another gateway archives between what it knows of the log and what it reads of it."""
    elsewhere, store, known = tmp_path / "elsewhere", await fresh._open(), archiving.signed_and_cut
    elsewhere.mkdir()

    async def overtaken(_: Store) -> object:
        before = await known(store)
        monkeypatch.setattr(archiving, "signed_and_cut", known)
        whole = [link async for chunk in links(store) for link in chunk]
        await Archiver(store, CHECKPOINT_KEY, elsewhere, "operator:eve").archive(whole[1].event.at + 1)
        return before

    monkeypatch.setattr(archiving, "signed_and_cut", overtaken)
    with pytest.raises(StoreBusy, match="another run"):
        await Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann").archive(
            fresh.clock.now() - 2 * HOUR
        )
    await store.close()
    assert (await fresh.checked(elsewhere)).breaches == []


async def test_an_event_that_no_segment_holds_is_never_deleted(kept: ArchivedDatabase) -> None:
    """A gateway whose clock was hours behind wrote it with an id from before the cut."""
    [*_, last] = await kept.links()
    event = msgspec.structs.replace(last.event, event_id=7)
    await kept.put(
        Link(last.chain, last.seq + 1, event_hash(last.chain, last.seq + 1, last.hash, event), event)
    )
    await kept.tamper(
        f"UPDATE audit_cut SET event_id = {1 << 62} WHERE segment = (SELECT MAX(segment) FROM audit_cut)"
    )
    before = {link.event.event_id for link in await kept.links()}
    store = await kept._open()
    while await store.prune(2):
        pass
    left = {event_id for (event_id,) in await store.fetch("SELECT event_id FROM audit")}
    await store.close()
    assert before <= left


async def test_a_directory_that_every_user_can_write_to_is_refused(fresh: ArchivedDatabase) -> None:
    fresh.directory.chmod(0o1777)
    with pytest.raises(Refusal, match="chmod o-w"):
        await fresh.archive()
    assert list(fresh.directory.iterdir()) == []
