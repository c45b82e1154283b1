"""What the Store protocol promises, as cases that any engine must pass: what is loaded is what was saved, a batch is whole
or nothing, and «not there» is never confused with «not asked for». The engine comes from the fixture `store_factory`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.audit.checkpoint import read_state
from gateway.audit.event import Action
from gateway.audit.verify import Verifier
from gateway.clock import DAY, HOUR, MINUTE
from gateway.ids import show
from gateway.model import (
    FEW_HOLDERS,
    Achievement,
    ChannelKey,
    Claim,
    ClaimedAttribute,
    Claims,
    CustomerRecord,
    Dedup,
    Delivery,
    Due,
    LedgerEntry,
    MergeRow,
    ReviewItem,
    Split,
    StoredAnswer,
    StoredRuleSet,
)
from gateway.store import Store
from gateway.store.customers import Customer, grants_of
from gateway.store.deliveries import is_due
from gateway.store.operations import is_signed_with
from gateway.store.queries.audit import checkpoints, links
from gateway.store.queries.merges import merges_into
from gateway.store.queries.reviews import open_reviews
from gateway.store.statement import Write
from gateway.store.tables import TABLES
from gateway.workingset import NotLoaded, WorkingSet
from rules.identifier import Identifier
from rules.record import Key, KeyState, Observation, Profile
from tests.support.in_process_gateway import CHECKPOINT_KEY, NOON, ManualClock

Open = Callable[[], Awaitable[Store]]
Ask = Callable[[WorkingSet], object]
Do = Callable[[WorkingSet], object]
EMAIL = Identifier("email", "ann@x.eg")
MOBILE = Identifier("mobile", "+201001234567")
FAR = 1 << 62
LONGER_THAN_A_BATCH = 2 * MINUTE
"""Where several processes write, the look-ups follow once no older batch can still be on its way."""


@dataclass(eq=False)
class Batch:
    """A unit of work made of two functions; `seen` is the working set that it was given."""

    ask: Ask
    do: Do
    seen: WorkingSet | None = None

    def wants(self, ws: WorkingSet) -> None:
        self.ask(ws)

    def process(self, ws: WorkingSet) -> None:
        self.seen = ws
        self.do(ws)


def nothing(_: object) -> None:
    """Asks for nothing, changes nothing."""


async def run(store: Store, do: Do = nothing, ask: Ask = nothing) -> WorkingSet:
    batch = Batch(ask, do)
    await store.run(batch)
    assert batch.seen is not None
    return batch.seen


async def look(store: Store, ask: Ask) -> WorkingSet:
    return await run(store, ask=ask)


async def loaded_profile(store: Store, profile_id: int) -> Profile:
    ws = await look(store, lambda ws: ws.profiles.want(profile_id))
    return ws.profile(profile_id)


def person(ws: WorkingSet, *places: str, guest: bool = False) -> tuple[Profile, list[CustomerRecord]]:
    """A profile with a record for each `<id space>:<customer id>`."""
    split = [(space, customer_id) for space, _, customer_id in (place.partition(":") for place in places)]
    profile = ws.create_profile()
    ws.touch_profile(profile)
    return profile, [ws.create_record(profile, space, customer_id, guest) for space, customer_id in split]


def observe(ws: WorkingSet, record: CustomerRecord, identifier: Identifier, owner: int | None) -> Observation:
    seen = Observation(identifier, ws.now, ws.now)
    record.observations[identifier] = seen
    ws.touch_observation(record, seen)
    ws.keys.put(identifier, Key(identifier, "normal", owner, 1))
    ws.touch_key(ws.keys[identifier])
    return seen


def meet(ws: WorkingSet, record: CustomerRecord) -> None:
    """The record is one more that holds the e-mail, whoever owns it."""
    record.observations[EMAIL] = Observation(EMAIL, ws.now, ws.now)
    ws.touch_observation(record, record.observations[EMAIL])
    ws.hold(EMAIL, record)


def achievement(ws: WorkingSet, record_id: int, campaign_id: int = 7, due_in: int = 0) -> Achievement:
    return Achievement(
        ws.next_id(), record_id, campaign_id, "accepted", "", "web", "req", ws.now, ws.now + due_in
    )


def entry(ws: WorkingSet, of: Achievement, points: int = 100, score: int = 10) -> LedgerEntry:
    return LedgerEntry(
        of.record_id, of.campaign_id, ws.next_id(), "reward", of.achievement_id, points, score, "", ws.now
    )


def everything_asked_for(ws: WorkingSet, target: str = "upstream") -> None:
    """One of each thing that can be asked for; deliveries are claimed for `target`."""
    ws.records.want(("web", "ann"))
    ws.keys.want(Identifier("email", "ann@x.eg"))
    ws.holders.want_since(Identifier("email", "ann@x.eg"), 0)
    ws.profiles.want(1)
    ws.redirects.want(1)
    ws.want_window(2, 7)
    ws.answers.want(("web", "route", "key"))
    ws.achievements.want(1)
    ws.budgets.want(7)
    ws.merges.want(1)
    ws.absorptions.want(1)
    ws.homes.want(1)
    ws.review_items.want(1)
    ws.splits.want(1)
    ws.whole_splits.want(1)
    ws.suggestions.want((1, 2))
    ws.searches.want(1)
    ws.imports.want("x")
    ws.changed_by_import.want(("x", 0, 1))
    ws.canonical_ids.want("4711")
    ws.platform_events.want("key")
    ws.deliveries.want(1)
    ws.sendings.want(1)
    ws.claimable.want((target, 20))
    ws.counted.want(1)
    ws.regroupings.want(1)
    ws.lists.want("stores")
    ws.attributes.want(1)
    ws.claims.want(1)
    ws.keys_of_channel.want("web")
    ws.jobs.want(1)
    ws.operators.want("ann")
    ws.sessions_of.want("ann")
    ws.rule_sets.want("1")
    ws.due.want((1, frozenset({"tags", "score", "attributes"})))
    wanted = {name for name, collection in ws.collections.items() if collection.wanted}
    assert wanted == {table.collection for table in TABLES if table.load is not None}


async def due_now(store: Store, details: frozenset[str] = frozenset()) -> list[Due]:
    ws = await look(store, lambda ws: ws.due.want((9, details)))
    return ws.due[9, details]


# ---- records, observations, keys, profiles ----


async def test_a_record_comes_back_with_its_observations_and_their_keys(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann", guest=True)
        seen = observe(ws, record, EMAIL, profile.profile_id)
        seen.verified = True
        observe(ws, record, MOBILE, None).blocked = True
        ws.keys[MOBILE].state, ws.keys[MOBILE].holders = "generic", 60

    saved = await run(store, save)
    ws = await look(store, lambda ws: ws.records.want(("web", "ann")))
    assert ws.record("web", "ann") == saved.record("web", "ann")
    assert ws.key(EMAIL) == saved.key(EMAIL)
    assert ws.key(MOBILE) == Key(MOBILE, "generic", None, 60)


async def test_how_many_hold_a_key_is_known_be_they_few_or_many(store: Store) -> None:
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


async def keys_as_looked_up(store: Store) -> list[Key]:
    """What is known of the e-mail by itself, with a record that holds it, and to somebody who asks the database; once, if all
    say the same."""
    by_key = await look(store, lambda ws: ws.keys.want(EMAIL))
    by_record = await look(store, lambda ws: ws.records.want(("web", "1")))
    rows = await store.fetch("SELECT state, owner_id, holders FROM identifier_owner")
    found = [by_key.key(EMAIL), by_record.key(EMAIL), *(Key(EMAIL, *row) for row in rows)]
    return [key for n, key in enumerate(found) if key not in found[:n]]


async def test_whose_a_key_is_and_its_state_are_known_be_its_holders_few_or_many(store: Store) -> None:
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

    await run(store, change, lambda ws: ws.records.want(("web", "ann")))
    record = (await look(store, lambda ws: ws.records.want(("web", "ann")))).record("web", "ann")
    assert record is not None
    assert (record.active, record.guest) == (False, True)
    assert record.observations == {EMAIL: Observation(EMAIL, NOON, NOON + DAY, True, True, True)}


async def test_a_key_that_nobody_holds_is_as_one_never_seen(store: Store) -> None:
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


# ---- redirects and merges ----


def redirect(ws: WorkingSet, absorbed: int, survivor: int) -> None:
    ws.profiles[absorbed].redirect_to = survivor
    ws.absorbed.add(len(ws.absorbed.added), (absorbed, survivor))
    ws.touch_profile(ws.profiles[absorbed])


@pytest.mark.parametrize("batches", [1, 2])
async def test_a_chain_of_merges_leaves_redirects_of_one_hop(store: Store, batches: int) -> None:
    saved = await run(store, lambda ws: [person(ws, f"web:{n}") for n in range(3)])
    a, b, c = saved.profiles
    steps: list[list[tuple[int, int]]] = [[(a, b), (b, c)]] if batches == 1 else [[(a, b)], [(b, c)]]
    for step in steps:
        await run(
            store,
            lambda ws, step=step: [redirect(ws, *pair) for pair in step],
            lambda ws: [ws.profiles.want(p) for p in (a, b, c)],
        )
    ws = await look(store, lambda ws: [ws.redirects.want(p) for p in (a, b, c, FAR)])
    assert ws.redirects.held == {a: c, b: c, c: c, FAR: None}


async def test_a_profiles_version_and_redirect_are_kept(store: Store) -> None:
    saved = await run(store, lambda ws: [person(ws, f"web:{n}") for n in range(2)])
    a, b = saved.profiles
    await run(store, lambda ws: redirect(ws, a, b), lambda ws: (ws.profiles.want(a), ws.profiles.want(b)))
    ws = await look(store, lambda ws: (ws.profiles.want(a), ws.profiles.want(b)))
    assert (ws.profiles[a].version, ws.profiles[a].redirect_to) == (2, b)
    assert ws.profile(a) is ws.profiles[b]


async def test_a_merge_keeps_the_record_lists_of_both_sides(store: Store) -> None:
    row = MergeRow(5, 1, 2, (11, 12), (21,), "email", "sha", "channel:web", "req", NOON)
    await run(store, lambda ws: ws.merges.add(row.merge_id, row))
    assert await merges_into(store, [1]) == [row]


async def test_a_review_is_found_from_both_of_its_profiles_and_keeps_its_answer(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        a, b = (person(ws, f"web:{n}")[0].profile_id for n in range(2))
        item = ReviewItem(ws.next_id(), a, b, "open", "rule:email", "email", ("email",), ws.now)
        item.evidence = frozenset({"rule:email", "email"})
        ws.reviews[a, b] = item
        ws.touch_review(item)

    saved = await run(store, save)
    ((a, b),) = saved.reviews
    assert await open_reviews(store, b) == [saved.reviews[a, b]]

    def close(ws: WorkingSet) -> None:
        item = ws.reviews[a, b]
        item.state, item.closed_at, item.closed_by = "rejected", ws.now, "operator"
        ws.touch_review(item)

    closed = await run(store, close, lambda ws: ws.profiles.want(a))
    assert closed.reviews == {(a, b): saved.reviews[a, b]} or closed.reviews[a, b].state == "rejected"
    assert (await look(store, lambda ws: ws.profiles.want(b))).reviews == closed.reviews


async def test_a_split_comes_with_its_profiles_and_whole_when_it_is_asked_for(store: Store) -> None:
    row = Split(9, NOON, "operator:ann", "a shared number", NOON)

    def save(ws: WorkingSet) -> None:
        records = [person(ws, f"web:{n}")[1][0] for n in range(3)]
        ws.keep_apart(row, {one.record_id: side for side, one in enumerate(records)})

    a, b, c = (await run(store, save)).profiles
    ws = await look(store, lambda ws: ws.profiles.want_all([a, b]))
    (apart,) = ws.apart(ws.profiles[a].records)
    assert ws.splits[9] == row
    assert [side for _, side in sorted(apart.sides.items())] == [0, 1]
    assert apart.is_between(ws.profiles[a], ws.profiles[b])

    def join(ws: WorkingSet) -> None:
        first, second, third = sorted(ws.sides_of[9])
        assert ws.join_sides(9, (first, second))
        assert not ws.join_sides(9, (first, third))
        ws.lift_split(row)

    await run(store, join, lambda ws: (ws.whole_splits.want(9), ws.profiles.want(c)))
    lifted = await look(store, lambda ws: (ws.whole_splits.want(9), ws.profiles.want(a)))
    assert (lifted.splits[9], lifted.judgements) == (None, [])
    assert {*lifted.sides_of[9].values()} == {0}
    await run(store, lambda ws: ws.drop_sides(9), lambda ws: ws.whole_splits.want(9))
    assert await store.fetch("SELECT * FROM split_side") == []


# ---- sources and claims ----


async def test_an_observation_and_an_attribute_keep_their_source(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        observe(ws, record, EMAIL, profile.profile_id).source = "import"
        ws.set_attribute(record, "city", '"Giza"', "session")

    await run(store, save)
    loaded = (await look(store, lambda ws: ws.records.want(("web", "ann")))).record("web", "ann")
    assert loaded is not None
    assert loaded.observations[EMAIL].source == "import"
    assert await store.fetch("SELECT source FROM attribute") == [("session",)]


async def test_claims_are_kept_by_record_and_are_no_holders_of_a_key(
    store: Store, clock: ManualClock
) -> None:
    def save(ws: WorkingSet) -> None:
        profile, (ann, _) = person(ws, "web:ann", "web:eve")
        observe(ws, ann, EMAIL, profile.profile_id)

    saved = await run(store, save)
    ann, eve = saved.by_record_id.values()
    profile_id = ann.profile_id
    given = ClaimedAttribute('"Giza"', "session", NOON)

    def claim(ws: WorkingSet) -> None:
        ws.keep_claim(eve, EMAIL, Claim("public", NOON))
        ws.keep_claimed_attribute(eve, "city", given)

    await run(store, claim, lambda ws: ws.claims.want(eve.record_id))
    ws = await look(store, lambda ws: [ws.claims.want(one.record_id) for one in (ann, eve)])
    assert ws.claims[ann.record_id] == Claims()
    assert ws.claims[eve.record_id] == Claims({EMAIL: Claim("public", NOON)}, {"city": given})
    key = (await look(store, lambda ws: ws.keys.want(EMAIL))).key(EMAIL)
    assert (key.holders, key.owner) == (1, profile_id)


async def test_a_claim_is_dropped_whether_it_was_loaded_or_not(store: Store) -> None:
    saved = await run(store, lambda ws: person(ws, "web:eve"))
    (eve,) = saved.by_record_id.values()
    for needs_of_drop in (nothing, lambda ws: ws.claims.want(eve.record_id)):
        await run(
            store,
            lambda ws: ws.keep_claim(eve, EMAIL, Claim("public", NOON)),
            lambda ws: ws.claims.want(eve.record_id),
        )
        await run(store, lambda ws: ws.drop_claim(eve, EMAIL), needs_of_drop)
        assert await store.fetch("SELECT * FROM claim") == []


# ---- attributes and tags ----


async def test_attributes_are_kept_by_record_and_the_newest_value_stays(
    store: Store, clock: ManualClock
) -> None:
    def save(ws: WorkingSet) -> None:
        _, (web, pos) = person(ws, "web:ann", "pos:17")
        ws.set_attribute(web, "city", '"Giza"')
        ws.set_attribute(pos, "city", '"Cairo"')

    saved = await run(store, save)
    web, pos = saved.by_record_id.values()
    clock.advance(HOUR)
    await run(
        store,
        lambda ws: ws.set_attribute(web, "city", '"Luxor"'),
        lambda ws: ws.attributes.want(web.record_id),
    )
    ws = await look(store, lambda ws: [ws.attributes.want(r.record_id) for r in (web, pos)])
    assert ws.attributes.held == {web.record_id: {"city": '"Luxor"'}, pos.record_id: {"city": '"Cairo"'}}


TAG_EDITS: dict[str, tuple[str, set[str]]] = {
    "attach": ("+new", {"old", "new"}),
    "detach": ("-old", set()),
    "attach, then detach": ("+new -new", {"old"}),
    "detach, then attach": ("-old +old", {"old"}),
    "attach again": ("+old", {"old"}),
    "detach what is not there": ("-new", {"old"}),
}


@pytest.mark.parametrize(("edits", "left"), TAG_EDITS.values(), ids=TAG_EDITS.keys())
async def test_the_last_edit_of_a_tag_in_a_batch_counts(store: Store, edits: str, left: set[str]) -> None:
    saved = await run(store, lambda ws: ws.set_tag(person(ws, "web:ann")[1][0], "old"))
    (record,) = saved.by_record_id.values()

    def edit(ws: WorkingSet) -> None:
        for word in edits.split():
            (ws.set_tag if word[0] == "+" else ws.drop_tag)(record, word[1:])

    await run(store, edit, lambda ws: ws.attributes.want(record.record_id))
    ws = await look(store, lambda ws: ws.attributes.want(record.record_id))
    assert ws.tags.held == {record.record_id: left}


# ---- achievements, windows, answers, ledger ----


async def test_an_achievement_comes_back_and_a_decision_counts_its_epoch_up(store: Store) -> None:
    saved = await run(store, lambda ws: ws.accept(achievement(ws, 1)))
    ((achievement_id, accepted),) = saved.achievements.held.items()

    def decide(ws: WorkingSet) -> None:
        found = ws.achievements[achievement_id]
        assert found is not None
        assert found == accepted
        found.state, found.reason, found.decided_at = "ignored", "guest", ws.now
        ws.decide(found)

    await run(store, decide, lambda ws: ws.achievements.want(achievement_id))
    found = (await look(store, lambda ws: ws.achievements.want(achievement_id))).achievements[achievement_id]
    assert found is not None
    assert (found.state, found.reason, found.decided_at, found.epoch) == ("ignored", "guest", NOON, 1)


async def test_a_decision_on_a_stale_epoch_stores_nothing_of_its_batch(store: Store) -> None:
    saved = await run(store, lambda ws: ws.accept(achievement(ws, 1)))
    (achievement_id,) = saved.achievements
    stale = await look(store, lambda ws: ws.achievements.want(achievement_id))
    await run(
        store,
        lambda ws: ws.decide(ws.achievements[achievement_id]),  # type: ignore[arg-type]
        lambda ws: ws.achievements.want(achievement_id),
    )

    def decide(ws: WorkingSet) -> None:
        old = stale.achievements[achievement_id]
        assert old is not None
        old.state = "granted"
        ws.decide(old)
        ws.enter(entry(ws, old))

    with pytest.raises(Exception):  # noqa: B017 - which one is the engine's own
        await run(store, decide)
    assert await store.fetch("SELECT state, epoch FROM achievement") == [("accepted", 1)]
    assert await store.fetch("SELECT entry_id FROM ledger") == []


async def test_what_is_due_comes_in_the_order_of_its_time_and_never_early(
    store: Store, clock: ManualClock
) -> None:
    def save(ws: WorkingSet) -> None:
        _, (record,) = person(ws, "web:ann")
        for due_in in (30, 10, 20, 40):
            ws.accept(achievement(ws, record.record_id, due_in=due_in))

    await run(store, save)
    clock.advance(30)
    ws = await look(store, lambda ws: ws.due.want((9, frozenset())))
    assert [due.achievement.due_at - NOON for due in ws.due[9, frozenset()]] == [10, 20, 30]
    ws = await look(store, lambda ws: ws.due.want((2, frozenset())))
    assert [due.achievement.due_at - NOON for due in ws.due[2, frozenset()]] == [10, 20]


async def test_what_was_decided_is_not_due(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        _, (record,) = person(ws, "web:ann")
        ws.accept(achievement(ws, record.record_id))

    await run(store, save)

    def decide(ws: WorkingSet) -> None:
        (due,) = ws.due[9, frozenset()]
        due.achievement.state = "granted"
        ws.decide(due.achievement)

    await run(store, decide, lambda ws: ws.due.want((9, frozenset())))
    assert await due_now(store) == []


async def test_a_due_achievement_shows_what_its_whole_profile_looks_like(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        _, (web, pos) = person(ws, "web:ann", "pos:17")
        pos.active, web.guest = False, True
        ws.set_tag(web, "vip")
        ws.set_tag(pos, "staff")
        ws.set_attribute(pos, "city", '"Giza"')
        ws.accept(achievement(ws, web.record_id))
        ws.enter(entry(ws, achievement(ws, pos.record_id), score=10))
        ws.enter(entry(ws, achievement(ws, web.record_id), score=5))
        ws.enter(entry(ws, achievement(ws, web.record_id, campaign_id=8), score=1))

    saved = await run(store, save)
    web, pos = saved.by_record_id.values()
    details = frozenset({"tags", "score", "attributes"})
    (due,) = await due_now(store, details)
    assert sorted(due.records) == sorted([(web.record_id, True, True), (pos.record_id, False, False)])
    assert due.granted == [NOON, NOON]
    assert (due.tags, due.score) == ({"vip", "staff"}, 16)
    (plain,) = await due_now(store)
    assert (plain.tags, plain.score, plain.attributes) == (frozenset(), 0, {})


async def test_a_grant_counts_at_the_moment_its_report_was_accepted(store: Store) -> None:
    def save(ws: WorkingSet) -> None:
        _, (web,) = person(ws, "web:ann")
        earlier = achievement(ws, web.record_id)
        earlier.accepted_at, earlier.state = NOON - HOUR, "granted"
        ws.accept(earlier)
        ws.enter(entry(ws, earlier))
        ws.accept(achievement(ws, web.record_id))

    saved = await run(store, save)
    (due,) = await due_now(store)
    assert due.granted == [NOON - HOUR]
    (profile_id,) = saved.profiles
    assert await grants_of(store, Customer(profile_id, True, False, {})) == {7: [NOON - HOUR]}


async def test_a_dedup_window_is_kept_replaced_and_dropped(store: Store) -> None:
    first, second = Dedup(1, NOON, NOON + 1), Dedup(2, NOON + 5, NOON + 9)
    for window in (first, second):
        await run(store, lambda ws, window=window: ws.set_window(3, 7, window))
        assert (await look(store, lambda ws: ws.want_window(3, 7))).window(3, 7) == window
    await run(store, lambda ws: ws.drop_window(3, 7))
    assert (await look(store, lambda ws: ws.want_window(3, 7))).window(3, 7) is None


async def test_an_answer_is_kept_byte_for_byte_under_its_whole_key(store: Store) -> None:
    answer = StoredAnswer(b"\x00\xff", 202, b'{"a": "\xc5\xb7"}\n', NOON)
    again = StoredAnswer(b"2", 400, b"", NOON + 1, '[["Server","Kestrel"]]')
    await run(store, lambda ws: ws.keep_answer(("web", "route", "key"), answer, 1))

    key, other_channel, other_route = (
        ("web", "route", "key"),
        ("pos", "route", "key"),
        ("web", "other", "key"),
    )

    def ask(ws: WorkingSet) -> None:
        for each in (key, other_channel, other_route):
            ws.answers.want(each)

    assert (await look(store, ask)).answers.held == {key: answer, other_channel: None, other_route: None}
    await run(store, lambda ws: ws.keep_answer(key, again, 1))
    assert (await look(store, ask)).answers[key] == again


async def test_an_achievement_has_one_ledger_entry_whatever_happens(store: Store) -> None:
    (accepted,) = (await run(store, lambda ws: ws.accept(achievement(ws, 1)))).achievements.values()
    assert accepted is not None
    won = accepted
    await run(store, lambda ws: ws.enter(entry(ws, won)))

    def again(ws: WorkingSet) -> None:
        ws.enter(entry(ws, won))
        ws.budgets.keep(7, 100)

    with pytest.raises(Exception):  # noqa: B017 - which one is the engine's own
        await run(store, again, lambda ws: ws.budgets.want(7))
    assert await store.fetch("SELECT points, score FROM ledger") == [(100, 10)]
    assert await store.fetch("SELECT points FROM campaign_spend") == []


async def test_what_a_campaign_spent_adds_up(store: Store) -> None:
    for _ in range(2):
        await run(store, lambda ws: (ws.spend(7, 10), ws.spend(7, 20)), lambda ws: ws.budgets.want(7))
    ws = await look(store, lambda ws: (ws.budgets.want(7), ws.budgets.want(8)))
    assert ws.budgets.held == {7: 60, 8: 0}


# ---- keys and rule sets ----


async def test_channel_keys_are_found_by_channel_and_all_together(store: Store) -> None:
    web = ChannelKey("k1", "web", b"\x00a", b"s", NOON, "operator")
    pos = ChannelKey("k2", "pos", b"b", b"s", NOON, "operator")
    revoked = ChannelKey("k1", "web", b"\x00a", b"s", NOON, "operator", NOON + 1)

    def keep(*keys: ChannelKey) -> Do:
        return lambda ws: [ws.keep_channel_key(key) for key in keys]

    await run(store, keep(web, pos))
    await run(store, keep(revoked))
    ws = await look(store, lambda ws: [ws.keys_of_channel.want(c) for c in ("web", "app", "*")])
    assert ws.keys_of_channel["web"] == [revoked]
    assert ws.keys_of_channel["app"] == []
    assert {key.key_id: key for key in ws.keys_of_channel["*"]} == {"k1": revoked, "k2": pos}


async def test_the_newest_activation_says_which_rules_are_active(store: Store) -> None:
    one, two = (StoredRuleSet(v, f"sha-{v}", "text", "operator", NOON) for v in ("1", "2"))
    await run(store, lambda ws: [ws.rule_sets.add(rules.version, rules) for rules in (one, two)])
    for version in ("1", "2", "1"):
        await run(store, lambda ws, v=version: ws.activate(v, "op"))
    ws = await look(store, lambda ws: [ws.rule_sets.want(v) for v in ("1", "2", "3")])
    assert ws.rule_sets.held == {"1": one, "2": two, "3": None}
    assert ws.active_rules == "1"


# ---- erasure ----


async def populated(store: Store) -> WorkingSet:
    """One profile with everything that a profile can have, an absorbed one behind it, and a stranger."""

    def save(ws: WorkingSet) -> None:
        profile, (record,) = person(ws, "web:ann")
        absorbed, _ = person(ws, "pos:17")
        stranger, _ = person(ws, "web:bob")
        observe(ws, record, EMAIL, profile.profile_id)
        ws.set_attribute(record, "city", '"Giza"')
        ws.set_attribute(record, "firstName", '"Ann"')
        ws.keep_claim(record, MOBILE, Claim("public", ws.now))
        ws.keep_claimed_attribute(record, "city", ClaimedAttribute('"Cairo"', "public", ws.now))
        ws.set_tag(record, "vip")
        ws.set_window(profile.profile_id, 7, Dedup(1, ws.now, ws.now + 1))
        pair = (profile.profile_id, stranger.profile_id)
        item = ReviewItem(ws.next_id(), *pair, "open", "rule:email", "email", (), ws.now)
        ws.reviews[pair] = item
        ws.touch_review(item)
        won = achievement(ws, record.record_id)
        ws.accept(won)
        ws.enter(entry(ws, won))
        ws.by_record_id[next(iter(absorbed.records))].profile_id = profile.profile_id
        profile.records |= absorbed.records
        absorbed.records.clear()
        redirect(ws, absorbed.profile_id, profile.profile_id)

    return await run(store, save)


def want_whole(ws: WorkingSet, profile_id: int) -> None:
    """With what its records are called."""
    if ws.profiles.want(profile_id) and profile_id in ws.profiles:
        ws.attributes.want_all(ws.profiles[profile_id].records)


def forget(ws: WorkingSet, profile_id: int) -> None:
    for record in ws.profile(profile_id).records.values():
        for identifier in record.observations:
            ws.key(identifier).holders -= 1
            ws.touch_key(ws.key(identifier))
    ws.forget(ws.profile(profile_id))


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


async def test_who_owned_a_key_is_forgotten_with_a_person_whom_the_same_batch_changed(store: Store) -> None:
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


async def test_a_canonical_id_leads_to_its_profile_and_an_unused_one_to_nobody(store: Store) -> None:
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


# ---- absent, not asked for ----


async def test_what_is_not_there_is_none(store: Store) -> None:
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
async def test_what_was_not_asked_for_cannot_be_read(store: Store, read: Do) -> None:
    with pytest.raises(NotLoaded):
        await run(store, read)


# ---- whole or nothing ----


class Mistake(Exception):
    """What a use case may raise."""


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


async def test_closing_twice_is_closing(store_factory: Open) -> None:
    store = await store_factory()
    await store.close()
    await store.close()


async def test_a_store_that_takes_writes_passes_the_probe(store: Store) -> None:
    await store.probe()


# ---- the audit log ----


async def breaches(store: Store, key: bytes = CHECKPOINT_KEY) -> list[str]:
    points = await checkpoints(store)
    verifier = Verifier(points)
    found = [breach.what async for chunk in links(store) for breach in verifier.feed(chunk)]
    return found + [breach.what for breach in verifier.check(key, points)]


def log(ws: WorkingSet, count: int = 3) -> None:
    for n in range(count):
        ws.record_event(
            Action.CUSTOMER_UPDATED,
            profile=show("prf", n),
            subject=show("rec", 100 + n),
            request_id=f"req-{n}",
            detail={"n": n},
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


# ---- a clock that was ahead ----


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


async def test_what_waits_for_a_wrong_time_is_brought_back(store: Store, clock: ManualClock) -> None:
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


# ---- deliveries ----


def queue(ws: WorkingSet, count: int = 1, target: str = "upstream") -> None:
    for number in range(count):
        ws.queue(target, 7, "achievement", number, "{}", give_up_after=DAY)


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


async def test_a_claim_of_a_delivery_that_somebody_else_claimed_is_not_committed(store: Store) -> None:
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


async def test_claimable_is_what_is_open_due_and_nobodys_oldest_first(
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


# ---- housekeeping ----


async def test_the_lookup_tables_are_filled_completely_in_small_steps_and_after_a_restart(
    store_factory: Open, clock: ManualClock
) -> None:
    store = await store_factory()
    for _ in range(3):
        await run(store, lambda ws: (log(ws, 7), [ws.accept(achievement(ws, n)) for n in range(5)]))
    clock.advance(LONGER_THAN_A_BATCH)
    assert await store.maintain(4) >= 4
    await store.close()
    store = await store_factory()
    await run(store, log)
    clock.advance(LONGER_THAN_A_BATCH)
    while await store.maintain(4) >= 4:
        pass
    expected = await store.fetch(
        " UNION ".join(
            f"SELECT 'audit.{field}', {field}, event_id FROM audit WHERE {field} <> ''"
            for field in ("profile", "object", "request_id")
        )
    )
    stored = await store.fetch("SELECT field, value, row_id FROM lookup WHERE field LIKE 'audit.%'")
    assert sorted(stored) == sorted(expected)
    of_record = await store.fetch("SELECT value, row_id FROM lookup WHERE field = 'achievement.record'")
    achievements = await store.fetch("SELECT record_id, achievement_id FROM achievement")
    assert sorted(of_record) == sorted((f"{record:016x}", number) for record, number in achievements)


async def test_who_is_alone_leads(store: Store) -> None:
    assert await store.take_lead("grants")
    assert await store.take_lead("grants")


async def test_a_house_that_is_kept_has_nothing_left_to_do(store: Store, clock: ManualClock) -> None:
    await run(store, log)
    clock.advance(LONGER_THAN_A_BATCH)
    while await store.maintain(100) >= 100:
        pass
    before = await store.fetch("SELECT * FROM lookup")
    assert before
    assert await store.maintain(100) == 0
    assert await store.fetch("SELECT * FROM lookup") == before


async def test_a_month_after_its_end_a_delivery_is_removed_and_what_is_dead_or_open_stays(
    store: Store, clock: ManualClock
) -> None:
    saved = await run(store, lambda ws: queue(ws, 9))
    ends = ("delivered", "discarded", "dead")

    def finish(ws: WorkingSet) -> None:
        for number, one in enumerate(one for one in ws.deliveries.values() if one is not None):
            if number < 6:
                one.state, one.finished_at = ends[number % 3], ws.now
                ws.touch_delivery(one)

    clock.advance(DAY)
    await run(store, finish, lambda ws: [ws.deliveries.want(number) for number in saved.deliveries])
    clock.advance(30 * DAY - 1)
    while await store.maintain(2) >= 2:
        pass
    assert await store.fetch("SELECT COUNT(*) FROM delivery") == [(9,)]
    for _ in range(12):  # a step that collides with another writer is made up for in the next hour
        clock.advance(HOUR)
        while await store.maintain(2) >= 2:
            pass
    states = await store.fetch("SELECT state FROM delivery ORDER BY delivery_id")
    assert states == [("dead",), ("dead",), ("pending",), ("pending",), ("pending",)]


async def test_what_expired_is_removed_and_what_has_not_stays(store: Store, clock: ManualClock) -> None:
    def save(ws: WorkingSet) -> None:
        for n in range(10):
            expires_at = ws.now + HOUR * (1 + n % 2)
            ws.set_window(n, 7, Dedup(n, ws.now, expires_at))
            ws.keep_answer(("web", "route", str(n)), StoredAnswer(b"", 202, b"", expires_at), n + 1)

    await run(store, save)
    clock.advance(HOUR)
    while await store.maintain(3) >= 3:
        pass
    odd = [1, 3, 5, 7, 9]
    assert [n for (n,) in await store.fetch("SELECT profile_id FROM dedup ORDER BY profile_id")] == odd
    assert [int(key) for (key,) in await store.fetch("SELECT key FROM idempotency ORDER BY key")] == odd


async def test_what_a_process_keeps_for_itself_is_there_at_once_and_no_event_tells_of_it(
    store: Store,
) -> None:
    await run(store, log)
    events = await store.fetch("SELECT COUNT(*) FROM audit")
    for checkpoint_id in (1, 2):
        await store.write(
            Write(
                "INSERT INTO anchored VALUES (?, ?, ?) ON CONFLICT (place) DO UPDATE SET"
                " checkpoint_id = excluded.checkpoint_id, signature = excluded.signature",
                [("webhook:vault", checkpoint_id, "ab")],
            )
        )
    assert await store.fetch("SELECT * FROM anchored") == [("webhook:vault", 2, "ab")]
    assert await store.fetch("SELECT COUNT(*) FROM audit") == events
    assert await breaches(store) == []
