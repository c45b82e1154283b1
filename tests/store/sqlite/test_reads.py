"""SQLite: reads do not wait for the writer, and cannot write."""

import asyncio
import threading

import pytest

from gateway.errors import ReadFailed
from gateway.store import Store
from gateway.workingset import WorkingSet
from tests.support.store_batches import (
    Batch,
    Series,
    log,
    nothing,
    person,
    run,
)

# ---- reading while the writer writes ----


async def test_a_read_during_a_batch_answers_at_once_and_sees_only_what_is_committed(store: Store) -> None:
    await run(store, lambda ws: person(ws, "web:ann"))
    inside, go_on = threading.Event(), threading.Event()

    def slow(ws: WorkingSet) -> None:
        person(ws, "web:bob")
        inside.set()
        assert go_on.wait(10)

    writing = asyncio.create_task(run(store, slow))
    await asyncio.to_thread(inside.wait, 10)
    assert await store.fetch("SELECT customer_id FROM record") == [("ann",)]
    go_on.set()
    await writing
    assert await store.fetch("SELECT customer_id FROM record") == [("ann",), ("bob",)]


async def test_a_caller_that_gives_up_does_not_undo_the_batch(store: Store) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(ws: WorkingSet) -> None:
        person(ws, "web:ann")
        inside.set()
        assert go_on.wait(10)

    writing = asyncio.create_task(run(store, slow))
    await asyncio.to_thread(inside.wait, 10)
    writing.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await run(store, lambda ws: person(ws, "web:bob"))
    assert await store.fetch("SELECT customer_id FROM record") == [("ann",), ("bob",)]


async def test_a_read_that_is_given_up_leaves_the_readers_usable(store: Store) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT MAX(i) FROM n"
    )
    for _ in range(5):
        reading = asyncio.create_task(store.fetch(endless))
        await asyncio.sleep(0)
        reading.cancel()
    assert await asyncio.gather(*(store.fetch("SELECT ?", (n,)) for n in range(8))) == [
        [(n,)] for n in range(8)
    ]


async def test_a_read_that_failed_holds_on_to_nothing(store: Store) -> None:
    await run(store, lambda ws: person(ws, "web:ann"))
    failures: list[Exception] = []
    for _ in range(2):
        try:
            await store.fetch("SELECT CAST(x'ff' AS TEXT) FROM record")
        except ReadFailed as error:
            failures.append(error)  # and with it the place where it failed
    await run(store, lambda ws: person(ws, "web:bob"))
    seen = [await store.fetch("SELECT COUNT(*) FROM record") for _ in range(2)]
    assert (len(failures), seen) == (2, [[(2,)]] * 2)


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(ReadFailed):
        await store.fetch("DELETE FROM record")


async def test_a_probe_waits_for_one_batch_and_not_for_the_series(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def first(_: WorkingSet) -> None:
        begun.set()
        assert go_on.wait(10)

    series = Series([Batch(nothing, first), *(Batch(nothing, log) for _ in range(20))], [])
    running = asyncio.create_task(store.run_all(series))
    await asyncio.to_thread(begun.wait, 10)
    probing = asyncio.create_task(store.probe())
    await asyncio.sleep(0)
    go_on.set()
    await probing
    await running
    assert (len(series.done), len(series.waiting)) == (1, 20)
