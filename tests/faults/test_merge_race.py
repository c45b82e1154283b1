"""Two gateways on one PostgreSQL that accept, merge, undo and grant around the same few customers at the same time. In any
order, a window lets one achievement in, a campaign is granted once, and nothing is left half done (F08)."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import MINUTE, SECOND
from gateway.errors import StoreUnavailable
from gateway.model import Caller, MergeProfiles, Shaped, UndoMerge
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
    InProcessGateway,
    ManualClock,
    achieve,
    customer,
    environment,
)
from tests.support.postgresql import PostgresServer

_STEPS, _LONG_STEPS = 600, 5_000
_AT_ONCE = 12
_PEOPLE = 6
_LIFETIME = 10
"""After so many rounds other customers take the stage: those who were parted too often stay apart."""
_OPERATOR = Caller("", "", "operator:sam", "req")
_LIVE = "SELECT profile_id FROM profile WHERE redirect_to IS NULL"
_GRANTED = "SELECT achievement_id FROM achievement WHERE state = 'granted'"
_IN_THE_AIR = (
    f"SELECT record_id FROM record WHERE profile_id NOT IN ({_LIVE})",
    f"SELECT profile_id FROM ({_LIVE}) p WHERE profile_id NOT IN (SELECT profile_id FROM record)",
    f"SELECT profile_id FROM profile WHERE redirect_to NOT IN ({_LIVE})",
    "SELECT achievement_id FROM achievement WHERE record_id NOT IN (SELECT record_id FROM record)",
    "SELECT achievement_id FROM dedup WHERE profile_id NOT IN (SELECT profile_id FROM profile)",
    f"SELECT entry_id FROM ledger WHERE achievement_id NOT IN ({_GRANTED})",
    f"{_GRANTED} AND achievement_id NOT IN (SELECT achievement_id FROM ledger)",
)
Cores = list[InProcessGateway]
Group = tuple[int, int]


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    return postgres.fresh()


@pytest.fixture
async def cores(postgres: PostgresServer, database: str, tmp_path: Path) -> AsyncGenerator[Cores]:
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                InProcessGateway(
                    tmp_path, environment(grant_delay=(0, 0), seed=n), clock=clock, url=postgres.url(database)
                )
            )
            for n in range(2)
        ]


@pytest.mark.parametrize("steps", [_STEPS, pytest.param(_LONG_STEPS, marks=pytest.mark.soak)])
async def test_f08_however_acceptances_merges_undos_and_grants_meet_each_counts_once(
    cores: Cores, postgres: PostgresServer, database: str, steps: int
) -> None:
    chance, happened = random.Random(8), Counter[str]()
    people: list[str] = []
    for number in range(steps // _AT_ONCE):
        if number % _LIFETIME == 0:
            people = await _newcomers(cores[0], number)
        before = await _counted(cores[0])
        parted = await _meet(cores, people, chance, happened)
        _held(before, await _counted(cores[0], before.groups), parted)
        for question in _IN_THE_AIR:
            assert await cores[0].rows(question) == []
        cores[0].clock.advance(chance.choice((SECOND, SECOND, MINUTE, 6 * MINUTE)))
    assert min(happened[name] for name in ("Accepted", "Duplicate", "merged", "undone", "Granted")) > 3, (
        happened
    )
    for core in cores:
        await core.store.close()
    collided = f"SELECT xact_rollback FROM pg_stat_database WHERE datname = '{database}'"
    assert int(postgres.sql(collided)) > 0, "the control: they stood in each other's way"


async def _newcomers(core: InProcessGateway, number: int) -> list[str]:
    people = [f"web:{number}-{place}" for place in range(_PEOPLE)]
    for who in people:
        await core.send(customer(who))
    return people


async def _meet(cores: Cores, people: list[str], chance: random.Random, happened: Counter[str]) -> set[int]:
    """One round of commands at once; which profiles an undo was asked for."""
    found = [await cores[0].profile_of(who) for who in people]
    profiles = list(dict.fromkeys(profile for profile in found if profile is not None))
    merges = await cores[0].rows("SELECT merge_id, survivor_id FROM merge WHERE undone_at IS NULL")
    leads_to = dict(await cores[0].rows("SELECT profile_id, COALESCE(redirect_to, profile_id) FROM profile"))
    parted, sent = set[int](), list[Awaitable[Any]]()
    for _ in range(_AT_ONCE):
        core, kind = chance.choice(cores), chance.choice(("achieve",) * 5 + ("merge", "undo", "grant"))
        if kind == "merge" and len(profiles) > 1:
            first, second = chance.sample(profiles, 2)
            sent.append(_told(core.send(MergeProfiles(_OPERATOR, (first, second), "race")), "merged"))
        elif kind == "undo" and merges:
            merge_id, survivor = chance.choice(merges)
            parted.add(leads_to[survivor])
            sent.append(_told(core.send(UndoMerge(_OPERATOR, merge_id, "race")), "undone"))
        elif kind == "grant":
            sent.append(_told(core.grant()))
        else:
            what = chance.choice((FOLLOW.id, SHARE.id))
            sent.append(_told(core.send(achieve(chance.choice(people), what))))
    happened.update(await asyncio.gather(*sent))
    return parted


async def _told(answer: Awaitable[Any], shaped: str = "") -> str:
    try:
        outcome = await answer
    except StoreUnavailable:
        return "unavailable"
    if isinstance(outcome, Shaped):
        return shaped if outcome.changed else "nothing new"
    return type(outcome).__name__


class _Counts:
    """What was let in and granted of each campaign, by the profiles that records had when a round began."""

    def __init__(self, groups: dict[int, int]) -> None:
        self.groups = groups
        self.open: Counter[Group] = Counter()
        self.let_in: Counter[Group] = Counter()
        self.granted: Counter[Group] = Counter()


async def _counted(core: InProcessGateway, groups: dict[int, int] | None = None) -> _Counts:
    counts = _Counts(groups or dict(await core.rows("SELECT record_id, profile_id FROM record")))
    since = core.clock.now() - core.env.dedup_window
    for record, campaign, at in await core.rows(
        "SELECT record_id, campaign_id, accepted_at FROM achievement"
    ):
        counts.let_in[counts.groups[record], campaign] += 1
        counts.open[counts.groups[record], campaign] += at > since
    for record, campaign in await core.rows("SELECT record_id, campaign_id FROM ledger"):
        counts.granted[counts.groups[record], campaign] += 1
    return counts


def _held(before: _Counts, after: _Counts, parted: set[int]) -> None:
    """A profile that was one all the time, whatever joined it, let in one where its window was not open, and was granted a
    campaign that gives once at most once."""
    for group, count in after.let_in.items():
        if group[0] not in parted:
            assert count - before.let_in[group] <= (0 if before.open[group] else 1), group
    for group, count in after.granted.items():
        if group[0] not in parted and group[1] == FOLLOW.id:
            assert count - before.granted[group] <= (0 if before.granted[group] else 1), group
