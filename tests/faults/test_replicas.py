"""Three gateways on one replicated PostgreSQL, with everything that can happen to them at once: they are killed, the primary fails
over, the rules change. One run; each test reads one promise from what it left behind (F05, F24, I14)."""

import asyncio
import contextlib
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rules.language.parse import preset
from tests.support.processes.client import call, customer_request, request
from tests.support.processes.cluster import Cluster, replicated
from tests.support.processes.evidence import (
    all_decided,
    breaches,
    broken_grants,
    broken_promises,
    rows,
    stored_pairs,
    unrecorded_changes,
)
from tests.support.processes.gateway_process import ADMIN_TOKEN, Process
from tests.support.processes.load import (
    Attempt,
    History,
    introduce_customers,
    load,
    pairs,
    send_all,
)

_REPLICAS = 3
_CLIENTS = 64
_ROUNDS = 6
_LONG_ROUNDS = 60
_RACED = range(100_001, 100_021)
_TWINS = 20
_SHORTEST, _LONGEST = 0.2, 0.8


@dataclass
class Ordeal:
    """All that was sent, how often what happened, and what the pairs that all replicas reported at once were told."""

    cluster: Cluster
    replicas: list[Process]
    chance: random.Random
    history: History = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    raced: History = field(default_factory=list)

    @property
    def one(self) -> Process:
        return self.replicas[0]


async def _suffer(ordeal: Ordeal, rounds: int) -> None:
    for replica in ordeal.replicas:
        replica.start()
    await introduce_customers(ordeal.one)
    await _introduce_twins(ordeal)
    await _race(ordeal)
    attempts = pairs()
    events = itertools.cycle(("kill", "fail over", "new rules", "kill", "stop", "kill"))
    for _ in range(rounds):
        await _round(ordeal, attempts, next(events))
    await all_decided(ordeal.one)
    for replica in ordeal.replicas:
        assert replica.stop() == 0


async def _introduce_twins(ordeal: Ordeal) -> None:
    """The same person under another id at every gateway at the same moment."""
    requests = [
        (replica, customer_request(f"twin-{number}-{place}", mobile=f"+20100412{number:04d}"))
        for number in range(_TWINS)
        for place, replica in enumerate(ordeal.replicas)
    ]
    answers = await asyncio.gather(*(call(replica.port, data) for replica, data in requests))
    assert {answer.status for answer in answers} == {200}


async def _race(ordeal: Ordeal) -> None:
    """64 reports of the same achievement at once, spread over all gateways."""
    for campaign_id in _RACED:
        sent = [[Attempt("customer-1", campaign_id) for _ in range(_CLIENTS)] for _ in ordeal.replicas]
        told = [
            send_all(replica, some[place :: len(ordeal.replicas)], clients=_CLIENTS // _REPLICAS)
            for place, (replica, some) in enumerate(zip(ordeal.replicas, sent, strict=True))
        ]
        for history in await asyncio.gather(*told):
            ordeal.raced += history


async def _round(ordeal: Ordeal, attempts: Iterator[Attempt], event: str) -> None:
    """Load on all of them, something happens in the middle, and whatever has no definite answer is sent to another one."""
    victim = ordeal.chance.choice(ordeal.replicas)
    async with contextlib.AsyncExitStack() as stack:
        histories = [
            await stack.enter_async_context(load(replica, attempts, _CLIENTS // _REPLICAS))
            for replica in ordeal.replicas
        ]
        await asyncio.sleep(ordeal.chance.uniform(_SHORTEST, _LONGEST))
        await _happen(ordeal, event, victim)
        await asyncio.sleep(ordeal.chance.uniform(_SHORTEST, _LONGEST))
    ordeal.happened[event] += 1
    if event in ("kill", "stop"):
        victim.start()
    sent = [attempt for history in histories for attempt in history]
    await _until_every_gateway_takes_calls(ordeal)
    again = [attempt.again() for attempt in sent if attempt.verdict in ("unknown", "unavailable")]
    ordeal.happened["without an answer"] += sum(attempt.verdict == "unknown" for attempt in sent)
    ordeal.history += sent + await send_all(ordeal.chance.choice(ordeal.replicas), again)


async def _happen(ordeal: Ordeal, event: str, victim: Process) -> None:
    if event == "kill":
        victim.kill()
    elif event == "stop":
        await asyncio.to_thread(victim.stop)
    elif event == "fail over" and not ordeal.happened[event]:
        await asyncio.to_thread(ordeal.cluster.fail_over)
    else:
        await _activate_rules(ordeal, victim)


async def _activate_rules(ordeal: Ordeal, replica: Process) -> None:
    """Any answer will do: while the primary is away there is none."""
    version = f"round-{sum(ordeal.happened.values())}"
    text = preset("email-or-mobile").replace('version = "', f'version = "{version}.', 1)
    text = text.replace("[rules]\n", '[rules]\nactivation = "immediate"\n', 1)
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Host": f"127.0.0.1:{replica.admin_port}"}
    stored = await call(
        replica.admin_port,
        request(
            "POST",
            "/admin/v1/rules",
            text.encode(),
            {**headers, "Content-Type": "application/toml"},
            keys=False,
        ),
    )
    ordeal.happened[f"rules {stored.status}"] += 1


async def _until_every_gateway_takes_calls(ordeal: Ordeal) -> None:
    """Raises TimeoutError when one does not within 15 s."""
    for replica in ordeal.replicas:
        async with asyncio.timeout(15):
            while (await call(replica.port, customer_request("customer-0"))).status != 200:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(_ROUNDS, id=f"{_ROUNDS} rounds"),
        pytest.param(_LONG_ROUNDS, id=f"{_LONG_ROUNDS} rounds", marks=pytest.mark.soak),
    ],
)
def ordeal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    directory = tmp_path_factory.mktemp("replicas")
    with replicated() as cluster:
        replicas = [_replica(directory, number, cluster) for number in range(_REPLICAS)]
        suffered = Ordeal(cluster, replicas, random.Random(1))
        try:
            asyncio.run(_suffer(suffered, request.param))
            yield suffered
        finally:
            for replica in replicas:
                replica.kill()


def _replica(directory: Path, number: int, cluster: Cluster) -> Process:
    settings = {
        "server": {"secret_file": str(directory / "secret")},
        "store": {"url": cluster.url},
        "achievements": {"grant_delay": ["0s", "2s"], "dedup_window": "1h"},
    }
    return Process(directory / f"gateway-{number}", settings)


def test_no_acknowledged_achievement_is_lost_and_none_is_doubled(ordeal: Ordeal) -> None:
    assert broken_promises(ordeal.one, ordeal.history + ordeal.raced) == []


def test_every_planned_fault_happened(ordeal: Ordeal) -> None:
    assert ordeal.happened["fail over"] >= 1
    assert ordeal.happened["kill"] >= 2
    assert ordeal.happened["without an answer"] > 0
    assert any(name.startswith("rules 20") for name in ordeal.happened)


def test_of_64_reports_at_once_at_three_gateways_one_is_accepted(ordeal: Ordeal) -> None:
    accepted: defaultdict[int, list[str]] = defaultdict(list)
    for attempt in ordeal.raced:
        accepted[attempt.campaign_id].append(attempt.verdict)
    for verdicts in accepted.values():
        told = Counter(verdicts)
        assert told["accepted"] == 1, told
        assert set(told) <= {"accepted", "duplicate", "unavailable"}


def test_i14_one_person_at_three_gateways_at_once_is_one_profile(ordeal: Ordeal) -> None:
    found = rows(
        ordeal.one.place,
        "SELECT COUNT(DISTINCT profile_id) FROM record WHERE customer_id LIKE 'twin-%' GROUP BY SPLIT_PART(customer_id, '-', 2)",
    )
    assert found == [(1,)] * _TWINS


def test_no_merge_is_unexplained(ordeal: Ordeal) -> None:
    merges = rows(ordeal.one.place, "SELECT COUNT(*) FROM merge")[0][0]
    told = rows(ordeal.one.place, "SELECT detail FROM audit WHERE action = 'identity.merged'")
    assert sum(detail.count('"prf_') for (detail,) in told) >= merges


def test_every_achievement_is_decided_once_and_never_early(ordeal: Ordeal) -> None:
    assert broken_grants(ordeal.one) == []


def test_there_is_no_change_without_its_event_and_no_event_without_its_change(ordeal: Ordeal) -> None:
    assert unrecorded_changes(ordeal.one) == []


def test_the_audit_chains_of_all_gateways_are_whole(ordeal: Ordeal) -> None:
    assert breaches(ordeal.one) == []


def test_what_was_stored_is_what_was_sent(ordeal: Ordeal) -> None:
    sent = {attempt.pair for attempt in ordeal.history + ordeal.raced}
    assert set(stored_pairs(ordeal.one.place)) <= sent
