"""Rounds: each subject in turn, with a new load process each time. Results are checked before they count."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from rich.progress import Progress

from gateway.bench.children import CLIENTS, ask
from gateway.bench.database import Databases
from gateway.bench.errors import BenchError
from gateway.bench.load import Plan, Run
from gateway.bench.options import BenchOptions
from gateway.bench.subjects import Subject
from gateway.bench.workload import Events, Workload

CEILING = 25_000
"""How many requests a second are rendered for a closed loop: more than a gateway answers on one core."""


class Record(msgspec.Struct, frozen=True):
    """A run, with its subject, part and round."""

    part: str
    subject: str
    connections: int
    rate: float
    run: Run


@dataclass(slots=True)
class Session:
    """One benchmark: its options, the directory of its files, and every run so far."""

    options: BenchOptions
    directory: Path
    databases: Databases
    progress: Progress
    records: list[Record] = field(default_factory=list)

    @contextmanager
    def step(self, description: str) -> Generator[None]:
        """Shows the current step while it runs."""
        task = self.progress.add_task(description, total=None)
        yield
        self.progress.update(task, total=1, completed=1)


@dataclass(slots=True)
class Lane:
    """A subject and its remaining requests. `accepted` counts every 2xx answer so far, including the warm-up.

    A subject without a dedup window (`repeat`) gets the same requests repeatedly.
    """

    subject: Subject
    workload: Workload | Events
    repeat: bool = False
    used: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """A closed loop over `connections` (`c=64`), or with a `rate` (a second) an open one (`500/s`)."""

    connections: int = 64
    rate: float = 0.0

    def most(self, seconds: float) -> int:
        """More requests than one window needs."""
        return int(seconds * (2 * self.rate or CEILING)) + 100

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s" if self.rate else f"c={self.connections}"


def warm(session: Session, part: str, lanes: Sequence[Lane]) -> None:
    for lane in lanes:
        perform(session, part, lane, Shape(), turn=0)
        session.records.pop()


def alternate(session: Session, part: str, lanes: Sequence[Lane], shape: Shape) -> tuple[list[Run], ...]:
    """Runs `rounds` rounds over the lanes in turn. Returns the runs of each lane, in order."""
    runs = tuple[list[Run], ...]([] for _ in lanes)
    turns = range(session.options.rounds)
    for turn in session.progress.track(turns, description=f"{part}: {shape}"):
        for of, lane in zip(runs, lanes, strict=True):
            of.append(perform(session, part, lane, shape, turn))
    return runs


def perform(session: Session, part: str, lane: Lane, shape: Shape, turn: int) -> Run:
    """One window over one lane. `turn` seeds the arrivals, so that every lane has the same arrivals in one round."""
    plan = Plan(
        port=lane.subject.port,
        pid=lane.subject.pid,
        seconds=session.options.seconds,
        connections=shape.connections,
        workload=lane.workload,
        offset=lane.used,
        count=shape.most(session.options.seconds),
        rate=shape.rate,
        repeat=lane.repeat,
        seed=turn,
    )
    run = ask("load", plan, Run, CLIENTS)
    _check(lane, plan, run)
    lane.used += 0 if lane.repeat else run.sent
    lane.accepted += run.accepted
    session.records.append(Record(part, lane.subject.name, shape.connections, shape.rate, run))
    return run


def _check(lane: Lane, plan: Plan, run: Run) -> None:
    if run.accepted != run.sent:
        raise BenchError(
            f"{lane.subject.name}: {run.sent - run.accepted:,} of {run.sent:,} answers were not 2xx, "
            f"the first: {run.refusal}"
        )
    if run.sent == plan.count and not plan.repeat:
        raise BenchError(f"{lane.subject.name} took all {plan.count:,} requests before the window ended")
