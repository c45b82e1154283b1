"""Answers to reviews: what accept and reject do, and that an answer is final."""

from typing import Any

import pytest

from gateway.clock import DAY
from gateway.model import (
    Done,
)
from tests.support.in_process_gateway import (
    InProcessGateway,
    customer,
)
from tests.support.judgements import (
    ANN,
    OTHER_PHONE,
    PHONE,
    answered,
    identity,
    merged,
    people,
    pinned,
    profile,
    together,
    undone,
)

# ---- reviews ----


async def doubtful(core: InProcessGateway) -> int:
    """Ann and Bob share an address and differ in their numbers: the open question."""
    await people(core, ann={"email": ANN, "mobile": PHONE}, bob={"email": ANN, "mobile": OTHER_PHONE})
    (review_id,) = await core.column("SELECT review_id FROM review WHERE state = 'open'")
    return review_id


async def verdicts(core: InProcessGateway) -> list[tuple[Any, ...]]:
    return await core.rows("SELECT state, closed_by FROM review ORDER BY review_id")


async def test_accepting_joins_the_two_and_closes_the_question(core: InProcessGateway) -> None:
    review_id = await doubtful(core)
    assert (await answered(core, review_id, accept=True)).changed
    assert await together(core, "ann", "bob")
    assert await verdicts(core) == [("accepted", "operator:sam")]
    assert (await core.actions())[-3:] == ["identity.merged", "pin.set", "review.accepted"]


async def test_rejecting_pins_apart_and_the_same_evidence_does_not_ask_again(core: InProcessGateway) -> None:
    review_id = await doubtful(core)
    await answered(core, review_id, accept=False)
    for who in ("web:ann", "web:bob", "app:new"):
        core.clock.advance(DAY)
        await core.send(customer(who, email=ANN))
    await core.send(customer("web:ann", mobile=OTHER_PHONE))
    assert not await together(core, "ann", "bob")
    assert await verdicts(core) == [("rejected", "operator:sam")]


@pytest.mark.parametrize("accept", [True, False])
async def test_the_same_answer_again_changes_nothing_and_the_other_is_refused(
    core: InProcessGateway, accept: bool
) -> None:
    review_id = await doubtful(core)
    await answered(core, review_id, accept=accept)
    before, events = await identity(core), await core.actions()
    assert await answered(core, review_id, accept=accept) == Done(changed=False)
    assert (await answered(core, review_id, accept=not accept)).code == "review_closed"
    assert (await identity(core), await core.actions()) == (before, events)


async def test_a_question_follows_a_profile_that_was_merged_elsewhere(core: InProcessGateway) -> None:
    await people(core, eve={"mobile": "+201009999999"})
    review_id = await doubtful(core)
    await merged(core, "web:eve", "web:bob")
    assert (await answered(core, review_id, accept=True)).code == "review_closed"
    (following,) = await core.column("SELECT review_id FROM review WHERE state = 'open'")
    await answered(core, following, accept=True)
    assert await together(core, "ann", "bob", "eve")


async def test_a_question_that_a_merge_had_closed_comes_back_after_the_undo(core: InProcessGateway) -> None:
    await people(core, eve={"mobile": "+201009999999"})
    await doubtful(core)
    shaped = await merged(core, "web:eve", "web:bob")
    await undone(core, shaped.merge_id)
    await core.send(customer("web:bob", email=ANN, loyalty_id="12345678"))
    pair = sorted([await profile(core, "web:ann"), await profile(core, "web:bob")])
    assert await core.rows(
        "SELECT state, closed_by FROM review WHERE profile_a = ? AND profile_b = ?", *pair
    ) == [("open", "")]


async def test_accepting_a_merge_that_a_pin_forbids_is_refused_and_the_review_stays_open(
    core: InProcessGateway,
) -> None:
    review_id = await doubtful(core)
    await pinned(core, "cannot", "web:ann", "web:bob")
    assert (await answered(core, review_id, accept=True)).code == "pinned_apart"
    assert await verdicts(core) == [("open", "")]
