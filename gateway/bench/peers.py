"""Compares the gateway with other programs that do part of its work, in one run. They need `requirements/peers.txt`.

- A minimal service (`peer_direct.py`) under the same calls.
- On PostgreSQL: jobs of procrastinate, deferred and run, beside achievements that are accepted and granted.
- On SQLite: DuckDB and Splink, which group the rows of an import without storing them.

None of these figures has a target: each peer does less, and docs/contributing/benchmark.md says what.
"""

import time
from importlib.util import find_spec
from typing import NamedTuple

from gateway.bench.accept import prepare, rates
from gateway.bench.children import CPUS, SERVERS, ask
from gateway.bench.commands import run
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, ratios
from gateway.bench.imports import run_import
from gateway.bench.imports import verify as verify_import
from gateway.bench.machine import exact_cpu_seconds
from gateway.bench.peer_jobs import Deferred, Deferring
from gateway.bench.peer_union import United, Uniting
from gateway.bench.rounds import Lane, Session, Shape, alternate, perform, warm
from gateway.bench.sheets import write_sheets
from gateway.bench.subjects import direct, gateway
from gateway.bench.tables import counts, verify
from rules.language.parse import preset

_NEEDED = ("duckdb", "procrastinate", "psycopg", "splink")
_AT_ONCE = 64
_PATIENCE_SECONDS = 120.0
_PRESET = "email-or-mobile"


def peers(session: Session) -> list[Figure]:
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise BenchError(f"{', '.join(missing)} not installed: pip install -r requirements/peers.txt")
    others = _jobs(session) if session.options.db else _unions(session)
    return _direct(session) + others


# ---- the service that one would write instead ----


def _direct(session: Session) -> list[Figure]:
    options, shape = session.options, Shape()
    load, database = prepare(session, session.directory / "ours", options.profiles, [shape])
    before = counts(database)
    theirs = session.directory / "theirs"
    theirs.mkdir()
    target = session.databases.new(theirs)
    with (
        gateway(session.directory / "ours", database, campaigns=load.last) as subject,
        direct(theirs, target, options.profiles) as peer,
    ):
        lanes = [Lane(subject, load), Lane(peer, load)]
        warm(session, "peers", lanes)
        ours, other = alternate(session, "peers", lanes, shape)
    verify(database, before, lanes[0].accepted)
    ((stored,),) = target.rows("SELECT count(*) FROM achievement")
    if stored != lanes[1].accepted:
        raise BenchError(f"{lanes[1].accepted:,} answers were 202, but the peer stored {stored:,}")
    cpu = [[each.server_cpu for each in runs] for runs in (other, ours)]
    return [
        Figure(f"accept / a commit for each call, {shape}", "ratio", ratios(rates(ours), rates(other))),
        Figure(f"accept / a commit for each call by CPU, {shape}", "ratio", ratios(*cpu)),
        Figure(f"a commit for each call, {shape}", "1/s", rates(other)),
    ]


# ---- jobs that run later ----


class _Done(NamedTuple):
    """Jobs a second, and the CPU seconds of one, without the database server's."""

    rate: float
    cpu: float


def _jobs(session: Session) -> list[Figure]:
    directory, shape = session.directory / "granted", Shape(_AT_ONCE)
    load, database = prepare(session, directory, session.options.profiles, [shape])
    before, ours, other = counts(database), list[_Done](), list[_Done]()
    with gateway(directory, database, campaigns=load.last, grant_delay=("0s", "0s")) as subject:
        lane = Lane(subject, load)
        warm(session, "peers", [lane])
        for turn in range(session.options.rounds):
            ours.append(_accept_and_grant(session, lane, database, turn))
            other.append(_defer_and_run(session, turn))
    verify(database, before, lane.accepted)
    return [
        Figure(
            "accept and grant / defer and run",
            "ratio",
            ratios([a.rate for a in ours], [b.rate for b in other]),
        ),
        Figure(
            "accept and grant / defer and run by CPU",
            "ratio",
            ratios([b.cpu for b in other], [a.cpu for a in ours]),
        ),
        Figure("accepted and granted", "1/s", [one.rate for one in ours]),
        Figure("deferred and run by procrastinate", "1/s", [one.rate for one in other]),
    ]


def _accept_and_grant(session: Session, lane: Lane, database: Database, turn: int) -> _Done:
    """Until the last one is granted."""
    _await_grants(database, lane)
    began, used, accepted = time.perf_counter(), exact_cpu_seconds(lane.subject.pid), lane.accepted
    perform(session, "peers", lane, Shape(_AT_ONCE), turn)
    _await_grants(database, lane)
    done = lane.accepted - accepted
    cpu = exact_cpu_seconds(lane.subject.pid) - used
    return _Done(done / (time.perf_counter() - began), cpu / done)


def _await_grants(database: Database, lane: Lane) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while counts(database).granted < lane.accepted:
        if time.monotonic() > until:
            raise BenchError("what was accepted was not granted")
        time.sleep(0.05)


def _defer_and_run(session: Session, turn: int) -> _Done:
    directory = session.directory / f"jobs{turn}"
    directory.mkdir()
    question = Deferring(session.databases.new(directory).url, session.options.people // 5, _AT_ONCE)
    took = ask("peer_jobs", question, Deferred, SERVERS)
    return _Done(question.jobs / took.seconds, took.cpu / question.jobs)


# ---- groups of rows ----


def _unions(session: Session) -> list[Figure]:
    directory, rows = session.directory / "united", session.options.rows
    directory.mkdir()
    with session.step(f"{rows:,} rows"):
        sheets = write_sheets(directory, rows)
        texts = [str(sheet) for sheet in sheets]
    with session.step("DuckDB and Splink"):
        plain = ask("peer_union", Uniting(texts, "duckdb"), United, set(CPUS))
        linked = ask("peer_union", Uniting(texts, "splink"), United, set(CPUS))
    if plain.groups != linked.groups:
        raise BenchError(f"DuckDB made {plain.groups:,} groups, Splink {linked.groups:,}")
    database = session.databases.new(directory)
    with session.step("import and plan"):
        took = run_import(directory, database, sheets)
        now = str(time.time_ns() // 1_000_000)
        took.append(run(["gateway.processes.plan", now], directory, f"{database.url}\n{preset(_PRESET)}"))
    verify_import(database, rows)
    ((profiles,),) = database.rows("SELECT count(DISTINCT profile_id) FROM record")
    seconds, cpu = sum(one.seconds for one in took), sum(one.cpu for one in took)
    return [
        Figure(f"import + plan of {rows:,} rows", "s", [seconds]),
        Figure("the same by DuckDB's SQL", "s", [plain.seconds]),
        Figure("the same by Splink's exact linking", "s", [linked.seconds]),
        Figure("CPU of import + plan", "s", [cpu]),
        Figure("CPU of DuckDB's SQL", "s", [plain.cpu]),
        Figure("CPU of Splink's exact linking", "s", [linked.cpu]),
        Figure("profiles of the import", "", [profiles]),
        Figure("groups of the peers", "", [plain.groups]),
    ]
