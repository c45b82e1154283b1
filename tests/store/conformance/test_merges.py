"""Redirects, merges, reviews and splits: stored and loaded again."""

import pytest

from gateway.model import MergeRow, ReviewItem, Split
from gateway.store import Store
from gateway.store.queries.merges import merges_into
from gateway.store.queries.reviews import open_reviews
from gateway.workingset import WorkingSet
from tests.support.in_process_gateway import NOON
from tests.support.store_batches import (
    FAR,
    look,
    person,
    redirect,
    run,
)


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
