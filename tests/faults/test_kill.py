"""`kill -9` under load, again and again: between two system calls, in the middle of a batch, between a commit and its
answers, with a backlog of grants. One run of many rounds; each test reads one promise from what it left behind."""

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.support.processes.evidence import (
    all_decided,
    answers_of_one_key,
    breaches,
    broken_grants,
    broken_promises,
    stored_pairs,
    unrecorded_changes,
)
from tests.support.processes.gateway_process import Process
from tests.support.processes.load import (
    Attempt,
    History,
    introduce_customers,
    load,
    pairs,
    send_all,
    unanswered,
)

_ROUNDS = 12
_LONG_ROUNDS = 500
_SHORTEST, _LONGEST = 0.02, 0.3
_REPEATED = 8


@dataclass
class Ordeal:
    """All that was sent in all rounds, how much of it a kill left unanswered, and how much of that had been stored."""

    process: Process
    chance: random.Random
    history: History = field(default_factory=list)
    unanswered: int = 0
    torn: int = 0


async def _suffer(ordeal: Ordeal, rounds: int) -> None:
    attempts = pairs()
    ordeal.process.start()
    await introduce_customers(ordeal.process)
    for number in range(rounds):
        await _round(ordeal, attempts, in_commit=bool(number % 2))
    await all_decided(ordeal.process)
    assert ordeal.process.stop() == 0


async def _round(ordeal: Ordeal, attempts: Iterator[Attempt], *, in_commit: bool) -> None:
    """Load, a kill in the middle, a restart, and every unanswered request sent again, twice."""
    process = ordeal.process
    async with load(process, attempts) as history:
        await asyncio.sleep(ordeal.chance.uniform(_SHORTEST, _LONGEST))
        if in_commit:
            await _next_commit(process)
        process.kill()
    lost = unanswered(history)
    stored = stored_pairs(process.database)
    ordeal.unanswered += len(lost)
    ordeal.torn += sum(stored[attempt.pair] for attempt in lost)
    process.start()
    repeated = [attempt.again() for attempt in [*lost, *history[:_REPEATED]] for _ in range(2)]
    ordeal.history += history + await send_all(process, repeated, clients=1)


async def _next_commit(process: Process) -> None:
    """Come back right after the next write to the database's log: a batch is written, its answers are not yet out."""
    log = process.database.with_name("gateway.db-wal")
    before = log.stat().st_mtime_ns
    while log.stat().st_mtime_ns == before:  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(_ROUNDS, id=f"{_ROUNDS} kills"),
        pytest.param(_LONG_ROUNDS, id=f"{_LONG_ROUNDS} kills", marks=pytest.mark.soak),
    ],
)
def ordeal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    suffered = Ordeal(Process(tmp_path_factory.mktemp("kill")), random.Random(1))
    try:
        asyncio.run(_suffer(suffered, request.param))
        yield suffered
    finally:
        suffered.process.kill()


def test_no_acknowledged_achievement_is_lost_and_none_is_doubled(ordeal: Ordeal) -> None:
    assert broken_promises(ordeal.process, ordeal.history) == []


def test_the_kills_fell_between_commits_and_their_answers(ordeal: Ordeal) -> None:
    assert 0 < ordeal.torn < ordeal.unanswered


def test_a_repeat_after_the_kill_gets_a_definite_answer(ordeal: Ordeal) -> None:
    answers = {(attempt.key != "", attempt.verdict) for attempt in ordeal.history if attempt.answer}
    assert answers == {(True, "accepted"), (False, "accepted"), (False, "duplicate")}


def test_an_idempotency_key_gets_the_same_bytes_before_and_after_the_kill(ordeal: Ordeal) -> None:
    bodies = answers_of_one_key(ordeal.history)
    for attempt in ordeal.history:
        if attempt.key:
            [body] = bodies[attempt.key]
            assert json.loads(body) == {"customerId": attempt.customer_id, "challengeId": attempt.campaign_id}


def test_every_achievement_is_decided_once_and_never_early(ordeal: Ordeal) -> None:
    assert broken_grants(ordeal.process) == []


def test_i15_there_is_no_change_without_its_event_and_no_event_without_its_change(ordeal: Ordeal) -> None:
    assert unrecorded_changes(ordeal.process) == []


def test_the_audit_chains_and_the_file_are_whole(ordeal: Ordeal) -> None:
    assert breaches(ordeal.process) == []
