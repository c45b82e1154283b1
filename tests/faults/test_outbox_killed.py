"""`kill -9` of a gateway that delivers, again and again, to a platform that loses answers on top of it: between claim and mark,
between mark and request, between request and answer, between answer and its end. What was accepted is in force there exactly
once (F10, F17)."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest

from gateway.sqlite_library import sqlite3
from tests.support.loyalty_platform import API_KEY, SECOND, SECRET_KEY, Platform, serving
from tests.support.processes.evidence import breaches, broken_promises, rows, stored_pairs
from tests.support.processes.gateway_process import Process, Settings
from tests.support.processes.load import CUSTOMERS, Attempt, History, load, pairs, until

pytestmark = pytest.mark.timeout(300)

_ROUNDS = 6
_LONG_ROUNDS = 100
_SHORTEST, _LONGEST = 0.1, 0.7
_LEASE = 31 * SECOND
_LONG = 11 * 60 * SECOND
_SPANS = (0, _LEASE, _LEASE, _LONG)
_AT_ONCE = 60
_CLIENTS = 2
_FATES = (None, None, None, "slow", "slow", "slow", "swallowed", "swallowed", "503")
_OPEN = "SELECT count(*) FROM delivery WHERE finished_at IS NULL"


@dataclass
class Ordeal:
    """All that was sent in all rounds, and in which states the kills found deliveries."""

    process: Process
    platform: Platform
    chance: random.Random
    history: History = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)


def _settings(platform: Platform) -> Settings:
    return {
        "gateway": {"mode": "forward"},
        "upstream": {"base_url": platform.url, "api_key": API_KEY, "secret_key": SECRET_KEY},
        "upstream.rates": {"customers_write": [200, 5_000]},
    }


async def _suffer(directory: Path, rounds: int) -> Ordeal:
    async with serving() as platform:
        platform.limits = False
        platform.slowness = 0.05
        platform.campaigns = dict.fromkeys(range(1, 1_000), 1)
        for customer_id in CUSTOMERS:
            platform.ensure(customer_id)
        ordeal = Ordeal(Process(directory, _settings(platform)), platform, random.Random(1))
        attempts = pairs()
        try:
            for _ in range(rounds):
                await _round(ordeal, attempts)
            await _wait_for_the_end(ordeal)
        finally:
            ordeal.process.kill()
        platform._grant_due()
        return ordeal


async def _round(ordeal: Ordeal, attempts: Iterator[Attempt]) -> None:
    """Load and lost answers, a kill in the middle, and a while in which nothing runs."""
    process, platform, chance = ordeal.process, ordeal.platform, ordeal.chance
    await asyncio.to_thread(process.start)
    platform.next.extend(chance.choices(_FATES, k=2 * _AT_ONCE))
    async with load(process, islice(attempts, _AT_ONCE), clients=_CLIENTS) as history:
        await asyncio.sleep(chance.uniform(_SHORTEST, _LONGEST))
        process.kill()
    ordeal.history += history
    platform.next.clear()
    ordeal.found.update(state for (state,) in rows(process.database, "SELECT state FROM delivery"))
    _let_pass(ordeal, chance.choice(_SPANS))


def _let_pass(ordeal: Ordeal, span: int) -> None:
    """Nothing runs for `span`: everything that was planned is so much nearer, everything that happened so much longer ago."""
    ordeal.platform.clock.advance(span)  # type: ignore[attr-defined]
    with contextlib.closing(sqlite3.connect(ordeal.process.database)) as connection, connection:
        connection.execute(
            "UPDATE delivery SET due_at = due_at - ?1, lease_until = lease_until - ?1, sent_at = sent_at - ?1"
            " WHERE finished_at IS NULL",
            (span,),
        )


async def _wait_for_the_end(ordeal: Ordeal) -> None:
    """Start once more and again after every while, until nothing is open."""
    for _ in range(60):
        _let_pass(ordeal, _LONG)
        await asyncio.to_thread(ordeal.process.start)
        with contextlib.suppress(TimeoutError):
            await until(lambda: _all_closed(ordeal.process), seconds=4)
        assert await asyncio.to_thread(ordeal.process.stop) == 0
        if _all_closed(ordeal.process):
            return


def _all_closed(process: Process) -> bool:
    return rows(process.database, _OPEN) == [(0,)]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(_ROUNDS, id=f"{_ROUNDS} kills"),
        pytest.param(_LONG_ROUNDS, id=f"{_LONG_ROUNDS} kills", marks=pytest.mark.soak),
    ],
)
def ordeal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ordeal:
    return asyncio.run(_suffer(tmp_path_factory.mktemp("outbox"), request.param))


def test_the_kills_fell_in_the_middle_of_the_sending(ordeal: Ordeal) -> None:
    assert {"pending", "sending", "delivered"} <= set(ordeal.found)


def test_what_was_accepted_is_delivered_and_nothing_else_is(ordeal: Ordeal) -> None:
    assert broken_promises(ordeal.process, ordeal.history) == []
    assert rows(ordeal.process.database, "SELECT DISTINCT state FROM achievement") == [("delivered",)]
    assert rows(ordeal.process.database, "SELECT DISTINCT state FROM delivery") == [("delivered",)]


def test_each_is_in_force_at_the_platform_exactly_once(ordeal: Ordeal) -> None:
    stored = stored_pairs(ordeal.process.database)
    in_force = Counter(
        {
            (customer_id, campaign): count
            for customer_id, customer in ordeal.platform.customers.items()
            for campaign, count in customer.achieved.items()
            if count
        }
    )
    assert in_force == stored


def test_every_delivery_has_its_one_event_and_the_chains_are_whole(ordeal: Ordeal) -> None:
    told = Counter(
        name
        for (name,) in rows(
            ordeal.process.database, "SELECT object FROM audit WHERE action = 'achievement.delivered'"
        )
    )
    assert set(told.values()) == {1}
    assert len(told) == rows(ordeal.process.database, "SELECT count(*) FROM achievement")[0][0]
    assert breaches(ordeal.process) == []
