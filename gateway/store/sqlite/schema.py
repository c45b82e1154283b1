"""Which schema steps a SQLite file has, without opening it as a store."""

import contextlib
from pathlib import Path

from gateway.sqlite_library import sqlite3


def applied_steps(path: Path) -> dict[int, str]:
    """Version to digest; empty for a file without a gateway's schema. Raises FileNotFoundError, sqlite3.Error."""
    if not path.exists():
        raise FileNotFoundError(path)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
    with contextlib.closing(connection):
        (known,) = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"
        ).fetchone()
        return (
            dict(connection.execute("SELECT version, sha256 FROM schema_version").fetchall()) if known else {}
        )
