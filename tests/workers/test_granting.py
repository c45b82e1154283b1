"""How much of what is due is granted at once, alone and beside calls."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import pytest

from gateway.clock import HOUR, SECOND
from gateway.errors import StoreUnavailable
from gateway.model import GrantDue
from gateway.store import Store
from gateway.telemetry.metrics import Metrics
from gateway.workers.due_work import DueWork
from gateway.workers.granting import Granter
from tests.support.granting import achieved
from tests.support.in_process_gateway import InProcessGateway, customer
from tests.support.watched_pipeline import Watched, WatchedStore, note

PEOPLE = 1_100


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncGenerator[Watched]:
    """With a backlog, and no call for a long time."""
    stores: list[WatchedStore] = []

    def watch(store: Store) -> Store:
        stores.append(WatchedStore(store))
        return cast("Store", stores[-1])

    async with InProcessGateway(tmp_path, around=watch) as core:
        await asyncio.gather(*(core.send(customer(f"web:{n}")) for n in range(PEOPLE)))
        await asyncio.gather(*(achieved(core, f"web:{n}") for n in range(PEOPLE)))
        core.clock.advance(HOUR)
        stores[-1].batches.clear()
        yield Watched(core, stores[-1])


def granter(watched: Watched) -> Granter:
    core = watched.core
    return Granter(core.store, core.pipeline, core.clock, Metrics(), DueWork(core.store, core.clock))


def chunks(watched: Watched) -> list[int]:
    """The sizes of the chunks since the start."""
    single = (batch[0] for batch in watched.store.batches)
    return [command.limit for command in single if isinstance(command, GrantDue)]


async def granted(watched: Watched) -> int:
    (count,) = await watched.core.column("SELECT COUNT(*) FROM ledger")
    return count


async def test_without_calls_a_backlog_is_granted_in_large_chunks_without_a_pause(watched: Watched) -> None:
    worker = granter(watched)
    assert await worker.step() > 0
    assert await granted(watched) == PEOPLE
    assert min(chunks(watched)) >= 500


async def test_without_calls_a_chunk_waits_behind_the_one_that_is_under_way(watched: Watched) -> None:
    store = watched.store
    store.gate.clear()
    store.entered.clear()
    working = asyncio.create_task(granter(watched).step())
    await store.entered.wait()
    behind = asyncio.create_task(watched.core.pipeline.submit_background(GrantDue(1)))
    await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(working, behind)
    assert chunks(watched).index(1) == 2


async def test_while_calls_arrive_and_some_seconds_longer_the_chunks_are_small_with_pauses_between(
    watched: Watched,
) -> None:
    worker, clock = granter(watched), watched.core.clock
    sizes: list[list[int]] = []
    await watched.core.send(note())
    for wait in (0, 2 * SECOND, SECOND):
        clock.advance(wait)
        watched.store.batches.clear()
        assert await worker.step() > 0
        sizes.append(chunks(watched))
    during, after, later = sizes
    assert during == after
    assert len(during) == 1
    assert during[0] < min(later)


async def test_a_call_ends_the_large_chunks(watched: Watched) -> None:
    store = watched.store
    store.gate.clear()
    store.entered.clear()
    working = asyncio.create_task(granter(watched).step())
    await store.entered.wait()
    (call,) = await watched.queued(note())
    store.gate.set()
    await asyncio.gather(working, call)
    assert len(chunks(watched)) == 2
    assert await granted(watched) < PEOPLE


async def test_a_step_that_fails_leaves_no_chunk_behind_and_the_next_one_grants_the_rest(
    watched: Watched,
) -> None:
    worker = granter(watched)
    watched.store.fail = lambda _: StoreUnavailable("full")
    with pytest.raises(StoreUnavailable):
        await worker.step()
    watched.store.fail = lambda _: None
    await worker.step()
    assert await granted(watched) == PEOPLE
