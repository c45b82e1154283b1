"""Achievements that wait for the platform: accepting them while it is down, compared with while it answers; and a start with a
million of them, which are then sent at the platform's pace."""

import socket
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gateway.bench.accept import client_bound, prepare, rates
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target, ratios
from gateway.bench.machine import peak_memory
from gateway.bench.nginx import ACCESS_LOG
from gateway.bench.population import add_queue, build
from gateway.bench.rounds import Lane, Session, Shape, alternate, warm
from gateway.bench.starts import compared_starts
from gateway.bench.subjects import gateway, platform
from gateway.bench.tables import counts, verify

DARK = Target("at least", 0.80)
DARK_P99 = Target("at most", 1.2)
MEMORY = Target("at most", 200.0)
IN_A_SECOND = Target("at most", 30)
CLOSED, OPEN = Shape(), Shape(rate=500)
PEOPLE = 100_000
WATCHED_SECONDS = 6.0


def outbox(session: Session) -> list[Figure]:
    return [*_intake(session), *_backlog(session)]


def _intake(session: Session) -> list[Figure]:
    up, dark = (session.directory / name for name in ("up", "dark"))
    shapes = [CLOSED, OPEN]
    loads, bases = zip(
        *(prepare(session, directory, session.options.profiles, shapes) for directory in (up, dark)),
        strict=True,
    )
    before = [counts(database) for database in bases]
    with (
        platform(up) as answering,
        _silence() as silent,
        gateway(up, bases[0], campaigns=loads[0].last, upstream=answering.port) as base,
        gateway(dark, bases[1], campaigns=loads[1].last, upstream=silent) as subject,
    ):
        lanes = [Lane(base, loads[0]), Lane(subject, loads[1])]
        warm(session, "outbox", lanes)
        base_runs, runs = alternate(session, "outbox", lanes, CLOSED)
        base_calm, calm = alternate(session, "outbox", lanes, OPEN)
    for database, then, lane in zip(bases, before, lanes, strict=True):
        verify(database, then, lane.accepted)
    return [
        Figure(
            f"accepts, platform down / answering, {CLOSED}",
            "ratio",
            ratios(rates(runs), rates(base_runs)),
            DARK,
            client_bound([*base_runs, *runs]),
        ),
        Figure(
            f"accept p99, platform down / answering, {OPEN}",
            "ratio",
            ratios([run.p99 for run in calm], [run.p99 for run in base_calm]),
            DARK_P99,
        ),
    ]


def _backlog(session: Session) -> list[Figure]:
    directory, waiting = session.directory / "outbox", session.options.backlog
    nothing = session.directory / "nothing"
    databases: list[Database] = []
    for each in (nothing, directory):
        each.mkdir()
        databases.append(session.databases.new(each))
        with gateway(each, databases[-1], campaigns=1, name="migrate"):
            pass
    empty, database = databases
    with session.step(f"{waiting:,} queued achievements"):
        build(database, PEOPLE)
        add_queue(database, PEOPLE, waiting, until=time.time_ns() // 1_000_000)
    size = f"{waiting:,} queued"
    with platform(directory) as upstream:
        over = partial(gateway, campaigns=1, upstream=upstream.port)
        with over(directory, database) as subject:
            time.sleep(WATCHED_SECONDS)
            memory = peak_memory(subject.pid)
        arrived = _arrivals(directory)
        starts = compared_starts(
            session, ("none", size), partial(over, nothing, empty), partial(over, directory, database)
        )
    if not arrived:
        raise BenchError("no achievement of the backlog reached the platform")
    return [
        *starts,
        Figure(f"peak resident memory, {size}", "MiB", [memory], MEMORY),
        Figure("reports in the busiest second, as the platform counts", "", [_busiest(arrived)], IN_A_SECOND),
    ]


@contextmanager
def _silence() -> Generator[int]:
    """The port of a platform that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield listener.getsockname()[1]


def _arrivals(directory: Path) -> list[float]:
    """When each report reached nginx, in seconds."""
    lines = (directory / ACCESS_LOG).read_text().splitlines()
    return sorted(float(line.split()[0]) for line in lines if "social-challenges" in line)


def _busiest(times: Sequence[float]) -> float:
    """The most reports within any second."""
    most, oldest = 0, 0
    for newest, at in enumerate(times):
        while times[oldest] <= at - 1:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most
