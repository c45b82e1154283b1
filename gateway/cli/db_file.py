"""The SQLite file for the `gateway db` commands, which may run beside a gateway."""

import contextlib
from collections.abc import Generator
from pathlib import Path

from gateway.cli.failure import Failure
from gateway.sqlite_library import sqlite3


@contextlib.contextmanager
def opened(path: Path, mode: str) -> Generator[sqlite3.Connection]:
    """A connection of its own that cannot write, so it never makes a checkpoint either."""
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None, timeout=10
        )
    except sqlite3.OperationalError:
        raise Failure(f"{path}: there is no database that can be opened; run: gateway db migrate") from None
    with contextlib.closing(connection):
        yield connection
