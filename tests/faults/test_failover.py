"""PostgreSQL under Patroni fails over while 64 senders call two gateways: nothing acknowledged is lost or doubled, and both
gateways serve again by themselves. The cluster runs by the files in `deploy/patroni`."""

import asyncio
import contextlib
from dataclasses import dataclass

import pytest

from gateway.sqlite_library import sqlite3
from tests.support.cluster.failover import measured, ordeal
from tests.support.cluster.faults import FAULTS, another_primary
from tests.support.cluster.network import can_be_cut
from tests.support.cluster.senders import SENDERS, Senders
from tests.support.processes.gateway_process import Launch
from tests.support.processes.load import told, until

_SHORT = ("switchover", "kill -9 of PostgreSQL and Patroni")
_ROUNDS = 10
_POSSIBLE = [name for name, fault in FAULTS.items() if can_be_cut() or not fault.needs_a_wire]
pytestmark = pytest.mark.timeout(300)


@dataclass(slots=True, frozen=True)
class Survived:
    contradictions: list[str]
    unavailable: int
    """Calls that were told to come back."""


@pytest.fixture(scope="module")
def survived(tmp_path_factory: pytest.TempPathFactory) -> Survived:
    async def suffer() -> Survived:
        async with ordeal(tmp_path_factory.mktemp("failover")) as suffered:
            for name in _SHORT:
                await suffered.strike(FAULTS[name])
            senders = suffered.senders
            return Survived(await senders.contradictions(), told(senders.history, "unavailable"))

    return asyncio.run(suffer())


def test_a_switchover_and_a_killed_primary_lose_nothing_and_double_nothing(survived: Survived) -> None:
    assert survived.contradictions == []


def test_calls_without_a_primary_are_told_to_come_back(survived: Survived) -> None:
    """The control: there was a time without service."""
    assert survived.unavailable > 0


async def test_the_check_notices_a_lost_record_and_a_lost_achievement(prepare: Launch) -> None:
    """The control, without a cluster."""
    gateway = prepare().start()
    senders = Senders((gateway, gateway))
    async with senders.sending():
        await until(lambda: len(senders.introduced) >= SENDERS)
    assert await senders.contradictions() == []
    gateway.kill()
    with contextlib.closing(sqlite3.connect(gateway.database)) as connection, connection:
        connection.execute("DELETE FROM record WHERE customer_id = 'till-5-0'")
        connection.execute(
            "DELETE FROM achievement WHERE achievement_id = (SELECT MAX(achievement_id) FROM achievement)"
        )
    found = "\n".join(await senders.contradictions())
    assert "till-5-0 was acknowledged and is lost" in found
    assert "lost: the clients were told ['accepted']" in found


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", _POSSIBLE)
async def test_whatever_happens_to_the_cluster_nothing_is_lost_or_doubled(name: str) -> None:
    await measured(FAULTS[name], _ROUNDS)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [name for name in _POSSIBLE if FAULTS[name].has_shown is another_primary])
async def test_gateways_find_the_new_primary_without_haproxy(name: str) -> None:
    await measured(FAULTS[name], _ROUNDS // 3, directly=True)
