"""What an erasure leaves in files besides the rows that it deletes: the write-ahead log, unused bytes of pages, copies of dry runs.

`PRAGMA secure_delete` writes zeros over deleted rows. It misses the copies that a row left in unused bytes when it moved to another
page; only a rewritten file has none of these.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

from gateway.sqlite_library import sqlite3

REWRITTEN_AT_ONCE = 8 << 20
"""A file of up to this many bytes is rewritten with every erasure, which takes about a tenth of a second."""
_PATIENCE_MS = 50
_USUAL_PATIENCE_MS = 5_000
_COPY = "gateway-dry-run-"
_IN_USE = "in-use"


def rewrite(connection: sqlite3.Connection, path: Path) -> bool:
    """Rewrite the whole file, as VACUUM does, but from a copy beside it: some libraries have that copy in memory only. Returns
    whether nothing of the old file is left."""
    with copy_directory(path) as directory:
        copy = directory / "gateway.db"
        connection.execute("VACUUM INTO ?", (str(copy),))
        with contextlib.closing(sqlite3.connect(copy)) as rewritten:
            rewritten.backup(connection)
    return empty_log(connection)


def wipe(connection: sqlite3.Connection, path: Path) -> bool:
    """After an erasure: whether it is out of the log. A large file is not rewritten."""
    clear_copies(path)
    if path.stat().st_size > REWRITTEN_AT_ONCE:
        return empty_log(connection)
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError:
        return False
    return empty_log(connection)


def empty_log(connection: sqlite3.Connection) -> bool:
    """Move the log into the file and cut it to nothing; False while a reader uses an earlier state from it."""
    connection.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
    try:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    except sqlite3.OperationalError:
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout={_USUAL_PATIENCE_MS}")


@contextlib.contextmanager
def copy_directory(original: Path) -> Generator[Path]:
    """A directory beside the database for a copy of it, removed afterwards. If the process is killed, the next one that opens the
    database, or erases a customer from it, removes the directory."""
    clear_copies(original)
    parent = original.resolve().parent
    with tempfile.TemporaryDirectory(prefix=_COPY, dir=parent, ignore_cleanup_errors=True) as directory:
        lock = os.open(Path(directory) / _IN_USE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(directory)
        finally:
            os.close(lock)


def clear_copies(original: Path) -> None:
    """Remove the copies that killed dry runs left: those that no process holds."""
    for directory in original.resolve().parent.glob(f"{_COPY}*"):
        with contextlib.suppress(OSError):
            if directory.is_dir() and not directory.is_symlink() and _is_left(directory):
                shutil.rmtree(directory, ignore_errors=True)


def _is_left(directory: Path) -> bool:
    """A directory that its process has not locked yet is still empty."""
    if {entry.name for entry in directory.iterdir()} <= {_IN_USE}:
        return False
    try:
        lock = os.open(directory / _IN_USE, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
