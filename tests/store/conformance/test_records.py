"""Records with what was observed on them, identifiers with their holders and owners, and profiles: stored and loaded again."""

import pytest

from gateway.clock import DAY, MINUTE
from gateway.model import FEW_HOLDERS, Dedup
from gateway.store import Store
from gateway.workingset import NotLoaded, WorkingSet
from rules.record import Key, KeyState, Observation, Ownership
from tests.support.in_process_gateway import NOON, ManualClock
from tests.support.store_batches import (
    EMAIL,
    MOBILE,
    Batch,
    Do,
    achievement,
    entry,
    forget,
    keys_as_looked_up,
    look,
    meet,
    nothing,
    observe,
    person,
    run,
    want_whole,
    want_with_profile,
)


async def test_a_record_comes_back_with_its_observations_and_their_keys(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann", guest=True)
        seen = observe(ws, record, EMAIL, profile.profile_id)
        seen.verified = True
        observe(ws, record, MOBILE, None).blocked = True
        ws.keys[MOBILE].state, ws.keys[MOBILE].holders = "generic", 60

    saved = await run(store, save)
    ws = await look(store, lambda ws: want_with_profile(ws, ("web", "ann")))
    assert ws.record("web", "ann") == saved.record("web", "ann")
    assert ws.key(EMAIL) == saved.key(EMAIL)
    assert ws.key(MOBILE) == Key(MOBILE, "generic", None, 60)


async def test_a_record_alone_says_who_owns_its_keys_and_not_how_many_hold_them(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id)
        observe(ws, record, MOBILE, None)
        ws.keys[MOBILE].state = "generic"

    saved = await run(store, save)
    ws = await look(store, lambda ws: ws.records.want(("web", "ann")))
    assert ws.ownership(EMAIL) == Ownership("normal", next(iter(saved.profiles)))
    assert ws.ownership(MOBILE) == Ownership("generic", None)
    with pytest.raises(NotLoaded):
        ws.key(EMAIL)


async def test_who_owns_a_key_is_told_by_the_key_itself_once_it_is_loaded(store: Store) -> None:
    await run(store, lambda ws: observe(ws, person(ws, "web:ann")[1][0], EMAIL, None))
    ws = await look(store, lambda ws: (ws.records.want(("web", "ann")), ws.keys.want(EMAIL)))
    ws.key(EMAIL).owner = 7
    assert ws.ownership(EMAIL).owner == 7


async def test_seeing_an_identifier_again_changes_when_it_was_seen_and_nothing_else(
    store: Store, clock: ManualClock
) -> None:
    def save(ws: WorkingSet) -> None:
        for place in ("web:ann", "web:bob"):
            profile, (record,) = person(ws, place)
            for identifier in (EMAIL, MOBILE):
                observe(ws, record, identifier, profile.profile_id)

    await run(store, save)
    before = await store.fetch("SELECT * FROM observation ORDER BY record_id, type")
    clock.advance(DAY)

    def see_again(ws: WorkingSet) -> None:
        record = ws.record("web", "ann")
        assert record is not None
        record.observations[MOBILE].last_seen = ws.now
        ws.touch_last_seen(record, record.observations[MOBILE])

    await run(store, see_again, lambda ws: ws.records.want(("web", "ann")))
    after = await store.fetch("SELECT * FROM observation ORDER BY record_id, type")
    email, mobile, *others = before
    assert after == [email, (*mobile[:4], NOON + DAY, *mobile[5:]), *others]


async def test_seeing_an_identifier_again_in_the_batch_of_its_erasure_brings_nothing_back(
    store: Store,
) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id)

    (home,) = (await run(store, save)).profiles

    def see_and_erase(ws: WorkingSet) -> None:
        (record,) = ws.profile(home).records.values()
        ws.touch_last_seen(record, record.observations[EMAIL])
        forget(ws, home)

    await run(store, see_and_erase, lambda ws: want_whole(ws, home))
    assert await store.fetch("SELECT * FROM observation") == []


async def test_the_number_of_holders_of_a_key_is_known_when_small_or_large(store: Store) -> None:
    def hold(customer_id: str) -> Do:
        def save(ws: WorkingSet) -> None:
            _, (record,) = person(ws, f"web:{customer_id}")
            meet(ws, record)

        return save

    homes: list[int] = []
    for number in range(1, FEW_HOLDERS + 3):
        homes += (await run(store, hold(f"{number}"), lambda ws: ws.keys.want(EMAIL))).profiles
        assert await keys_as_looked_up(store) == [Key(EMAIL, holders=number)]
    for left in range(FEW_HOLDERS + 1, FEW_HOLDERS - 2, -1):
        home = homes.pop()
        await run(store, lambda ws, home=home: forget(ws, home), lambda ws, home=home: want_whole(ws, home))
        assert await keys_as_looked_up(store) == [Key(EMAIL, holders=left)]


async def test_the_owner_and_state_of_a_key_are_known_with_few_or_many_holders(store: Store) -> None:
    for holders in (1, 2, FEW_HOLDERS, FEW_HOLDERS + 1, FEW_HOLDERS + 2):

        def hold(ws: WorkingSet, up_to: int = holders) -> None:
            for number in range(ws.key(EMAIL).holders + 1, up_to + 1):
                profile, (record,) = person(ws, f"web:{number}")
                meet(ws, record)
                if number == up_to:
                    ws.own(EMAIL, profile)

        made = await run(store, hold, lambda ws: ws.keys.want(EMAIL))
        newest = max(made.profiles)
        assert await keys_as_looked_up(store) == [Key(EMAIL, "normal", newest, holders)]
        changes: list[tuple[KeyState, int | None]] = [
            ("generic", None),
            ("normal", newest),
            ("normal", None),
            ("normal", newest),
        ]
        for state, owner in changes:

            def change(ws: WorkingSet, state: KeyState = state, owner: int | None = owner) -> None:
                key = ws.key(EMAIL)
                key.state, key.owner = state, owner
                ws.touch_key(key)

            await run(store, change, lambda ws: ws.keys.want(EMAIL))
            assert await keys_as_looked_up(store) == [Key(EMAIL, state, owner, holders)]


async def test_the_owner_of_a_key_is_known_when_its_many_holders_become_few(store: Store) -> None:
    def hold(ws: WorkingSet) -> None:
        for number in range(1, FEW_HOLDERS + 2):
            _, (record,) = person(ws, f"web:{number}")
            meet(ws, record)

    homes = [*(await run(store, hold, lambda ws: ws.keys.want(EMAIL))).profiles]
    first, last = homes[0], homes[-1]
    await run(store, lambda ws: ws.own(EMAIL, ws.profile(first)), lambda ws: ws.profiles.want(first))
    await run(store, lambda ws: forget(ws, last), lambda ws: want_whole(ws, last))
    assert await keys_as_looked_up(store) == [Key(EMAIL, "normal", first, FEW_HOLDERS)]


async def test_changes_of_a_record_and_of_its_observations_are_kept(store: Store, clock: ManualClock) -> None:
    await run(store, lambda ws: observe(ws, person(ws, "web:ann")[1][0], EMAIL, None))
    clock.advance(DAY)

    def change(ws: WorkingSet) -> None:
        record = ws.by_record_id[ws.records["web", "ann"].record_id]  # type: ignore[union-attr]
        record.active, record.guest = False, True
        ws.touch_record(record)
        seen = record.observations[EMAIL]
        seen.last_seen, seen.verified, seen.blocked, seen.retired = ws.now, True, True, True
        ws.touch_observation(record, seen)

    await run(store, change, lambda ws: (ws.records.want(("web", "ann")), ws.keys.want(EMAIL)))
    record = (await look(store, lambda ws: ws.records.want(("web", "ann")))).record("web", "ann")
    assert record is not None
    assert (record.active, record.guest) == (False, True)
    assert record.observations == {EMAIL: Observation(EMAIL, NOON, NOON + DAY, True, True, True)}


async def test_a_key_without_holders_is_as_one_never_seen(store: Store) -> None:
    def shun(ws: WorkingSet) -> None:
        observe(ws, person(ws, "web:ann")[1][0], EMAIL, None)
        ws.keys[EMAIL].state = "generic"

    home = next(iter((await run(store, shun)).profiles))
    await run(store, lambda ws: forget(ws, home), lambda ws: want_whole(ws, home))
    assert (await look(store, lambda ws: ws.keys.want(EMAIL))).key(EMAIL) == Key(EMAIL)


async def test_a_profile_comes_back_whole(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (web, pos) = person(ws, "web:ann", "pos:17")
        observe(ws, web, EMAIL, profile.profile_id)
        observe(ws, pos, MOBILE, profile.profile_id)
        ws.set_window(profile.profile_id, 7, Dedup(1, ws.now, ws.now + MINUTE))
        ws.enter(entry(ws, achievement(ws, web.record_id), points=100))
        ws.enter(entry(ws, achievement(ws, pos.record_id), points=20))

    saved = await run(store, save)
    (profile_id,) = saved.profiles
    ws = await look(store, lambda ws: ws.profiles.want(profile_id))
    assert ws.profile(profile_id) == saved.profile(profile_id)
    assert ws.profile_rows[profile_id] == saved.profile_rows[profile_id]
    assert ws.record("pos", "17") is ws.by_record_id[ws.record("pos", "17").record_id]  # type: ignore[union-attr]
    assert ws.key(MOBILE).owner == profile_id
    assert ws.balance(profile_id) == 120
    assert ws.window(profile_id, 7) == Dedup(1, NOON, NOON + MINUTE)
    assert ws.window(profile_id, 8) is None


async def test_a_record_loaded_alone_and_with_its_profile_is_one_object(store: Store) -> None:
    saved = await run(store, lambda ws: person(ws, "web:ann", "pos:17"))
    (profile_id,) = saved.profiles

    def ask(ws: WorkingSet) -> None:
        ws.records.want(("web", "ann"))
        ws.profiles.want(profile_id)

    ws = await look(store, ask)
    record = ws.record("web", "ann")
    assert record is not None
    assert ws.profile(profile_id).records[record.record_id] is record


async def test_what_a_first_look_shows_can_be_asked_for_in_a_second(store: Store) -> None:
    await run(store, lambda ws: person(ws, "web:ann", "pos:17"))
    seen: list[int] = []

    class ByRecord(Batch):
        def wants(self, ws: WorkingSet) -> None:
            if ws.records.want(("web", "ann")) and (record := ws.record("web", "ann")) is not None:
                ws.profiles.want(record.profile_id)

    await store.run(ByRecord(nothing, lambda ws: seen.append(len(ws.by_record_id))))
    assert seen == [2]


@pytest.mark.parametrize(
    "customer_id", ["it's", 'say "a"', "back\\slash", "ŷ😀", "[1]", "null", " ", "١٢٣", "%_"]
)
async def test_any_text_is_an_id_of_its_own(store: Store, customer_id: str) -> None:
    await run(store, lambda ws: (person(ws, f"web:{customer_id}"), person(ws, "web:other")))
    ws = await look(store, lambda ws: ws.records.want(("web", customer_id)))
    assert [place for place, record in ws.records.held.items() if record] == [("web", customer_id)]


async def test_a_canonical_id_leads_to_its_profile_and_an_unused_one_to_none(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        assert ws.create_profile(["ann"]).profile_id == ws.holder_of("ann")

    saved = await run(store, save, lambda ws: ws.canonical_ids.want("ann"))
    ws = await look(store, lambda ws: (ws.canonical_ids.want("ann"), ws.canonical_ids.want("ANN")))
    assert [ws.holder_of("ann")] == list(saved.profiles)
    assert ws.holder_of("ANN") is None
    with pytest.raises(NotLoaded):
        ws.holder_of("bob")


async def test_no_two_profiles_can_be_stored_with_one_canonical_id(store: Store) -> None:
    def twice(ws: WorkingSet) -> None:
        for _ in range(2):
            ws.canonical_ids.put("ann", None)
            ws.create_profile(["ann"])

    with pytest.raises(Exception, match=r"(?i)unique"):
        await run(store, twice)
    assert await store.fetch("SELECT profile_id FROM profile") == []
