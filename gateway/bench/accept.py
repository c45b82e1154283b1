"""Durable accepts over loopback, one gateway process against a bare aiohttp handler in the same rounds: throughput and CPU in
closed loops, added latency in an open one at a quarter of the gateway's own capacity. Afterwards every 202 must be one
achievement and one audit event.

The added p99 is compared with what it is made of: `f`, the p99 of an fsync on the same disk, and `u`, the CPU of a bare request.
"""

from pathlib import Path
from typing import NamedTuple

from gateway.bench.database import Database
from gateway.bench.figures import Figure, Target, differences, quantile, ratios, spread
from gateway.bench.load import Run
from gateway.bench.machine import sync_times
from gateway.bench.population import build
from gateway.bench.rounds import CEILING, Lane, Session, Shape, alternate, warm
from gateway.bench.subjects import bare, gateway
from gateway.bench.tables import counts, verify
from gateway.bench.workload import FIRST_CAMPAIGN, Workload

GATED_CONNECTIONS = 64
CLIENT_BOUND = 0.9
SHARE = 0.25
"""Latency is measured at this share of the gateway's capacity."""
FASTEST = Shape(rate=SHARE * CEILING)
"""The most calls that a measurement may make. Requests are prepared for it, because the capacity is not known yet."""
_FSYNCS = 200


class _Targets(NamedTuple):
    ratio: Target
    cpu_ratio: Target | None
    added_p99: Target | None


_OF_A_FILE = _Targets(
    Target("at least", 0.36, goal=0.45), Target("at least", 0.38, goal=0.45), Target("at most", 1.0)
)
_OF_A_SERVER = _Targets(Target("at least", 0.24), None, None)
"""The server shares the cores, and each commit is a round trip."""


def _targets(session: Session) -> _Targets:
    return _OF_A_SERVER if session.options.db else _OF_A_FILE


def accept(session: Session) -> list[Figure]:
    options = session.options
    directory = session.directory / "accept"
    closed = [Shape(connections) for connections in (*options.connections, GATED_CONNECTIONS)]
    workload, database = prepare(session, directory, options.profiles, [*closed, FASTEST])
    before = counts(database)
    with bare(directory) as yardstick, gateway(directory, database, campaigns=workload.last) as subject:
        lanes = [Lane(yardstick, workload, repeat=True), Lane(subject, workload)]
        warm(session, "accept", lanes)
        figures: list[Figure] = []
        for shape in closed[:-1]:
            figures += _throughput(session, shape, *alternate(session, "accept", lanes, shape))
        base, runs = alternate(session, "accept", lanes, closed[-1])
        figures += _throughput(session, closed[-1], base, runs)
        figures += _latency(session, lanes, base, quarter(runs))
    verify(database, before, lanes[1].accepted)
    return figures


def quarter(runs: list[Run]) -> Shape:
    """Open-loop calls at a quarter of what these runs answered."""
    return Shape(rate=round(SHARE * spread(rates(runs)).median))


def prepare(
    session: Session, directory: Path, people: int, shapes: list[Shape], first: int = FIRST_CAMPAIGN
) -> tuple[Workload, Database]:
    """A migrated database with `people` in it, and enough pairs for a warm-up and for every round of the shapes."""
    directory.mkdir()
    options = session.options
    pairs = Shape().most(options.seconds) + options.rounds * sum(s.most(options.seconds) for s in shapes)
    workload = Workload.shuffled(people, pairs, directory / "pairs.bin", first)
    database = session.databases.new(directory)
    with gateway(directory, database, campaigns=workload.last, name="migrate"):
        pass
    with session.step(f"{people:,} profiles"):
        build(database, people)
    return workload, database


def _throughput(session: Session, shape: Shape, base: list[Run], runs: list[Run]) -> list[Figure]:
    gated = shape.connections == GATED_CONNECTIONS
    return [
        Figure(
            f"accept / bare handler, {shape}",
            "ratio",
            ratios(rates(runs), rates(base)),
            _targets(session).ratio if gated else None,
            client_bound([*base, *runs]),
        ),
        Figure(
            f"accept / bare by CPU, {shape}",
            "ratio",
            ratios([run.server_cpu for run in base], [run.server_cpu for run in runs]),
            _targets(session).cpu_ratio if gated else None,
        ),
        Figure(f"accepts, {shape}", "1/s", rates(runs)),
        Figure(f"bare handler, {shape}", "1/s", rates(base)),
        Figure(f"CPU per accept, {shape}", "µs", [run.server_cpu for run in runs]),
        Figure(f"CPU per bare request, {shape}", "µs", [run.server_cpu for run in base]),
    ]


def _latency(session: Session, lanes: list[Lane], closed: list[Run], shape: Shape) -> list[Figure]:
    """`closed` are the bare handler's runs in a closed loop."""
    fsyncs = [_fsync_p99(session.directory) for _ in closed]
    base, runs = alternate(session, "accept", lanes, shape)
    added = differences([run.p99 for run in runs], [run.p99 for run in base])
    allowed = [2 * f + 40 * run.server_cpu / 1e3 for f, run in zip(fsyncs, closed, strict=True)]
    return [
        Figure(
            "accept, added p99 / (2 f + 40 u)", "ratio", ratios(added, allowed), _targets(session).added_p99
        ),
        Figure("accept, added p99 at a quarter of capacity", "ms", added),
        Figure(
            "accept, added p50 at a quarter of capacity",
            "ms",
            differences([run.p50 for run in runs], [run.p50 for run in base]),
        ),
        Figure("accept p99 at a quarter of capacity", "ms", [run.p99 for run in runs]),
        Figure("a quarter of capacity", "1/s", [shape.rate]),
        Figure("f, fsync p99", "ms", fsyncs),
    ]


def _fsync_p99(directory: Path) -> float:
    return quantile(sorted(sync_times(directory, _FSYNCS)), 0.99)


def rates(runs: list[Run]) -> list[float]:
    return [run.per_second for run in runs]


def client_bound(runs: list[Run]) -> str:
    return "client-bound" if any(run.busy > CLIENT_BOUND for run in runs) else ""
