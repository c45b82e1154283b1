"""Achievements, dedup windows, idempotent answers, the ledger and budgets: stored and loaded again."""

import pytest

from gateway.clock import HOUR
from gateway.model import Dedup, StoredAnswer
from gateway.store import Store
from gateway.store.customers import Customer, grants_of
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import NOON, ManualClock
from tests.support.store_batches import (
    achievement,
    due_now,
    entry,
    look,
    person,
    run,
)


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


async def test_a_decided_achievement_is_not_due(store: Store) -> None:
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

    await run(store, save)
    details = frozenset({"tags", "score", "attributes"})
    (due,) = await due_now(store, details)
    assert (due.active, due.guest) == (False, False)
    assert due.granted == (NOON, NOON)
    assert (due.tags, due.score) == ({"vip", "staff"}, 16)
    (plain,) = await due_now(store)
    assert (plain.tags, plain.score, plain.attributes) == (frozenset(), 0, {})


@pytest.mark.parametrize("said", [(True, False), (False, True), (True, True)])
async def test_a_profile_with_a_due_achievement_is_active_or_a_guest_only_if_all_its_records_are(
    store: Store, said: tuple[bool, bool]
) -> None:
    def save(ws: WorkingSet) -> None:
        _, records = person(ws, "web:ann", "pos:17")
        for record, one in zip(records, said, strict=True):
            record.active = record.guest = one
        ws.accept(achievement(ws, records[0].record_id))

    await run(store, save)
    (due,) = await due_now(store)
    assert (due.active, due.guest) == (all(said), all(said))


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
    assert due.granted == (NOON - HOUR,)
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
