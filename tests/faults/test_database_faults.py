"""What happens between a gateway and PostgreSQL: a standby that does not answer, a server that only reads, broken
connections, a cut wire. Whatever it is, no answer promises what the database does not hold (F25, F26, F27, F29)."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.store.postgres.hosts import Hosts
from tests.support.processes.client import Answer, achieve_request, admin_request, call, customer_request
from tests.support.processes.cluster import Cluster, replicated, wired
from tests.support.processes.evidence import all_decided, findings, rows
from tests.support.processes.gateway_process import Process
from tests.support.processes.load import Attempt, History, introduce_customers, load, pairs, send_all

_KILLS = 15
_LONG_KILLS = 500
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
_OURS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'loyalty-gateway'"
Start = Callable[[str], Awaitable[Process]]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with replicated() as made:
        yield made


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[Start]:
    """`gateways(url)`: one more gateway on that database."""
    made: list[Process] = []

    async def start(url: str) -> Process:
        settings = {
            "server": {"secret_file": str(tmp_path / "secret")},
            "store": {"url": url},
            "achievements": {"grant_delay": ["0s", "0s"], "dedup_window": "1h"},
        }
        process = Process(tmp_path / f"gateway-{len(made)}", settings)
        made.append(process)
        return await asyncio.to_thread(process.start)

    yield start
    for process in made:
        process.kill()


async def sql(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def soon(condition: Callable[[], Awaitable[object]], seconds: float = 30) -> None:
    """Come back when the awaited condition holds. Raises TimeoutError when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it holds in another process
            await asyncio.sleep(0.05)


async def is_taken(process: Process) -> bool:
    return (await call(process.port, customer_request("customer-0"))).status == 200


def here(port: int) -> str:
    return f"postgresql://gateway@127.0.0.1:{port}/postgres"


# ---- a standby that does not answer ----


async def test_f25_what_did_not_reach_the_standby_is_never_acknowledged_nor_is_its_repeat(
    cluster: Cluster, gateways: Start
) -> None:
    """The waiting commit is cancelled, so the row is there and visible, and lost with the primary."""
    gateway = await gateways(cluster.url)
    assert await is_taken(gateway)
    cluster.standby.stop()
    asking = achieve_request("customer-0", 1, "key-1")
    answers = [await _cancelled(cluster, gateway, asking) for _ in range(2)]
    assert [answer.status for answer in answers] == [503, 503]
    seen = cluster.primary.sql("SELECT COUNT(*) FROM achievement")
    assert int(seen) >= 1, (
        "the control: it was committed and can be seen, as a careless gateway would believe"
    )
    cluster.primary.stop()
    cluster.standby.start()
    cluster.standby.promote()
    assert cluster.standby.sql("SELECT COUNT(*) FROM achievement") == "0"


async def _cancelled(cluster: Cluster, gateway: Process, data: bytes) -> Answer:
    asked = asyncio.create_task(call(gateway.port, data))
    while not asked.done():
        for (pid,) in await sql(here(cluster.primary.port), _WAITING):
            await sql(here(cluster.primary.port), f"SELECT pg_cancel_backend({pid})")
        await asyncio.sleep(0.05)
    return await asked


# ---- a server that only reads ----


async def test_f26_a_server_that_turned_read_only_is_left_at_once_and_found_again(
    cluster: Cluster, gateways: Start
) -> None:
    """Behind one address, as behind a virtual IP: the connections stay alive and lead to a standby."""
    async with wired(cluster.primary.port) as wire:
        gateway = await gateways(here(wire.port))
        assert await is_taken(gateway)
        wire.target = cluster.standby.port
        cluster.wait_for_standby(False)
        for (pid,) in await sql(here(cluster.primary.port), _OURS):
            await sql(here(cluster.primary.port), f"SELECT pg_terminate_backend({pid})")
        answer = await call(gateway.port, customer_request("customer-1"))
        assert answer.status == 503
        assert (await call(gateway.admin_port, admin_request("/readyz"))).status == 503
        await asyncio.to_thread(cluster.fail_over)
        await soon(lambda: is_taken(gateway))


# ---- broken connections ----


@pytest.mark.parametrize("kills", [_KILLS, pytest.param(_LONG_KILLS, marks=pytest.mark.soak)])
async def test_f27_whatever_connections_break_under_load_nothing_is_lost_or_doubled(
    cluster: Cluster, gateways: Start, kills: int
) -> None:
    gateway, chance = await gateways(cluster.url), random.Random(1)
    await introduce_customers(gateway)
    server = await asyncpg.connect(here(cluster.primary.port))
    async with load(gateway, pairs()) as history:
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.02, 0.15))
            for (pid,) in await server.fetch(_OURS):
                await server.fetchval("SELECT pg_terminate_backend($1)", pid)
    await server.close()
    await soon(lambda: is_taken(gateway))
    open_ones = [attempt.again() for attempt in history if attempt.verdict in ("unknown", "unavailable")]
    assert open_ones, "the control: some calls met a broken connection"
    history += await send_all(gateway, open_ones)
    await all_decided(gateway)
    assert findings(gateway, history) == []


# ---- a cut wire ----


async def test_f29_a_gateway_that_is_cut_off_answers_503_and_the_others_go_on(
    cluster: Cluster, gateways: Start
) -> None:
    async with wired(cluster.primary.port) as wire:
        urls = (here(wire.port), cluster.url, cluster.url)
        apart, *others = await asyncio.gather(*(gateways(url) for url in urls))
        await introduce_customers(others[0])
        assert await is_taken(apart)
        wire.cut()
        cut_off = asyncio.create_task(call(apart.port, achieve_request("customer-1", 1, "key-1")))
        history = await _everybody_else(others)
        assert {attempt.verdict for attempt in history} <= {"accepted", "unavailable"}
        assert any(attempt.verdict == "accepted" for attempt in history)
        assert (await cut_off).status == 503
        wire.mend()
        await soon(lambda: is_taken(apart))
        repeated = await send_all(apart, [Attempt("customer-1", 1, "key-1")])
        assert repeated[0].verdict == "accepted"
        await all_decided(others[0])
        assert rows(
            others[0].place,
            "SELECT COUNT(*) FROM achievement JOIN record USING (record_id)"
            " WHERE customer_id = 'customer-1' AND campaign_id = 1",
        ) == [(1,)]


async def _everybody_else(others: list[Process]) -> History:
    history: History = []
    for place, gateway in enumerate(others):
        some = [Attempt(f"customer-{number}", 2 + place) for number in range(50)]
        history += await send_all(gateway, some)
    return history


async def test_a_wire_that_is_cut_is_a_cut_wire(cluster: Cluster) -> None:
    """The control: nothing comes through, and nothing says so."""
    async with wired(cluster.primary.port) as wire:
        connection = await asyncpg.connect(here(wire.port))
        assert await connection.fetchval("SELECT 1") == 1
        wire.cut()
        with pytest.raises(TimeoutError):
            await connection.fetchval("SELECT 1", timeout=0.5)
        connection.terminate()


# ---- a silent host ----


async def test_a_server_that_is_silent_does_not_keep_a_gateway_from_the_next_one(
    cluster: Cluster, gateways: Start
) -> None:
    """A machine without power: it refuses nothing, and says nothing."""
    async with wired(cluster.primary.port) as silent:
        silent.cut()
        hosts = f"127.0.0.1:{silent.port},127.0.0.1:{cluster.primary.port}"
        gateway = await gateways(f"postgresql://gateway@{hosts}/postgres")
        assert await is_taken(gateway)


async def test_after_a_failure_the_other_servers_are_asked_first(cluster: Cluster) -> None:
    """A primary that was replaced may still say that it is the primary."""
    async with wired(cluster.primary.port) as one, wired(cluster.primary.port) as other:
        hosts = Hosts(f"postgresql://gateway@127.0.0.1:{one.port},127.0.0.1:{other.port}/postgres")

        async def asked() -> tuple[int, int]:
            await (await hosts.connect()).close()
            return one.connections, other.connections

        assert [await asked(), await asked()] == [(1, 0), (2, 0)]
        hosts.prefer_others()
        hosts.prefer_others()
        assert [await asked(), await asked()] == [(2, 1), (2, 2)]
