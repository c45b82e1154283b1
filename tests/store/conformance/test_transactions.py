"""A batch is stored whole or not at all, and "not there" is never confused with "not asked for"."""

from typing import Any

import pytest

from gateway.audit.event import Action
from gateway.clock import HOUR
from gateway.store import Store
from gateway.workingset import NotLoaded, WorkingSet
from rules.record import Key
from tests.support.in_process_gateway import ManualClock
from tests.support.store_batches import (
    EMAIL,
    Do,
    Mistake,
    Open,
    achievement,
    loaded_profile,
    look,
    observe,
    person,
    populated,
    run,
)


async def test_a_missing_entity_is_none(store: Store) -> None:
    def ask(ws: WorkingSet) -> None:
        ws.records.want(("web", "nobody"))
        ws.keys.want(EMAIL)
        ws.want_window(1, 2)
        ws.answers.want(("web", "route", "key"))
        ws.achievements.want(1)
        ws.redirects.want(1)
        ws.rule_sets.want("1")
        ws.budgets.want(1)
        ws.attributes.want(1)
        ws.keys_of_channel.want("web")
        ws.due.want((1, frozenset()))

    ws = await look(store, ask)
    absent: list[Any] = [ws.records, ws.answers, ws.achievements, ws.redirects, ws.rule_sets, ws.windows]
    assert [list(found.values()) for found in absent] == [[None]] * len(absent)
    assert ws.key(EMAIL) == Key(EMAIL)
    assert (ws.budgets.held, ws.attributes.held, ws.tags.held) == ({1: 0}, {1: {}}, {1: set()})
    assert (ws.keys_of_channel.held, ws.due.held) == ({"web": []}, {(1, frozenset()): []})
    assert ws.active_rules == ""


@pytest.mark.parametrize(
    "read",
    [
        lambda ws: ws.record("web", "ann"),
        lambda ws: ws.key(EMAIL),
        lambda ws: ws.profile(1),
        lambda ws: ws.balance(1),
        lambda ws: ws.window(1, 2),
    ],
)
async def test_a_key_that_was_not_asked_for_cannot_be_read(store: Store, read: Do) -> None:
    with pytest.raises(NotLoaded):
        await run(store, read)


async def test_a_batch_that_raises_stores_nothing_and_raises_the_same(store: Store) -> None:
    def fail(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id)
        ws.accept(achievement(ws, record.record_id))
        ws.record_event(Action.IDENTITY_CREATED)
        raise Mistake

    with pytest.raises(Mistake):
        await run(store, fail)
    for table in ("record", "profile", "observation", "identifier_owner", "achievement", "audit"):
        assert await store.fetch(f"SELECT * FROM {table}") == [], table


async def test_a_batch_that_gives_up_stores_nothing_and_its_reads_are_asked_for_again(store: Store) -> None:
    def give_up(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id)
        ws.record_event(Action.IDENTITY_CREATED)
        ws.give_up()
        assert not ws.happened
        with pytest.raises(NotLoaded):
            ws.record("web", "ann")

    await run(store, give_up)
    for table in ("record", "profile", "observation", "audit"):
        assert await store.fetch(f"SELECT * FROM {table}") == [], table


async def test_a_batch_that_the_engine_refuses_stores_nothing(store: Store) -> None:
    await run(store, lambda ws: person(ws, "web:ann"))

    def collide(ws: WorkingSet) -> None:
        ws.record_event(Action.IDENTITY_CREATED)
        person(ws, "web:bob")
        person(ws, "web:ann")

    with pytest.raises(Exception):  # noqa: B017 - which one is the engine's own
        await run(store, collide)
    assert await store.fetch("SELECT customer_id FROM record") == [("ann",)]
    assert await store.fetch("SELECT * FROM audit") == []


async def test_fetch_sees_what_was_committed_just_now(store: Store) -> None:
    for n in range(3):
        await run(store, lambda ws, n=n: person(ws, f"web:{n}"))
        assert await store.fetch("SELECT COUNT(*) FROM record WHERE id_space = ?", ("web",)) == [(n + 1,)]


async def test_everything_is_there_after_a_restart(store_factory: Open, clock: ManualClock) -> None:
    store = await store_factory()
    saved = await populated(store)
    profile_id = next(iter(saved.profiles))
    before = await loaded_profile(store, profile_id)
    await store.close()
    clock.advance(HOUR)
    assert await loaded_profile(await store_factory(), profile_id) == before


async def test_closing_twice_is_harmless(store_factory: Open) -> None:
    store = await store_factory()
    await store.close()
    await store.close()


async def test_a_store_that_takes_writes_passes_the_probe(store: Store) -> None:
    await store.probe()
