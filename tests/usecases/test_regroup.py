"""Regrouping: profiles become what the rules make of their records now, once a value lost its power or new rules came."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import DAY, HOUR
from gateway.model import (
    AnswerReview,
    Caller,
    Done,
    DropPin,
    EndPins,
    Regroup,
    Regrouped,
    SaveCustomer,
    SetPin,
    SplitProfile,
)
from gateway.processes.plan import planned
from gateway.store.operations import ended_pins
from rules.identifier import Evidence
from rules.language.parse import preset
from rules.plan import Plan
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import (
    NOON,
    SHARE,
    InProcessGateway,
    achieve,
    caller,
    customer,
    default_rules,
    environment,
    rule_set_of,
)

OPERATOR = Caller("", "", "operator", "req")
SHOP = "+201000000100"


def rules(version: str, *, resplit: str = "auto", more: str = "", **changed: str) -> RuleSet:
    """The default preset under another version; `changed` replaces whole lines, `fanout_limit="9"` in every type."""
    lines = [
        f'version = "{version}"' if line.startswith("version =") else line
        for line in default_rules().text.splitlines()
    ]
    for key, value in changed.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
    text = "\n".join(lines)
    return rule_set_of(f'{text}\n[conflict]\nresplit = "{resplit}"\n{more}')


async def shop_number(core: InProcessGateway, people: int = 3) -> None:
    """Each person has an address of their own, and the shop's number from the till: they are one by that number."""
    for number in range(people):
        await core.send(customer(f"web:{number}", email=f"p{number}@example.com"))
        await core.send(customer(f"pos:{number}", email=f"p{number}@example.com", mobile=SHOP))


async def strangers(core: InProcessGateway) -> None:
    """Three more at the till, with nothing but that number: it turns generic."""
    for number in range(3):
        await core.send(customer(f"pos:stranger{number}", mobile=SHOP))


async def groups(core: InProcessGateway) -> list[str]:
    found: dict[int, list[str]] = {}
    for profile_id, space, customer_id in await core.rows(
        "SELECT profile_id, id_space, customer_id FROM record"
    ):
        found.setdefault(profile_id, []).append(f"{space}:{customer_id}")
    return sorted(" ".join(sorted(one)) for one in found.values())


async def questions(core: InProcessGateway, state: str = "open") -> list[tuple[int, str]]:
    return await core.rows("SELECT review_id, reason FROM review WHERE state = ? ORDER BY review_id", state)


APART = ["pos:0 web:0", "pos:1 web:1", "pos:2 web:2"]
TOGETHER = ["pos:0 pos:1 pos:2 web:0 web:1 web:2"]
ALONE = ["pos:stranger0", "pos:stranger1", "pos:stranger2"]


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


# ---- a pin that is removed ----


async def two(core: InProcessGateway, mobile: str = "") -> tuple[int, int]:
    """The records of two people who have the same number, or none."""
    for who in ("web:1", "pos:1"):
        await core.send(customer(who, mobile=mobile))
    one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
    return one, other


@pytest.mark.parametrize(
    ("resplit", "apart", "asked"),
    [("auto", True, []), ("review", False, ["resplit:no_rule"]), ("off", False, [])],
)
async def test_records_held_together_only_by_a_pin_are_split_by_the_rules_once_it_is_removed(
    tmp_path: Path, resplit: str, apart: bool, asked: list[str]
) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit=resplit))) as core:
        one, other = await two(core)
        before = await core.column("SELECT profile_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, one, other, "must", "sisters"))
        assert await groups(core) == ["pos:1 web:1"]
        await core.regroup()
        assert await groups(core) == ["pos:1 web:1"]
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        after = await core.column("SELECT profile_id FROM record ORDER BY record_id")
        assert (after == before) is apart
        assert [reason for _, reason in await questions(core)] == asked
        assert await core.regroup() == []


async def test_records_that_agree_on_a_key_stay_together_when_their_pin_is_removed(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        one, other = await two(core, mobile=SHOP)
        await core.send(SetPin(OPERATOR, one, other, "must", "sisters"))
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        assert await groups(core) == ["pos:1 web:1"]


async def test_records_kept_apart_only_by_pins_are_joined_once_the_last_pin_is_removed(
    tmp_path: Path,
) -> None:
    """In between the definition has the one who may come back with the one who was there first."""
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        for who in ("web:1", "pos:1", "app:1"):
            await core.send(customer(who, mobile=SHOP))
        first, *others = await core.column("SELECT record_id FROM record ORDER BY record_id")
        (profile_id,) = await core.column("SELECT profile_id FROM profile")
        await core.send(SplitProfile(OPERATOR, profile_id, tuple(others), "plain", "not them"))
        await core.send(DropPin(OPERATOR, first, others[0]))
        await core.regroup()
        assert await groups(core) == ["app:1", "pos:1 web:1"]
        await core.send(DropPin(OPERATOR, others[1], first))
        await core.regroup()
        assert await groups(core) == ["app:1 pos:1 web:1"]
        assert await questions(core) == []


async def test_i5_a_record_joined_after_a_pin_is_removed_exceeds_no_limit_of_values(
    tmp_path: Path,
) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", max_per_profile="2"))) as core:
        await core.send(customer("web:1", mobile=f"{SHOP} +201000000200"))
        await core.send(customer("pos:1", mobile="+201000000300"))
        one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, one, other, "cannot", "seen both"))
        await core.send(customer("pos:1", mobile=SHOP))
        owned = "SELECT COUNT(*) FROM identifier_owner WHERE owner_id IS NOT NULL"
        assert await core.column(owned) == [3]
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        assert await groups(core) == ["pos:1 web:1"]
        assert await core.column(owned) == [2]


async def test_a_person_is_asked_about_differing_records_once_their_pin_is_removed(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await core.send(customer("web:1", email="a@example.com", mobile=SHOP))
        await core.send(customer("pos:1", mobile="+201000000200"))
        one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, one, other, "cannot", "seen both"))
        await core.send(customer("pos:1", email="a@example.com"))
        assert await questions(core) == []
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        assert [reason for _, reason in await questions(core)] == ["rule:email"]


async def test_a_record_that_matches_two_pinned_apart_joins_both_once_the_pin_is_removed(
    tmp_path: Path,
) -> None:
    asking = rules("1", more='ambiguous = "review"')
    async with InProcessGateway(tmp_path, environment(rules=asking)) as core:
        await core.send(customer("web:1", email="a@example.com"))
        await core.send(customer("pos:1", mobile=SHOP))
        one, other = await core.column("SELECT record_id FROM record ORDER BY record_id")
        await core.send(SetPin(OPERATOR, one, other, "cannot", "seen both"))
        await core.send(customer("app:1", email="a@example.com", mobile=SHOP))
        assert len(await questions(core)) == 2
        await core.send(DropPin(OPERATOR, one, other))
        await core.regroup()
        assert await groups(core) == ["app:1 pos:1 web:1"]
        assert await questions(core) == []


# ---- a pin that ends by its time ----


async def end_pins(core: InProcessGateway) -> list[tuple[int, int]]:
    """As the gateway does now and then."""
    ended = await ended_pins(core.store, core.clock.now(), 100)
    await core.send(EndPins(OPERATOR, tuple(ended)))
    await core.regroup()
    return ended


async def test_records_kept_apart_by_a_cooldown_are_joined_when_it_ends(tmp_path: Path) -> None:
    """I8, without a call that would bring them together."""
    cooling = rules("1", more='[merge]\ncooldown_after_split = "7d"')
    async with InProcessGateway(tmp_path, environment(rules=cooling)) as core:
        one, other = await two(core, mobile=SHOP)
        (profile_id,) = await core.column("SELECT profile_id FROM profile")
        await core.send(SplitProfile(OPERATOR, profile_id, (other,), "plain", "not them"))
        core.clock.advance(7 * DAY - 1)
        assert await end_pins(core) == []
        assert await groups(core) == ["pos:1", "web:1"]
        core.clock.advance(1)
        assert await end_pins(core) == [(one, other)]
        assert await groups(core) == ["pos:1 web:1"]
        assert await core.rows("SELECT * FROM pin") == []
        assert await end_pins(core) == []


async def test_records_held_together_only_by_a_pin_are_separated_when_it_expires(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1", resplit="auto"))) as core:
        one, other = await two(core)
        until = core.clock.now() + DAY
        await core.send(SetPin(OPERATOR, one, other, "must", "for the holidays", until))
        core.clock.advance(DAY)
        assert await end_pins(core) == [(one, other)]
        assert await groups(core) == ["pos:1", "web:1"]
        assert await core.rows(
            "SELECT a.reason, w.words FROM audit AS a JOIN audit_words AS w ON w.event_id = a.event_id"
            " WHERE a.action = 'pin.dropped'"
        ) == [("must", '{"note":"it has expired"}')]


async def test_a_pin_that_was_set_anew_before_it_was_taken_away_stays(core: InProcessGateway) -> None:
    one, other = await two(core)
    until = core.clock.now() + DAY
    await core.send(SetPin(OPERATOR, one, other, "cannot", "seen both", until))
    core.clock.advance(DAY)
    await core.send(SetPin(OPERATOR, one, other, "cannot", "again", until + DAY))
    assert await core.send(EndPins(OPERATOR, ((one, other),))) == Done(changed=False)
    assert await core.column("SELECT reason FROM pin") == ["again"]


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


# ---- new rules over all profiles ----


async def activate(core: InProcessGateway, candidate: RuleSet, limit: int = 100) -> tuple[Plan, Any]:
    """Plan, activate and regroup; what was foreseen, and what the walk counted."""
    foreseen = planned(core.url, candidate, core.clock.now())
    await core.use(candidate)
    await core.regroup(limit)
    ((merged, split, asked, points),) = await core.rows(
        "SELECT merged, split, asked, points FROM regrouping WHERE scope = 'rules' ORDER BY regrouping_id DESC LIMIT 1"
    )
    return foreseen, (merged, split, asked, points)


@pytest.mark.parametrize("limit", [2, 100])
async def test_activated_rules_regroup_existing_profiles_and_a_rollback_restores_them(
    tmp_path: Path, limit: int
) -> None:
    """I21: the plan's numbers are what happens."""
    one, two = rules("1"), rules("2", fanout_limit="2")
    async with InProcessGateway(tmp_path, environment(rules=one)) as core:
        await core.use(one)
        await shop_number(core)
        for number in (1, 2):
            await core.send(achieve(f"web:{number}", campaign=SHARE.id))
            core.clock.advance(HOUR)
        await core.grant_later()
        assert await groups(core) == TOGETHER
        foreseen, happened = await activate(core, two, limit)
        assert await groups(core) == APART
        assert (
            happened == (foreseen.merged, foreseen.split, foreseen.reviews, foreseen.points) == (0, 1, 0, 40)
        )
        back, happened = await activate(core, rules("3"), limit)
        assert await groups(core) == TOGETHER
        assert happened == (back.merged, back.split, back.reviews, back.points) == (3, 0, 0, 40)


async def test_a_question_about_contested_keys_does_not_stop_a_planned_merge(tmp_path: Path) -> None:
    """I21: two who were split, and whose pin ended, are joined by the next walk; that closes the question."""
    first, second = (rules(version, more='[merge]\ncooldown_after_split = "30m"') for version in ("1", "2"))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        await core.send(customer("web:1", mobile=SHOP))
        await core.send(customer("pos:1", mobile=SHOP))
        (profile_id,) = await core.column("SELECT profile_id FROM profile")
        _, other = await core.column("SELECT record_id FROM record ORDER BY 1")
        await core.send(SplitProfile(OPERATOR, profile_id, (other,), "plain", "not them"))
        core.clock.advance(HOUR)
        assert [reason for _, reason in await questions(core)] == ["split:contested"]
        foreseen, happened = await activate(core, second)
        assert happened[:2] == (foreseen.merged, foreseen.split) == (2, 0)
        assert await groups(core) == ["pos:1 web:1"]
        assert await questions(core) == []


async def test_a_profile_whose_parts_join_two_others_is_counted_once(tmp_path: Path) -> None:
    """I21. One address joins two people, whom their own numbers lead to two others."""
    by_email, by_mobile = (
        rule_set_of(f'{preset(name)}\n[conflict]\nresplit = "auto"\n') for name in ("email", "mobile")
    )
    async with InProcessGateway(tmp_path, environment(rules=by_email)) as core:
        await core.use(by_email)
        for number, mobile in enumerate((SHOP, "+201000000200")):
            await core.send(customer(f"web:{number}", email="both@example.com", mobile=mobile))
            await core.send(customer(f"pos:{number}", mobile=mobile))
        foreseen, happened = await activate(core, by_mobile)
        assert await groups(core) == ["pos:0 web:0", "pos:1 web:1"]
        assert happened[:2] == (foreseen.merged, foreseen.split) == (3, 1)


async def test_a_former_version_makes_of_the_profiles_what_they_were(tmp_path: Path) -> None:
    one, strict = rules("1"), rule_set_of(preset("strict"))
    async with InProcessGateway(tmp_path, environment(rules=one)) as core:
        await core.use(one)
        await core.send(customer("web:1", email="a@example.com"))
        await core.send(customer("pos:1", email="a@example.com", mobile="+201001234567"))
        before = await groups(core)
        await activate(core, strict)
        assert await groups(core) == before
        assert len(await questions(core)) == 1
        await activate(core, one)
        assert await groups(core) == before
        assert await questions(core) == []


async def test_rules_that_only_watch_regroup_no_profiles(tmp_path: Path) -> None:
    one, two = rules("1"), rules("2", fanout_limit="2", more="")
    watching = rule_set_of(two.text.replace('version = "2"', 'version = "2"\nmode = "shadow"'))
    async with InProcessGateway(tmp_path, environment(rules=one)) as core:
        await core.use(one)
        await shop_number(core)
        await activate(core, watching)
        assert await groups(core) == TOGETHER
        counts = "SELECT merged, split, asked, points, finished_at IS NOT NULL FROM regrouping"
        assert await core.rows(counts) == [(0, 0, 0, 0, 1)]
        assert await questions(core) == []


async def test_a_newly_blocked_value_stops_matching_until_the_former_rules_return(
    tmp_path: Path,
) -> None:
    one = rules("1")
    two = rules("2", phones=f'["{SHOP}"]')
    async with InProcessGateway(tmp_path, environment(rules=one)) as core:
        await core.use(one)
        await shop_number(core)
        foreseen, happened = await activate(core, two)
        assert await groups(core) == APART
        assert (foreseen.split, happened[1]) == (1, 1)
        assert await core.rows("SELECT state, owner_id FROM identifier_owner WHERE value = ?", SHOP) == [
            ("blocked", None)
        ]
        await activate(core, one)
        assert await groups(core) == TOGETHER


async def test_a_step_of_another_worker_or_with_a_stale_version_is_refused(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await core.use(rules("1"))
        await shop_number(core)
        await core.use(rules("2"))
        ((number,),) = await core.rows("SELECT regrouping_id FROM regrouping WHERE finished_at IS NULL")
        first = Regroup(OPERATOR, number, "one", 0, (), last=False)
        assert (await core.send(first)).run.held_by == "one"
        other = Regroup(OPERATOR, number, "two", 0, (), last=True)
        assert (await core.send(other)).code == "regrouping_taken"
        core.clock.advance(60_000)
        assert (await core.send(other)).run.finished_at is not None
        assert (await core.send(other)).code == "regrouping_over"


async def test_rules_activated_meanwhile_replace_the_walk(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await core.use(rules("1"))
        await shop_number(core)
        await core.use(rules("2", fanout_limit="2"))
        await core.use(rules("3"))
        await core.regroup()
        assert await groups(core) == TOGETHER
        assert NOON in await core.column("SELECT finished_at FROM regrouping")


CROWDED = """
[rules]
schema = 1
version = "{version}"
[identifier.mobile]
kind = "phone"
strength = 80
fanout_limit = 5
on_fanout = "{on_fanout}"
[identifier.email]
kind = "email"
strength = 70
fanout_limit = 5
[identifier.card]
kind = "opaque"
merge = false
[[rule]]
name = "mobile"
all_of = ["mobile"]
[[rule]]
name = "email"
all_of = ["email"]
unless_differs = ["card"]
[conflict]
resplit = "auto"
[merge]
max_records = 1000
"""


def crowded(version: str, on_fanout: str) -> RuleSet:
    return rule_set_of(CROWDED.format(version=version, on_fanout=on_fanout))


async def test_a_value_that_very_many_hold_joins_no_records_where_a_person_is_to_be_asked(
    tmp_path: Path,
) -> None:
    """I21. Two of its holders have an address in common and are looked at together, without all the others."""
    first, second = (crowded(version, "review") for version in ("1", "2"))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        for number in range(110):
            await core.send(customer(f"s{number}:1", mobile=SHOP))
        for number in (1, 2):
            await core.send(customer(f"web:{number}", email="a@example.com", mobile=SHOP, card=f"{number}"))
        assert {"web:1", "web:2"} <= {*await groups(core)}
        foreseen, happened = await activate(core, second)
        assert {"web:1", "web:2"} <= {*await groups(core)}
        assert happened[:2] == (foreseen.merged, foreseen.split) == (0, 1)


WINDOW = """
[rules]
schema = 1
version = "{version}"
[identifier.email]
kind = "email"
strength = 70
fanout_limit = 2
fanout_window = "30d"
[[rule]]
name = "email"
all_of = ["email"]
"""


@pytest.mark.parametrize("limit", [1, 100])
async def test_a_walk_knows_how_old_the_values_are_also_of_those_who_are_only_asked_about(
    tmp_path: Path, limit: int
) -> None:
    """I21. Ann's two boxes are asked about; one of them also has a box of Bob's, of which there are too many to ask."""
    first, second = (rule_set_of(WINDOW.format(version=version)) for version in ("1", "2"))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        said = [["ann+0"], ["ann+1", "bob+1"], ["bob+2"], ["bob+3"], ["bob+4"]]
        for number, boxes in enumerate(said):
            evidence = [one for box in boxes for one in both_forms(core, f"{box}@gmail.com")]
            await core.send(SaveCustomer(caller(f"s{number}"), "1", tuple(evidence)))
        foreseen, happened = await activate(core, second, limit)
        assert happened[:2] == (foreseen.merged, foreseen.split) == (0, 0)
        assert len(await questions(core)) == foreseen.reviews == 1


def both_forms(core: InProcessGateway, text: str) -> Sequence[Evidence]:
    """The address as it is written and in its provider's form."""
    return core.env.normalizer.evidence("email", text, None)


async def test_a_request_counts_the_holders_of_a_provider_form_inside_the_window_too(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rule_set_of(WINDOW.format(version="1")))) as core:
        for number in range(3):
            said = tuple(both_forms(core, f"ann+{number}@gmail.com"))
            await core.send(SaveCustomer(caller(f"s{number}"), "1", said))
            core.clock.advance(40 * DAY)
        assert await core.column("SELECT state FROM identifier_owner WHERE state <> 'normal'") == []
        assert [reason for _, reason in await questions(core)] == ["rule:email"] * 3


async def test_new_rules_join_records_through_a_value_with_hundreds_of_holders(tmp_path: Path) -> None:
    """I21. `ignore` says that the difference does not matter."""
    first, second = crowded("1", "review"), crowded("2", "ignore")
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        for number in range(110):
            await core.send(customer(f"s{number}:1", mobile=SHOP))
        foreseen, happened = await activate(core, second)
        assert len(await groups(core)) == 1
        assert happened[:2] == (foreseen.merged, foreseen.split) == (106, 0)


@pytest.mark.parametrize(("most", "skipped"), [(11, 8), (12, 0)])
async def test_a_group_that_is_too_large_is_left_unchanged_and_reported_with_its_connecting_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, skipped: int
) -> None:
    monkeypatch.setattr("gateway.usecases.component.MOST_RECORDS", most)
    first, second = crowded("1", "review"), crowded("2", "ignore")
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        for number in range(12):
            await core.send(customer(f"s{number}:1", mobile=SHOP))
        before = await groups(core)
        await core.use(second)
        steps = await core.regroup()
        assert steps[-1].run.skipped == skipped
        assert (await groups(core) == before) is bool(skipped)
        told = await core.rows("SELECT reason, detail FROM audit WHERE action = 'identity.skipped'")
        assert [reason for reason, _ in told] == ["too_large"] * bool(skipped)
        for _, text in told:
            detail = json.loads(text)
            assert (detail["type"], detail["holders"], len(detail["profiles"])) == ("mobile", 12, skipped)
            assert SHOP not in text


async def test_a_question_about_a_value_that_too_many_hold_is_not_closed_by_a_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.usecases.component.MOST_RECORDS", 8)
    first, second = (crowded(version, "review") for version in ("1", "2"))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        for number in range(10):
            await core.send(customer(f"s{number}:1", mobile=SHOP))
        before = await questions(core)
        assert before
        await core.use(second)
        await core.regroup()
        assert {*await questions(core)} >= {*before}


async def test_a_group_that_reaches_too_far_is_counted_and_left_unchanged(tmp_path: Path) -> None:
    """Each shares an address with the one before and a number with the next: limits keep most apart, so the row is long."""
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await core.use(rules("1"))
        for number in range(160):
            mobile = f"+2010{20_000_000 + (number + 1) // 2}"
            await core.send(customer(f"s{number}:1", email=f"p{number // 2}@example.com", mobile=mobile))
        before = await groups(core)
        await core.use(rules("2", max_per_profile="1"))
        steps = await core.regroup(limit=10)
        assert steps[-1].run.finished_at is not None
        assert steps[-1].run.skipped > 0
        assert steps[-1].run.looked == len(before)


async def test_one_profile_at_once_is_kept_by_calls_plans_and_walks(tmp_path: Path) -> None:
    one_at_once = rules("2", more="[merge]\nmax_profiles_at_once = 1")
    async with InProcessGateway(tmp_path, environment(rules=one_at_once)) as core:
        await core.use(one_at_once)
        await core.send(customer("web:1", mobile=SHOP))
        await core.send(customer("web:2", email="ann@example.com"))
        await core.send(customer("pos:1", mobile=SHOP, email="ann@example.com"))
        assert await groups(core) == ["pos:1", "web:1", "web:2"]
        assert len(await questions(core)) == 3
        again = rules("3", more="[merge]\nmax_profiles_at_once = 1")
        foreseen = planned(f"sqlite:///{core.path}", again, core.clock.now())
        await core.use(again)
        await core.regroup()
        assert (foreseen.profiles_after, foreseen.reviews) == (2, 1)
        assert await groups(core) == ["pos:1 web:1", "web:2"]
        assert [reason for _, reason in await questions(core)] == ["conflict:max_profiles_at_once"]


async def test_a_merge_of_two_known_profiles_is_split_when_only_one_may_join(tmp_path: Path) -> None:
    async with InProcessGateway(tmp_path, environment(rules=rules("1"))) as core:
        await core.use(rules("1"))
        await core.send(customer("web:1", mobile=SHOP))
        await core.send(customer("web:2", email="ann@example.com"))
        core.clock.advance(HOUR)
        await core.send(customer("web:2", mobile=SHOP))
        assert await groups(core) == ["web:1 web:2"]
        await core.use(rules("2", more="[merge]\nmax_profiles_at_once = 1"))
        await core.regroup()
        assert await groups(core) == ["web:1", "web:2"]
        assert len(await questions(core)) == 1


TILL = '[merge]\nmax_records = {most}\n[id_space.pos]\non_many_ids = "allow"\n'


async def one_at_the_till(core: InProcessGateway, people: int) -> None:
    """As many records on one profile, by the shop's number; one of them has something to be found by as well."""
    for number in range(people):
        await core.send(customer(f"pos:{number}", mobile=SHOP))
    await core.send(customer("pos:3", email="ann@example.com"))
    await core.send(achieve("pos:3"))
    await core.grant_later()
    await core.send(customer("web:ann", email="ann@example.com"))


@pytest.mark.parametrize(
    "second",
    [
        rules("2", fanout_limit="3", more=TILL.format(most=1_000)),
        rules("2", fanout_limit="900", more=TILL.format(most=4)),
    ],
    ids=["the value is generic", "the profile is too large"],
)
async def test_a_profile_of_any_size_is_taken_apart_as_planned_in_pieces_that_let_calls_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: RuleSet
) -> None:
    monkeypatch.setattr("gateway.usecases.component.MOST_RECORDS", 35)
    monkeypatch.setattr("gateway.usecases.regroup_carrying.PARTS_AT_ONCE", 5)
    first = rules("1", fanout_limit="900", more=TILL.format(most=1_000))
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        await one_at_the_till(core, 30)
        assert len(await groups(core)) == 1
        foreseen = planned(core.url, second, core.clock.now())
        await core.use(second)
        sizes, steps = list[int](), list[Regrouped]()
        named: dict[int, tuple[str, int]] = {}
        while (step := await core.regroup_some()) is not None:
            sizes.append(len(await groups(core)))
            named = await core.names_lead_home(named)
            steps.append(step)
        run = steps[-1].run
        assert max(after - before for before, after in pairwise([1, *sizes])) <= 6
        counts = run.merged, run.split, run.asked, run.points, run.skipped
        assert counts == (foreseen.merged, foreseen.split, foreseen.reviews, foreseen.points, 0)
        assert sizes[-1] == foreseen.profiles_after >= 27
        assert await core.points_of("pos:3") == 100
        assert len(sizes) > 5


async def test_a_call_between_two_pieces_joins_what_the_next_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.usecases.regroup_carrying.PARTS_AT_ONCE", 5)
    first, second = (
        rules(version, fanout_limit=most, more=TILL.format(most=1_000)) for version, most in ("19", "23")
    )
    async with InProcessGateway(tmp_path, environment(rules=first)) as core:
        await core.use(first)
        await one_at_the_till(core, 9)
        await core.use(second)
        assert (await core.regroup_some()) is not None
        await core.send(customer("app:ann", email="ann@example.com"))
        await core.regroup()
        assert "app:ann pos:3 web:ann" in await groups(core)
        assert len(await groups(core)) == 9
