"""What an operator does to three replicas while they serve: keys are rotated and revoked, and one after the other is stopped
and started again. No proper call is turned away in the meantime (F37, F44)."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.support.postgresql import PostgresServer
from tests.support.processes.client import CUSTOMERS, Answer, HttpConnection, call, request
from tests.support.processes.evidence import all_decided, findings, stored_pairs
from tests.support.processes.gateway_process import ADMIN_TOKEN, API_KEY, SECRET_KEY, Process
from tests.support.processes.load import (
    Attempt,
    History,
    introduce_customers,
    load,
    pairs,
    told,
    unanswered,
    until,
)

_REPLICAS = 3
_REVOKED_WITHIN = 5.0
_SECONDS_TO_STOP = 30.0
_SOME = 100
_CLIENTS = 6
Replicas = list[Process]


@pytest.fixture(scope="module")
def replicas(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    directory = tmp_path_factory.mktemp("rolling")
    settings = {
        "server": {"secret_file": str(directory / "secret")},
        "store": {"url": postgres.url(postgres.fresh())},
        "achievements": {"grant_delay": ["0s", "2s"], "dedup_window": "1h"},
    }
    made = [Process(directory / f"gateway-{number}", settings) for number in range(_REPLICAS)]
    try:
        with ThreadPoolExecutor() as threads:
            list(threads.map(Process.start, made))
        yield made
    finally:
        for replica in made:
            replica.kill()


# ---- keys ----


class Keys(NamedTuple):
    """A pair that was issued; "" is the id of the one in the configuration."""

    id: str
    api_key: str
    secret_key: str

    def request(self) -> bytes:
        given = {"apikey": self.api_key, "secretkey": self.secret_key}
        body = json.dumps({"customerId": "customer-0"}).encode()
        return request("POST", CUSTOMERS, body, given, keys=False)


async def _admin(replica: Process, method: str, path: str, body: bytes = b"") -> Answer:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Host": "localhost"}
    return await call(replica.admin_port, request(method, f"/admin/v1/keys{path}", body, headers, keys=False))


async def _issue(replica: Process) -> Keys:
    answer = await _admin(replica, "POST", "", b'{"channel": "web"}')
    assert answer.status in (200, 201), answer
    said = json.loads(answer.body)
    return Keys(said["id"], said["api_key"], said["secret_key"])


async def _statuses(replicas: Replicas, keys: Keys) -> set[int]:
    answers = await asyncio.gather(*(call(replica.port, keys.request()) for replica in replicas))
    return {answer.status for answer in answers}


async def _everywhere(replicas: Replicas, keys: Keys, status: int) -> None:
    """Raises TimeoutError when the pair is not answered so by every replica within five seconds."""
    async with asyncio.timeout(_REVOKED_WITHIN):
        while await _statuses(replicas, keys) != {status}:  # noqa: ASYNC110 - it becomes so in other processes
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def _calling(replicas: Replicas, keys: Keys) -> AsyncGenerator[Counter[int]]:
    """Calls with the pair at every replica as long as the block lasts, counted by their status."""
    counted, stopping = Counter[int](), asyncio.Event()

    async def use(replica: Process) -> None:
        async with HttpConnection(replica.port) as connection:
            while not stopping.is_set():
                answer = await connection.call(keys.request())
                counted[answer.status if answer is not None else 0] += 1

    async with asyncio.TaskGroup() as group:
        for replica in replicas:
            group.create_task(use(replica))
        yield counted
        stopping.set()


@pytest.mark.parametrize("rotations", [1, pytest.param(50, marks=pytest.mark.soak)])
async def test_f37_keys_are_rotated_under_load_and_a_revoked_pair_is_dead_everywhere(
    replicas: Replicas, rotations: int
) -> None:
    old = await _issue(replicas[0])
    await _everywhere(replicas, old, 200)
    for number in range(rotations):
        async with _calling(replicas, old) as with_old:
            new = await _issue(replicas[number % _REPLICAS])
            await _everywhere(replicas, new, 200)
            async with _calling(replicas, new) as with_new:
                await until(lambda: min(with_old[200], with_new[200]) > _SOME)
        async with _calling(replicas, new) as alone:
            assert (await _admin(replicas[(number + 1) % _REPLICAS], "DELETE", f"/{old.id}")).status == 200
            await _everywhere(replicas, old, 401)
            await until(lambda: alone[200] > _SOME)
            assert await _statuses(replicas, old) == {401}
        assert with_old.keys() | with_new.keys() | alone.keys() == {200}
        old = new
    await _admin(replicas[0], "DELETE", f"/{old.id}")
    assert await _statuses(replicas, Keys("", API_KEY, SECRET_KEY)) == {200}


# ---- stops ----


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.soak)])
async def test_f44_replicas_that_are_stopped_one_after_the_other_under_load_lose_nothing(
    replicas: Replicas, rounds: int
) -> None:
    await introduce_customers(replicas[0])
    history, attempts = [], pairs()
    for _ in range(rounds):
        for replica in replicas:
            history += await _stop_under_load(replicas, replica, attempts)
            await asyncio.to_thread(replica.start)
    await all_decided(replicas[0])
    stored = stored_pairs(replicas[0].place)
    assert [attempt.pair for attempt in unanswered(history) if stored[attempt.pair]] == []
    assert told(history, "unexpected") == 0
    assert findings(replicas[0], history) == []


async def _stop_under_load(replicas: Replicas, stopped: Process, attempts: Iterator[Attempt]) -> History:
    async with contextlib.AsyncExitStack() as stack:
        histories = [
            await stack.enter_async_context(load(replica, attempts, _CLIENTS)) for replica in replicas
        ]
        await until(lambda: min(told(history, "accepted") for history in histories) > _SOME)
        stopped.terminate()
        asked_at = time.monotonic()
        assert await asyncio.to_thread(stopped.wait, _SECONDS_TO_STOP) == 0
        others = [
            history for replica, history in zip(replicas, histories, strict=True) if replica is not stopped
        ]
        for history in others:
            served = told(history, "accepted")
            await until(lambda served=served, history=history: told(history, "accepted") > served)
            assert {attempt.verdict for attempt in history if asked_at < attempt.sent_at} <= {
                "accepted",
                "unknown",
            }
    return [attempt for history in histories for attempt in history]
