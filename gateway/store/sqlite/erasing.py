"""The rest of an erasure once it is stored: its copy outside the file is written, and the erased data is removed from the file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import structlog

from gateway.errors import ErasuresUnreadable
from gateway.model import Erasure
from gateway.sqlite_library import sqlite3
from gateway.store.erasures import ERASURE, ERASURES, ErasureFile, erasure_of
from gateway.store.sqlite.wiping import rewrite, wipe
from gateway.workingset import WorkingSet

_log = structlog.get_logger("store")


class Erasing:
    """Methods that take a connection run on the writer's thread. `is_left`: erased data may still be in the files."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.is_left = False
        self._path = path
        self._outside = ErasureFile(path, key)
        self._has_new = False
        self._noted: list[int] = []

    def note(self, ws: WorkingSet) -> None:
        """A batch's erasures. They are looked up when the batch is stored, which may never happen."""
        if ws.erases:
            self.is_left = self._has_new = True
        self._noted += [erasure.erasure_id for erasure in ws.every_erasure()]

    def has_new(self) -> bool:
        """Whether a batch has erased since the last call."""
        has_new, self._has_new = self._has_new, False
        return has_new

    def finish(self, connection: sqlite3.Connection) -> None:
        """What cannot be done yet is left for the next time."""
        try:
            self.keep(connection)
        except (OSError, ErasuresUnreadable) as error:
            _log.error("erasure_not_kept_outside", file=str(self._outside.path), error=str(error))
        else:
            self.is_left = not wipe(connection, self._path)

    def keep(self, connection: sqlite3.Connection) -> None:
        """Write erasures to the file outside the database: those since the last call, or all that it lacks if another process
        changed it."""
        if self._outside.is_as_left():
            rows = [row for one in self._noted for row in connection.execute(ERASURE, (one,)).fetchall()]
        else:
            known = self._outside.read()
            rows = [row for row in connection.execute(ERASURES).fetchall() if row[0] not in known]
        self._outside.add(map(erasure_of, rows))
        self._noted.clear()

    def scrub(self, connection: sqlite3.Connection) -> bool:
        """Rewrite the whole file. Returns whether nothing of the old one is left."""
        clean = rewrite(connection, self._path)
        self.is_left |= not clean
        return clean

    def lacking(self, stored: Iterable[tuple[Any, ...]]) -> list[Erasure]:
        """Those that are kept outside and not among the rows of `ERASURES`."""
        seen = {erasure_id for erasure_id, *_ in stored}
        return [one for erasure_id, one in self._outside.read().items() if erasure_id not in seen]

    def rotate_secret(self) -> None:
        self._outside.rotate_secret()
