"""The chains and checkpoints of the audit log."""

import pytest

from gateway.audit.checkpoint import read_state
from gateway.clock import HOUR
from gateway.store import Store
from gateway.store.gateway_reads import is_signed_with
from gateway.store.queries.audit import checkpoints
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import CHECKPOINT_KEY, ManualClock
from tests.support.store_batches import (
    Mistake,
    Open,
    achievement,
    breaches,
    entry,
    log,
    run,
)


async def test_the_chain_holds_also_over_batches_that_were_undone(store: Store) -> None:
    def fail(ws: WorkingSet) -> None:
        log(ws)
        raise Mistake

    def refused(ws: WorkingSet) -> None:
        log(ws)
        ws.enter(entry(ws, won))
        ws.enter(entry(ws, won))

    def refused_late(ws: WorkingSet) -> None:
        log(ws)
        ws.new_events.append(ws.events[0])

    (accepted,) = (await run(store, lambda ws: ws.accept(achievement(ws, 1)))).achievements.values()
    assert accepted is not None
    won = accepted
    for spoiled in (fail, refused, refused_late):
        await run(store, log)
        with pytest.raises(Exception):  # noqa: B017 - which one is the engine's own
            await run(store, spoiled)
    await run(store, log)
    assert await breaches(store) == []
    assert await store.fetch("SELECT COUNT(*), MAX(seq) FROM audit") == [(12, 12)]


async def test_each_start_begins_a_chain_of_its_own(store_factory: Open, clock: ManualClock) -> None:
    for _ in range(3):
        store = await store_factory()
        await run(store, log)
        await store.maintain(100)
        await store.close()
        clock.advance(HOUR)
    store = await store_factory()
    assert await breaches(store) == []
    assert await store.fetch("SELECT COUNT(DISTINCT chain) FROM audit") == [(3,)]
    states = [read_state(point.heads) for point in await checkpoints(store)]
    assert [(len(s.begins), len(s.open), len(s.ends), s.ended) for s in states if s is not None] == [
        place for n in range(3) for place in ((1, 1, 0, n), (0, 1, 0, n), (0, 0, 1, n + 1))
    ]


async def test_a_checkpoint_cannot_be_signed_without_the_key(store: Store) -> None:
    await run(store, log)
    await store.maintain(100)
    assert await breaches(store, b"another key") == ["the checkpoint's signature is not valid"]


async def test_checkpoints_of_a_lost_key_give_way_to_one_that_can_be_checked(
    store: Store, clock: ManualClock
) -> None:
    for _ in range(3):
        await run(store, log)
        await store.maintain(100)
        clock.advance(HOUR)
    await run(store, log)
    assert not await is_signed_with(store, b"another key")
    there = len(await checkpoints(store))
    assert await store.rotate_secret("operator:ann") == there
    assert len(await checkpoints(store)) == 1
    assert await is_signed_with(store, CHECKPOINT_KEY)
    assert await store.fetch("SELECT action, actor FROM audit ORDER BY event_id DESC LIMIT 1") == [
        ("secret.replaced", "operator:ann")
    ]
    await run(store, log)
    assert await breaches(store) == []


async def test_nothing_new_is_not_signed_again(store: Store, clock: ManualClock) -> None:
    await run(store, log)
    for _ in range(3):
        await store.maintain(100)
        clock.advance(HOUR)
    assert len(await checkpoints(store)) == 2


async def test_checkpoints_hold_when_the_clock_went_back_between_two_starts(
    store_factory: Open, clock: ManualClock
) -> None:
    for _ in range(2):
        store = await store_factory()
        await run(store, log)
        await store.maintain(100)
        await store.close()
        clock.advance(-HOUR)
    assert await breaches(await store_factory()) == []
