"""Imports from files: one file for each of two id spaces, with three rows in ten about existing customers, into an empty
database without a running gateway. Afterwards every row must be one record."""

from pathlib import Path

from gateway.bench.commands import Took, run
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.figures import Figure, Target
from gateway.bench.rounds import Session
from gateway.bench.sheets import SPACES, write_sheets

SPEED = Target("at least", 10_000)
MEMORY = Target("at most", 600)


def imports(session: Session) -> list[Figure]:
    directory, rows = session.directory / "import", session.options.rows
    directory.mkdir()
    database = session.databases.new(directory)
    with session.step(f"{rows:,} rows to import"):
        sheets = write_sheets(directory, rows)
    with session.step("import"):
        took = bring(directory, database, sheets)
    verify(database, rows)
    return [
        Figure(f"import of {rows:,} rows", "rows/s", [rows / sum(each.seconds for each in took)], SPEED),
        Figure("CPU per imported row", "µs", [sum(each.cpu for each in took) / rows * 1e6]),
        Figure("peak resident memory, import", "MiB", [max(each.memory for each in took)], MEMORY),
    ]


def bring(directory: Path, database: Database, sheets: list[Path]) -> list[Took]:
    config = directory / "import.toml"
    channels = "".join(
        f'[[channel]]\nname = "{space}"\nkind = "online"\ndefault_region = "EG"\n' for space in SPACES
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
