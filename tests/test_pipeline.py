"""The single writer: what queues becomes one batch, a command that fails fails alone, and an answer means that it is on disk."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from gateway.errors import CommandFailed, QueueFull, StoreBroken, StoreUnavailable
from gateway.model import (
    Accepted,
    Command,
    Done,
    Duplicate,
    Erased,
    GrantDue,
    Granted,
    NoteEvent,
    Saved,
    UnknownCustomer,
)
from gateway.pipeline import Pipeline
from gateway.store import Store
from tests.support.in_process_gateway import InProcessGateway, achieve, active, caller, customer, erase, tags
from tests.support.watched_pipeline import Build, Watched, WatchedStore, note


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def build(tmp_path: Path) -> Any:
    async with AsyncExitStack() as stack:

        async def built(**limits: Any) -> Watched:
            stores: list[WatchedStore] = []

            def watch(store: Store) -> Store:
                stores.append(WatchedStore(store))
                return cast("Store", stores[-1])

            core = await stack.enter_async_context(InProcessGateway(tmp_path, around=watch, **limits))
            stack.callback(stores[-1].gate.set)
            return Watched(core, stores[-1])

        yield built


@pytest.fixture
async def watched(build: Build) -> Watched:
    return await build()


def impossible() -> NoteEvent:
    """A command that no use case can carry out."""
    return NoteEvent(caller(), "no such action")


def unsavable() -> Command:
    """A command that a use case carries out and the engine then refuses: no integer of its is so large."""
    return achieve("web:ann", campaign=1 << 70)


# ---- batches ----


async def test_commands_queued_during_a_commit_become_one_batch(watched: Watched) -> None:
    outcomes = await watched.batch(*(customer(f"web:{n}") for n in range(10)))
    assert all(isinstance(outcome, Saved) for outcome in outcomes)
    assert watched.store.sizes == [1, 10]


async def test_a_batch_is_no_longer_than_its_limit(build: Build) -> None:
    watched = await build(batch_limit=4)
    await watched.batch(*(customer(f"web:{n}") for n in range(10)))
    assert watched.store.sizes == [1, 4, 4, 2]


async def test_commands_are_carried_out_in_the_order_in_which_they_came(watched: Watched) -> None:
    outcomes = await watched.batch(
        achieve("web:ann"), customer("web:ann"), achieve("web:ann"), achieve("web:ann"), erase("web:ann")
    )
    assert [type(outcome) for outcome in outcomes] == [UnknownCustomer, Saved, Accepted, Duplicate, Erased]
    assert watched.store.sizes == [1, 5]


async def test_an_answer_comes_only_after_the_commit(watched: Watched) -> None:
    held = await watched.hold(customer("web:ann"))
    assert not held.done()
    assert await watched.core.profile_of("web:ann") is None
    watched.store.gate.set()
    await held
    assert await watched.core.profile_of("web:ann") is not None


# ---- a command that fails fails alone ----


async def test_a_command_that_fails_does_not_take_its_neighbours(watched: Watched) -> None:
    first, failed, last = await watched.batch(customer("web:ann"), impossible(), customer("web:bob"))
    assert isinstance(failed, CommandFailed)
    assert isinstance(first, Saved)
    assert isinstance(last, Saved)
    assert await watched.core.column("SELECT customer_id FROM record ORDER BY 1") == ["ann", "bob"]


async def test_a_command_that_the_engine_refuses_does_not_take_its_neighbours(watched: Watched) -> None:
    await watched.core.send(customer("web:ann"))
    names = [f"web:{n}" for n in range(7)]
    outcomes = await watched.batch(*map(customer, names[:5]), unsavable(), *map(customer, names[5:]))
    assert [type(outcome) for outcome in outcomes] == [Saved] * 5 + [CommandFailed] + [Saved] * 2
    assert await watched.core.column("SELECT COUNT(*) FROM record") == [8]
    assert await watched.core.column("SELECT COUNT(*) FROM achievement") == [0]


async def test_a_batch_of_failures_answers_each_of_them(watched: Watched) -> None:
    outcomes = await watched.batch(*(impossible() for _ in range(256)))
    assert {type(outcome) for outcome in outcomes} == {CommandFailed}
    assert isinstance(await watched.core.send(customer("web:ann")), Saved)


async def test_the_next_batch_runs_after_a_failed_one(watched: Watched) -> None:
    with pytest.raises(CommandFailed):
        await watched.core.send(impossible())
    assert isinstance(await watched.core.send(note()), Done)


async def test_a_command_that_needs_what_a_neighbour_changed_runs_after_it(watched: Watched) -> None:
    """The save joins two profiles; the tags of the other one were not loaded for the edit that follows."""
    await watched.core.send(customer("web:ann", email="ann@x.eg"))
    await watched.core.send(customer("pos:17", mobile="+201001234567"))
    await watched.core.send(tags("pos:17", attach="vip"))
    merged, edited = await watched.batch(
        customer("web:ann", email="ann@x.eg", mobile="+201001234567"), tags("web:ann", detach="vip")
    )
    assert merged.resolution.decision == "merged"
    assert edited == Saved(edited.resolution, changed=True)
    assert watched.store.sizes == [1, 1, 1, 1, 2, 1, 1]
    assert await watched.core.column("SELECT tag FROM tag") == []


@pytest.mark.parametrize(
    "command",
    [active("web:new", active=False), tags("web:new", attach="vip"), erase("web:new"), achieve("web:new")],
)
async def test_a_command_about_a_customer_that_its_neighbour_just_attached_succeeds(
    watched: Watched, command: Command
) -> None:
    await watched.core.send(customer("pos:17", email="ann@x.eg"))
    attached, outcome = await watched.batch(customer("web:new", email="ann@x.eg"), command)
    assert attached.resolution.decision == "attached"
    assert isinstance(outcome, Saved | Erased | Accepted)


async def test_a_customer_erased_and_saved_again_in_one_batch_is_new(watched: Watched) -> None:
    before = await watched.core.send(customer("web:ann", email="ann@x.eg"))
    erased, saved = await watched.batch(erase("web:ann"), customer("web:ann", email="ann@x.eg"))
    assert isinstance(erased, Erased)
    assert saved.resolution.decision == "created"
    assert await watched.core.profile_of("web:ann") == saved.resolution.profile_id
    assert saved.resolution.profile_id != before.resolution.profile_id


# ---- a store that cannot ----


async def test_every_caller_learns_that_the_store_takes_no_writes_and_the_store_is_tried_again(
    watched: Watched,
) -> None:
    watched.store.fail = lambda commands: StoreUnavailable("full") if len(commands) == 2 else None
    outcomes = await watched.batch(customer("web:ann"), customer("web:bob"))
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert isinstance(await watched.core.send(customer("web:ann")), Saved)


async def test_no_caller_hears_success_from_a_broken_store(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        store = WatchedStore(core.store)
        store.fail = lambda _: StoreBroken("SQLITE_IOERR_FSYNC")
        pipeline = Pipeline(cast("Store", store), core.env, queue_limit=10, batch_limit=10)
        pipeline.start()
        with pytest.raises(StoreUnavailable):
            await pipeline.submit(customer("web:ann"))
        await pipeline.stop()


async def test_a_call_beyond_the_limit_is_refused_and_costs_the_others_nothing(build: Build) -> None:
    watched = await build(queue_limit=3)
    held = await watched.hold(note())
    waiting = await watched.queued(*(customer(f"web:{n}") for n in range(3)))
    assert watched.core.pipeline.waiting == 3
    with pytest.raises(QueueFull):
        await watched.core.send(customer("web:late"))
    watched.store.gate.set()
    await held
    assert all(isinstance(outcome, Saved) for outcome in await asyncio.gather(*waiting))
    assert isinstance(await watched.core.send(customer("web:late")), Saved)


# ---- callers that leave ----


async def test_a_caller_that_leaves_does_not_undo_its_commit(watched: Watched) -> None:
    held = await watched.hold(customer("web:ann"))
    held.cancel()
    watched.store.gate.set()
    await asyncio.wait([held])
    assert held.cancelled()
    await watched.core.send(note())
    assert await watched.core.profile_of("web:ann") is not None


async def test_a_caller_that_leaves_the_queue_is_carried_out_with_the_others(watched: Watched) -> None:
    held = await watched.hold(note())
    leaver, stayer = await watched.queued(customer("web:ann"), customer("web:bob"))
    leaver.cancel()
    watched.store.gate.set()
    await asyncio.wait([held, leaver])
    assert isinstance(await stayer, Saved)
    assert await watched.core.column("SELECT customer_id FROM record ORDER BY 1") == ["ann", "bob"]


# ---- work that can wait ----


async def test_calls_go_first_and_background_work_takes_turns_with_them(watched: Watched) -> None:
    store = watched.store
    pipeline = Pipeline(cast("Store", store), watched.core.env, queue_limit=10, batch_limit=2)
    background = [asyncio.create_task(pipeline.submit_background(GrantDue(9))) for _ in range(3)]
    calls = [asyncio.create_task(pipeline.submit(customer(f"web:{n}"))) for n in range(4)]
    await asyncio.sleep(0)
    pipeline.start()
    await asyncio.gather(*background, *calls)
    await pipeline.stop()
    kinds = ["".join(type(command).__name__[0] for command in batch) for batch in store.batches]
    assert kinds == ["SS", "G", "SS", "G", "G"]


@pytest.mark.parametrize(
    ("error", "answer"),
    [(StoreUnavailable("full"), StoreUnavailable), (ValueError("refused"), CommandFailed)],
)
async def test_a_failing_background_command_stops_no_other(
    watched: Watched, error: Exception, answer: type[Exception]
) -> None:
    pipeline = watched.core.pipeline
    watched.store.fail = lambda commands: error if commands[0] == customer("web:1") else None
    sent = [pipeline.submit_background(customer(f"web:{n}")) for n in range(4)]
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(one) for one in answers] == [Saved, answer, Saved, Saved]
    assert await watched.core.column("SELECT customer_id FROM record ORDER BY 1") == ["0", "2", "3"]


async def test_background_commands_beyond_one_series_are_all_carried_out(
    watched: Watched,
) -> None:
    sent = [watched.core.pipeline.submit_background(customer(f"web:{n}")) for n in range(100)]
    assert {type(one) for one in await asyncio.gather(*sent)} == {Saved}
    assert len(await watched.core.column("SELECT customer_id FROM record")) == 100


# ---- between two batches ----


async def test_the_rules_of_a_batch_change_only_after_it(watched: Watched) -> None:
    store, seen = watched.store, list[tuple[int, bool]]()

    def change() -> None:
        seen.append((len(store.batches), store.under_way))

    held = await watched.hold(customer("web:ann"))
    changing = asyncio.create_task(watched.core.pipeline.between_batches(change))
    (behind,) = await watched.queued(customer("web:bob"))
    assert seen == []
    store.gate.set()
    await asyncio.gather(held, changing, behind)
    assert seen == [(1, False)]


async def test_background_work_makes_way_for_a_change(watched: Watched) -> None:
    store, pipeline = watched.store, watched.core.pipeline
    store.gate.clear()
    sent = [asyncio.create_task(pipeline.submit_background(customer(f"web:{n}"))) for n in range(9)]
    await store.entered.wait()
    changed_after: list[int] = []
    change = asyncio.create_task(pipeline.between_batches(lambda: changed_after.append(len(store.batches))))
    await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(change, *sent)
    assert changed_after == [1]


async def test_a_failed_change_raises_only_for_its_caller(watched: Watched) -> None:
    with pytest.raises(ZeroDivisionError):
        await watched.core.pipeline.between_batches(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
    assert isinstance(await watched.core.send(customer("web:ann")), Saved)


async def test_a_change_is_made_even_if_its_caller_left(watched: Watched) -> None:
    changed: list[bool] = []
    held = await watched.hold(customer("web:ann"))
    change = asyncio.create_task(watched.core.pipeline.between_batches(lambda: changed.append(True)))
    await asyncio.sleep(0)
    change.cancel()
    watched.store.gate.set()
    await held
    await watched.core.send(customer("web:bob"))
    assert changed == [True]


async def test_an_idle_pipeline_makes_a_change_at_once(watched: Watched) -> None:
    changed: list[bool] = []
    idle = Pipeline(cast("Store", watched.store), watched.core.env, queue_limit=1, batch_limit=1)
    await idle.between_batches(lambda: changed.append(True))
    await watched.core.pipeline.stop()
    await watched.core.pipeline.between_batches(lambda: changed.append(True))
    assert changed == [True, True]


# ---- stopping ----


async def test_stopping_finishes_accepted_commands_and_refuses_the_rest(watched: Watched) -> None:
    held = await watched.hold(customer("web:ann"))
    background = asyncio.create_task(watched.core.grant())
    waiting = await watched.queued(customer("web:bob"))
    stopping = asyncio.create_task(watched.core.pipeline.stop())
    await asyncio.sleep(0)
    for submit in (watched.core.send, watched.core.pipeline.submit_background):
        with pytest.raises(QueueFull):
            await submit(customer("web:late"))
    watched.store.gate.set()
    await stopping
    assert isinstance(await held, Saved)
    assert isinstance(await waiting[0], Saved)
    assert await background == Granted(0, 0)
    assert await watched.core.column("SELECT customer_id FROM record ORDER BY 1") == ["ann", "bob"]


async def test_stopping_twice_or_before_the_start_is_harmless(watched: Watched) -> None:
    await watched.core.pipeline.stop()
    await watched.core.pipeline.stop()
    idle = Pipeline(cast("Store", watched.store), watched.core.env, queue_limit=1, batch_limit=1)
    await idle.stop()
