"""The faults of a cluster, and for how long each stops calls."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.cluster.cluster import Cluster, eventually
from tests.support.cluster.node import Node
from tests.support.cluster.senders import SENDERS, Senders

_SECONDS = 120.0
_LONGER_THAN_A_LEASE = 25.0


def _nothing(_: Cluster, __: Node) -> None: ...


def another_primary(cluster: Cluster, former: Node) -> bool:
    return cluster.has_another_primary_than(former)


def _another_standby(cluster: Cluster, former: Node) -> bool:
    return any(m["role"] == "sync_standby" and m["name"] != former.name for m in cluster.members())


def _at_once(_: Cluster, __: Node) -> bool:
    return True


def _others(cluster: Cluster, one: Node) -> list[Node]:
    return [node for node in cluster.nodes if node is not one]


def _stop_quorum(cluster: Cluster, primary: Node) -> None:
    for node in _others(cluster, primary):
        node.kill("etcd")


def _start_quorum(cluster: Cluster, primary: Node) -> None:
    for node in _others(cluster, primary):
        node.start_etcd()


@dataclass(slots=True, frozen=True)
class Fault:
    """`strike` the primary or the standby; `has_shown` says whether the cluster has noticed; `heal` afterwards."""

    strike: Callable[[Cluster, Node], None]
    has_shown: Callable[[Cluster, Node], bool] = another_primary
    heal: Callable[[Cluster, Node], None] = _nothing
    on_standby: bool = False
    needs_a_wire: bool = False
    """Can only happen where each machine has a network and a disk of its own, which only root can give it."""
    lasts: float = 0.0
    """Seconds at least until it is healed."""
    until_healed: bool = False
    """The cluster does not get over it by itself; the time counts from when it is healed."""


FAULTS: dict[str, Fault] = {
    "switchover": Fault(lambda cluster, _: cluster.switch_over()),
    "kill -9 of PostgreSQL and Patroni": Fault(
        lambda _, primary: primary.kill("patroni", "postgres"),
        heal=lambda _, primary: primary.start_patroni(),
    ),
    "kill -9 of PostgreSQL": Fault(lambda _, primary: primary.kill("postgres"), _at_once),
    "PostgreSQL and Patroni stopped (SIGSTOP)": Fault(
        lambda _, primary: primary.freeze("patroni", "postgres"),
        heal=lambda _, primary: primary.thaw("postgres", "patroni"),
    ),
    "Patroni alone stopped (SIGSTOP)": Fault(
        lambda _, primary: primary.freeze("patroni"), heal=lambda _, primary: primary.thaw("patroni")
    ),
    "primary cut off from etcd and standbys": Fault(
        lambda cluster, primary: cluster.network.cut(primary.number),
        heal=lambda cluster, primary: cluster.network.mend(primary.number),
        needs_a_wire=True,
    ),
    "standby stopped (SIGSTOP)": Fault(
        lambda _, standby: standby.freeze("postgres"),
        _another_standby,
        lambda _, standby: standby.thaw("postgres"),
        on_standby=True,
    ),
    "etcd without a quorum": Fault(
        _stop_quorum, lambda _, primary: primary.is_failsafe(), _start_quorum, lasts=_LONGER_THAN_A_LEASE
    ),
    "disk of the primary full, once there is room again": Fault(
        lambda _, primary: primary.fill(),
        lambda _, primary: primary.has_noticed_the_full_disk(),
        lambda _, primary: primary.clear(),
        needs_a_wire=True,
        until_healed=True,
    ),
}


async def strike(cluster: Cluster, senders: Senders, fault: Fault) -> float:
    """The fault, while the senders send; back when the cluster is whole again. Returns the seconds without service."""
    victim = await asyncio.to_thread(lambda: cluster.standby if fault.on_standby else cluster.primary)
    async with senders.sending():
        await _served(senders)
        since = time.monotonic()
        await asyncio.to_thread(fault.strike, cluster, victim)
        await eventually(lambda: fault.has_shown(cluster, victim), _SECONDS)
        await eventually(lambda: time.monotonic() > since + fault.lasts, _SECONDS)
        if fault.until_healed:
            since = time.monotonic()
        else:
            await _served(senders)
        await asyncio.to_thread(fault.heal, cluster, victim)
        await cluster.become_whole()
        await _served(senders)
        return senders.longest_silence(since, time.monotonic())


async def _served(senders: Senders) -> None:
    """Both gateways accept calls, as many as there are senders."""
    since = time.monotonic()
    await eventually(lambda: 2 * senders.accepted_by_each(since) >= SENDERS, _SECONDS)
