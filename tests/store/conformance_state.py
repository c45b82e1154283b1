"""The state against the audit log: whoever can write the database but does not hold the master secret cannot change, put in or
take out a row that the log vouches for without being found. Cases for any engine."""

import pytest

from gateway.audit.chain import event_hash
from gateway.clock import DAY, HOUR
from gateway.ids import Ids
from gateway.model import ChannelKey, PinRow, StoredRuleSet
from gateway.store import Store
from gateway.store.reports.audit import links
from gateway.store.reports.verification import Verdict, verify
from gateway.workingset import WorkingSet
from tests.store.conformance import CHECKPOINT_KEY, Open, achievement, entry, log, person, run
from tests.support.in_process_gateway import NOON, ManualClock, tamper


def _populate(ws: WorkingSet) -> None:
    _, (ann,) = person(ws, "web:ann")
    _, (bob,) = person(ws, "web:bob")
    for record in (ann, bob):
        won = achievement(ws, record.record_id)
        ws.accept(won)
        ws.enter(entry(ws, won))
    ws.spend(7, 50)
    ws.set_pin(PinRow(ann.record_id, bob.record_id, "cannot", None, "operator:ann", "twins", ws.now))
    key = ChannelKey("key_1", "web", b"hash", b"other", ws.now, "operator:ann")
    ws.changes.channel_keys[key.key_id] = key
    ws.changes.rule_sets.append(StoredRuleSet("v1", "0" * 64, "text", "ann", ws.now))
    ws.changes.activations.append((ws.next_id(), "v1", "ann", ws.now))
    log(ws)


async def _checked(store: Store) -> Verdict:
    return await verify(store, CHECKPOINT_KEY, state=True)


async def _hash_without_rows(store: Store, url: str) -> None:
    """The log as a gateway of an earlier version would have written it."""
    head = b""
    async for chunk in links(store):
        for link in chunk:
            head = event_hash(link.chain, link.seq, head, link.event)
            blob = f"X'{head.hex()}'" if url.startswith("sqlite") else f"'\\x{head.hex()}'::bytea"
            await tamper(url, f"UPDATE audit SET hash = {blob} WHERE event_id = {link.event.event_id}")


@pytest.fixture
async def filled(store: Store, clock: ManualClock) -> Store:
    await run(store, _populate)
    clock.advance(HOUR)
    return store


async def test_untouched_rows_are_as_the_log_says(filled: Store) -> None:
    verdict = await _checked(filled)
    assert verdict.breaches == []
    assert {covered.table: (covered.rows, covered.earlier) for covered in verdict.rows} == {
        "record": (2, 0),
        "ledger": (2, 0),
        "campaign_spend": (1, 0),
        "pin": (1, 0),
        "channel_key": (1, 0),
        "rule_set": (1, 0),
        "rule_activation": (1, 0),
    }


_NEW_RECORD = (
    f"INSERT INTO record VALUES ('web', 'eve', {Ids(3).next(NOON - 400 * DAY)}, 1, {NOON - 400 * DAY}, 1, 0)"
)
_TAMPERINGS = {
    "UPDATE ledger SET points = points + 1000 WHERE record_id = (SELECT MIN(record_id) FROM record)": (
        "ledger",
        "was changed",
    ),
    "UPDATE ledger SET score = 0": ("ledger", "was changed"),
    "DELETE FROM ledger WHERE record_id = (SELECT MIN(record_id) FROM record)": ("ledger", "was taken out"),
    "INSERT INTO ledger SELECT record_id, 999, 999, kind, 999, 5000, 0, '', entered_at FROM ledger": (
        "ledger",
        "was put in",
    ),
    "UPDATE campaign_spend SET points = 0": ("campaign_spend", "was changed"),
    "UPDATE record SET profile_id = (SELECT MIN(profile_id) FROM record)": ("record", "was changed"),
    "UPDATE record SET active = 0 WHERE customer_id = 'ann'": ("record", "was changed"),
    "UPDATE record SET customer_id = 'eve' WHERE customer_id = 'ann'": ("record", "was changed"),
    "DELETE FROM record WHERE customer_id = 'bob'": ("record", "was taken out"),
    _NEW_RECORD: ("record", "was put in"),
    "UPDATE pin SET kind = 'must'": ("pin", "was changed"),
    "DELETE FROM pin": ("pin", "was taken out"),
    "UPDATE channel_key SET channel = 'pos'": ("channel_key", "was changed"),
    "UPDATE rule_set SET text = 'other'": ("rule_set", "was changed"),
    "DELETE FROM rule_activation": ("rule_activation", "was taken out"),
}


@pytest.mark.parametrize("tampering", _TAMPERINGS)
async def test_a_row_that_was_tampered_with_is_named(
    filled: Store, database_url: str, tampering: str
) -> None:
    await tamper(database_url, tampering)
    table, what = _TAMPERINGS[tampering]
    breaches = (await _checked(filled)).breaches
    assert breaches
    assert {breach.chain for breach in breaches} == {table}
    assert all(what in breach.what for breach in breaches)
    assert (await verify(filled, CHECKPOINT_KEY)).breaches == []


async def test_what_the_log_says_cannot_be_said_otherwise(filled: Store, database_url: str) -> None:
    await tamper(database_url, "UPDATE audit SET bound = replace(bound, 'ledger', 'ledges')")
    assert "the event or its hash was altered" in [
        breach.what for breach in (await _checked(filled)).breaches
    ]


async def test_what_goes_with_an_erased_person_is_not_missed(filled: Store) -> None:
    def erase(ws: WorkingSet) -> None:
        ws.forget(ws.profile(home))
        log(ws)

    [[home]] = await filled.fetch("SELECT profile_id FROM record WHERE customer_id = 'ann'")
    await run(filled, erase, lambda needs: needs.profile(home))
    assert (await _checked(filled)).breaches == []


async def test_rows_of_a_lost_secret_are_known_to_be_there_and_no_more(
    filled: Store, database_url: str
) -> None:
    await filled.rotate_secret("operator:ann")
    assert (await _checked(filled)).breaches == []
    await tamper(database_url, "DELETE FROM ledger")
    assert {breach.chain for breach in (await _checked(filled)).breaches} == {"ledger"}


async def test_rows_from_before_are_counted_and_not_taken_for_new(
    store_factory: Open, clock: ManualClock, database_url: str
) -> None:
    """A database of an earlier version: a log whose chains have no signed beginning, and rows that it does not vouch for."""
    store = await store_factory()
    await run(store, _populate)
    await store.close()
    for statement in (
        "UPDATE audit SET bound = ''",
        "DELETE FROM audit_checkpoint",
        "DELETE FROM lease",
    ):
        await tamper(database_url, statement)
    clock.advance(2 * DAY)
    store = await store_factory()
    await _hash_without_rows(store, database_url)
    await run(store, lambda ws: (person(ws, "web:new"), log(ws)))
    verdict = await _checked(store)
    assert verdict.breaches == []
    assert {c.table: (c.rows, c.earlier) for c in verdict.rows}["record"] == (3, 2)
    await tamper(database_url, "UPDATE record SET guest = 1 WHERE customer_id = 'new'")
    assert {breach.chain for breach in (await _checked(store)).breaches} == {"record"}
    await store.close()
