"""Checkpoints in the archive, attacked by a person who can write files and the database but does not hold the master secret.
tests/audit/test_archived_checkpoints.py has all ways to forge a file."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from gateway.audit.archived_checkpoints import ArchivedCheckpoints
from gateway.audit.chain import Link, event_hash
from gateway.audit.checkpoint import standing
from gateway.audit.event import AuditEvent
from gateway.audit.segment import read_header, tips
from gateway.clock import HOUR
from gateway.store.gateway_reads import is_signed_with
from gateway.store.queries.audit import checkpoints, checkpoints_behind, cuts
from gateway.store.queries.verification import all_checkpoints
from gateway.workers.archive import Archiver
from gateway.workers.archive_checkpoints import CheckpointArchiver
from tests.support.store_batches import CHECKPOINT_KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.audit_history import ArchivedDatabase

INVALID = "the checkpoint's signature is not valid"


async def numbers(database: ArchivedDatabase) -> list[int]:
    return [point.checkpoint_id for point in await database.points()]


async def whats(database: ArchivedDatabase, *, archive: bool = False) -> list[str]:
    verdict = await database.checked(database.directory if archive else None)
    return [breach.what for breach in verdict.breaches]


async def test_the_oldest_go_with_their_events_and_the_log_still_verifies(fresh: ArchivedDatabase) -> None:
    before = await fresh.points()
    done = await fresh.archive()
    left = await fresh.points()
    assert done.checkpoints > 0
    assert [point for point in before if point not in left] == before[: done.checkpoints]
    alone, whole = await fresh.checked(state=True), await fresh.checked(fresh.directory, state=True)
    assert (alone.breaches, whole.breaches) == ([], [])
    assert whole.moved == alone.moved
    assert whole.checkpoints == alone.checkpoints + done.checkpoints
    assert alone.moved.number == done.checkpoints
    assert (await fresh.checked(fresh.directory)).earlier == 0
    store = await fresh._open()
    archived = ArchivedCheckpoints(fresh.directory, CHECKPOINT_KEY, alone.moved)
    assert [*chain.from_iterable(archived.parts())] == before[: done.checkpoints]
    listed = [
        point async for part in all_checkpoints(store, CHECKPOINT_KEY, 0, fresh.directory) for point in part
    ]
    standing_ones = [
        point async for part in all_checkpoints(store, CHECKPOINT_KEY, 0, None) for point in part
    ]
    await store.close()
    assert listed[: len(before)] == before
    assert standing_ones == listed[done.checkpoints :]


async def test_a_log_without_its_oldest_checkpoints_goes_on(fresh: ArchivedDatabase) -> None:
    first = (await fresh.archive()).checkpoints
    for _ in range(3):
        fresh.clock.advance(HOUR)
        await (await fresh.run(maintained=True)).close()
    fresh.clock.advance(3 * HOUR)
    assert await whats(fresh) == await whats(fresh, archive=True) == []
    later = await fresh.archive()
    assert later.checkpoints > first
    assert await whats(fresh) == await whats(fresh, archive=True) == []
    store = await fresh._open()
    assert await is_signed_with(store, CHECKPOINT_KEY)
    assert not await is_signed_with(store, b"another key")
    await store.close()
    assert (await fresh.archive()).checkpoints <= 1


async def test_checkpoints_that_sign_events_of_the_log_stay(fresh: ArchivedDatabase) -> None:
    links = await fresh.links()
    done = await fresh.archive(links[len(links) // 2].event.at)
    assert await fresh.links()
    stay = await fresh.points()
    everything = [
        *chain.from_iterable(ArchivedCheckpoints(fresh.directory, CHECKPOINT_KEY, standing(stay)[1]).parts()),
        *stay,
    ]
    assert done.checkpoints == len(everything) - len(stay)
    assert await whats(fresh) == await whats(fresh, archive=True) == []
    await fresh.tamper("DELETE FROM audit WHERE event_id = (SELECT MAX(event_id) FROM audit)")
    assert await whats(fresh)


async def test_nothing_goes_for_which_the_anchor_waits(fresh: ArchivedDatabase) -> None:
    store, taken = await fresh._open(), 0

    async def anchored() -> int:
        return taken

    archiver = Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann", 7, anchored=anchored)
    for taken in (0, 2):
        assert (await archiver.archive(fresh.clock.now() - 2 * HOUR)).checkpoints == taken
    await store.close()
    assert (await numbers(fresh))[0] == 3
    assert await whats(fresh) == await whats(fresh, archive=True) == []


# ---- attacks on the database ----


async def _cut_from_the_front(database: ArchivedDatabase) -> None:
    await database.tamper(
        f"DELETE FROM audit_checkpoint WHERE checkpoint_id = {(await numbers(database))[0]}"
    )


async def _cut_from_the_middle(database: ArchivedDatabase) -> None:
    await database.tamper(
        f"DELETE FROM audit_checkpoint WHERE checkpoint_id = {(await numbers(database))[1]}"
    )


async def _unsay_what_went(database: ArchivedDatabase) -> None:
    await database.tamper("""DELETE FROM audit_checkpoint WHERE heads LIKE '%"moved":%'""")


async def _say_that_more_went(database: ArchivedDatabase) -> None:
    """With the right signature, as if it had been archived."""
    _, second, *_ = points = await database.points()
    gone = standing(points)[1]
    old = f'"moved":{{"number":{gone.number},"signature":"{gone.signature}"'
    new = f'"moved":{{"number":{second.checkpoint_id},"signature":"{second.signature.hex()}"'
    await database.tamper(f"UPDATE audit_checkpoint SET heads = replace(heads, '{old}', '{new}')")
    await database.tamper(f"DELETE FROM audit_checkpoint WHERE checkpoint_id <= {second.checkpoint_id}")


async def _say_that_all_went(database: ArchivedDatabase) -> None:
    gone = standing(await database.points())[1]
    old, new = f'"moved":{{"number":{gone.number},', f'"moved":{{"number":{1 << 62},'
    await database.tamper(f"UPDATE audit_checkpoint SET heads = replace(heads, '{old}', '{new}')")


async def _remove_all(database: ArchivedDatabase) -> None:
    await database.tamper("DELETE FROM audit_checkpoint")


_ATTACKS: dict[Callable[[ArchivedDatabase], Awaitable[None]], str] = {
    _cut_from_the_front: INVALID,
    _cut_from_the_middle: INVALID,
    _unsay_what_went: INVALID,
    _say_that_more_went: INVALID,
    _say_that_all_went: "there is no checkpoint",
    _remove_all: "there is no checkpoint",
}


@pytest.mark.parametrize("attack", _ATTACKS)
async def test_checkpoints_that_were_cut_without_a_signature_are_found(
    kept: ArchivedDatabase, attack: Callable[[ArchivedDatabase], Awaitable[None]]
) -> None:
    assert (await numbers(kept))[0] > 1
    await attack(kept)
    for archive in (False, True):
        assert [what for what in await whats(kept, archive=archive) if _ATTACKS[attack] in what]


async def test_housekeeping_removes_nothing_because_of_a_forged_statement(kept: ArchivedDatabase) -> None:
    await _say_that_all_went(kept)
    before = await numbers(kept)
    store = await kept._open()
    while await store.prune(3):
        pass
    await store.close()
    assert await numbers(kept) == before


async def test_old_checkpoints_that_are_put_back_count_for_nothing(fresh: ArchivedDatabase) -> None:
    before = await fresh.points()
    done = await fresh.archive()
    await fresh.put_back(before[: done.checkpoints])
    assert await whats(fresh) == await whats(fresh, archive=True) == []
    store = await fresh._open()
    listed = [point async for part in all_checkpoints(store, CHECKPOINT_KEY, 0, None) for point in part]
    assert listed == await checkpoints_behind(store, done.checkpoints)
    while await store.prune(2):
        pass
    await store.close()
    assert (await numbers(fresh))[0] == done.checkpoints + 1


async def test_the_checkpoints_of_an_earlier_day_do_not_hold_without_its_events(
    fresh: ArchivedDatabase,
) -> None:
    """All of them are put back, and those of later are taken out, as if nothing had been archived."""
    before = await fresh.points()
    await fresh.archive()
    await fresh.tamper("DELETE FROM audit_checkpoint")
    await fresh.put_back(before)
    assert [what for what in await whats(fresh) if "was inserted" in what]
    await fresh.tamper("DELETE FROM audit_cut")
    assert [what for what in await whats(fresh) if "the chain was cut" in what]


async def test_a_chain_whose_end_is_in_the_archive_cannot_go_on(kept: ArchivedDatabase) -> None:
    """An event with the right hash, which needs no secret, is added behind the last one."""
    store = await kept._open()
    seq, head = tips(read_header(cut.header) for cut in await cuts(store))[kept.orderly]
    [*_, (newest,)] = await store.fetch("SELECT event_id FROM audit ORDER BY event_id")
    points = await checkpoints(store)
    await store.close()
    assert not [point for point in points if kept.orderly in point.heads]
    event = AuditEvent(newest + 1, kept.clock.now(), "pin.set", "ok", "", "eve", "", "", "", "", "{}")
    await kept.put(Link(kept.orderly, seq + 1, event_hash(kept.orderly, seq + 1, head, event), event))
    for archive in (False, True):
        (what,) = await whats(kept, archive=archive)
        assert what == (
            f"the event was added: the chain's end is signed at event {seq}"
            if archive
            else "the chain was inserted: no checkpoint signs its beginning"
        )


# ---- attacks on the files ----


async def test_a_file_that_is_missing_or_altered_is_named_with_the_archive_only(
    kept: ArchivedDatabase,
) -> None:
    (path,) = kept.directory.glob("*.checkpoints")
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    assert await whats(kept) == []
    assert await whats(kept, archive=True) == [f"{path.name}: it was cut short, or is too large"]
    path.unlink()
    assert await whats(kept) == []
    (missing,) = await whats(kept, archive=True)
    assert missing.startswith(f"{path.name}: cannot be read in ")


# ---- runs that were killed, and others beside ----


class _Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("place", ["write", "move", "prune"])
async def test_a_run_that_was_killed_is_finished_by_the_next(
    fresh: ArchivedDatabase, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Before the file is there, before the log says so, and before they are deleted."""
    before, moment = await fresh.points(), fresh.clock.now() - 2 * HOUR
    store = await fresh._open()
    real_move = CheckpointArchiver.move

    async def killed(*_: object) -> Any:
        raise _Killed

    async def killed_afterwards(mover: CheckpointArchiver, moment: int) -> int:
        await real_move(mover, moment)
        raise _Killed

    with monkeypatch.context() as patching:
        if place == "write":
            patching.setattr(CheckpointArchiver, "_write", killed)
        elif place == "move":
            patching.setattr(store, "move_checkpoints", killed)
        else:
            patching.setattr(CheckpointArchiver, "move", killed_afterwards)
        with pytest.raises(_Killed):
            await Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann", 7).archive(moment)
    await store.close()
    assert await whats(fresh) == await whats(fresh, archive=True) == []
    assert [point for point in await fresh.points() if point in before] == before
    await fresh.archive(moment)
    left = await fresh.points()
    archived = ArchivedCheckpoints(fresh.directory, CHECKPOINT_KEY, standing(left)[1])
    assert archived.problem == ""
    gone = [*chain.from_iterable(archived.parts())]
    assert [*gone, *left][: len(before)] == before
    assert not [point for point in left if point in gone]
    assert await whats(fresh) == await whats(fresh, archive=True) == []


async def test_of_two_runs_one_moves_them(fresh: ArchivedDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    moment, store = fresh.clock.now() - 2 * HOUR, await fresh._open()
    real, moved = store.move_checkpoints, list[bool]()

    async def overtaken(*given: Any) -> bool:
        moved.extend([await real(*given), await real(*given)])
        return moved[-1]

    monkeypatch.setattr(store, "move_checkpoints", overtaken)
    done = await Archiver(store, CHECKPOINT_KEY, fresh.directory, "operator:ann", 7).archive(moment)
    await store.close()
    assert (moved, done.checkpoints) == ([True, False], 0)
    assert await whats(fresh) == await whats(fresh, archive=True) == []


async def test_a_new_secret_begins_without_archived_checkpoints(kept: ArchivedDatabase) -> None:
    store = await kept._open()
    await store.rotate_secret("operator:ann")
    await store.close()
    verdict = await kept.checked(kept.directory)
    assert (verdict.breaches, verdict.moved.number) == ([], 0)


async def test_who_moved_them_is_in_the_log(fresh: ArchivedDatabase) -> None:
    await fresh.archive()
    told = [link.event for link in await fresh.links() if link.event.action == "audit.checkpoints_archived"]
    (path,) = fresh.directory.glob("*.checkpoints")
    assert [(event.actor, event.object) for event in told] == [("operator:ann", path.name)]
