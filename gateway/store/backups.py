"""When the database was last backed up: `DATABASE.backed-up`, a small file beside the SQLite file and not in its backups. The
command that makes a backup writes it, also while no gateway runs, and the gateway reads it. Of a database server nothing is known
here.
"""

import os
from datetime import datetime
from pathlib import Path

from gateway.clock import SECOND, timestamp


def stamp_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.backed-up")


def note_backup(database: Path, at: int) -> None:
    """Replaces the file as a whole, so that a reader never meets a part of it."""
    stamp = stamp_of(database)
    fresh = stamp.with_name(f"{stamp.name}.new")
    fresh.write_text(f"{timestamp(at)}\n", encoding="ascii")
    os.replace(fresh, stamp)


def backed_up_at(database: Path) -> int | None:
    """None: never on this machine, or the file is not ours."""
    try:
        moment = datetime.fromisoformat(stamp_of(database).read_text("ascii", "replace").strip())
        return round(moment.timestamp() * SECOND) if moment.tzinfo is not None else None
    except (OSError, ValueError, OverflowError):
        return None
