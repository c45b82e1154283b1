"""Archiving the audit log, and the archive attacked by a person who can write files and the database but does not hold the master
secret."""

from collections.abc import Awaitable, Callable

import pytest

from gateway.audit.archive import Archive
from gateway.audit.segment import name_of
from gateway.clock import HOUR
from gateway.errors import Refusal
from gateway.store.queries.audit import WantedEvents, events
from gateway.workers.archive import Archived
from tests.support.audit_history import ArchivedDatabase, put_in_a_chain
from tests.support.store_batches import CHECKPOINT_KEY


async def test_the_events_of_before_are_in_segments_and_the_others_in_the_log(
    fresh: ArchivedDatabase,
) -> None:
    whole = await fresh.links()
    middle = whole[len(whole) // 2].event
    done = await fresh.archive(middle.at)
    rest = await fresh.links()
    archive = Archive(fresh.directory, CHECKPOINT_KEY)
    moved = [link for links in archive.links() for link in links]
    assert archive.breaches == []
    assert moved + [link for link in rest if link in whole] == whole
    assert all(link.event.at < middle.at for link in moved)
    names = [name_of(n + 1) for n in range(archive.segments)]
    assert done == Archived(len(moved), names, left=False, checkpoints=done.checkpoints)
    assert archive.segments > 1
    told = [link.event for link in rest if link not in whole]
    assert [event.object for event in told if event.action == "audit.archived"] == names


async def test_the_log_verifies_alone_and_with_the_archive(kept: ArchivedDatabase) -> None:
    alone, whole = await kept.checked(), await kept.checked(kept.directory)
    assert (alone.breaches, whole.breaches) == ([], [])
    assert alone.archived == whole.archived > 0
    assert (alone.segments, whole.segments) == (0, len(list(kept.directory.glob("*.segment"))))
    assert alone.chains == whole.chains


async def test_rows_are_held_against_the_archive_too(kept: ArchivedDatabase) -> None:
    whole = await kept.checked(kept.directory, state=True)
    assert whole.breaches == []
    assert {covered.table: covered.earlier for covered in whole.rows if covered.earlier} == {}
    await kept.tamper("UPDATE ledger SET points = points + 1000")
    assert {breach.chain for breach in (await kept.checked(kept.directory, state=True)).breaches} == {
        "ledger"
    }


async def test_without_the_archive_rows_of_before_are_not_proven(kept: ArchivedDatabase) -> None:
    alone = await kept.checked(state=True)
    assert alone.breaches == []
    assert {covered.table: covered.earlier for covered in alone.rows}["ledger"] == 2


async def test_another_run_goes_on_where_the_last_one_ended(kept: ArchivedDatabase) -> None:
    first = await kept.checked()
    kept.clock.advance(3 * HOUR)
    done = await kept.archive()
    assert done.events > 0
    assert name_of(1) not in done.segments
    whole = await kept.checked(kept.directory)
    assert (whole.breaches, whole.archived) == ([], first.archived + done.events)
    assert (await kept.archive()).events == 0


async def test_what_is_archived_is_found_no_more_in_whatever_table(kept: ArchivedDatabase) -> None:
    store = await kept._open()
    for rows in (
        "lookup WHERE field LIKE 'audit.%' AND row_id",
        "audit_words_of WHERE event_id",
        "audit_words WHERE event_id",
    ):
        [[left]] = await store.fetch(f"SELECT COUNT(*) FROM {rows} <= (SELECT MAX(event_id) FROM audit_cut)")
        assert left == 0, rows
    await store.close()


async def test_a_new_secret_leaves_the_archive_as_the_log_records_it(kept: ArchivedDatabase) -> None:
    store = await kept._open()
    await store.rotate_secret("operator:ann")
    await store.close()
    assert (await kept.checked(kept.directory)).breaches == []


# ---- a log that was forged is not archived ----


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit SET actor = 'operator:eve' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit_checkpoint WHERE checkpoint_id = 2",
    ],
)
async def test_a_log_that_does_not_hold_is_refused(fresh: ArchivedDatabase, forgery: str) -> None:
    await fresh.tamper(forgery)
    with pytest.raises(Refusal, match="does not hold"):
        await fresh.archive()
    assert list(fresh.directory.iterdir()) == []
    assert (await fresh.checked()).archived == 0


# ---- forgeries ----


async def _take_a_record_out(kept: ArchivedDatabase) -> None:
    await kept.tamper("DELETE FROM audit_cut WHERE segment = 2")


async def _take_the_newest_record_out(kept: ArchivedDatabase) -> None:
    await kept.tamper("DELETE FROM audit_cut WHERE segment = (SELECT MAX(segment) FROM audit_cut)")


async def _take_every_record_out(kept: ArchivedDatabase) -> None:
    await kept.tamper("DELETE FROM audit_cut")


async def _take_the_cut_and_its_signature_out(kept: ArchivedDatabase) -> None:
    await kept.tamper("DELETE FROM audit_cut")
    await kept.tamper("DELETE FROM audit_checkpoint WHERE heads NOT LIKE '%segments_:0,%'")


async def _edit_a_record(kept: ArchivedDatabase) -> None:
    await kept.tamper("UPDATE audit_cut SET header = replace(header, '\"events\":', '\"events\":1')")


async def _move_the_cut(kept: ArchivedDatabase) -> None:
    """Over what is still there, so that it would be deleted."""
    await kept.tamper(f"UPDATE audit_cut SET event_id = {1 << 62}")


async def _put_a_record_in(kept: ArchivedDatabase) -> None:
    await kept.tamper(f"INSERT INTO audit_cut SELECT 99, {1 << 62}, header FROM audit_cut WHERE segment = 1")


async def _delete_behind_the_cut(kept: ArchivedDatabase) -> None:
    await kept.tamper("DELETE FROM audit WHERE event_id = (SELECT MIN(event_id) FROM audit)")


async def _delete_all_events(kept: ArchivedDatabase) -> None:
    await kept.tamper("DELETE FROM audit")


_FORGED_ROWS: dict[Callable[[ArchivedDatabase], Awaitable[None]], str] = {
    _take_a_record_out: "the record of segment 2 was removed",
    _take_the_newest_record_out: "was removed",
    _take_every_record_out: "the record of segment 1 was removed",
    _take_the_cut_and_its_signature_out: "the checkpoint's signature is not valid",
    _edit_a_record: "was altered",
    _move_the_cut: "was altered",
    _put_a_record_in: "was inserted",
    _delete_behind_the_cut: "is missing: the next one stored is",
    _delete_all_events: "the chain was cut",
}


@pytest.mark.parametrize("forge", _FORGED_ROWS)
async def test_a_forged_cut_is_found(
    kept: ArchivedDatabase, forge: Callable[[ArchivedDatabase], Awaitable[None]]
) -> None:
    await forge(kept)
    for directory in (None, kept.directory):
        found = [breach.what for breach in (await kept.checked(directory)).breaches]
        assert [what for what in found if _FORGED_ROWS[forge] in what], found


async def test_what_is_put_in_before_the_cut_is_never_shown(kept: ArchivedDatabase) -> None:
    await put_in_a_chain(kept, 1)
    store = await kept._open()
    shown = await events(store, WantedEvents(), None, 1_000, newest_first=False)
    await store.close()
    assert "f" * 32 not in {link.chain for link in shown}
