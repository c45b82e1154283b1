"""Regrouping: new rules over all profiles."""

from pathlib import Path

import pytest

from gateway.clock import HOUR
from gateway.model import (
    Regroup,
    SplitProfile,
)
from gateway.processes.plan import planned
from rules.language.parse import preset
from tests.support.in_process_gateway import (
    NOON,
    SHARE,
    InProcessGateway,
    achieve,
    customer,
    environment,
    rule_set_of,
)
from tests.support.regrouping import (
    APART,
    OPERATOR,
    SHOP,
    TOGETHER,
    activate,
    groups,
    questions,
    rules,
    shop_number,
)


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
