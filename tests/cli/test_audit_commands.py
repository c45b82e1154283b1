"""`gateway audit`: export, verification, anchors and explanations."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from gateway.sqlite_library import sqlite3
from tests.support.shell import Shell


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


def test_an_export_that_fails_leaves_no_file_that_looks_whole(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("keys", "new", "--channel", "web")
    target = tmp_path / "audit.ndjson"

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        shell("audit", "export", "--to", str(target), code=1)
        assert "cannot be written (No space left on device)" in shell.err
    assert not target.exists()
    shell("audit", "export", "--to", str(target))
    shell("audit", "export", "--to", str(target), code=1)
    assert target.exists()


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


def test_a_checkpoint_that_was_altered_is_a_breach_and_no_reason_to_stand_still(
    shell: Shell, tmp_path: Path
) -> None:
    shell("keys", "new", "--channel", "web")
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
        connection.execute("INSERT INTO audit_checkpoint VALUES (1 << 60, 1, '{}', x'00')")
        connection.commit()
    shell("keys", "list")
    shell("audit", "verify", code=1)
