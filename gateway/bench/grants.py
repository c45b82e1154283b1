"""A backlog of due achievements: how fast it is processed without other work, how fast while calls arrive, and how this affects
the calls. Grants are counted afterwards, by the time of each decision, so that counting does not disturb the measurement."""

import time
from collections.abc import Sequence
from pathlib import Path

from gateway.bench.accept import prepare
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target, spread
from gateway.bench.load import Run
from gateway.bench.population import add_backlog
from gateway.bench.rounds import Lane, Session, Shape, alternate, warm
from gateway.bench.subjects import gateway
from gateway.bench.tables import Window, counts, grants_per_second, verify
from gateway.bench.workload import FIRST_CAMPAIGN, Workload

ALONE = Target("at least", 15_000)
BESIDE_CALLS = Target("at least", 4_000)
SLOWDOWN = Target("at most", 4.0)
CALLS = Shape(rate=500)
EACH = 10
"""Overdue achievements of one person, in the campaigns before those of the calls."""


def grants(session: Session) -> list[Figure]:
    directory = session.directory / "grants"
    people = session.options.backlog // EACH
    workload, database = prepare(session, directory, people, [CALLS, CALLS], FIRST_CAMPAIGN + EACH)
    calm, used = _calm(session, directory, database, workload)
    with session.step(f"{people * EACH:,} due achievements"):
        add_backlog(database, people, EACH)
    before = counts(database)
    with gateway(directory, database, campaigns=workload.last, name="backlog") as subject:
        lane = Lane(subject, workload, used=used)
        (busy,) = alternate(session, "grants, backlog", [lane], CALLS)
        alone = _watch(session)
    verify(database, before, lane.accepted)
    return _figures(calm, busy, _rates(database, alone), _rates(database, [_window(run) for run in busy]))


def _calm(session: Session, directory: Path, database: Database, workload: Workload) -> tuple[list[Run], int]:
    """The calls without a backlog, and the number of pairs that they used."""
    before = counts(database)
    with gateway(directory, database, campaigns=workload.last, name="calm") as subject:
        lane = Lane(subject, workload)
        warm(session, "grants", [lane])
        (runs,) = alternate(session, "grants, no backlog", [lane], CALLS)
    verify(database, before, lane.accepted)
    return runs, lane.used


def _watch(session: Session) -> list[Window]:
    """Windows without calls."""
    windows: list[Window] = []
    turns = range(session.options.rounds)
    for _ in session.progress.track(turns, description="grants alone"):
        began = time.time_ns() // 1_000_000
        time.sleep(session.options.seconds)
        windows.append(Window(began, time.time_ns() // 1_000_000))
    return windows


def _window(run: Run) -> Window:
    return Window(run.began, run.began + int(run.seconds * 1e3))


def _rates(database: Database, windows: Sequence[Window]) -> list[float]:
    rates = grants_per_second(database, windows)
    if not rates:
        raise BenchError("the backlog was empty before the first window ended: make it larger")
    return rates


def _figures(calm: list[Run], busy: list[Run], alone: list[float], beside: list[float]) -> list[Figure]:
    usual = spread([run.p99 for run in calm]).median
    return [
        Figure("grants, nothing else waiting", "1/s", alone, ALONE),
        Figure(f"grants beside {CALLS} of calls", "1/s", beside, BESIDE_CALLS),
        Figure("p99 with / without backlog", "ratio", [run.p99 / usual for run in busy], SLOWDOWN),
        Figure("accept p99 without backlog", "ms", [run.p99 for run in calm]),
        Figure("accept p99 beside the backlog", "ms", [run.p99 for run in busy]),
    ]
