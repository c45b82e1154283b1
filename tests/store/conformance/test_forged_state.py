"""The state against the audit log: a person who can write the database but does not hold the master secret cannot change, add or
remove a row that the log vouches for without being detected."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from gateway.audit.chain import event_hash
from gateway.clock import DAY, HOUR
from gateway.ids import Ids
from gateway.store import Store
from gateway.store.migrations import steps
from gateway.store.queries.audit import links
from gateway.store.queries.state_verification import Covered
from gateway.store.queries.verification import Verdict, verify
from gateway.workers.archive import Archiver
from gateway.workingset import WorkingSet
from tests.support.audit_history import make_digested_rows
from tests.support.in_process_gateway import NOON, ManualClock, tamper
from tests.support.store_batches import CHECKPOINT_KEY, Open, log, person, run, want_whole


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
    await run(store, make_digested_rows)
    clock.advance(HOUR)
    return store


async def test_untouched_rows_are_as_the_log_says(filled: Store) -> None:
    verdict = await _checked(filled)
    assert verdict.breaches == []
    assert {covered.table: (covered.rows, covered.earlier) for covered in verdict.rows} == {
        "record": (4, 0),
        "profile": (4, 0),
        "merge": (2, 0),
        "merge_undone": (1, 0),
        "review": (2, 0),
        "ledger": (2, 0),
        "coupon": (2, 0),
        "campaign_spend": (1, 0),
        "pin": (1, 0),
        "split": (1, 0),
        "split_side": (3, 0),
        "channel_key": (1, 0),
        "operator": (1, 0),
        "rule_set": (1, 0),
        "rule_activation": (1, 0),
        "job": (1, 0),
    }


_NEW_RECORD = (
    f"INSERT INTO record VALUES ('web', 'eve', {Ids(3).next(NOON - 400 * DAY)}, 1, {NOON - 400 * DAY}, 1, 0)"
)
_FOLLOWS = {
    "UPDATE record SET profile_id = (SELECT MIN(profile_id) FROM record)": ["profile"],
    "DELETE FROM ledger WHERE record_id = (SELECT MIN(record_id) FROM record)": ["coupon"],
}
"""What else is named where one row says something of another."""
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
    "UPDATE ledger SET coupon_code = 'FREE'": ("coupon", "was changed"),
    "UPDATE ledger SET coupon_code = ''": ("coupon", "was taken out"),
    "UPDATE profile SET canonical_id = 'eve' WHERE redirect_to IS NOT NULL": ("profile", "was changed"),
    "UPDATE operator SET role = 'admin'": ("operator", "was changed"),
    "UPDATE profile SET named_after = 0": ("profile", "was changed"),
    "UPDATE profile SET redirect_to = (SELECT MIN(profile_id) FROM profile) WHERE redirect_to IS NOT NULL": (
        "profile",
        "redirects elsewhere",
    ),
    "UPDATE profile SET redirect_to = NULL": ("profile", "redirects elsewhere"),
    "UPDATE profile SET redirect_to = (SELECT MAX(profile_id) FROM profile)"
    " WHERE profile_id = (SELECT MIN(profile_id) FROM profile)": ("profile", "redirects elsewhere"),
    "DELETE FROM profile WHERE redirect_to IS NOT NULL": ("profile", "was taken out"),
    "INSERT INTO profile SELECT 5, created_at, changes, NULL, 'eve', 0 FROM profile LIMIT 1": (
        "profile",
        "was put in",
    ),
    "UPDATE merge SET absorbed_records = '[1,2]'": ("merge", "was changed"),
    "UPDATE merge SET undone_at = 1": ("merge_undone", "was"),
    "UPDATE merge SET undone_at = NULL": ("merge_undone", "was taken out"),
    "UPDATE review SET state = 'rejected'": ("review", "was changed"),
    "UPDATE review SET evidence = '[\"rule:r\"]'": ("review", "was changed"),
    "DELETE FROM review WHERE state = 'open'": ("review", "was taken out"),
    "UPDATE campaign_spend SET points = 0": ("campaign_spend", "was changed"),
    "UPDATE record SET profile_id = (SELECT MIN(profile_id) FROM record)": ("record", "was changed"),
    "UPDATE record SET active = 0 WHERE customer_id = 'ann'": ("record", "was changed"),
    "UPDATE record SET customer_id = 'eve' WHERE customer_id = 'ann'": ("record", "was changed"),
    "DELETE FROM record WHERE customer_id = 'bob'": ("record", "was taken out"),
    _NEW_RECORD: ("record", "was put in"),
    "UPDATE pin SET kind = 'must'": ("pin", "was changed"),
    "DELETE FROM pin": ("pin", "was taken out"),
    "UPDATE split SET expires_at = 1": ("split", "was changed"),
    "DELETE FROM split": ("split", "was taken out"),
    "UPDATE split_side SET side = 1 WHERE side = 2": ("split_side", "was changed"),
    "DELETE FROM split_side WHERE side = 2": ("split_side", "was taken out"),
    "UPDATE channel_key SET channel = 'pos'": ("channel_key", "was changed"),
    "UPDATE rule_set SET text = 'other'": ("rule_set", "was changed"),
    "DELETE FROM rule_activation": ("rule_activation", "was taken out"),
    "UPDATE job SET filter = '{}'": ("job", "was changed"),
    "UPDATE job SET above = 99": ("job", "was changed"),
    "DELETE FROM job": ("job", "was taken out"),
}


@pytest.mark.parametrize("tampering", _TAMPERINGS)
async def test_a_row_that_was_tampered_with_is_named(
    filled: Store, database_url: str, tampering: str
) -> None:
    await tamper(database_url, tampering)
    table, what = _TAMPERINGS[tampering]
    breaches = (await _checked(filled)).breaches
    assert breaches
    assert all(what in breach.what for breach in breaches if breach.chain == table)
    assert {breach.chain for breach in breaches} == {table, *_FOLLOWS.get(tampering, ())}
    assert (await verify(filled, CHECKPOINT_KEY)).breaches == []


async def test_a_statement_of_the_log_cannot_be_changed(filled: Store, database_url: str) -> None:
    await tamper(database_url, "UPDATE audit SET bound = replace(bound, 'ledger', 'ledges')")
    assert "the event or its hash was altered" in [
        breach.what for breach in (await _checked(filled)).breaches
    ]


async def test_rows_deleted_by_an_erasure_are_not_reported_as_missing(filled: Store) -> None:
    def erase(ws: WorkingSet) -> None:
        ws.forget(ws.profile(home))
        log(ws)

    [[home]] = await filled.fetch("SELECT profile_id FROM record WHERE customer_id = 'ann'")
    await run(filled, erase, lambda ws: want_whole(ws, home))
    assert (await _checked(filled)).breaches == []


async def test_rows_of_a_lost_secret_are_known_to_be_there_and_no_more(
    filled: Store, database_url: str
) -> None:
    await filled.rotate_secret("operator:ann")
    assert (await _checked(filled)).breaches == []
    await tamper(database_url, "DELETE FROM ledger")
    assert {breach.chain for breach in (await _checked(filled)).breaches} == {"ledger", "coupon"}


async def test_rows_from_before_are_counted_and_not_taken_for_new(
    store_factory: Open, clock: ManualClock, database_url: str
) -> None:
    """A database of an earlier version: a log whose chains have no signed beginning, and rows that it does not vouch for."""
    store = await store_factory()
    await run(store, make_digested_rows)
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
    await _bind(store)
    verdict = await _checked(store)
    assert verdict.breaches == []
    assert {c.table: (c.rows, c.earlier) for c in verdict.rows}["record"] == (5, 4)
    await tamper(database_url, "UPDATE record SET guest = 1 WHERE customer_id = 'new'")
    assert {breach.chain for breach in (await _checked(store)).breaches} == {"record"}
    await store.close()


# ---- schema steps that bind rows ----

_STEP = 9_000
_REWRITING = "-- binds: record\nUPDATE record SET guest = 1 - guest WHERE guest IN (0, 1);"


NextVersion = Callable[[str], None]
Upgraded = Callable[..., Awaitable[Store]]


@pytest.fixture
async def next_version(monkeypatch: pytest.MonkeyPatch, database_url: str) -> AsyncGenerator[NextVersion]:
    """Makes the gateway the next version, with one more schema step."""

    def make(sql: str) -> None:
        more = [*steps.all_migrations(), steps.Migration(_STEP, "next_version", sql)]
        monkeypatch.setattr(steps, "all_migrations", lambda: more)

    yield make
    await tamper(database_url, f"DELETE FROM schema_version WHERE version = {_STEP}")


async def _bind(store: Store, limit: int = 100) -> None:
    """Housekeeping until nothing is left to do. A round that collides with another gateway does nothing, and is made again."""
    idle = 0
    while idle < 3:
        idle = 0 if await store.maintain(limit) else idle + 1


async def _records(store: Store) -> Covered:
    return next(covered for covered in (await _checked(store)).rows if covered.table == "record")


async def _nothing(store: Store) -> None: ...


@pytest.fixture
def upgraded(store_factory: Open, clock: ManualClock, next_version: NextVersion) -> Upgraded:
    """A filled database an hour after a step that rewrote its records, before housekeeping; `forging` what was changed before
    the step."""

    async def upgrade(sql: str = _REWRITING, forging: Callable[[Store], Awaitable[None]] = _nothing) -> Store:
        store = await store_factory()
        await run(store, make_digested_rows)
        await forging(store)
        await store.close()
        clock.advance(HOUR)
        next_version(sql)
        store = await store_factory()
        await run(store, log)
        return store

    return upgrade


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_rows_that_a_schema_step_rewrote_are_bound_anew_and_the_log_says_so(
    upgraded: Upgraded, clock: ManualClock, limit: int
) -> None:
    store = await upgraded()
    assert (await _checked(store)).breaches == []
    assert (await _records(store)).since is None
    await _bind(store, limit)
    assert (await _checked(store)).breaches == []
    assert (await _records(store)).since == clock.now()
    details = await store.fetch("SELECT detail FROM audit WHERE action = 'state.bound' ORDER BY event_id")
    pieces = [msgspec.json.decode(detail) for (detail,) in details]
    assert {(piece["step"], piece["table"]) for piece in pieces} == {(_STEP, "record")}
    assert sum(piece["rows"] for piece in pieces) == 4
    assert [piece["last"] for piece in pieces] == [False] * (len(pieces) - 1) + [True]


async def test_after_the_binding_a_row_that_is_tampered_with_is_named(
    upgraded: Upgraded, database_url: str
) -> None:
    store = await upgraded()
    await _bind(store)
    await tamper(database_url, "UPDATE record SET guest = 1 - guest WHERE customer_id = 'ann'")
    (breach,) = (await _checked(store)).breaches
    assert "was changed" in breach.what


async def test_rows_rewritten_by_a_step_without_a_binds_line_count_as_tampering(upgraded: Upgraded) -> None:
    store = await upgraded(_REWRITING.partition("\n")[2])
    await _bind(store)
    assert {breach.chain for breach in (await _checked(store)).breaches} == {"record"}


async def test_what_was_forged_before_the_step_is_bound_as_it_is_found(
    upgraded: Upgraded, clock: ManualClock, database_url: str
) -> None:
    """So the check is made before an upgrade; afterwards the log says from when on it vouches."""

    async def forge(store: Store) -> None:
        await tamper(database_url, "UPDATE record SET active = 0 WHERE customer_id = 'ann'")
        assert {breach.chain for breach in (await _checked(store)).breaches} == {"record"}

    store = await upgraded(forging=forge)
    await _bind(store)
    assert (await _checked(store)).breaches == []
    assert (await _records(store)).since == clock.now()


@pytest.mark.parametrize("forget", ["DELETE FROM state_binding", "UPDATE state_binding SET is_done = 0"])
async def test_a_step_binds_once_whatever_its_marks_say(
    upgraded: Upgraded, store_factory: Open, clock: ManualClock, database_url: str, forget: str
) -> None:
    store = await upgraded()
    await _bind(store)
    await store.close()
    await tamper(database_url, "UPDATE record SET guest = 1 - guest WHERE customer_id = 'ann'")
    await tamper(database_url, forget)
    clock.advance(HOUR)
    store = await store_factory()
    await run(store, log)
    await _bind(store)
    assert {breach.chain for breach in (await _checked(store)).breaches} == {"record"}


async def test_a_database_that_begins_with_a_step_is_bound_from_its_first_event_on(
    store_factory: Open, clock: ManualClock, next_version: NextVersion, database_url: str
) -> None:
    next_version(_REWRITING)
    store = await store_factory()
    begun = clock.now()
    await run(store, make_digested_rows)
    clock.advance(HOUR)
    await _bind(store)
    assert (await _records(store)).since == begun
    assert await store.fetch("SELECT 1 FROM audit WHERE action = 'state.bound'") == []
    await tamper(database_url, "UPDATE record SET guest = 1 WHERE customer_id = 'ann'")
    assert {breach.chain for breach in (await _checked(store)).breaches} == {"record"}


async def test_a_step_binds_though_all_events_from_before_it_were_archived(
    upgraded: Upgraded, clock: ManualClock, database_url: str, tmp_path: Path
) -> None:
    """The first event that is left is of the new version, but is not the log's first."""
    store = await upgraded()
    await Archiver(store, CHECKPOINT_KEY, tmp_path, "operator:ann").archive(clock.now())
    await _bind(store, 1)
    verdict = await verify(store, CHECKPOINT_KEY, state=True, directory=tmp_path)
    assert verdict.breaches == []
    assert {covered.table: covered.since for covered in verdict.rows}["record"] == clock.now()
    await tamper(database_url, "UPDATE record SET guest = 1 - guest WHERE customer_id = 'ann'")
    assert {breach.chain for breach in (await _checked(store)).breaches} == {"record"}


async def test_a_row_that_is_written_while_a_step_binds_is_as_the_log_says(upgraded: Upgraded) -> None:
    def change(ws: WorkingSet) -> None:
        for customer_id in ("ann", "dan"):
            record = ws.record("web", customer_id)
            assert record is not None
            record.active = False
            ws.touch_record(record)
        log(ws)

    store = await upgraded()
    await store.maintain(2)
    await run(store, change, lambda ws: ws.records.want_all([("web", "ann"), ("web", "dan")]))
    await _bind(store, 2)
    assert (await _checked(store)).breaches == []
    assert (await _records(store)).since is not None
