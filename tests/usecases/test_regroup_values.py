"""Regrouping: a value turns generic, or leaves its profile."""

import json
from pathlib import Path

import pytest

from gateway.model import (
    AnswerReview,
    SetPin,
    SplitProfile,
)
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import (
    InProcessGateway,
    achieve,
    customer,
    environment,
    rule_set_of,
)
from tests.support.regrouping import (
    ALONE,
    APART,
    OPERATOR,
    SHOP,
    TOGETHER,
    groups,
    questions,
    rules,
    shop_number,
    strangers,
)

# ---- a value that turns generic ----


async def test_records_joined_by_a_value_are_separated_once_it_is_generic(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await shop_number(core)
        await core.send(achieve("web:1"))
        await core.grant_later()
        assert await groups(core) == TOGETHER
        await strangers(core)
        await core.regroup()
        assert await groups(core) == sorted(APART + ALONE)
        assert [await core.points_of(f"web:{number}") for number in range(3)] == [0, 100, 0]
        assert await core.rows("SELECT kind FROM pin") == []
        kept = "SELECT cause, split, finished_at IS NOT NULL FROM regrouping"
        assert await core.rows(kept) == [("generic", 1, True)]
        assert await core.regroup() == []


async def test_separated_records_may_be_joined_again_by_new_evidence(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await shop_number(core, 2)
        await strangers(core)
        await strangers(core)
        await core.send(customer("pos:stranger3", mobile=SHOP))
        await core.regroup()
        assert await core.profile_of("web:0") != await core.profile_of("web:1")
        await core.send(customer("web:0", email="p1@example.com"))
        assert await core.profile_of("web:0") == await core.profile_of("web:1")


async def test_each_former_profile_gets_its_own_id_back_when_it_leaves_as_it_came(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        before = {}
        for number in range(3):
            await core.send(customer(f"web:{number}", email=f"p{number}@example.com"))
            before[number] = await core.profile_of(f"web:{number}")
        for number in range(3):
            await core.send(customer(f"web:{number}", mobile=SHOP))
        assert len(await groups(core)) == 1
        await strangers(core)
        await core.regroup()
        assert {number: await core.profile_of(f"web:{number}") for number in range(3)} == before


async def test_a_person_is_asked_whether_a_part_should_leave(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit="review"))) as core:
        await shop_number(core)
        await strangers(core)
        await core.regroup()
        assert await groups(core) == sorted(TOGETHER + ALONE)
        assert [reason for _, reason in await questions(core)] == ["resplit:generic"] * 2
        first, second = [number for number, _ in await questions(core)]
        await core.send(AnswerReview(OPERATOR, first, accept=True, reason="two families"))
        await core.send(AnswerReview(OPERATOR, second, accept=False, reason="mother and child"))
        await core.regroup()
        assert len(await groups(core)) == 2 + len(ALONE)
        assert await questions(core) == []
        assert await core.column("SELECT kind FROM pin") == ["must"]
        for number, state in ((first, "accepted"), (second, "rejected")):
            assert (number, "resplit:generic") in await questions(core, state)
        assert (await core.send(AnswerReview(OPERATOR, first, accept=True, reason=""))).changed is False


async def test_parts_of_which_each_is_asked_to_leave_may_stay_with_each_other(tmp_path: Path) -> None:
    """Two of three parts are asked about, and a person takes the third out: no part is left without a question."""
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit="review"))) as core:
        await shop_number(core)
        await strangers(core)
        await core.regroup()
        asked = await core.rows(
            "SELECT review_id, profile_a, records FROM review WHERE state = 'open' ORDER BY 1"
        )
        first, second = [number for number, _, _ in asked]
        profile_id = asked[0][1]
        records = await core.column("SELECT record_id FROM record WHERE profile_id = ?", profile_id)
        of_nobody = set(records).difference(*(json.loads(part) for _, _, part in asked))
        await core.send(SplitProfile(OPERATOR, profile_id, tuple(of_nobody), "plain", "somebody else"))
        assert [number for number, _ in await questions(core)] == [first, second]
        await core.send(AnswerReview(OPERATOR, first, accept=False, reason="mother and child"))
        await core.regroup()
        assert len(await groups(core)) == 2 + len(ALONE)
        assert await questions(core) == []
        assert await core.column("SELECT kind FROM pin WHERE kind = 'must'") == ["must"]
        assert (second, "resplit:generic") in await questions(core, "stale")


async def test_nothing_happens_where_the_rules_say_so(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit="off"))) as core:
        await shop_number(core)
        await strangers(core)
        await core.regroup()
        assert await groups(core) == sorted(TOGETHER + ALONE)
        assert await questions(core) == []


async def test_a_persons_must_pin_outlives_the_value(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await shop_number(core)
        ((one,), (two,)) = await core.rows(
            "SELECT record_id FROM record WHERE customer_id IN ('0', '1') AND id_space = 'web' ORDER BY customer_id"
        )
        await core.send(SetPin(OPERATOR, one, two, "must", "sisters"))
        await strangers(core)
        await core.regroup()
        assert await groups(core) == sorted(["pos:0 pos:1 web:0 web:1", "pos:2 web:2", *ALONE])


async def test_new_evidence_takes_the_question_back(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit="review"))) as core:
        await shop_number(core)
        await strangers(core)
        await core.regroup()
        assert len(await questions(core)) == 2
        await core.send(customer("web:0", email="p1@example.com"))
        await core.regroup()
        assert len(await questions(core)) == 1
        assert len(await groups(core)) == 1 + len(ALONE)
        bound = await core.column("SELECT bound FROM audit WHERE action = 'state.noted'")
        assert len(bound) == 1
        assert '"review":{"' in bound[0]


# ---- a value that left its profile ----

LEFT = [("auto", True, []), ("review", False, ["resplit:no_rule"]), ("off", False, [])]
MAKING_ROOM = """
[rules]
schema = 1
version = "making room"
[identifier.mobile]
kind = "phone"
strength = 80
max_per_profile = 1
at_limit = "{at_limit}"
[identifier.email]
kind = "email"
strength = 70
fanout_limit = 9
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
[conflict]
policy = "move_to_newest"
resplit = "{resplit}"
"""


def making_room(at_limit: str, resplit: str) -> RuleSet:
    return rule_set_of(MAKING_ROOM.format(at_limit=at_limit, resplit=resplit))


@pytest.mark.parametrize(("resplit", "apart", "asked"), LEFT)
async def test_records_joined_by_a_key_that_moved_away_are_separated_as_the_rules_say(
    tmp_path: Path, resplit: str, apart: bool, asked: list[str]
) -> None:
    async with InProcessGateway(tmp_path, environment(rules=making_room("keep_old", resplit))) as core:
        await core.send(customer("web:ann", email="ann@example.com", mobile="+201000000200"))
        await core.send(customer("app:ann", email="ann@example.com"))
        await core.send(customer("web:bob", email="bob@example.com", mobile=SHOP))
        assert await groups(core) == ["app:ann web:ann", "web:bob"]
        await core.send(customer("pos:17", email="ann@example.com", mobile=SHOP))
        await core.regroup()
        anns = ["app:ann", "web:ann"] if apart else ["app:ann web:ann"]
        assert await groups(core) == sorted([*anns, "pos:17 web:bob"])
        assert [reason for _, reason in await questions(core)] == asked
        assert await core.regroup() == []


@pytest.mark.parametrize(("resplit", "apart", "asked"), LEFT)
async def test_records_joined_by_a_dropped_value_are_separated_as_the_rules_say(
    tmp_path: Path, resplit: str, apart: bool, asked: list[str]
) -> None:
    async with InProcessGateway(tmp_path, environment(rules=making_room("drop_oldest", resplit))) as core:
        await core.send(customer("web:1", email="a@example.com"))
        for who in ("web:1", "pos:1", "app:1"):
            await core.send(customer(who, mobile=SHOP))
        await core.send(customer("app:1", email="a@example.com"))
        await core.send(customer("web:1", mobile="+201000000200"))
        assert await core.column("SELECT DISTINCT value FROM observation WHERE retired = 1") == [SHOP]
        await core.regroup()
        assert await groups(core) == (["app:1 web:1", "pos:1"] if apart else ["app:1 pos:1 web:1"])
        assert [reason for _, reason in await questions(core)] == asked
