"""What the Store protocol promises of batches that are long, and of those that wait one behind the other: cases for any engine,
wherever one of them can fail."""

import pytest

from gateway.store import Store
from gateway.store.statement import Write
from gateway.workingset import WorkingSet
from rules.record import Key
from tests.support.store_batches import (
    EMAIL,
    MOBILE,
    Batch,
    Do,
    Mistake,
    Series,
    ask_for_ann,
    breaches,
    log,
    look,
    nothing,
    observe,
    person,
    run,
)

# ---- long batches ----


def in_steps(*parts: Do) -> Do:
    def do(ws: WorkingSet) -> None:
        for part in parts:
            part(ws)
            ws.end_step()

    return do


async def test_what_a_batch_changes_again_after_a_step_is_stored_as_it_is_at_the_end(store: Store) -> None:
    def begin(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id)
        observe(ws, record, MOBILE, profile.profile_id)
        ws.set_attribute(record, "name", '"Ann"')
        log(ws)

    def go_on(ws: WorkingSet) -> None:
        record = ws.record("web", "ann")
        assert record is not None
        other, _ = person(ws, "web:bob")
        ws.move(record, ws.profile(record.profile_id), other)
        ws.keys[EMAIL].owner = other.profile_id
        ws.touch_key(ws.keys[EMAIL])
        ws.keys[MOBILE].state, ws.keys[MOBILE].owner = "generic", None
        ws.touch_key(ws.keys[MOBILE])
        ws.set_attribute(record, "name", '"Anna"')
        log(ws)

    written = await run(store, in_steps(begin, go_on, log))
    assert [event.request_id for event in written.events] == [f"req-{n}" for n in range(3)] * 3
    bob = written.record("web", "bob")
    assert bob is not None
    home = bob.profile_id
    ws = await look(
        store,
        lambda ws: (
            ws.profiles.want(home),
            ws.keys.want(MOBILE),
            ws.attributes.want(min(written.attributes)),
        ),
    )
    assert {record.customer_id for record in ws.profile(home).records.values()} == {"ann", "bob"}
    assert (ws.key(EMAIL), ws.key(MOBILE)) == (Key(EMAIL, "normal", home, 1), Key(MOBILE, "generic", None, 1))
    assert ws.attributes[min(written.attributes)] == {"name": '"Anna"'}
    assert await breaches(store) == []


async def test_every_step_of_a_batch_tells_what_it_changed(store: Store) -> None:
    def begin(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id)

    def go_on(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:bob")
        observe(ws, record, MOBILE, profile.profile_id)

    ws = await run(store, in_steps(begin, go_on))
    assert ws.changed_identities() == {("web", "ann"), ("web", "bob"), EMAIL, MOBILE}


async def test_a_batch_that_raises_behind_a_step_stores_nothing_of_it(store: Store) -> None:
    def fail(ws: WorkingSet) -> None:
        raise Mistake

    def refused(ws: WorkingSet) -> None:
        person(ws, "web:ann")

    for spoiled in (fail, refused):
        with pytest.raises(Exception):  # noqa: B017 - which one is the engine's own
            await run(store, in_steps(lambda ws: (person(ws, "web:ann"), log(ws)), spoiled, log))
        assert await store.fetch("SELECT * FROM record") == []
    await run(store, log)
    assert await store.fetch("SELECT COUNT(*), MAX(seq) FROM audit") == [(3, 3)]
    assert await breaches(store) == []


# ---- one batch behind the other ----


def is_there(ws: WorkingSet) -> None:
    assert ws.record("web", "ann") is not None


async def test_a_batch_of_a_series_sees_what_the_previous_one_stored(store: Store) -> None:
    def begin(ws: WorkingSet) -> None:
        person(ws, "web:ann")
        log(ws)

    def go_on(ws: WorkingSet) -> None:
        is_there(ws)
        ws.end_step()
        log(ws)

    batches = [Batch(nothing, begin), *[Batch(ask_for_ann, go_on) for _ in range(5)]]
    series = Series(list(batches), [])
    await store.run_all(series)
    assert series.done == batches
    assert await store.fetch("SELECT COUNT(*) FROM record") == [(1,)]
    assert await store.fetch("SELECT COUNT(*), MAX(seq) FROM audit") == [(18, 18)]
    assert await breaches(store) == []


def asks_too_much(ws: WorkingSet) -> None:
    raise Mistake


def fails(ws: WorkingSet) -> None:
    log(ws)
    raise Mistake


def fails_behind_a_step(ws: WorkingSet) -> None:
    person(ws, "web:bob")
    log(ws)
    ws.end_step()
    raise Mistake


def is_refused(ws: WorkingSet) -> None:
    log(ws)
    person(ws, "web:ann")


@pytest.mark.parametrize(
    "wrong",
    [
        Batch(asks_too_much, nothing),
        Batch(nothing, fails),
        Batch(nothing, fails_behind_a_step),
        Batch(nothing, is_refused),
        Batch(nothing, in_steps(is_refused, log)),
    ],
)
async def test_a_failed_batch_of_a_series_keeps_the_earlier_ones_and_skips_the_later_ones(
    store: Store, wrong: Batch
) -> None:
    batches = [
        Batch(nothing, lambda ws: (person(ws, "web:ann"), log(ws))),
        Batch(ask_for_ann, lambda ws: (is_there(ws), log(ws))),
        wrong,
        Batch(nothing, lambda ws: person(ws, "web:late")),
    ]
    series = Series(list(batches), [])
    with pytest.raises(Exception):  # noqa: B017 - which one is the engine's own
        await store.run_all(series)
    assert series.done == batches[:2]
    assert await store.fetch("SELECT customer_id FROM record") == [("ann",)]
    await run(store, log)
    assert await store.fetch("SELECT COUNT(*), MAX(seq) FROM audit") == [(9, 9)]
    assert await breaches(store) == []


async def test_an_empty_series_does_nothing(store: Store) -> None:
    await store.run_all(Series([], []))


# ---- names ----


async def names(store: Store) -> list[str]:
    return [name for (name,) in await store.fetch("SELECT name FROM person_name ORDER BY name")]


async def test_names_follow_the_attributes_in_each_step_of_a_batch(store: Store) -> None:
    def begin(ws: WorkingSet) -> None:
        _, (record,) = person(ws, "web:ann")
        ws.set_attribute(record, "firstName", '"Ann"')
        ws.set_attribute(record, "lastName", '"Lee"')

    def go_on(ws: WorkingSet) -> None:
        record = ws.record("web", "ann")
        assert record is not None
        ws.set_attribute(record, "lastName", '"Li"')
        ws.drop_attribute(record, "firstName")

    await run(store, in_steps(begin))
    assert await names(store) == ["ann lee", "lee ann"]
    await run(store, in_steps(nothing, go_on), lambda ws: ws.records.want(("web", "ann")) and want_said(ws))
    assert await names(store) == ["li"]
    assert await store.fetch("SELECT name FROM attribute") == [("lastName",)]


def want_said(ws: WorkingSet) -> None:
    record = ws.record("web", "ann")
    assert record is not None
    ws.attributes.want(record.record_id)


async def test_names_from_before_the_schema_had_them_are_written_by_housekeeping(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        for number in range(7):
            _, (record,) = person(ws, f"web:{number}")
            ws.set_attribute(record, "firstName", f'"Ann{number}"')
            ws.set_attribute(record, "displayName", f'"Nan{number}"')
            ws.set_attribute(record, "city", '"Giza"')

    saved = await run(store, save)
    expected, newest = await names(store), max(saved.by_record_id)
    rows = await store.fetch("SELECT name, record_id FROM person_name")
    await store.write(Write("DELETE FROM person_name WHERE name = ? AND record_id = ?", rows))
    assert await names(store) == []
    marks = [("name", 0), ("name.end", newest)]
    await store.write(Write("INSERT INTO lookup_progress VALUES (?, ?)", marks))
    for _ in range(10):
        await store.maintain(3)
    assert await names(store) == expected
    assert len(expected) == 14
