"""An erasure removes everything about a person but the ledger, in whatever batch it happens."""

from gateway.store import Store
from gateway.workingset import WorkingSet
from rules.record import Key
from tests.support.store_batches import (
    EMAIL,
    due_now,
    forget,
    keys_as_looked_up,
    look,
    meet,
    observe,
    person,
    populated,
    redirect,
    run,
    want_whole,
)

PERSONAL = (
    "observation",
    "identifier_state",
    "attribute",
    "claim",
    "claimed_attribute",
    "person_name",
    "tag",
    "dedup",
    "review",
)


async def test_erasure_takes_everything_of_a_person_and_leaves_the_ledger(store: Store) -> None:
    profile_id = next(iter((await populated(store)).profiles))
    await run(store, lambda ws: forget(ws, profile_id), lambda ws: want_whole(ws, profile_id))
    assert await store.fetch("SELECT customer_id FROM record") == [("bob",)]
    assert await store.fetch("SELECT COUNT(*) FROM profile") == [(1,)]
    for table in PERSONAL:
        assert await store.fetch(f"SELECT * FROM {table}") == [], table
    assert await store.fetch("SELECT points FROM ledger") == [(100,)]
    (due,) = await due_now(store)
    assert due.profile_id is None


async def test_a_customer_erased_and_created_again_in_one_batch_is_a_new_one(store: Store) -> None:
    profile_id = next(iter((await populated(store)).profiles))

    def replace(ws: WorkingSet) -> None:
        forget(ws, profile_id)
        person(ws, "web:ann")

    saved = await run(store, replace, lambda ws: want_whole(ws, profile_id))
    ws = await look(store, lambda ws: ws.records.want(("web", "ann")))
    assert ws.record("web", "ann") == saved.record("web", "ann") != None  # noqa: E711
    for table in PERSONAL:
        assert await store.fetch(f"SELECT * FROM {table}") == [], table


async def test_a_customer_created_erased_and_created_again_in_one_batch_exists(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id)
        ws.set_tag(record, "vip")
        forget(ws, profile.profile_id)
        person(ws, "web:ann")

    saved = await run(store, save)
    ws = await look(store, lambda ws: ws.records.want(("web", "ann")))
    assert ws.record("web", "ann") == saved.record("web", "ann") != None  # noqa: E711
    assert await store.fetch("SELECT COUNT(*) FROM profile") == [(1,)]
    for table in PERSONAL:
        assert await store.fetch(f"SELECT * FROM {table}") == [], table


async def test_erasing_a_person_whom_the_same_batch_changed_clears_their_former_keys(store: Store) -> None:
    def begin(ws: WorkingSet) -> None:
        _, (other,) = person(ws, "web:1")
        profile, (record,) = person(ws, "web:ann")
        meet(ws, other)
        meet(ws, record)
        ws.own(EMAIL, profile)

    home = max((await run(store, begin, lambda ws: ws.keys.want(EMAIL))).profiles)

    def change_and_erase(ws: WorkingSet) -> None:
        profile = ws.profile(home)
        meet(ws, ws.create_record(profile, "pos", "ann", guest=False))
        ws.key(EMAIL).owner = None
        forget(ws, home)

    await run(store, change_and_erase, lambda ws: want_whole(ws, home))
    assert await keys_as_looked_up(store) == [Key(EMAIL, "normal", None, 1)]


async def test_an_erased_profiles_canonical_id_is_free_in_the_same_batch(store: Store) -> None:
    def ask(ws: WorkingSet) -> object:
        return ws.canonical_ids.want("ann")

    saved = await run(store, lambda ws: ws.create_profile(["ann"]), ask)
    (old,) = saved.profiles

    def replace(ws: WorkingSet) -> None:
        forget(ws, old)
        ws.create_profile(["ann"])

    saved = await run(store, replace, lambda ws: (ask(ws), want_whole(ws, old)))
    assert await store.fetch("SELECT profile_id, canonical_id FROM profile") == [(*saved.profiles, "ann")]


async def test_a_profile_merged_and_erased_in_one_batch_leaves_no_redirect(store: Store) -> None:
    saved = await run(store, lambda ws: [person(ws, f"web:{n}") for n in range(2)])
    a, b = saved.profiles

    def merge_and_erase(ws: WorkingSet) -> None:
        for record in ws.profiles[a].records.values():
            record.profile_id = b
            ws.touch_record(ws.by_record_id[record.record_id])
        ws.profiles[b].records |= ws.profiles[a].records
        ws.profiles[a].records.clear()
        redirect(ws, a, b)
        forget(ws, a)

    await run(store, merge_and_erase, lambda ws: (want_whole(ws, a), want_whole(ws, b)))
    assert await store.fetch("SELECT profile_id FROM profile") == []
    assert await store.fetch("SELECT record_id FROM record") == []
