"""Points of two who became one: asked for once a merge, and put before a person."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.ids import show
from gateway.model import (
    AnswerReview,
    ClaimDeliveries,
    Done,
    DropPin,
    MergeProfiles,
    ProposePoints,
    SplitProfile,
    UndoMerge,
)
from tests.support.in_process_gateway import (
    VERSIONS,
    InProcessGateway,
    caller,
    customer,
    default_rules,
    environment,
    erase,
)

ANN, PHONE = "ann@x.eg", "+201001234567"
RULES = replace(default_rules(), merge=replace(default_rules().merge, points="propose"))


@pytest.fixture
async def core(tmp_path: Path, database_url: str) -> AsyncGenerator[InProcessGateway]:
    async with InProcessGateway(tmp_path, environment(rules=RULES, forwards=True), url=database_url) as built:
        yield built


async def merged(core: InProcessGateway) -> tuple[int, int, int]:
    """The merge, its survivor and the absorbed one."""
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile=PHONE))
    await core.send(customer("pos:17", email=ANN, mobile=PHONE))
    ((merge_id, survivor, absorbed),) = await core.rows(
        "SELECT merge_id, survivor_id, absorbed_id FROM merge"
    )
    return merge_id, survivor, absorbed  # type: ignore[return-value]


async def questions(core: InProcessGateway) -> list[tuple[object, ...]]:
    return await core.rows("SELECT state, reason FROM review ORDER BY review_id")


async def test_a_merge_leaves_a_row_that_asks_for_both_balances(core: InProcessGateway) -> None:
    merge_id, survivor, _ = await merged(core)
    rows = await core.rows("SELECT target, lane, kind, subject, payload FROM delivery")
    assert rows == [("balances", survivor, "points", merge_id, "")]


@pytest.mark.parametrize(("points", "forwards"), [("off", True), ("propose", False)])
async def test_otherwise_no_balance_is_asked_for(points: str, forwards: bool, tmp_path: Path) -> None:
    rules = replace(RULES, merge=replace(RULES.merge, points=points))
    async with InProcessGateway(tmp_path, environment(rules=rules, forwards=forwards)) as core:
        await merged(core)
        assert await core.rows("SELECT * FROM delivery") == []


async def test_a_review_states_both_balances_and_no_personal_data(core: InProcessGateway) -> None:
    merge_id, survivor, absorbed = await merged(core)
    assert await core.send(ProposePoints(merge_id, 120, 30)) == Done()
    ((state, reason),) = await questions(core)
    assert state == "open"
    a, b, m = show("prf", survivor), show("prf", absorbed), show("mrg", merge_id)
    assert reason == f"points: the upstream keeps 120 for {a} and 30 for {b}, which is one with it since {m}"
    (review,) = await core.column("SELECT review_id FROM review")
    assert await core.rows(
        "SELECT outcome, channel, actor, profile, object, reason, detail FROM audit WHERE action = 'points.proposed'"
    ) == [("review", "", "gateway", a, show("rev", review), reason, f'{{"merge":"{m}"}}')]


async def test_proposing_twice_asks_once(core: InProcessGateway) -> None:
    merge_id, _, _ = await merged(core)
    await core.send(ProposePoints(merge_id, 120, 30))
    before = await core.rows("SELECT * FROM audit")
    assert await core.send(ProposePoints(merge_id, 120, 30)) == Done(changed=False)
    assert await core.rows("SELECT * FROM audit") == before


@pytest.mark.parametrize("accept", [True, False])
async def test_an_answer_closes_the_question_and_leaves_the_profiles_alone(
    core: InProcessGateway, accept: bool
) -> None:
    merge_id, _, _ = await merged(core)
    await core.send(ProposePoints(merge_id, 120, 30))
    (review,) = await core.column("SELECT review_id FROM review")
    before = await core.rows(VERSIONS)
    assert await core.send(AnswerReview(caller(), review, accept, "moved by hand")) == Done()
    assert await core.column("SELECT state FROM review") == ["accepted" if accept else "rejected"]
    assert await core.rows(VERSIONS) == before
    assert await core.rows("SELECT * FROM pin") == []


async def test_an_undo_closes_the_question(core: InProcessGateway) -> None:
    merge_id, _, _ = await merged(core)
    await core.send(ProposePoints(merge_id, 120, 30))
    await core.send(UndoMerge(caller(), merge_id, ""))
    assert [state for state, reason in await questions(core) if str(reason).startswith("points:")] in (
        [],
        ["stale"],
    )
    assert await core.send(ProposePoints(merge_id, 120, 30)) == Done(changed=False)


async def test_another_question_about_the_same_two_is_asked_all_the_same(core: InProcessGateway) -> None:
    """The pair was joined by one address that both said; splitting it is contested, whatever was asked of their points."""
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", mobile=PHONE))
    await core.send(customer("pos:17", email=ANN, mobile=PHONE))
    ((merge_id, survivor),) = await core.rows("SELECT merge_id, survivor_id FROM merge")
    await core.send(ProposePoints(merge_id, 120, 30))  # type: ignore[arg-type]
    (record,) = await core.column("SELECT record_id FROM record WHERE customer_id = '17'")
    await core.send(SplitProfile(caller(), survivor, (record,), "plain", ""))  # type: ignore[arg-type]
    assert await questions(core) == [("open", "split:contested")]


async def test_a_pair_that_was_asked_about_before_is_asked_of_its_points(core: InProcessGateway) -> None:
    """The merge itself answered the earlier question."""
    await core.send(customer("web:ann", email=ANN))
    await core.send(customer("pos:17", email=ANN))
    (profile,) = await core.column("SELECT profile_id FROM profile")
    (record,) = await core.column("SELECT record_id FROM record WHERE customer_id = '17'")
    await core.send(SplitProfile(caller(), profile, (record,), "plain", ""))
    assert [reason for _, reason in await questions(core)] == ["split:contested"]
    for a, b in await core.rows("SELECT record_a, record_b FROM pin"):
        await core.send(DropPin(caller(), a, b))  # type: ignore[arg-type]
    a, b = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    await core.send(MergeProfiles(caller(), (a, b), ""))
    (merge_id,) = await core.column("SELECT merge_id FROM merge")
    assert await core.send(ProposePoints(merge_id, 1, 2)) == Done()
    ((state, reason),) = await questions(core)
    assert (state, str(reason).partition(" ")[0]) == ("open", "points:")


async def test_after_an_undo_or_an_erasure_there_is_nothing_to_ask(core: InProcessGateway) -> None:
    merge_id, _, _ = await merged(core)
    await core.send(erase("web:ann"))
    assert await core.send(ProposePoints(merge_id, 120, 30)) == Done(changed=False)
    assert await core.send(ProposePoints(7, 120, 30)) == Done(changed=False)
    assert await questions(core) == []


async def test_the_row_is_claimed_by_its_own_worker_only(core: InProcessGateway) -> None:
    merge_id, _, _ = await merged(core)
    assert (await core.send(ClaimDeliveries("upstream", "me", 9))).deliveries == ()
    (claimed,) = (await core.send(ClaimDeliveries("balances", "me", 9))).deliveries
    assert claimed.subject == merge_id


async def test_merges_by_hand_are_asked_about_too(core: InProcessGateway) -> None:
    for who in ("web:ann", "pos:17"):
        await core.send(customer(who))
    a, b = await core.column("SELECT profile_id FROM profile ORDER BY 1")
    await core.send(MergeProfiles(caller(), (a, b), ""))
    assert await core.column("SELECT target FROM delivery") == ["balances"]
