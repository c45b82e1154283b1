"""Durable accepts over loopback, one gateway process against a bare aiohttp handler in the same rounds:
throughput and CPU in closed loops, added latency in open ones. Afterwards every 202 must be one achievement
and one audit event."""

from pathlib import Path
from typing import NamedTuple

from gateway.bench.database import Database
from gateway.bench.figures import Figure, Target, differences, ratios
from gateway.bench.load import Run
from gateway.bench.population import build
from gateway.bench.rounds import Lane, Session, Shape, alternate, warm
from gateway.bench.subjects import bare, gateway
from gateway.bench.tables import counts, verify
from gateway.bench.workload import FIRST_CAMPAIGN, Workload

GATED_CONNECTIONS = 64
CLIENT_BOUND = 0.9


class _Targets(NamedTuple):
    ratio: Target
    cpu_ratio: Target
    added_p99: Target


_OF_A_FILE = _Targets(
    Target("at least", 0.30, goal=0.40), Target("at least", 0.32, goal=0.40), Target("at most", 5.0)
)
_OF_A_SERVER = _Targets(
    Target("at least", 0.18, goal=0.25), Target("at least", 0.32, goal=0.40), Target("at most", 15.0)
)
"""The server shares the cores, and each commit is a round trip."""


def _targets(session: Session) -> _Targets:
    return _OF_A_SERVER if session.options.db else _OF_A_FILE


def accept(session: Session) -> list[Figure]:
    options = session.options
    directory = session.directory / "accept"
    closed = [Shape(connections) for connections in options.connections]
    opened = [Shape(rate=rate) for rate in options.rates]
    workload, database = prepare(session, directory, options.profiles, [*closed, *opened])
    before = counts(database)
    with bare(directory) as yardstick, gateway(directory, database, campaigns=workload.last) as subject:
        lanes = [Lane(yardstick, workload, repeat=True), Lane(subject, workload)]
        warm(session, "accept", lanes)
        figures = [
            *(figure for shape in closed for figure in _throughput(session, lanes, shape)),
            *(figure for shape in opened for figure in _latency(session, lanes, shape)),
        ]
    verify(database, before, lanes[1].accepted)
    return figures


def prepare(
    session: Session, directory: Path, people: int, shapes: list[Shape], first: int = FIRST_CAMPAIGN
) -> tuple[Workload, Database]:
    """A migrated database with `people` in it, and pairs enough for a warm-up and every round of the
    shapes."""
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


def _throughput(session: Session, lanes: list[Lane], shape: Shape) -> list[Figure]:
    base, runs = alternate(session, "accept", lanes, shape)
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


def _latency(session: Session, lanes: list[Lane], shape: Shape) -> list[Figure]:
    base, runs = alternate(session, "accept", lanes, shape)
    return [
        Figure(
            f"added p50, {shape}", "ms", differences([run.p50 for run in runs], [run.p50 for run in base])
        ),
        Figure(
            f"added p99, {shape}",
            "ms",
            differences([run.p99 for run in runs], [run.p99 for run in base]),
            _targets(session).added_p99,
        ),
        Figure(f"accept p99, {shape}", "ms", [run.p99 for run in runs]),
    ]


def rates(runs: list[Run]) -> list[float]:
    return [run.per_second for run in runs]


def client_bound(runs: list[Run]) -> str:
    return "client-bound" if any(run.busy > CLIENT_BOUND for run in runs) else ""
