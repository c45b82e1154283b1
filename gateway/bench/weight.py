"""How many bytes of the database a customer, a call and an event cost: what it grows by, for each of very many, once the lookup
tables of the audit log have caught up."""

import time
from pathlib import Path

from gateway.bench.accept import prepare
from gateway.bench.admin import Admin
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure
from gateway.bench.imports import run_import
from gateway.bench.population import build
from gateway.bench.rounds import Lane, Session, Shape, alternate
from gateway.bench.sheets import write_sheets
from gateway.bench.subjects import Subject, gateway, platform
from gateway.bench.workload import Events

ROWS = 100_000
"""At most: customers that are imported."""
_PATIENCE = 300.0


def weight(session: Session) -> list[Figure]:
    directory = session.directory / "weight"
    directory.mkdir()
    return [*_customer(session, directory), *_call(session, directory), *_event(session, directory)]


def _customer(session: Session, directory: Path) -> list[Figure]:
    rows = min(session.options.rows, ROWS)
    home = directory / "import"
    home.mkdir()
    database = _migrated(session, home)
    before, events = database.size(), _events(database)
    with session.step(f"import of {rows:,} rows"):
        run_import(home, database, write_sheets(home, rows))
    with gateway(home, database, campaigns=1) as subject:
        caught_up(subject)
    return [
        Figure("an imported customer", "bytes", [(database.size() - before) / rows]),
        Figure("audit events of an imported customer", "", [(_events(database) - events) / rows]),
    ]


def _call(session: Session, directory: Path) -> list[Figure]:
    home = directory / "call"
    workload, database = prepare(session, home, session.options.profiles, [Shape()])
    before, events = database.size(), _events(database)
    with gateway(home, database, campaigns=workload.last) as subject:
        lane = Lane(subject, workload)
        alternate(session, "weight, calls", [lane], Shape())
        caught_up(subject)
    return [
        Figure("an accepted achievement", "bytes", [(database.size() - before) / lane.accepted]),
        Figure("audit events of an accepted achievement", "", [(_events(database) - events) / lane.accepted]),
    ]


def _event(session: Session, directory: Path) -> list[Figure]:
    """Of customers who are known: a forwarded event leaves nothing of its own behind."""
    home = directory / "event"
    home.mkdir()
    database, people = _migrated(session, home), session.options.profiles
    build(database, people, seen_at=time.time_ns() // 1_000_000)
    before = database.size()
    with (
        platform(home) as upstream,
        gateway(home, database, campaigns=1, upstream=upstream.port) as subject,
    ):
        lane = Lane(subject, Events(people), repeat=True)
        alternate(session, "weight, events", [lane], Shape())
        caught_up(subject)
    return [Figure("an event of a known customer", "bytes", [(database.size() - before) / lane.accepted])]


def caught_up(subject: Subject) -> None:
    """Waits until the lookup tables have every event."""
    admin, deadline = Admin(subject), time.monotonic() + _PATIENCE
    while admin.metric("gateway_lookup_backlog"):
        if time.monotonic() > deadline:
            raise BenchError(f"the lookup tables did not catch up in {_PATIENCE:.0f} s")
        time.sleep(0.2)


def _migrated(session: Session, home: Path) -> Database:
    database = session.databases.new(home)
    with gateway(home, database, campaigns=1, name="migrate"):
        pass
    return database


def _events(database: Database) -> int:
    return database.rows("SELECT count(*) FROM audit")[0][0]
