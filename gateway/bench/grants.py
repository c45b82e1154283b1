"""A backlog of due achievements: how fast it is processed without other work, how fast while calls arrive at a quarter of what
the gateway could take, and how this affects the calls. Grants are counted afterwards, by the time of each decision, so that
counting does not disturb the measurement.

The yardstick puts the same rows into the same tables without deciding.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from gateway.bench.accept import FASTEST, prepare, quarter
from gateway.bench.bare_writer import Rows, Writing, Written
from gateway.bench.children import SERVERS, ask
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target, ratios, spread
from gateway.bench.load import Run
from gateway.bench.population import add_backlog, build
from gateway.bench.rounds import Lane, Session, Shape, alternate, warm
from gateway.bench.subjects import gateway
from gateway.bench.tables import Window, counts, grants_per_second, verify
from gateway.bench.workload import FIRST_CAMPAIGN, Workload
from gateway.clock import SECOND
from gateway.workers.granting import CAREFUL_FOR

ALONE = Target("at least", 0.50)
BESIDE_CALLS = Target("at least", 0.15)
SLOWDOWN = Target("at most", 3.0)
EACH = 10
"""Overdue achievements for each person. Their campaigns are not those of the calls."""
CHUNK = 1_000
"""Grants in one transaction of a gateway that has nothing else to do."""
_GRANTED = (
    Rows(
        "SELECT a.state, a.reason, a.decided_at, a.epoch, a.achievement_id FROM ledger AS l"
        " JOIN achievement AS a ON a.achievement_id = l.achievement_id ORDER BY l.entry_id",
        "UPDATE achievement SET state = ?, reason = ?, decided_at = ?, epoch = ? WHERE achievement_id = ?",
    ),
    Rows("SELECT * FROM ledger ORDER BY entry_id", "INSERT INTO ledger VALUES ({})"),
    Rows(
        "SELECT * FROM audit WHERE action = 'achievement.granted' ORDER BY event_id",
        "INSERT INTO audit VALUES ({})",
    ),
)


def grants(session: Session) -> list[Figure]:
    directory = session.directory / "grants"
    people = session.options.backlog // EACH
    shapes = [Shape(), FASTEST, FASTEST]
    workload, database = prepare(session, directory, people, shapes, FIRST_CAMPAIGN + EACH)
    calls, calm, used = _calm(session, directory, database, workload)
    with session.step(f"{people * EACH:,} due achievements"):
        add_backlog(database, people, EACH)
    before = counts(database)
    with gateway(directory, database, campaigns=workload.last, name="backlog") as subject:
        lane = Lane(subject, workload, used=used)
        (busy,) = alternate(session, "grants, backlog", [lane], calls)
        alone = _watch(session)
    verify(database, before, lane.accepted)
    with session.step("grants without deciding"):
        bare = without_deciding(_overdue_again(session, people), database, session.options.rounds).rates
    beside = _rates(database, [_window(run) for run in busy])
    return _figures(calm, busy, _rates(database, alone), beside, bare)


def _calm(
    session: Session, directory: Path, database: Database, workload: Workload
) -> tuple[Shape, list[Run], int]:
    """A quarter of what this gateway could take, the calls at this rate without a backlog, and the number of pairs used."""
    before = counts(database)
    with gateway(directory, database, campaigns=workload.last, name="calm") as subject:
        lane = Lane(subject, workload)
        warm(session, "grants", [lane])
        (flat_out,) = alternate(session, "grants, capacity", [lane], Shape())
        calls = quarter(flat_out)
        (runs,) = alternate(session, "grants, no backlog", [lane], calls)
    verify(database, before, lane.accepted)
    return calls, runs, lane.used


def _watch(session: Session) -> list[Window]:
    """Windows without calls, from when the gateway expects none any more."""
    time.sleep(CAREFUL_FOR / SECOND)
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


def _overdue_again(session: Session, people: int) -> Database:
    """A database with the same people and achievements, before any of these was decided."""
    directory = session.directory / "undecided"
    directory.mkdir()
    database = session.databases.new(directory)
    with gateway(directory, database, campaigns=1, name="migrate"):
        pass
    build(database, people)
    add_backlog(database, people, EACH)
    return database


def without_deciding(target: Database, database: Database, rounds: int) -> Written:
    """The grants of `database` again, in a database in which the same achievements are due."""
    question = Writing(database.url, target.url, list(_GRANTED), CHUNK, rounds)
    return ask("bare_writer", question, Written, SERVERS)


def _figures(
    calm: list[Run], busy: list[Run], alone: list[float], beside: list[float], bare: list[float]
) -> list[Figure]:
    usual, written = spread([run.p99 for run in calm]).median, spread(bare).median
    paired = min(len(alone), len(bare))
    return [
        Figure("grants / written without deciding", "ratio", ratios(alone[:paired], bare[:paired]), ALONE),
        Figure("the same beside calls", "ratio", [rate / written for rate in beside], BESIDE_CALLS),
        Figure("p99 with / without backlog", "ratio", [run.p99 / usual for run in busy], SLOWDOWN),
        Figure("grants, nothing else waiting", "1/s", alone),
        Figure("grants beside calls", "1/s", beside),
        Figure("the same rows written without deciding", "1/s", bare),
        Figure("accept p99 without backlog", "ms", [run.p99 for run in calm]),
        Figure("accept p99 beside the backlog", "ms", [run.p99 for run in busy]),
    ]
