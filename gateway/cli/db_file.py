"""The SQLite file as `gateway db` looks at it, also beside a running gateway."""

import contextlib
import sqlite3
from collections.abc import Generator
from pathlib import Path

from gateway.cli.failure import Failure


@contextlib.contextmanager
def opened(path: Path, mode: str) -> Generator[sqlite3.Connection]:
    """A connection of its own that can write nothing, so it also never makes a checkpoint."""
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None, timeout=10
        )
    except sqlite3.OperationalError:
        raise Failure(f"{path}: there is no database that can be opened; run: gateway db migrate") from None
    with contextlib.closing(connection):
        yield connection
