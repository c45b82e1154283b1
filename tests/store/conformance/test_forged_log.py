"""The audit log, attacked by a person who can write the database but does not hold the master secret."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from gateway.audit.chain import Chain, Link, event_hash
from gateway.audit.event import AuditEvent
from gateway.clock import HOUR, MINUTE
from gateway.ids import Ids
from gateway.store import Store
from gateway.store.gateway_reads import is_signed_with
from gateway.store.queries.verification import verify
from gateway.workingset import WorkingSet
from tests.support.audit_history import LoggedDatabase
from tests.support.in_process_gateway import ManualClock, tamper
from tests.support.store_batches import CHECKPOINT_KEY, Open, breaches, log, run


async def test_an_untouched_log_verifies_and_says_what_a_crash_left_unproven(
    database: LoggedDatabase,
) -> None:
    verdict = await database.verified()
    assert verdict.breaches == []
    assert (verdict.chains, verdict.earlier, verdict.events) == (3, 0, 6 + 6 + 9)
    (tail,) = verdict.tails
    assert (tail.chain, tail.events, tail.found) == (database.crashed, 6, False)
    assert 0 < tail.until - tail.since <= MINUTE


async def test_the_next_run_signs_what_it_finds_and_says_so(database: LoggedDatabase) -> None:
    database.clock.advance(HOUR)
    await (await database.run(maintained=True)).close()
    verdict = await database.verified()
    assert verdict.breaches == []
    (tail,) = verdict.tails
    assert (tail.chain, tail.events, tail.found) == (database.crashed, 6, True)


async def _insert_a_chain(database: LoggedDatabase) -> None:
    chain, ids = Chain("f" * 32), Ids(7)
    for _ in range(2):
        await database.put(chain.link(_event(ids.next(database.clock.now()))))


async def _append_to_an_orderly_run(database: LoggedDatabase) -> None:
    *_, last = await database.links(database.orderly)
    event = _event(Ids(7).next(database.clock.now()))
    seq = last.seq + 1
    await database.put(Link(last.chain, seq, event_hash(last.chain, seq, last.hash, event), event))


async def _delete_an_offline_command(database: LoggedDatabase) -> None:
    await database.tamper(f"DELETE FROM audit WHERE chain = '{database.offline}'")


async def _edit_an_offline_command(database: LoggedDatabase) -> None:
    """With every hash behind the edit made anew."""
    head = b""
    for link in await database.links(database.offline):
        event = msgspec.structs.replace(link.event, actor="operator:nobody") if link.seq == 2 else link.event
        head = event_hash(link.chain, link.seq, head, event, link.bound)
        await database.tamper(f"DELETE FROM audit WHERE event_id = {event.event_id}")
        await database.put(Link(link.chain, link.seq, head, event, link.bound))


async def _edit_what_a_beginning_names(database: LoggedDatabase) -> None:
    first, *_ = await database.links(database.crashed)
    await database.tamper(f"DELETE FROM audit WHERE chain = '{database.crashed}'")
    head = event_hash(first.chain, 1, b"", first.event, "")
    await database.put(Link(first.chain, 1, head, first.event))


async def _cut_an_orderly_tail(database: LoggedDatabase) -> None:
    await database.tamper(f"DELETE FROM audit WHERE chain = '{database.orderly}' AND seq > 3")


async def _cut_before_the_last_signature(database: LoggedDatabase) -> None:
    await database.tamper(f"DELETE FROM audit WHERE chain = '{database.crashed}' AND seq >= 2")


async def _take_a_checkpoint_out(database: LoggedDatabase) -> None:
    await database.tamper("DELETE FROM audit_checkpoint WHERE checkpoint_id = 3")


async def _take_every_checkpoint_out(database: LoggedDatabase) -> None:
    await database.tamper("DELETE FROM audit_checkpoint")


async def _edit_the_list_of_chains(database: LoggedDatabase) -> None:
    await database.tamper(
        f"UPDATE audit_checkpoint SET heads = replace(heads, '{database.offline}', '{'f' * 32}')"
    )


async def _hide_all(database: LoggedDatabase) -> None:
    await database.tamper("DELETE FROM lookup")


async def _hide_one(database: LoggedDatabase) -> None:
    await database.tamper("DELETE FROM lookup WHERE field = 'audit.request_id' AND value = 'req-1'")


async def _hide_behind_the_watermark(database: LoggedDatabase) -> None:
    await database.tamper(f"UPDATE lookup_progress SET row_id = {1 << 62} WHERE source = 'audit'")


def _event(event_id: int) -> AuditEvent:
    return AuditEvent(event_id, 1, "pin.set", "ok", "", "operator:ann", "prf_1", "rec_1", "", "must", "{}")


_ATTACKS: dict[Callable[[LoggedDatabase], Awaitable[None]], str] = {
    _insert_a_chain: "the chain was inserted",
    _append_to_an_orderly_run: "the event was added",
    _delete_an_offline_command: "the chain was cut",
    _edit_an_offline_command: "the chain was rewritten",
    _edit_what_a_beginning_names: "beginning names another checkpoint",
    _cut_an_orderly_tail: "the chain was cut",
    _cut_before_the_last_signature: "the chain was cut",
    _take_a_checkpoint_out: "signature is not valid",
    _take_every_checkpoint_out: "not signed at all",
    _edit_the_list_of_chains: "signature is not valid",
    _hide_all: "is not found by",
    _hide_one: "is not found by",
    _hide_behind_the_watermark: "is not found by",
}


@pytest.mark.parametrize("attack", _ATTACKS)
async def test_forgery_without_the_secret_is_found(
    database: LoggedDatabase, attack: Callable[[LoggedDatabase], Awaitable[None]]
) -> None:
    await attack(database)
    verdict = await database.verified()
    assert [breach for breach in verdict.breaches if _ATTACKS[attack] in breach.what], verdict.breaches


@pytest.mark.parametrize(
    "attack", [attack for attack in _ATTACKS if attack is not _take_every_checkpoint_out]
)
async def test_a_later_run_does_not_cover_up_a_forgery(
    database: LoggedDatabase, attack: Callable[[LoggedDatabase], Awaitable[None]]
) -> None:
    await attack(database)
    await (await database.run(maintained=True)).close()
    assert (await database.verified()).breaches


async def test_a_chain_that_begins_without_an_event_is_no_breach_when_the_next_batch_fails(
    store: Store,
) -> None:
    """Before archiving, and with a batch that changes nothing, a chain begins and has no event yet."""

    def fail(ws: WorkingSet) -> None:
        log(ws)
        raise ZeroDivisionError

    await store.sign_what_is_open()
    await run(store)
    with pytest.raises(ZeroDivisionError):
        await run(store, fail)
    await run(store, log)
    assert await breaches(store) == []


async def test_a_log_without_any_signature_cannot_be_trusted(
    database: LoggedDatabase, store_factory: Open
) -> None:
    """A gateway does not start on it, so nothing signs it as it was found."""
    await _take_every_checkpoint_out(database)
    store = await store_factory()
    assert not await is_signed_with(store, CHECKPOINT_KEY)


async def test_checkpoints_that_are_taken_from_under_a_running_gateway_stay_missed(
    store: Store, database_url: str, clock: ManualClock
) -> None:
    await run(store, log)
    await store.maintain(100)
    await tamper(database_url, "DELETE FROM audit_checkpoint")
    clock.advance(HOUR)
    await run(store, log)
    await store.maintain(100)
    assert "the checkpoint's signature is not valid" in await breaches(store)


# ---- the bound of what is not proven ----


async def test_no_more_than_so_many_events_are_ever_unsigned(store: Store) -> None:
    """Without housekeeping, too: a command that imports has none."""
    for _ in range(5):
        await run(store, lambda ws: log(ws, 700))
        tails = (await verify(store, CHECKPOINT_KEY)).tails
        assert sum(tail.events for tail in tails) <= 2_000 + 700


async def test_nothing_is_unsigned_for_longer_than_the_settings_say(store: Store, clock: ManualClock) -> None:
    for _ in range(6):
        clock.advance(MINUTE)
        await run(store, log)
        for tail in (await verify(store, CHECKPOINT_KEY)).tails:
            assert tail.until - tail.since <= 2 * MINUTE


# ---- a log of an earlier version ----


async def test_a_log_from_before_is_signed_as_it_is_found_and_told_apart(
    store_factory: Open, clock: ManualClock, database_url: str, tmp_path: Path
) -> None:
    """As the schema step finds it: chains without a beginning, the newest one with a tail that nothing signs."""
    made = LoggedDatabase(database_url, store_factory, clock, tmp_path)
    await (await store_factory()).close()
    ids = Ids(7)
    for name in ("a" * 32, "b" * 32):
        chain = Chain(name)
        for _ in range(3):
            await made.put(chain.link(_event(ids.next(clock.now()))))
    await (await made.run(maintained=True)).close()
    verdict = await made.verified()
    assert (verdict.breaches, verdict.earlier, verdict.chains) == ([], 2, 3)
    await made.tamper(f"DELETE FROM audit WHERE chain = '{'a' * 32}' AND seq = 3")
    assert [breach.what for breach in (await made.verified()).breaches] == [
        "the chain was cut: a checkpoint signed event 3"
    ]
