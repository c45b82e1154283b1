"""Deliveries: stored, loaded and claimed."""

import pytest

from gateway.clock import MINUTE
from gateway.model import Delivery
from gateway.store import Store
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import ManualClock
from tests.support.store_batches import (
    look,
    queue,
    run,
)


async def one_delivery(store: Store, delivery_id: int) -> Delivery:
    found = (await look(store, lambda ws: ws.deliveries.want(delivery_id))).deliveries[delivery_id]
    assert found is not None
    return found


async def test_a_delivery_comes_back_as_it_was_saved_and_as_it_was_changed(store: Store) -> None:
    saved = await run(store, queue)
    ((delivery_id, delivery),) = saved.deliveries.held.items()
    assert await one_delivery(store, delivery_id) == delivery

    def change(ws: WorkingSet) -> None:
        found = ws.deliveries[delivery_id]
        assert found is not None
        found.state, found.lane, found.due_at, found.expires_at = "held", 8, None, 9
        found.owner, found.lease_until, found.epoch, found.attempts = "me", 10, 1, 2
        found.sent_at, found.finished_at, found.status = 11, 12, 503
        found.reason, found.answer = "because", "they said so"
        ws.touch_delivery(found)

    changed = await run(store, change, lambda ws: ws.deliveries.want(delivery_id))
    found = await one_delivery(store, delivery_id)
    assert found.fence == 1
    expected = changed.deliveries[delivery_id]
    assert expected is not None
    expected.fence = 1
    assert found == expected


async def test_a_delivery_that_is_not_there_is_noted_as_absent(store: Store) -> None:
    def ask(ws: WorkingSet) -> None:
        ws.deliveries.want(1)
        ws.sendings.want(2)
        ws.claimable.want(("upstream", 5))

    ws = await look(store, ask)
    assert (ws.deliveries.held, ws.sendings.held) == ({1: None}, {2: None})
    assert ws.claimable.held == {("upstream", 5): []}


async def test_a_claim_of_a_delivery_that_another_process_claimed_is_not_committed(store: Store) -> None:
    ((delivery_id, _),) = (await run(store, queue)).deliveries.held.items()

    def late(ws: WorkingSet) -> None:
        found = ws.deliveries[delivery_id]
        assert found is not None
        found.fence = 5
        found.owner = "late"
        ws.touch_delivery(found)

    with pytest.raises(Exception):  # noqa: B017 - each engine has its own
        await run(store, late, lambda ws: ws.deliveries.want(delivery_id))
    assert (await one_delivery(store, delivery_id)).owner == ""


async def test_claimable_is_what_is_open_due_and_not_leased_oldest_first(
    store: Store, clock: ManualClock
) -> None:
    saved = await run(store, lambda ws: queue(ws, 6))
    done, leased, later, waiting, *free = saved.deliveries

    def change(ws: WorkingSet) -> None:
        found = {number: one for number, one in ws.deliveries.held.items() if one is not None}
        found[done].finished_at = ws.now
        found[leased].lease_until = ws.now + MINUTE
        found[later].due_at = ws.now + MINUTE
        found[waiting].due_at = None
        for one in found.values():
            ws.touch_delivery(one)

    def all_of_them(ws: WorkingSet) -> None:
        for number in saved.deliveries:
            ws.deliveries.want(number)

    await run(store, change, all_of_them)
    await run(store, lambda ws: queue(ws, 1, "webhook:crm"))

    async def claimable(limit: int) -> list[int]:
        ws = await look(store, lambda ws: ws.claimable.want(("upstream", limit)))
        return [one.delivery_id for one in ws.claimable["upstream", limit]]

    assert await claimable(9) == free
    assert await claimable(1) == free[:1]
    clock.advance(MINUTE)
    assert await claimable(9) == [leased, *free, later]
