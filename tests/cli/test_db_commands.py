"""`gateway db`, the master secret, and commands on each kind of database."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import structlog

from gateway.clock import SECOND
from gateway.config import load
from gateway.sqlite_library import sqlite3
from gateway.store.migrations import Migration, all_migrations, steps

if TYPE_CHECKING:
    from tests.support.postgresql import PostgresServer
from tests.support.shell import MASTER_SECRET, Shell


@pytest.fixture
def on_postgres(
    shell: Shell, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """A shell on a PostgreSQL database that is empty, in a process in which nothing has set up the log."""
    structlog.reset_defaults()
    monkeypatch.setenv("GATEWAY_SECRET", MASTER_SECRET)
    url = postgres.url(postgres.fresh())
    shell.config.write_text(shell.config.read_text().replace(f"sqlite:///{tmp_path}/gateway.db", url))
    return shell


def test_commands_work_on_postgresql_or_name_its_own_tool(on_postgres: Shell, tmp_path: Path) -> None:
    shell = on_postgres
    assert shell.json("check")["ok"]
    assert shell.json("db", "migrate") == {"schema_version": all_migrations()[-1].version}
    assert shell.json("db", "check")["ok"]
    assert "pg_amcheck" in shell("db", "check")
    made = shell.json("keys", "new", "--channel", "web")
    assert made["id"] in shell("keys", "list")
    assert shell.json("rules", "list")
    shell("db", "backup", "--to", str(tmp_path / "copy.db"), code=1)
    assert "pg_dump" in shell.err


def test_a_database_is_refused_beside_another_master_secret(shell: Shell, tmp_path: Path) -> None:
    shell("keys", "new", "--channel", "web")
    kept = tmp_path / "gateway.db.secret"
    own = kept.read_text()
    kept.write_text("0" * 64)
    for words in (("keys", "list"), ("db", "migrate")):
        shell(*words, code=2)
        assert shell.err.startswith(
            f"gateway: server.secret_file: the master secret in {kept} is not the one"
        )
    kept.write_text(own)
    shell("keys", "list")


def test_a_lost_master_secret_is_replaced_by_another(shell: Shell, tmp_path: Path) -> None:
    issued = shell.json("keys", "new", "--channel", "web")
    shell("db", "new-secret", "--yes", code=1)
    assert "nothing to replace" in shell.err
    (tmp_path / "gateway.db.secret").write_text("0" * 64)
    shell("keys", "list", code=2)
    assert shell.json("db", "new-secret", "--yes") == {"checkpoints_dropped": 3}
    assert [key["id"] for key in shell.json("keys", "list")["items"]] == [issued["id"]]
    assert shell.json("audit", "verify")["ok"]
    assert shell.json("audit", "query", "--action", "secret.*")["items"]


def test_no_command_makes_a_new_secret_for_a_restored_database(shell: Shell, tmp_path: Path) -> None:
    shell("keys", "new", "--channel", "web")
    secret = tmp_path / "gateway.db.secret"
    kept = secret.read_text()
    secret.unlink()
    for words in (
        ("keys", "list"),
        ("keys", "new", "--channel", "web"),
        ("db", "check"),
        ("db", "migrate"),
        ("audit", "verify"),
        ("profile", "find", "anna"),
        ("admin-token",),
    ):
        shell(*words, code=2)
        assert f"the master secret {secret} is missing; restore the one" in shell.err
        assert not secret.exists()
    secret.write_text(kept)
    secret.chmod(0o600)
    assert shell.json("audit", "verify")["ok"]


READING = [
    ("audit", "query"),
    ("audit", "verify"),
    ("audit", "export"),
    ("audit", "explain", "prf_0000000000000001"),
    ("achievements", "list"),
    ("admin-token",),
    ("db", "check"),
    ("deliveries", "list"),
    ("deliveries", "show", "dlv_0000000000000001"),
    ("duplicates",),
    ("keys", "list"),
    ("lists", "show"),
    ("pin", "list"),
    ("profile", "explain", "prf_0000000000000001"),
    ("profile", "find", "anna"),
    ("profile", "history", "prf_0000000000000001"),
    ("profile", "show", "prf_0000000000000001"),
    ("review", "list"),
    ("rules", "list"),
    ("rules", "show", "1"),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_reads_makes_no_database(shell: Shell, tmp_path: Path, words: tuple[str, ...]) -> None:
    shell(*words, code=1 if words == ("db", "check") else 2)
    assert "there is no database" in shell.err
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("words", [("keys", "list"), ("status",), ("db", "migrate")], ids=" ".join)
def test_a_file_that_is_no_database_is_named_and_left_alone(
    shell: Shell, tmp_path: Path, words: tuple[str, ...]
) -> None:
    other = tmp_path / "gateway.db"
    other.write_text("a letter" * 100)
    shell(*words, code=2)
    assert f"{other.name} is not a SQLite database; name another file" in shell.err
    assert other.read_text() == "a letter" * 100


@pytest.mark.parametrize("words", [("keys", "list"), ("db", "check"), ("profile", "find")], ids=" ".join)
def test_a_command_that_reads_leaves_an_older_schema_alone(
    shell: Shell, tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("db", "migrate")
    known = all_migrations()
    added = Migration(9_000, "next_version", "CREATE TABLE next_version (name TEXT PRIMARY KEY) STRICT")
    monkeypatch.setattr(steps, "all_migrations", lambda: [*known, added])
    shell(*words, code=2)
    assert "run: gateway db migrate" in shell.err
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
        applied = connection.execute("SELECT version FROM schema_version ORDER BY version").fetchall()
    assert applied == [(step.version,) for step in known]


def test_a_neighbour_with_another_master_secret_is_refused_and_cannot_replace_it_either(
    on_postgres: Shell, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = on_postgres
    shell("keys", "new", "--channel", "web")
    database = urlsplit(load(shell.config, os.environ).store.url).path.removeprefix("/")
    monkeypatch.setenv("GATEWAY_SECRET", MASTER_SECRET[::-1])
    shell("keys", "list", code=2)
    assert "server.secret: the master secret (env GATEWAY_SECRET) is not the one" in shell.err
    until = time.time_ns() // 1_000_000 + 35 * SECOND
    postgres.sql(f"INSERT INTO lease VALUES ('housekeeping', 'neighbour', {until})", database)
    shell("db", "new-secret", "--yes", code=1)
    assert "another gateway runs" in shell.err
    postgres.sql("DELETE FROM lease", database)
    assert shell.json("db", "new-secret", "--yes") == {"checkpoints_dropped": 3}
    shell("keys", "list")


def test_the_database_is_migrated_checked_and_backed_up(shell: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    shell("db", "backup", "--to", str(copy), code=1)
    assert "migrate" in shell.err
    assert shell.json("db", "migrate") == {"schema_version": all_migrations()[-1].version}
    issued = shell.json("keys", "new", "--channel", "web")
    assert shell.json("db", "check")["ok"]
    shell("db", "backup", "--to", str(copy))
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT key_id FROM channel_key").fetchall() == [(issued["id"],)]
    connection.close()
    (stamp,) = tmp_path.glob("*.backed-up")
    told = stamp.read_text()
    assert told.startswith("20")
    assert "backup of " in shell("status", code=1)
    before = copy.read_bytes()
    shell("db", "backup", "--to", str(stamp), code=2)
    assert stamp.read_text() == told
    shell("db", "backup", "--to", str(copy), code=1)
    assert copy.read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_a_damaged_database_is_found_out(shell: Shell, tmp_path: Path) -> None:
    shell("db", "migrate")
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'record_of_profile'")
    connection.close()
    assert not shell.json("db", "check", code=1)["ok"]
    shell("keys", "list", code=1)
    assert len(shell.err.splitlines()) == 1
