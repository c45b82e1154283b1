"""`python next_version.py table|columns|many …` runs `gateway …` as the next version would be: with more schema steps, which add a
table, columns to the tables that are there, or many tables."""

import sys

from gateway.store import migrations
from gateway.store.migrations import Migration, steps

VERSION = 9_000
MANY = 25
_GROWING = (
    "record",
    "profile",
    "identifier_state",
    "observation",
    "achievement",
    "dedup",
    "idempotency",
    "ledger",
)
_STEPS = {
    "table": ["CREATE TABLE next_version (name TEXT PRIMARY KEY) STRICT;"],
    "columns": ["".join(f"ALTER TABLE {one} ADD COLUMN next_version TEXT DEFAULT '';" for one in _GROWING)],
    "many": [
        f"CREATE TABLE next_{number} (name TEXT PRIMARY KEY, value TEXT) STRICT;"
        f"CREATE INDEX next_{number}_by_value ON next_{number} (value);"
        for number in range(MANY)
    ],
}


def main() -> None:
    added = enumerate(_STEPS[sys.argv.pop(1)], VERSION)
    more = [*steps.all_migrations(), *(Migration(version, "next_version", sql) for version, sql in added)]
    steps.all_migrations = migrations.all_migrations = lambda: more
    from gateway.cli import main as gateway

    gateway()


if __name__ == "__main__":
    main()
