"""Operations over all customers: the plan of another rule set, and the search for profiles that look like one person. Three in
ten people have two records."""

import time
from pathlib import Path

import msgspec

from gateway.bench.commands import run
from gateway.bench.config import configuration
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target
from gateway.bench.population import add_second_records, build
from gateway.bench.rounds import Session
from gateway.bench.subjects import gateway
from rules.language.parse import preset
from rules.plan import Plan

MEMORY = Target("at most", 1_536)
_TWICE = 0.3
CANDIDATE = "mobile"
"""Every other second record came without its mobile, so this preset splits as well as merges."""


def plan(session: Session) -> list[Figure]:
    records = session.options.records
    directory, database, _ = populated(session, "plan", records)
    with session.step("plan"):
        now = str(time.time_ns() // 1_000_000)
        took = run(["gateway.processes.plan", now], directory, f"{database.url}\n{preset(CANDIDATE)}")
    found = msgspec.json.decode(took.output, type=Plan)
    if not (found.merged and found.split):
        raise BenchError(f"the plan found nothing to merge or nothing to split: {found}")
    return [
        Figure(f"plan over {records:,} records", "s", [took.seconds]),
        Figure("CPU of the plan", "s", [took.cpu]),
        Figure("peak resident memory, plan", "MiB", [took.memory], MEMORY),
    ]


def duplicates(session: Session) -> list[Figure]:
    records = session.options.records
    directory, database, _ = populated(session, "duplicates", records)
    config = directory / "duplicates.toml"
    config.write_text(
        configuration(
            listen=0, admin_listen=0, database=database.url, campaigns=1, grant_delay=("20s", "180s")
        )
    )
    with session.step("duplicates"):
        took = run(["gateway", "duplicates", "--json", "--config", str(config)], directory)
    if not took.output:
        raise BenchError("no duplicates were found, although there are some")
    return [
        Figure(f"duplicates over {records:,} records", "s", [took.seconds]),
        Figure("duplicate groups listed", "", [took.output.count(b"\n")]),
        Figure("peak resident memory, duplicates", "MiB", [took.memory], MEMORY),
    ]


def populated(session: Session, name: str, records: int) -> tuple[Path, Database, int]:
    """A database of so many records, and how many people they are."""
    directory = session.directory / name
    directory.mkdir()
    database = session.databases.new(directory)
    with gateway(directory, database, campaigns=1, name="migrate"):
        pass
    again = int(records * _TWICE)
    with session.step(f"{records:,} records"):
        build(database, records - again)
        add_second_records(database, again)
    return directory, database, records - again
