"""Two gateways on a cluster, with senders that keep them busy whatever happens to it.

`python -m tests.support.cluster.failover --rounds 10 [FAULT …]` prints how long no call is served, fault by fault, and fails if
anything acknowledged was lost or doubled. `--directly` leaves HAProxy out. FAULT is a part of a fault's name.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from tests.support.cluster.cluster import Cluster, cluster
from tests.support.cluster.faults import FAULTS, Fault, strike
from tests.support.cluster.network import can_be_cut
from tests.support.cluster.senders import Senders
from tests.support.processes.gateway_process import Process


@dataclass(slots=True, frozen=True)
class Ordeal:
    cluster: Cluster
    senders: Senders

    async def strike(self, fault: Fault) -> float:
        return await strike(self.cluster, self.senders, fault)


@contextlib.asynccontextmanager
async def ordeal(directory: Path, *, directly: bool = False) -> AsyncGenerator[Ordeal]:
    """The gateways reach the database through HAProxy, or find the primary themselves."""
    async with cluster() as made:
        settings = {
            "server": {"secret_file": str(directory / "secret")},
            "store": {"url": made.direct_url if directly else made.url},
            "achievements": {"dedup_window": "1d"},
        }
        gateways = (Process(directory / "gateway-1", settings), Process(directory / "gateway-2", settings))
        try:
            for gateway in gateways:
                await asyncio.to_thread(gateway.start)
            yield Ordeal(made, Senders(gateways))
        finally:
            for gateway in gateways:
                gateway.kill()


async def measured(fault: Fault, rounds: int, *, directly: bool = False) -> list[float]:
    """Seconds without service, round by round. Raises AssertionError if a promise was broken."""
    with tempfile.TemporaryDirectory() as directory:
        async with ordeal(Path(directory), directly=directly) as suffered:
            seconds = [await suffered.strike(fault) for _ in range(rounds)]
            assert await suffered.senders.contradictions() == []
    return seconds


async def _print_figures(wanted: list[str], rounds: int, *, directly: bool) -> None:
    sys.stdout.write(f"| Fault | Median of {rounds} | Worst |\n|---|---|---|\n")
    possible = {name: fault for name, fault in FAULTS.items() if can_be_cut() or not fault.needs_a_wire}
    for name, fault in possible.items():
        if not wanted or any(part in name for part in wanted):
            seconds = await measured(fault, rounds, directly=directly)
            sys.stdout.write(f"| {name} | {statistics.median(seconds):.1f} s | {max(seconds):.1f} s |\n")
            sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--directly", action="store_true", help="without HAProxy")
    parser.add_argument("fault", nargs="*")
    given = parser.parse_args()
    asyncio.run(_print_figures(given.fault, given.rounds, directly=given.directly))


if __name__ == "__main__":
    main()
