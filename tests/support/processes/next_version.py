"""`python next_version.py table|columns …` runs `gateway …` as the next version would be: with one more schema step, an added
table or columns added to the tables that are there."""

import sys

from gateway.store import migrations

VERSION = 9_000
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
    "table": "CREATE TABLE next_version (name TEXT PRIMARY KEY) STRICT;",
    "columns": "".join(f"ALTER TABLE {one} ADD COLUMN next_version TEXT DEFAULT '';" for one in _GROWING),
}


def main() -> None:
    steps = [
        *migrations.all_migrations(),
        migrations.Migration(VERSION, "next_version", _STEPS[sys.argv.pop(1)]),
    ]
    migrations.all_migrations = lambda: steps
    from gateway.cli import main as gateway

    gateway()


if __name__ == "__main__":
    main()
