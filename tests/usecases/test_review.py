"""Questions over time: unanswered ones close, closed ones come back on new evidence only, and a person can say who owns a contested
key."""

from pathlib import Path

import pytest

from gateway.clock import DAY
from gateway.ids import show
from gateway.model import AnswerReview, CloseStaleReviews, DropPin, SetPin, SplitProfile
from gateway.store.gateway_reads import stale_reviews
from tests.support.in_process_gateway import InProcessGateway, ManualClock, customer, environment
from tests.support.regrouping import OPERATOR, groups, questions, rules

EMAIL, MOBILE, OTHER = "ann@example.com", "+201001234567", "+201001234568"
AGE = 180 * DAY


async def asked(core: InProcessGateway) -> int:
    """Two that share an address and differ in their numbers: a person is asked."""
    await core.send(customer("web:1", email=EMAIL, mobile=MOBILE))
    await core.send(customer("pos:1", mobile=OTHER))
    await core.send(customer("pos:1", email=EMAIL))
    ((number, _),) = await questions(core)
    return number


async def close_old(core: InProcessGateway) -> None:
    """As the gateway does on its own."""
    found = await stale_reviews(core.store, core.clock.now() - AGE, 100)
    await core.send(CloseStaleReviews(OPERATOR, tuple(found)))


async def test_an_unanswered_question_closes_at_its_age_and_not_before(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path) as core:
        number = await asked(core)
        core.clock.advance(AGE - 1)
        await core.send(CloseStaleReviews(OPERATOR, (number,)))
        assert len(await questions(core)) == 1
        core.clock.advance(1)
        await close_old(core)
        assert await core.rows("SELECT state, closed_by FROM review") == [("stale", "unanswered")]
        assert (await core.actions())[-1] == "review.closed"
        await close_old(core)
        assert (await core.actions()).count("review.closed") == 1


async def test_a_question_without_an_age_limit_stays_open(tmp_path: Path) -> None:
    patient = rules("1", more='[review]\nauto_close_stale_after = "ever"')
    async with InProcessGateway(tmp_path, environment(rules=patient)) as core:
        number = await asked(core)
        core.clock.advance(10 * AGE)
        await core.send(CloseStaleReviews(OPERATOR, (number,)))
        assert len(await questions(core)) == 1


@pytest.mark.parametrize("reopens", [True, False])
async def test_an_unanswered_question_comes_back_on_new_evidence_only(tmp_path: Path, reopens: bool) -> None:
    more = f"[review]\nreopen_on_new_evidence = {str(reopens).lower()}\n[merge]\nmax_records = 2"
    async with InProcessGateway(
        tmp_path, environment(rules=rules("1", more=more)), clock=ManualClock()
    ) as core:
        number = await asked(core)
        core.clock.advance(AGE)
        await close_old(core)
        await core.send(customer("web:1", email=f"{EMAIL} other@example.com"))
        await core.send(customer("pos:1", email=EMAIL))
        assert await questions(core) == []
        await core.send(customer("app:1", mobile=MOBILE))
        await core.send(customer("pos:1", mobile=MOBILE))
        found = [one for one, _ in await questions(core)]
        assert (number in found) is reopens
        said = await core.rows(
            "SELECT outcome, actor, profile, object, reason, detail FROM audit WHERE action = 'review.reopened'"
        )
        ((one, two, reason),) = await core.rows(
            "SELECT profile_a, profile_b, reason FROM review WHERE review_id = ?", number
        )
        a, b = show("prf", one), show("prf", two)
        told = (
            "open",
            "gateway",
            a,
            show("rev", number),
            reason,
            f'{{"profiles":["{a}","{b}"],"source":"backend"}}',
        )
        assert said == ([told] if reopens else [])


async def test_a_rejected_question_stays_closed_while_the_two_are_pinned_apart(tmp_path: Path) -> None:
    more = "[merge]\nmax_records = 1"
    async with InProcessGateway(tmp_path, environment(rules=rules("1", more=more))) as core:
        number = await asked(core)
        await core.send(AnswerReview(OPERATOR, number, accept=False, reason="father and son"))
        ((one, two),) = await core.rows("SELECT record_a, record_b FROM pin")
        await core.send(DropPin(OPERATOR, one, two))
        await core.send(customer("pos:1", email=f"{EMAIL} other@example.com"))
        assert await questions(core) == []
        await core.send(SetPin(OPERATOR, one, two, "cannot", "father and son"))
        await core.send(customer("pos:1", mobile=MOBILE))
        assert await questions(core) == []
        await core.send(DropPin(OPERATOR, one, two))
        await core.send(customer("web:1", mobile=OTHER))
        assert [reason for _, reason in await questions(core)] == ["conflict:max_records"]
        assert (await core.actions()).count("review.reopened") == 1


async def contested(core: InProcessGateway) -> tuple[int, int, int]:
    """Two records of one address, split by hand; the question, the profile that kept the key, and the other one."""
    await core.send(customer("web:1", email=EMAIL))
    await core.send(customer("pos:1", email=EMAIL))
    (record,) = await core.column("SELECT record_id FROM record WHERE id_space = 'pos'")
    kept = await core.profile_of("web:1")
    assert kept is not None
    await core.send(SplitProfile(OPERATOR, kept, (record,), "plain", "two persons"))
    other = await core.profile_of("pos:1")
    assert other is not None
    ((number, reason),) = await questions(core)
    assert reason == "split:contested"
    assert await core.column("SELECT owner_id FROM identifier_owner") == [kept]
    return number, kept, other


@pytest.mark.parametrize("accept", [True, False])
async def test_a_person_decides_who_owns_a_contested_key(tmp_path: Path, accept: bool) -> None:
    async with InProcessGateway(tmp_path) as core:
        number, kept, other = await contested(core)
        await core.send(AnswerReview(OPERATOR, number, accept=accept, reason="asked her"))
        assert await core.column("SELECT owner_id FROM identifier_owner") == [other if accept else kept]
        assert await core.column("SELECT state FROM review") == ["accepted" if accept else "rejected"]
        assert await groups(core) == ["pos:1", "web:1"]
        await core.send(customer("app:1", email=EMAIL))
        assert await core.profile_of("app:1") == (other if accept else kept)
