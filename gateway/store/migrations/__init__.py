"""The schema as numbered, forward-only steps. A step that was applied is never edited: its checksum is stored with it."""

import hashlib
import re
from importlib import resources
from typing import NamedTuple

from gateway.errors import SchemaMismatch

_BINDS = re.compile(r"^-- binds: (.+)$", re.MULTILINE)


class Migration(NamedTuple):
    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def binds(self) -> list[str]:
        """What the audit log vouches for anew once the step is done, by the names of `gateway.store.vouching`: rows that the step
        rewrites, or that nothing vouched for before it. A line of the step says so: `-- binds: profile review`."""
        found = _BINDS.search(self.sql)
        return found[1].split() if found else []


def all_migrations() -> list[Migration]:
    """Every step in order, as written for SQLite."""
    steps = [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text("utf-8"))
        for file in resources.files(__package__ or __name__).iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(steps)


def pending(applied: dict[int, str]) -> list[Migration]:
    """The steps that are still to do, given the applied ones' checksums. Raises SchemaMismatch for a database that this
    gateway must not touch."""
    steps = all_migrations()
    known = {step.version: step for step in steps}
    for version, sha256 in applied.items():
        step = known.get(version)
        if step is None:
            raise SchemaMismatch(
                f"The database is at schema {max(applied)}, this gateway knows up to {max(known)}. "
                "Run the gateway version that wrote it, or a newer one."
            )
        if step.sha256 != sha256:
            raise SchemaMismatch(
                f"Schema step {version} was applied with another content. Restore the backup, or the gateway version that wrote it."
            )
    return [step for step in steps if step.version not in applied]
