"""What a clock that was ahead left in the database does no harm once the clock is right."""

from gateway.clock import DAY, HOUR, MINUTE
from gateway.store import Store
from gateway.store.deliveries import is_due
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import NOON, ManualClock
from tests.support.store_batches import (
    Open,
    achievement,
    log,
    look,
    person,
    queue,
    run,
)


async def test_stamps_go_on_from_what_the_database_holds(store_factory: Open, clock: ManualClock) -> None:
    store = await store_factory()
    clock.ahead = 400 * DAY
    await run(store, log)
    clock.ahead = 0
    await store.close()
    store = await store_factory()
    seen = await run(store, log)
    assert seen.now == clock.now()
    assert seen.stamp > NOON + 400 * DAY
    rows = await store.fetch("SELECT event_id, at FROM audit ORDER BY event_id")
    assert [at for _, at in rows] == sorted(at for _, at in rows)
    assert rows[0][1] == NOON + 400 * DAY


async def test_deadlines_set_by_a_wrong_clock_are_corrected(store: Store, clock: ManualClock) -> None:
    def promise(ws: WorkingSet) -> None:
        _, (web,) = person(ws, "web:ann")
        ws.accept(achievement(ws, web.record_id, due_in=HOUR))
        for target in ("upstream", "webhook:crm", "webhook:erp"):
            queue(ws, 2, target)

    clock.ahead = 400 * DAY
    await run(store, promise)
    clock.ahead = 0
    for _ in range(3):
        await store.maintain(100)
        assert await store.fetch("SELECT due_at FROM achievement") == [(NOON + HOUR,)]
        assert await store.fetch("SELECT due_at FROM delivery") == [(NOON,)] * 6
        clock.advance(2 * MINUTE)


async def test_a_delivery_that_was_leased_by_a_wrong_clock_is_free(store: Store, clock: ManualClock) -> None:
    await run(store, queue)

    def lease(ws: WorkingSet) -> None:
        for delivery in ws.claimable["upstream", 9]:
            delivery.owner, delivery.lease_until = "one", clock.now() + MINUTE
            ws.touch_delivery(delivery)

    clock.ahead = DAY
    await run(store, lease, lambda ws: ws.claimable.want(("upstream", 9)))
    clock.ahead = 0
    assert await is_due(store, "upstream", clock.now())
    assert (
        len((await look(store, lambda ws: ws.claimable.want(("upstream", 9)))).claimable["upstream", 9]) == 1
    )
