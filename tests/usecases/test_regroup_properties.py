"""Whatever calls and merges went before: a walk after new rules leaves what the definition makes of all records at once (I8),
and does exactly what its plan foresaw (I21)."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import DAY, HOUR
from gateway.model import DropPin, MergeProfiles, SetPin, SplitProfile
from gateway.processes.plan import planned
from rules.language.parse import preset
from rules.ruleset import RuleSet
from tests.support.in_process_gateway import (
    SHARE,
    InProcessGateway,
    achieve,
    customer,
    environment,
    rule_set_of,
)
from tests.support.regrouping import OPERATOR, rules

EMAILS = [f"p{number}@example.com" for number in range(4)]
MOBILES = [f"+20100123456{number}" for number in range(3)]
PLACES = [f"{space}:{number}" for space in ("web", "pos") for number in range(3)]
LIMITS = (
    "[merge]\nmax_records = 3\nprotect_balance_over = 30\n[id_space.web]\n[id_space.pos]\nids_per_profile = 2"
)


def _preset(name: str) -> RuleSet:
    return rule_set_of(f'{preset(name)}\n[conflict]\nresplit = "auto"\n')


VARIANTS = [
    rules("plain"),
    rules("few", fanout_limit="2"),
    rules("blocked", phones=f'["{MOBILES[0]}"]'),
    rules("one number", max_per_profile="1"),
    rules("limits", more=LIMITS),
    rules("crowded", fanout_limit='2\non_fanout = "review"'),
    rules("lately", fanout_limit='2\nfanout_window = "5h"'),
    rules("asked lately", fanout_limit='2\nfanout_window = "5h"\non_fanout = "review"'),
    rules("newest", more='policy = "move_to_newest"', max_per_profile='1\nat_limit = "drop_oldest"'),
    rules("one at once", more="[merge]\nmax_profiles_at_once = 1"),
    rules("asked", outcome='"review"'),
    _preset("email"),
    _preset("strict"),
]

calls = st.tuples(
    st.just("call"), st.sampled_from(PLACES), st.sampled_from(["", *EMAILS]), st.sampled_from(["", *MOBILES])
)
two = st.lists(st.sampled_from(PLACES), min_size=2, max_size=2, unique=True).map(tuple)
steps = st.lists(
    st.one_of(
        calls,
        calls,
        calls,
        st.tuples(st.just("achieve"), st.sampled_from(PLACES)),
        st.tuples(st.just("merge"), two),
        st.tuples(st.just("split"), st.sampled_from(PLACES)),
        st.tuples(st.just("cannot"), two),
        st.tuples(st.just("lift"), st.integers(0, 3)),
    ),
    min_size=3,
    max_size=14,
)


async def take(core: InProcessGateway, step: tuple[Any, ...]) -> None:
    core.clock.advance(HOUR)
    kind, *arguments = step
    if kind == "call":
        place, email, mobile = arguments
        await core.send(customer(place, email=email, mobile=mobile))
    elif kind == "achieve":
        await core.send(achieve(arguments[0], campaign=SHARE.id))
        await core.grant_later()
    elif kind == "split":
        await split(core, arguments[0])
    elif kind == "lift":
        pins = await core.rows("SELECT record_a, record_b FROM pin ORDER BY 1, 2")
        for one, other in pins[arguments[0] :][:1]:
            await core.send(DropPin(OPERATOR, one, other))
            await core.regroup()
    else:
        await decide(core, kind, arguments[0])


async def split(core: InProcessGateway, place: str) -> None:
    profile, record = await core.profile_of(place), await record_of(core, place)
    if profile is not None and record is not None:
        await core.send(SplitProfile(OPERATOR, profile, (record,), "plain", "wrong"))


async def decide(core: InProcessGateway, kind: str, places: tuple[str, str]) -> None:
    profiles = [await core.profile_of(place) for place in places]
    records = [await record_of(core, place) for place in places]
    if None in profiles:
        return
    if kind == "merge":
        await core.send(MergeProfiles(OPERATOR, (profiles[0], profiles[1]), "same"))  # type: ignore[arg-type]
    else:
        await core.send(SetPin(OPERATOR, records[0], records[1], "cannot", "no"))  # type: ignore[arg-type]


async def record_of(core: InProcessGateway, place: str) -> int | None:
    space, _, customer_id = place.partition(":")
    sql = "SELECT record_id FROM record WHERE id_space = ? AND customer_id = ?"
    found = await core.column(sql, space, customer_id)
    return found[0] if found else None


async def walk(core: InProcessGateway, candidate: RuleSet, limit: int) -> None:
    """Activate, regroup, and hold it against the plan and the definition. Nothing happens where the rules are active."""
    if core.env.rules == candidate:
        return
    await core.regroup(limit)
    foreseen = planned(f"sqlite:///{core.path}", candidate, core.clock.now())
    await core.use(candidate)
    await core.regroup(limit)
    ((merged, parted, points, skipped),) = await core.rows(
        "SELECT merged, split, points, skipped FROM regrouping WHERE scope = 'rules' ORDER BY regrouping_id DESC LIMIT 1"
    )
    assert (merged, parted, points, skipped) == (foreseen.merged, foreseen.split, foreseen.points, 0)
    after = planned(f"sqlite:///{core.path}", candidate, core.clock.now())
    assert (after.merged, after.split, after.profiles_after) == (0, 0, foreseen.profiles_after)
    ((asked,),) = await core.rows(
        "SELECT COUNT(*) FROM review WHERE state = 'open' AND reason <> 'split:contested'"
    )
    assert asked == after.reviews
    assert await core.regroup() == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps,
    st.lists(st.sampled_from(range(len(VARIANTS))), min_size=3, max_size=4),
    st.sampled_from([1, 3, 50]),
    st.sampled_from([1, 2, 200]),
)
def test_i8_i21_a_walk_ends_with_the_partition_of_the_definition(
    sequence: list[tuple[Any, ...]], variants: list[int], limit: int, at_once: int
) -> None:
    async def play() -> None:
        with patch("gateway.usecases.regroup_apply.PARTS_AT_ONCE", at_once):
            await follow()

    async def follow() -> None:
        first, *others = [VARIANTS[number] for number in variants]
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory), environment(rules=first)) as core:
                await core.use(first)
                named: dict[int, tuple[str, int]] = {}
                for step in sequence:
                    await take(core, step)
                    named = await core.names_lead_home(named)
                core.clock.advance(DAY)
                for candidate in others:
                    await walk(core, candidate, limit)
                    named = await core.names_lead_home(named)

    asyncio.run(play())


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(calls, min_size=3, max_size=14), st.sampled_from(range(1, len(VARIANTS))))
def test_a_rollback_restores_every_former_profile(sequence: list[tuple[Any, ...]], other: int) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with InProcessGateway(Path(directory), environment(rules=VARIANTS[0])) as core:
                await core.use(VARIANTS[0])
                for step in sequence:
                    await take(core, step)
                await walk(core, rules("again"), 50)
                homes = "SELECT record_id, profile_id FROM record ORDER BY 1"
                before = await core.rows(homes)
                await walk(core, VARIANTS[other], 50)
                await walk(core, VARIANTS[0], 50)
                assert await core.rows(homes) == before

    asyncio.run(play())
