"""The steps of the schema, and which of them a database still needs. A step that was applied is never edited: its checksum is
stored with it."""

import hashlib
import re
from importlib import resources
from typing import NamedTuple

from gateway.errors import SchemaMismatch

_BINDS = re.compile(r"^-- binds(?: as step (\d+))?: (.+)$", re.MULTILINE)
_SINGLE_STEPS = "ab8c36d36d628573ab59f3c0b6e837799e9673cf3546b3e283d93e10da6bbd7d"
"""The digest of the versions and checksums of the single steps that the initial one replaces, in order."""


class Migration(NamedTuple):
    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def binds(self) -> list[tuple[int, str]]:
        """The tables of `gateway.store.row_digests` whose rows are bound to the audit log again once the step is done: the step
        rewrites them, or no digest covered them before. Each comes with the number by which the log knows the step. A line
        of the step says so: `-- binds: profile review`."""
        found = _BINDS.search(self.sql)
        return [(int(found[1] or self.version), name) for name in found[2].split()] if found else []


def all_migrations() -> list[Migration]:
    """Every step in order, as written for SQLite."""
    steps = [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text("utf-8"))
        for file in resources.files(__package__ or __name__).iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(steps)


def pending(applied: dict[int, str]) -> list[Migration]:
    """The steps that are still to do, given the applied ones' checksums. Raises SchemaMismatch for a database that this gateway
    must not touch."""
    steps = all_migrations()
    known = {step.version: step.sha256 for step in steps}
    for version, sha256 in _without_single_steps(applied, steps[0]).items():
        if version not in known:
            raise SchemaMismatch(
                f"The database is at schema {max(applied)}, this gateway knows up to {max(known)}. "
                "Run the gateway version that wrote it, or a newer one."
            )
        if sha256 != known[version]:
            raise _altered(version)
    return [step for step in steps if step.version not in applied]


def _without_single_steps(applied: dict[int, str], initial: Migration) -> dict[int, str]:
    """The applied steps. If the database has the single steps, the initial one takes their place."""
    single = {version: applied[version] for version in sorted(applied) if version <= initial.version}
    if single.keys() <= {initial.version}:
        return applied
    if initial.version not in single:
        raise SchemaMismatch(
            f"The database is at schema {max(single)}, this gateway upgrades from schema {initial.version} on. Upgrade it first"
            " with the commit that CHANGELOG.md names for databases from before the first release."
        )
    text = "\n".join(f"{version} {sha256}" for version, sha256 in single.items())
    if hashlib.sha256(text.encode()).hexdigest() != _SINGLE_STEPS:
        raise _altered(initial.version)
    later = {version: sha256 for version, sha256 in applied.items() if version not in single}
    return {initial.version: initial.sha256, **later}


def _altered(version: int) -> SchemaMismatch:
    return SchemaMismatch(
        f"Schema step {version} was applied with another content. Restore the backup, or the gateway version that wrote it."
    )
