"""Housekeeping fills the lookup tables, removes what has expired, and then has nothing left to do."""

from gateway.clock import DAY, HOUR
from gateway.model import Dedup, StoredAnswer
from gateway.store import Store
from gateway.store.statement import Write
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import ManualClock
from tests.support.store_batches import (
    LONGER_THAN_A_BATCH,
    Open,
    achievement,
    breaches,
    log,
    queue,
    run,
)


async def test_the_lookup_tables_are_filled_completely_in_small_steps_and_after_a_restart(
    store_factory: Open, clock: ManualClock
) -> None:
    store = await store_factory()
    for _ in range(3):
        await run(store, lambda ws: (log(ws, 7), [ws.accept(achievement(ws, n)) for n in range(5)]))
    clock.advance(LONGER_THAN_A_BATCH)
    assert await store.maintain(4) >= 4
    await store.close()
    store = await store_factory()
    await run(store, log)
    clock.advance(LONGER_THAN_A_BATCH)
    while await store.maintain(4) >= 4:
        pass
    expected = await store.fetch(
        " UNION ".join(
            f"SELECT 'audit.{field}', {field}, event_id FROM audit WHERE {field} <> ''"
            for field in ("profile", "object", "request_id")
        )
    )
    stored = await store.fetch("SELECT field, value, row_id FROM lookup WHERE field LIKE 'audit.%'")
    assert sorted(stored) == sorted(expected)
    of_record = await store.fetch("SELECT value, row_id FROM lookup WHERE field = 'achievement.record'")
    achievements = await store.fetch("SELECT record_id, achievement_id FROM achievement")
    assert sorted(of_record) == sorted((f"{record:016x}", number) for record, number in achievements)


async def test_a_process_that_is_alone_leads(store: Store) -> None:
    assert await store.take_lead("grants")
    assert await store.take_lead("grants")


async def test_housekeeping_has_nothing_to_do_after_it_finished(store: Store, clock: ManualClock) -> None:
    await run(store, log)
    clock.advance(LONGER_THAN_A_BATCH)
    while await store.maintain(100) >= 100:
        pass
    before = await store.fetch("SELECT * FROM lookup")
    assert before
    assert await store.maintain(100) == 0
    assert await store.fetch("SELECT * FROM lookup") == before


async def test_a_month_after_its_end_a_delivery_is_removed_and_what_is_dead_or_open_stays(
    store: Store, clock: ManualClock
) -> None:
    saved = await run(store, lambda ws: queue(ws, 9))
    ends = ("delivered", "discarded", "dead")

    def finish(ws: WorkingSet) -> None:
        for number, one in enumerate(one for one in ws.deliveries.values() if one is not None):
            if number < 6:
                one.state, one.finished_at = ends[number % 3], ws.now
                ws.touch_delivery(one)

    clock.advance(DAY)
    await run(store, finish, lambda ws: [ws.deliveries.want(number) for number in saved.deliveries])
    clock.advance(30 * DAY - 1)
    while await store.maintain(2) >= 2:
        pass
    assert await store.fetch("SELECT COUNT(*) FROM delivery") == [(9,)]
    for _ in range(12):  # a step that collides with another writer is made up for in the next hour
        clock.advance(HOUR)
        while await store.maintain(2) >= 2:
            pass
    states = await store.fetch("SELECT state FROM delivery ORDER BY delivery_id")
    assert states == [("dead",), ("dead",), ("pending",), ("pending",), ("pending",)]


async def test_what_expired_is_removed_and_what_has_not_stays(store: Store, clock: ManualClock) -> None:
    def save(ws: WorkingSet) -> None:
        for n in range(10):
            expires_at = ws.now + HOUR * (1 + n % 2)
            ws.set_window(n, 7, Dedup(n, ws.now, expires_at))
            ws.keep_answer(("web", "route", str(n)), StoredAnswer(b"", 202, b"", expires_at), n + 1)

    await run(store, save)
    clock.advance(HOUR)
    while await store.maintain(3) >= 3:
        pass
    odd = [1, 3, 5, 7, 9]
    assert [n for (n,) in await store.fetch("SELECT profile_id FROM dedup ORDER BY profile_id")] == odd
    assert [int(key) for (key,) in await store.fetch("SELECT key FROM idempotency ORDER BY key")] == odd


async def test_what_a_process_keeps_for_itself_is_there_at_once_and_no_event_tells_of_it(
    store: Store,
) -> None:
    await run(store, log)
    events = await store.fetch("SELECT COUNT(*) FROM audit")
    for checkpoint_id in (1, 2):
        await store.write(
            Write(
                "INSERT INTO anchored VALUES (?, ?, ?) ON CONFLICT (place) DO UPDATE SET"
                " checkpoint_id = excluded.checkpoint_id, signature = excluded.signature",
                [("webhook:vault", checkpoint_id, "ab")],
            )
        )
    assert await store.fetch("SELECT * FROM anchored") == [("webhook:vault", 2, "ab")]
    assert await store.fetch("SELECT COUNT(*) FROM audit") == events
    assert await breaches(store) == []
