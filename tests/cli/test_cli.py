"""The commands as a person runs them: against the store itself, and against a gateway that runs on the same settings."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import pytest

from gateway.cli import run
from gateway.clock import SECOND
from gateway.config import load
from gateway.model import Achieve, Caller, SaveCustomer
from gateway.sqlite_library import sqlite3
from gateway.store.migrations import Migration, all_migrations, steps
from rules.identifier import Evidence, Identifier
from rules.language.parse import preset

if TYPE_CHECKING:
    from tests.support.postgresql import PostgresServer
    from tests.support.running_gateway import RunningGateway

MASTER_SECRET = "a-master-secret-of-32-characters"

SETTINGS = """
[server]
listen = "127.0.0.1:0"
admin_listen = "{admin}"
[store]
url = "sqlite:///{directory}/gateway.db"
min_free_disk = "0B"
[[channel]]
name = "web"
default_region = "EG"
[[channel]]
name = "pos"
default_region = "EG"
"""


class Shell:
    """Runs commands on one configuration and keeps what they said."""

    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = config
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        self.capsys.readouterr()
        arguments = list(words) if words[:2] == ("rules", "check") else [*words, "--config", str(self.config)]
        ended = run(arguments)
        self.out, self.err = self.capsys.readouterr()
        assert ended == code, (ended, self.out, self.err)
        assert "Traceback" not in self.err
        return self.out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin="127.0.0.1:0"))
    return Shell(config, capsys)


@pytest.fixture
def beside(
    gateway: RunningGateway,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    """A shell on the settings of a gateway that runs."""
    config = tmp_path / "beside.toml"
    config.write_text(SETTINGS.format(directory=tmp_path, admin=gateway.admin_url.removeprefix("http://")))
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", gateway.services.admin_token)
    return Shell(config, capsys)


async def bring_somebody(gateway: RunningGateway) -> None:
    """A customer of the till, with an accepted achievement."""
    caller = Caller("pos", "pos", "channel:pos", "req_till")
    evidence = (Evidence(Identifier("mobile", "+201001234567")),)
    await gateway.services.pipeline.submit(SaveCustomer(caller, "till-1", evidence))
    await gateway.services.pipeline.submit(Achieve(caller, "till-1", 11664))


def test_keys_are_made_listed_and_revoked(shell: Shell) -> None:
    issued = shell.json("keys", "new", "--channel", "pos")
    assert issued["api_key"].startswith("gw_api_pos_")
    assert [key["id"] for key in shell.json("keys", "list")["items"]] == [issued["id"]]
    shell("keys", "revoke", issued["id"], "--yes")
    assert "revoked" in shell.out
    assert shell.json("keys", "list")["items"][0]["revoked_at"]
    assert issued["api_key"] not in shell("audit", "query")


def test_a_refusal_exits_with_1_and_prints_one_line(shell: Shell) -> None:
    shell("db", "migrate")
    for words in (
        ("keys", "new", "--channel", "fax"),
        ("keys", "revoke", "nothing", "--yes"),
        ("profile", "show", "prf_1"),
    ):
        shell(*words, code=1)
        assert not shell.out
        assert len(shell.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "new"),
        ("keys", "list", "--limit", "201"),
        ("audit", "query", "--since", "soon"),
        ("no-such-command",),
    ],
)
def test_misuse_exits_with_2(shell: Shell, words: tuple[str, ...]) -> None:
    shell(*words, code=2)
    assert shell.err


def test_missing_settings_name_the_remedy(shell: Shell) -> None:
    shell.config.unlink()
    shell("keys", "list", code=2)
    assert "--config" in shell.err


def test_every_mistake_in_the_settings_is_reported(shell: Shell) -> None:
    with shell.config.open("a") as file:
        file.write('colour = "red"\n[log]\nlevel = "loud"\n')
    shell("check", code=2)
    assert "colour" in shell.err
    assert "log.level" in shell.err
    assert len(shell.json("check", code=2)["problems"]) == 2


def test_a_check_shows_the_settings_with_secrets_masked(shell: Shell) -> None:
    with shell.config.open("a") as file:
        file.write('api_key = "a-very-secret-key-0001"\nsecret_key = "a-very-secret-key-0002"\n')
    shown = shell("check")
    assert 'achievements.dedup_window = "5m"' in shown
    assert "a-very-secret-key" not in shown + shell.err + str(shell.json("check"))


def test_a_check_includes_the_rules_that_a_fresh_database_starts_with(shell: Shell, tmp_path: Path) -> None:
    rules = tmp_path / "mine.toml"
    rules.write_text(preset("email").replace("[[rule]]", '[[rule]]\ncolour = "red"', 1))
    with shell.config.open("a") as file:
        file.write(f'[rules]\nseed = "{rules}"\n')
    shell("check", code=2)
    assert "colour" in shell.err


def test_rules_are_checked_without_settings_or_database(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(preset("strict"))
    shell("rules", "check", str(file))
    file.write_text(preset("strict") + "[colours]\n[shapes]\n")
    shell("rules", "check", str(file), code=2)
    assert len(shell.err.splitlines()) == 2
    assert len(shell.json("rules", "check", str(file), code=2)["problems"]) == 2
    assert [path.name for path in tmp_path.glob("gateway.db*")] == []


def test_rules_go_from_the_file_to_activation_and_back(shell: Shell, tmp_path: Path) -> None:
    shell("db", "migrate")
    (seed,) = shell.json("rules", "list")["items"]
    file = tmp_path / "mine.toml"
    text = preset("email").replace("[rules]\n", '[rules]\nactivation = "immediate"\n', 1)
    file.write_text(text)
    applied = shell.json("rules", "apply", str(file))
    assert applied["active"]
    assert shell("rules", "show", applied["version"]) == text
    shell("rules", "activate", seed["version"])
    assert [one["active"] for one in shell.json("rules", "list")["items"]] == [False, True]


def test_rules_that_need_a_dry_run_are_stored_and_not_activated(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(preset("email"))
    applied = shell.json("rules", "apply", str(file))
    assert not applied["active"]
    shell("rules", "activate", applied["version"], code=1)
    assert "plan_required" in shell.err


def test_rules_become_active_once_their_plan_was_seen_and_applied(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(preset("email"))
    shell("rules", "apply", str(file))
    assert f"gateway rules plan {file}" in shell.err
    assert "profiles that would merge" in shell("rules", "plan", str(file))
    assert "nothing was changed" in shell.err
    assert shell.json("rules", "plan", str(file))["counts"]["merged"] == 0
    assert shell.json("rules", "apply", str(file))["active"]
    file.write_text('colour = "red"')
    shell("rules", "plan", str(file), code=2)


def test_the_audit_log_is_exported_once_and_verifies(shell: Shell, tmp_path: Path) -> None:
    shell("keys", "new", "--channel", "web")
    target = tmp_path / "audit.ndjson"
    shell("audit", "export", "--to", str(target))
    actions = [msgspec.json.decode(line)["action"] for line in target.read_bytes().splitlines()]
    assert actions == ["rules.stored", "rules.activated", "key.created"]
    shell("audit", "export", "--to", str(target), code=1)
    assert "audit log never verified" in shell("status", code=1)
    assert shell.json("audit", "verify")["events"] == 3
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 1")
    connection.close()
    assert "audit log verified 2" in shell("status", code=1)
    assert not shell.json("audit", "verify", code=1)["ok"]
    assert "audit log changed by other hands, found 2" in shell("status", code=1)


def test_a_row_that_was_changed_is_named_when_the_state_is_asked_for(shell: Shell, tmp_path: Path) -> None:
    issued = shell.json("keys", "new", "--channel", "web")
    assert "channel_key: 1 row as the log says" in shell("audit", "verify", "--state")
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as connection, connection:
        connection.execute("UPDATE channel_key SET channel = 'pos'")
    assert shell.json("audit", "verify")["ok"]
    (breach,) = shell.json("audit", "verify", "--state", code=1)["breaches"]
    assert breach["chain"] == "channel_key"
    assert breach["what"] == f"{issued['id']}: the row was changed, but not by the gateway"


class _Kept(BaseHTTPRequestHandler):
    """What docs/operations/monitor.md has of a receiver: each body is a line."""

    anchors: Path

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.anchors.open("ab") as file:
            file.write(body + b"\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@pytest.fixture(params=["file", "webhook"])
def anchors(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> Iterator[Path]:
    """The lines that a file has, or that a webhook's receiver wrote down."""
    path = tmp_path / "anchors"
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), type("Receiver", (_Kept,), {"anchors": path}))
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    told = {
        "file": f'[audit]\nanchor = "file:{path}"\n',
        "webhook": '[audit]\nanchor = "webhook:vault"\n[[webhook]]\nname = "vault"\nevents = []\n'
        f'url = "http://127.0.0.1:{receiver.server_port}/"\nsecret = "0123456789abcdef"\nallow_private = true\n',
    }
    with shell.config.open("a") as settings:
        settings.write(f"\n{told[request.param]}")
    yield path
    receiver.shutdown()
    thread.join()
    receiver.server_close()


def test_a_database_that_was_put_back_is_found_by_the_anchors_only(
    shell: Shell, tmp_path: Path, anchors: Path
) -> None:
    database, earlier = tmp_path / "gateway.db", tmp_path / "earlier.db"
    shell("keys", "new", "--channel", "web")
    shell("db", "backup", "--to", str(earlier))
    shell("keys", "new", "--channel", "web")
    verdict = shell.json("audit", "verify", "--anchors", str(anchors))
    assert verdict["anchors"] == verdict["checkpoints"] > 3
    assert verdict["unanchored"] == 0
    few = tmp_path / "few"
    few.write_bytes(anchors.read_bytes().split(b"\n")[0])
    shell("audit", "verify", "--anchors", str(few))
    assert f"not in the file: {verdict['checkpoints'] - 1} signed checkpoints of the log" in shell.err
    earlier.replace(database)
    assert shell.json("audit", "verify", "--state")["ok"]
    breaches = shell.json("audit", "verify", "--anchors", str(anchors), code=1)["breaches"]
    assert {breach["chain"] for breach in breaches} == {"anchor"}
    shell("keys", "list")
    shell("keys", "new", "--channel", "web")
    assert not shell.json("audit", "verify", "--anchors", str(anchors), code=1)["ok"]
    anchors.write_text("no anchor\n")
    shell("audit", "verify", "--anchors", str(anchors), code=1)
    assert "holds no anchor" in shell.err


def test_a_key_has_a_history(shell: Shell) -> None:
    issued = shell.json("keys", "new", "--channel", "web")
    story = shell.json("audit", "explain", issued["id"])["items"]
    assert [event["sentence"] for event in story] == [f"key pair {issued['id']} was issued for web"]
    shell("audit", "explain", "req_unheard_of", code=1)


@pytest.fixture
def on_postgres(
    shell: Shell, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """A shell on a PostgreSQL database that is empty."""
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


def test_a_checkpoint_that_was_altered_is_a_breach_and_no_reason_to_stand_still(
    shell: Shell, tmp_path: Path
) -> None:
    shell("keys", "new", "--channel", "web")
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
        connection.execute("INSERT INTO audit_checkpoint VALUES (1 << 60, 1, '{}', x'00')")
        connection.commit()
    shell("keys", "list")
    shell("audit", "verify", code=1)


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


async def test_commands_are_sent_to_the_running_gateway(
    gateway: RunningGateway, beside: Shell, tmp_path: Path
) -> None:
    await bring_somebody(gateway)
    profiles = (await asyncio.to_thread(beside.json, "profile", "find", "0100 123 4567"))["items"]
    assert len(profiles) == 1
    profile = profiles[0]["id"]
    shown = await asyncio.to_thread(beside, "profile", "show", profile)
    assert "+201001234567" in shown
    (achievement,) = (await asyncio.to_thread(beside.json, "achievements", "list", "--profile", profile))[
        "items"
    ]
    told = await asyncio.to_thread(beside.json, "audit", "explain", achievement["id"])
    assert "pos created a new customer (mobile ***67)" in [event["sentence"] for event in told["items"]]
    issued = await asyncio.to_thread(beside.json, "keys", "new", "--channel", "web")
    opened = gateway.services.keyring.open(issued["api_key"], issued["secret_key"], secret_needed=True)
    assert not isinstance(opened, str)
    copy = tmp_path / "copy.db"
    await asyncio.to_thread(beside, "db", "backup", "--to", str(copy))
    assert copy.stat().st_size
    assert (await asyncio.to_thread(beside.json, "db", "check"))["ok"]
    erased = await asyncio.to_thread(beside.json, "erase", profile, "--yes")
    assert erased == {"erased": profile, "records": 1, "effects": None}


async def test_a_gateway_that_does_not_know_the_token_is_named(
    gateway: RunningGateway, beside: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", "another-token-0123456789")
    await asyncio.to_thread(beside, "keys", "list", code=2)
    assert "another gateway" in beside.err


async def test_a_store_that_another_process_holds_is_refused(gateway: RunningGateway, shell: Shell) -> None:
    """The shell's settings have another admin listener, so the command tries to open the file itself."""
    await asyncio.to_thread(shell, "keys", "list", code=1)
    assert "Another gateway process" in shell.err
