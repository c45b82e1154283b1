"""An answer is taken back: everything is as it was before it, and the question is open again; or later work stands in the way."""

from pathlib import Path
from typing import Any

import pytest

from gateway.clock import HOUR, SECOND
from gateway.ids import show
from gateway.model import (
    AnswerReview,
    DropPin,
    EndPins,
    EraseCustomer,
    MergeProfiles,
    Refused,
    SetPin,
    Shaped,
    UndoAnswer,
    UndoMerge,
)
from tests.support.in_process_gateway import SHARE, InProcessGateway, achieve, customer, environment
from tests.support.judgements import identity
from tests.support.regrouping import OPERATOR, groups, questions, rules, shop_number, strangers
from tests.usecases.test_review import EMAIL, MOBILE, OTHER, asked, contested


async def state(core: InProcessGateway) -> list[list[tuple[Any, ...]]]:
    """What an answer may change, but the versions and the log."""
    return [
        *await identity(core),
        await core.rows("SELECT record_a, record_b, kind, expires_at, reason FROM pin ORDER BY 1, 2"),
        await core.rows("SELECT split_id, expires_at FROM split ORDER BY 1"),
        await core.rows(
            "SELECT profile_a, profile_b, state, reason, records, opened_at, closed_at, closed_by, made FROM review"
            " WHERE state = 'open' ORDER BY review_id"
        ),
    ]


async def answer(core: InProcessGateway, review: int, *, accept: bool) -> None:
    core.clock.advance(SECOND)
    assert not isinstance(await core.send(AnswerReview(OPERATOR, review, accept, "asked them")), Refused)


async def undo(core: InProcessGateway, review: int) -> Any:
    core.clock.advance(SECOND)
    return await core.send(UndoAnswer(OPERATOR, review, "a slip"))


async def refusal(core: InProcessGateway, review: int) -> str:
    before = await state(core)
    refused = await undo(core, review)
    assert isinstance(refused, Refused)
    assert await state(core) == before
    assert refused.code == "answer_outlived"
    return refused.message


@pytest.mark.parametrize(("accept", "pairs"), [(True, 20), (False, 20), (False, 0)])
async def test_i10_an_answer_about_two_people_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accept: bool, pairs: int
) -> None:
    monkeypatch.setattr("gateway.usecases.split.MOST_PAIRS", pairs)
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        for who in ("web:1", "pos:1"):
            await core.send(achieve(who, SHARE.id))
        await core.grant_later(HOUR)
        before = await state(core)
        await answer(core, number, accept=accept)
        assert await state(core) != before
        assert isinstance(await undo(core, number), Shaped)
        assert await state(core) == before
        assert (await core.actions()).count("review.undone") == 1
        await core.regroup()
        assert await state(core) == before
        assert await core.rows("SELECT 1 FROM split_side") == []
        await answer(core, number, accept=not accept)


@pytest.mark.parametrize("accept", [True, False])
async def test_i10_records_that_left_or_stayed_are_in_question_again(tmp_path: Path, accept: bool) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit="review"))) as core:
        await shop_number(core)
        await strangers(core)
        await core.regroup()
        number, reason = (await questions(core))[0]
        assert reason.startswith("resplit:")
        before = (await groups(core), await questions(core))
        await answer(core, number, accept=accept)
        assert ((await groups(core)) != before[0]) is accept
        assert isinstance(await undo(core, number), Shaped)
        assert (await groups(core), await questions(core)) == before
        assert await core.rows("SELECT 1 FROM pin") == []
        await core.regroup()
        assert (await groups(core), await questions(core)) == before


@pytest.mark.parametrize("accept", [True, False])
async def test_i10_contested_keys_go_back(tmp_path: Path, accept: bool) -> None:
    async with InProcessGateway(tmp_path) as core:
        number, kept, _ = await contested(core)
        before = await state(core)
        await answer(core, number, accept=accept)
        core.clock.advance(SECOND)
        for who in ("web:1", "pos:1"):
            await core.send(customer(who, mobile=MOBILE if accept else OTHER))
        await undo(core, number)
        owners = dict(await core.rows("SELECT type, owner_id FROM identifier_owner"))  # type: ignore[arg-type]
        assert owners == {"email": kept, "mobile": kept}
        assert (await state(core))[-1] == before[-1]


@pytest.mark.parametrize("later", [SECOND, 0])
async def test_questions_about_the_absorbed_are_asked_about_it_again(tmp_path: Path, later: int) -> None:
    """Also if a call asked in the millisecond of the answer."""
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        await core.send(customer("app:1", mobile="+201001234569"))
        await core.send(customer("app:1", email=EMAIL))
        before = await state(core)
        assert len(before[-1]) > 1
        core.clock.advance(later)
        await core.send(AnswerReview(OPERATOR, number, True, "asked them"))
        await undo(core, number)
        assert await state(core) == before


async def test_an_answer_stands_once_later_work_needs_it(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        await core.send(customer("app:1"))
        core.clock.advance(SECOND)
        number = await asked(core)
        third, one = [await core.profile_of(who) for who in ("app:1", "web:1")]
        assert third is not None
        assert one is not None
        refused = await undo(core, number)
        assert (refused.code, "open" in refused.message) == ("review_not_answered", True)
        assert (await undo(core, 1)).code == "not_found"

        await answer(core, number, accept=True)
        ((merge_id,),) = await core.rows("SELECT merge_id FROM merge")
        merged = await core.send(MergeProfiles(OPERATOR, (third, one), "the same"))
        assert merged.profile_id == third
        assert f"part of {show('prf', third)}" in await refusal(core, number)
        await core.send(UndoMerge(OPERATOR, merged.merge_id, "not the same"))

        await core.send(UndoMerge(OPERATOR, merge_id, "by itself"))
        assert (await undo(core, number)).code == "review_not_answered"  # whose the address is, is asked now


async def test_an_answer_stands_while_a_later_pin_ties_the_two(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        await answer(core, number, accept=True)
        await core.send(customer("web:2", email=EMAIL))
        first, second = await core.column("SELECT record_id FROM record WHERE customer_id = '1' ORDER BY 1")
        ((late,),) = await core.rows("SELECT record_id FROM record WHERE customer_id = '2'")
        for record in (first, second):
            await core.send(SetPin(OPERATOR, record, late, "must", "one person"))
        assert "are pinned together" in await refusal(core, number)


async def test_a_rejection_stands_once_the_two_are_one(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        one = await core.profile_of("web:1")
        await answer(core, number, accept=False)
        ((a, b),) = await core.rows("SELECT record_a, record_b FROM pin")
        await core.send(DropPin(OPERATOR, a, b))
        await core.send(SetPin(OPERATOR, a, b, "must", "they are"))
        assert "undo that merge first" in await refusal(core, number)
        assert one is not None
        await core.send(EraseCustomer(OPERATOR, profile_id=one))
        assert (await undo(core, number)).code in ("answer_outlived", "not_found")


async def test_a_pin_that_stood_before_the_answer_stays(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        a, b = sorted(await core.column("SELECT record_id FROM record"))
        await core.send(SetPin(OPERATOR, a, b, "cannot", "seen both"))
        before = await core.rows("SELECT record_a, record_b, reason FROM pin")
        await answer(core, number, accept=False)
        await undo(core, number)
        assert await core.rows("SELECT record_a, record_b, reason FROM pin") == before


async def test_a_merge_by_the_rules_is_no_answer(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        pair = [await core.profile_of(who) for who in ("web:1", "pos:1")]
        assert pair[0] is not None
        assert pair[1] is not None
        await core.send(MergeProfiles(OPERATOR, (pair[0], pair[1]), "by hand"))
        assert await core.column("SELECT state FROM review") == ["accepted"]
        assert (await undo(core, number)).code == "review_not_answered"


async def test_two_rejections_of_one_millisecond_are_taken_back_one_by_one(tmp_path: Path) -> None:
    """Calls of one batch share the moment and the operator."""
    async with InProcessGateway(tmp_path) as core:
        await core.send(customer("web:1", email=EMAIL, mobile=MOBILE))
        for number, mobile in ((2, OTHER), (3, "+201001234569")):
            await core.send(customer(f"pos:{number}", mobile=mobile))
            await core.send(customer(f"pos:{number}", email=EMAIL))
        open_now = [number for number, _ in await questions(core)]
        assert len(open_now) >= 2
        for number in open_now:
            assert not isinstance(await core.send(AnswerReview(OPERATOR, number, False, "no")), Refused)
        pins = "SELECT record_a, record_b FROM pin WHERE kind = 'cannot' ORDER BY 1, 2"
        before = await core.rows(pins)
        await undo(core, open_now[0])
        assert len(await core.rows(pins)) == len(before) - 1


async def test_a_temporary_pin_that_a_rejection_met_ends_when_it_was_to_end(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        a, b = sorted(await core.column("SELECT record_id FROM record"))
        until = core.clock.now() + HOUR
        await core.send(SetPin(OPERATOR, a, b, "cannot", "seen both", until))
        before = await state(core)
        await answer(core, number, accept=False)
        assert await core.column("SELECT expires_at FROM split") == [None]
        await undo(core, number)
        assert await state(core) == before
        await answer(core, number, accept=False)
        core.clock.time = until
        await core.send(EndPins(OPERATOR, ((a, b),)))
        assert await core.rows("SELECT 1 FROM pin") == []
        await core.regroup()
        pair = [await core.profile_of(who) for who in ("web:1", "pos:1")]
        refused = await core.send(MergeProfiles(OPERATOR, (pair[0] or 0, pair[1] or 0), "one person"))
        assert isinstance(refused, Refused)
        assert refused.code == "pinned_apart"


async def test_what_an_operator_pinned_in_the_millisecond_of_the_answer_stays(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        await core.send(AnswerReview(OPERATOR, number, False, "asked them"))
        await core.send(customer("web:2", mobile=OTHER))
        a, b, c = await core.column("SELECT record_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, a, c, "cannot", "seen both"))
        pins = "SELECT record_a, record_b FROM pin ORDER BY 1, 2"
        assert set(await core.rows(pins)) == {(a, b), (a, c)}
        await undo(core, number)
        assert await core.rows(pins) == [(a, c)]


async def test_pins_of_records_that_left_since_are_lifted_too(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        one, other = [await core.profile_of(who) for who in ("web:1", "pos:1")]
        await core.send(customer("app:1"))
        third = await core.profile_of("app:1")
        assert one is not None
        assert other is not None
        assert third is not None
        merged = await core.send(MergeProfiles(OPERATOR, (one, third), "one person"))
        assert merged.profile_id == one
        await answer(core, number, accept=False)
        assert len(await core.rows("SELECT 1 FROM pin WHERE kind = 'cannot'")) == 2
        await core.send(UndoMerge(OPERATOR, merged.merge_id, "not one person"))
        assert isinstance(await undo(core, number), Shaped)
        ((a, b),) = await core.rows("SELECT record_a, record_b FROM pin WHERE kind = 'cannot'")
        homes = dict(await core.rows("SELECT record_id, profile_id FROM record"))  # type: ignore[arg-type]
        assert {homes[a], homes[b]} == {one, third}
