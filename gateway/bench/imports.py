"""Imports from files: one file for each of two id spaces, with three rows in ten about existing customers, into an empty
database without a running gateway. Afterwards every row must be one record.

The yardstick normalises the same lines and writes the same rows without resolving.
"""

from collections.abc import Sequence
from pathlib import Path

from gateway.bench.bare_writer import REGION, Rows, Writing, Written
from gateway.bench.children import CPUS, ask
from gateway.bench.commands import CommandRun, run
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target, ratios
from gateway.bench.rounds import Session
from gateway.bench.sheets import SPACES, write_sheets
from gateway.bench.subjects import gateway

RATIO = Target("at least", 0.45)
MEMORY = Target("at most", 600)
ROUNDS = 3
"""The most rounds, because each imports all rows."""
CHUNK = 2_000
"""Rows in one transaction of an import."""
INSERTS = {
    "record": "SELECT * FROM record ORDER BY record_id",
    "profile": "SELECT * FROM profile ORDER BY profile_id",
    "observation": "SELECT * FROM observation ORDER BY record_id",
    "import_change": "SELECT * FROM import_change ORDER BY record_id",
    "audit": "SELECT * FROM audit WHERE object LIKE 'rec_%' ORDER BY event_id",
}
"""The tables where an import writes rows for each customer, with the rows in the order of their creation."""


def imports(session: Session) -> list[Figure]:
    directory, rows = session.directory / "import", session.options.rows
    directory.mkdir()
    with session.step(f"{rows:,} rows to import"):
        sheets = write_sheets(directory, rows)
    took: list[list[CommandRun]] = []
    bare: list[Written] = []
    turns = range(min(session.options.rounds, ROUNDS))
    for turn in session.progress.track(turns, description="import"):
        ours, theirs = (directory / f"{who}{turn}" for who in ("import", "bare"))
        ours.mkdir()
        database = session.databases.new(ours)
        took.append(run_import(ours, database, sheets))
        verify(database, rows)
        theirs.mkdir()
        target = session.databases.new(theirs)
        with gateway(theirs, target, campaigns=1, name="migrate"):
            pass
        bare.append(without_resolving(database, target, sheets))
    rates = [rows / sum(each.seconds for each in one) for one in took]
    bare_rates = [rate for one in bare for rate in one.rates]
    return [
        Figure(
            f"import / written without resolving, {rows:,} rows", "ratio", ratios(rates, bare_rates), RATIO
        ),
        Figure(f"import of {rows:,} rows", "rows/s", rates),
        Figure("the same rows normalised and written", "rows/s", bare_rates),
        Figure("CPU per imported row", "µs", [sum(each.cpu for each in one) / rows * 1e6 for one in took]),
        Figure("CPU per row normalised and written", "µs", [cpu * 1e6 for one in bare for cpu in one.cpu]),
        Figure(
            "peak resident memory, import", "MiB", [max(each.memory for each in one) for one in took], MEMORY
        ),
    ]


def run_import(directory: Path, database: Database, sheets: Sequence[Path]) -> list[CommandRun]:
    config = directory / "import.toml"
    channels = "".join(
        f'[[channel]]\nname = "{space}"\nkind = "online"\ndefault_region = "{REGION}"\n' for space in SPACES
    )
    config.write_text(
        f"""[server]
admin_listen = "127.0.0.1:0"
[store]
url = "{database.url}"
{channels}"""
    )
    command = ["gateway", "import", "--config", str(config), "--channel"]
    return [
        run([*command, space, str(sheet)], directory) for space, sheet in zip(SPACES, sheets, strict=True)
    ]


def verify(database: Database, rows: int) -> None:
    """Every row had a customer id of its own, so each is a record with a decision in the audit log."""
    ((records,),) = database.rows("SELECT count(*) FROM record")
    ((decided,),) = database.rows(
        "SELECT count(*) FROM audit WHERE action LIKE 'identity.%' AND object LIKE 'rec_%'"
    )
    if not records == decided == rows:
        raise BenchError(f"{rows:,} rows became {records:,} records with {decided:,} decisions")


def without_resolving(database: Database, target: Database, sheets: Sequence[Path]) -> Written:
    """Writes the rows of an import into an empty migrated database. Raises BenchError if that was not the same work."""
    rows = [Rows(select, f"INSERT INTO {table} VALUES ({{}})") for table, select in INSERTS.items()]  # noqa: S608
    question = Writing(
        database.url, target.url, rows, CHUNK, 1, alone=True, sheets=[str(sheet) for sheet in sheets]
    )
    written = ask("bare_writer", question, Written, set(CPUS))
    ((observed,),) = database.rows("SELECT count(*) FROM observation")
    if written.identifiers != observed:
        raise BenchError(f"{written.identifiers:,} identifiers were normalised, {observed:,} were imported")
    return written
