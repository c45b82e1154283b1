"""Splits of which the sides are kept apart by a row for each record, instead of a pin for each pair."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import DAY
from gateway.ids import show
from gateway.model import (
    Caller,
    Done,
    DropPin,
    EndSplits,
    ExplainPair,
    LiftSplit,
    MergeProfiles,
    Refused,
    SetPin,
    Shaped,
    SplitProfile,
)
from gateway.processes.plan import planned
from gateway.store.gateway_reads import ended_splits
from gateway.store.queries.verification import verify
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import (
    CHECKPOINT_KEY,
    InProcessGateway,
    customer,
    environment,
    erase,
    rule_set_of,
)
from tests.support.regrouping import SHOP, TILL, groups, rules

SAM = Caller("", "", "operator:sam", "req")
MANY = 30
TILLS = [f"pos:{number}" for number in range(MANY)]


def tills(version: str, more: str = "", resplit: str = "auto") -> RuleSet:
    return rules(
        version,
        fanout_limit="900",
        resplit=resplit,
        more=TILL.format(most=1_000).replace("[merge]", f"[merge]\n{more}"),
    )


@pytest.fixture
async def core(tmp_path: Path) -> AsyncGenerator[InProcessGateway]:
    """Thirty records on one profile, by one number that still joins."""
    chosen = tills("1")
    async with InProcessGateway(tmp_path, environment(rules=chosen)) as built:
        await built.use(chosen)
        await at_the_till(built)
        yield built


async def at_the_till(core: InProcessGateway) -> None:
    for who in TILLS:
        await core.send(customer(who, mobile=SHOP))
    assert len(await groups(core)) == 1


async def home(core: InProcessGateway, who: str) -> int:
    found = await core.profile_of(who)
    assert found is not None
    return found


async def record(core: InProcessGateway, who: str) -> int:
    (found,) = await core.column(
        "SELECT record_id FROM record WHERE customer_id = ?", who.removeprefix("pos:")
    )
    return found


async def taken_apart(core: InProcessGateway) -> Any:
    return await core.send(SplitProfile(SAM, await home(core, "pos:0"), (), "all", "a shared number"))


async def kept_apart(core: InProcessGateway) -> list[int]:
    """How many records each split has."""
    return await core.column(
        "SELECT COUNT(*) FROM split AS x JOIN split_side AS s ON s.split_id = x.split_id GROUP BY x.split_id"
    )


async def everybody_speaks_again(core: InProcessGateway) -> None:
    for who in TILLS:
        await core.send(customer(who, mobile=SHOP, email="new@example.com"))


async def test_i11_i17_keeping_n_sides_apart_takes_n_rows_and_no_mix_of_calls_joins_them(
    core: InProcessGateway,
) -> None:
    shaped = await taken_apart(core)
    assert isinstance(shaped, Shaped)
    assert (len(shaped.parts), shaped.waiting) == (MANY - 1, 0)
    assert await kept_apart(core) == [MANY]
    assert await core.column("SELECT COUNT(*) FROM pin") == [0]
    await everybody_speaks_again(core)
    await core.use(tills("2"))
    await core.regroup()
    assert len(await groups(core)) == MANY
    assert planned(core.url, tills("3"), core.clock.now()).profiles_after == MANY


async def test_two_sides_of_many_records_take_a_row_for_each_record_too(core: InProcessGateway) -> None:
    leaving = tuple([await record(core, who) for who in TILLS[:10]])
    await core.send(SplitProfile(SAM, await home(core, "pos:0"), leaving, "plain", "another shop"))
    assert await kept_apart(core) == [MANY]
    await everybody_speaks_again(core)
    assert sorted(len(one.split()) for one in await groups(core)) == [10, 20]


async def test_a_merge_or_pin_against_a_split_is_refused_naming_records_of_both_sides(
    core: InProcessGateway,
) -> None:
    await taken_apart(core)
    pair = await home(core, "pos:1"), await home(core, "pos:2")
    one, other = await record(core, "pos:1"), await record(core, "pos:2")
    refused = await core.send(MergeProfiles(SAM, pair, "one person"))
    assert isinstance(refused, Refused)
    assert refused.code == "pinned_apart"
    assert show("rec", one) in refused.message
    assert show("rec", other) in refused.message
    pinned = await core.send(SetPin(SAM, one, other, "must", "one person"))
    assert isinstance(pinned, Refused)
    assert pinned.code == "pins_contradict"


async def test_i20_an_explanation_names_the_split(core: InProcessGateway) -> None:
    await taken_apart(core)
    told = (await core.send(ExplainPair(await home(core, "pos:1"), await home(core, "pos:2")))).explanation
    assert (told.outcome, told.guard, told.pins) == ("never", "cannot", ("cannot",))
    assert [*told.splits] == await core.column("SELECT split_id FROM split")


async def test_lifting_one_pin_joins_two_sides_and_leaves_the_others_apart(core: InProcessGateway) -> None:
    await taken_apart(core)
    one, other = await record(core, "pos:1"), await record(core, "pos:2")
    assert await core.send(DropPin(SAM, one, other)) == Done()
    assert await core.send(DropPin(SAM, one, other)) == Done(changed=False)
    await core.regroup()
    await everybody_speaks_again(core)
    assert await home(core, "pos:1") == await home(core, "pos:2")
    assert len(await groups(core)) == MANY - 1
    assert await kept_apart(core) == [MANY]


async def test_a_split_that_is_lifted_lets_the_rules_join_them_again_and_leaves_no_row(
    core: InProcessGateway,
) -> None:
    await taken_apart(core)
    (split_id,) = await core.column("SELECT split_id FROM split")
    assert await core.send(LiftSplit(SAM, split_id)) == Done()
    assert await core.send(LiftSplit(SAM, split_id)) == Done(changed=False)
    await core.regroup(7)
    assert len(await groups(core)) == 1
    assert await core.rows("SELECT * FROM split_side") == []
    assert await core.rows("SELECT * FROM regrouping WHERE scope = 'split'") == []


async def test_a_split_that_is_lifted_while_the_rules_only_watch_leaves_no_row(
    core: InProcessGateway,
) -> None:
    await taken_apart(core)
    (split_id,) = await core.column("SELECT split_id FROM split")
    watching = rule_set_of(tills("2").text.replace('version = "2"', 'version = "2"\nmode = "shadow"'))
    await core.use(watching)
    await core.send(LiftSplit(SAM, split_id))
    await core.regroup(7)
    assert len(await groups(core)) == MANY
    assert await core.rows("SELECT * FROM split_side") == []


async def test_a_split_ends_with_the_cooldown(tmp_path: Path) -> None:
    chosen = tills("1", 'cooldown_after_split = "1d"')
    async with InProcessGateway(tmp_path, environment(rules=chosen)) as core:
        await core.use(chosen)
        await at_the_till(core)
        await taken_apart(core)
        assert await ended_splits(core.store, core.clock.now(), 10) == []
        core.clock.advance(DAY)
        assert await core.profile_of("pos:1") != await core.profile_of("pos:2")
        ended = await ended_splits(core.store, core.clock.now(), 10)
        assert await core.send(EndSplits(SAM, tuple(ended))) == Done()
        assert await core.send(EndSplits(SAM, tuple(ended))) == Done(changed=False)
        await core.regroup()
        assert len(await groups(core)) == 1
        assert await core.rows("SELECT * FROM split_side") == []


async def test_an_erasure_takes_the_persons_side_and_what_was_written_of_the_split(
    core: InProcessGateway,
) -> None:
    await taken_apart(core)
    await core.send(erase("pos:3"))
    assert await kept_apart(core) == [MANY - 1]
    assert await core.column("SELECT reason FROM split") == [""]


@pytest.mark.parametrize("resplit", ["auto", "review"])
async def test_very_many_sides_leave_in_steps_and_are_apart_from_the_first_one_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resplit: str
) -> None:
    monkeypatch.setattr("gateway.usecases.split.SIDES_AT_ONCE", 6)
    monkeypatch.setattr("gateway.usecases.regroup_apply.PARTS_AT_ONCE", 6)
    chosen = tills("1", resplit=resplit)
    async with InProcessGateway(tmp_path, environment(rules=chosen)) as core:
        await core.use(chosen)
        await at_the_till(core)
        stays = await home(core, "pos:0")
        shaped = await taken_apart(core)
        assert (len(shaped.parts), shaped.waiting) == (6, MANY - 7)
        await core.send(customer("pos:1", mobile=SHOP, email="ann@example.com"))
        assert len(await groups(core)) == 7
        steps = await core.regroup()
        assert len(steps) >= 4
        assert len(await groups(core)) == MANY
        assert await home(core, "pos:0") == stays
        assert await core.rows("SELECT * FROM review WHERE reason LIKE 'resplit%'") == []
        await everybody_speaks_again(core)
        assert len(await groups(core)) == MANY


async def test_the_log_vouches_for_the_sides(core: InProcessGateway) -> None:
    await taken_apart(core)
    await core.send(DropPin(SAM, await record(core, "pos:1"), await record(core, "pos:2")))
    await core.send(erase("pos:3"))
    assert (await verify(core.store, CHECKPOINT_KEY, state=True)).breaches == []
