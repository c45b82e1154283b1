"""`gateway db copy`: moves a shop from its SQLite file to PostgreSQL. The first run may start while the gateway serves. The
last run is short, needs the gateway stopped, and reports when the new database is complete."""

import asyncio
import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.db_file import opened
from gateway.cli.failure import MISUSED, Failure
from gateway.cli.options import AsJson
from gateway.cli.output import note, print_json, say
from gateway.clock import SystemClock
from gateway.errors import DriverMissing, SchemaMismatch, StoreUnavailable
from gateway.plural import counted


def copy(
    source: Annotated[str, typer.Option("--from", help="sqlite:///FILE")],
    to: Annotated[
        str,
        typer.Option(
            help="postgresql://user@host/db, an empty database. The password belongs in PGPASSWORD or ~/.pgpass,"
            " not on the command line."
        ),
    ],
    json: AsJson = False,
) -> None:
    """Move a shop from SQLite to PostgreSQL. If it is stopped, run it again to resume."""
    path = Path(source.removeprefix("sqlite:///"))
    if not source.startswith("sqlite:///") or not to.startswith(("postgresql://", "postgres://")):
        raise Failure("give --from sqlite:///FILE --to postgresql://user@host/db", MISUSED)
    if not path.is_file():
        raise Failure(f"{path}: there is no such file")
    with _closed_shop(path) as closed:
        try:
            brought = asyncio.run(_fill(path, to, closed=closed))
        except (SchemaMismatch, StoreUnavailable) as error:
            raise Failure(f"{error}; the copied rows stay: run the same command again") from None
    if json:
        print_json({"complete": closed, "rows_brought": brought})
    elif closed:
        say(f"complete: {counted(brought, 'row')} copied, and both databases are equal")
    else:
        say(f"{counted(brought, 'row')} copied while the gateway was running; stop it and run this once more")
    if closed:
        note(
            "start with the new store.url and the same master secret:"
            f' [server] secret_file = "{path}.secret", unless it is in the environment'
        )


@contextlib.contextmanager
def _closed_shop(path: Path) -> Generator[bool]:
    """Whether no gateway has the file open. While this context lasts, no gateway can open it."""
    from gateway.store.sqlite.lock import FileLock

    lock = FileLock(path)
    try:
        yield lock.take()
    finally:
        lock.release()


async def _fill(path: Path, to: str, *, closed: bool) -> int:
    from gateway.cli.progress import progress_bar

    try:
        from gateway.store.postgres.copy_from_sqlite import Filling, NotTheSame
    except ImportError:
        raise DriverMissing from None
    with opened(path, "mode=ro") as source, progress_bar() as bar:
        filling = Filling(source, to)
        task = bar.add_task("", total=filling.count() * (1 + closed))
        try:
            async with filling:
                return await filling.run(
                    SystemClock().now(),
                    lambda table, count: bar.update(task, advance=count, description=table),
                    closed=closed,
                )
        except NotTheSame as error:
            raise Failure(
                f"{error}: the two databases differ after copying; does anything else write to the target?"
            ) from None
