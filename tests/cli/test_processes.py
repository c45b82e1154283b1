"""What only whole processes show: serving until a signal, following the log, playing the demo."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SETTINGS = """
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:{port}"
[store]
url = "sqlite:///gateway.db"
min_free_disk = "0B"
[log]
file = "gateway.log"
[[channel]]
name = "web"
api_key = "example-web-api-key-0001"
secret_key = "example-web-secret-key-0001"
[[channel]]
name = "pos"
"""


def start(directory: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", *words],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], word: str) -> str:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith(word):
            return said
    raise AssertionError(said)


@pytest.fixture
def serving(tmp_path: Path, unused_tcp_port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    (tmp_path / "config.toml").write_text(SETTINGS.format(port=unused_tcp_port))
    process = start(tmp_path, "serve")
    try:
        yield process, read_until(process, "Try it") + "".join(_lines(process, 2))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def _lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stderr is not None
    return [process.stderr.readline() for _ in range(count)]


def test_serve_says_where_it_is_and_what_to_paste(
    serving: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    _, said = serving
    create, achieve = said.splitlines()[-2:]
    for line, status in ((create, "200"), (achieve, "202")):
        assert line.startswith("curl -i ")
        answered = subprocess.run(
            line, shell=True, capture_output=True, text=True, check=True
        )  # the text is for a shell
        assert f" {status} " in answered.stdout.splitlines()[0]


def test_follow_prints_events_as_they_happen(
    serving: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    following = start(tmp_path, "audit", "follow", "--json", "--since", "1h", "--action", "key.*")
    issued = json.loads(
        start(tmp_path, "keys", "new", "--channel", "pos", "--json").communicate(timeout=30)[0]
    )
    assert following.stdout is not None
    assert json.loads(following.stdout.readline())["object"] == issued["id"]
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate(timeout=30)
    assert "Traceback" not in errors


def test_a_hang_up_reopens_the_log_and_does_not_end_the_gateway(
    serving: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, _ = serving
    log, moved = tmp_path / "gateway.log", tmp_path / "gateway.log.1"
    for again in range(2):
        log.rename(moved)
        process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 20
        while time.monotonic() < until and not (log.exists() and "log_reopened" in log.read_text()):
            assert process.poll() is None
            time.sleep(0.02)
        assert "log_reopened" in log.read_text(), again
        assert "log_reopened" not in moved.read_text() or again
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert "gateway_stopping" in log.read_text()


def test_signals_that_come_while_the_gateway_starts_do_not_end_it(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    (tmp_path / "config.toml").write_text(SETTINGS.format(port=unused_tcp_port))
    script = (
        "import os, signal, sys\n"
        "from gateway.cli import run\n"
        "class Early:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'gateway.app.serving':\n"
        "            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):\n"
        "                os.kill(os.getpid(), number)\n"
        "sys.meta_path.insert(0, Early())\n"
        "sys.exit(run(['serve']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    read_until(process, "Try it")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_follow_without_a_gateway_is_refused(tmp_path: Path, unused_tcp_port: int) -> None:
    (tmp_path / "config.toml").write_text(SETTINGS.format(port=unused_tcp_port))
    following = start(tmp_path, "audit", "follow")
    assert following.communicate(timeout=30)[1].startswith("gateway: no gateway runs")
    assert following.returncode == 1


def test_the_demo_merges_refuses_and_grants(tmp_path: Path) -> None:
    demo = start(tmp_path, "demo", "--json")
    told, errors = demo.communicate(timeout=60)
    assert demo.returncode == 0, errors
    shown = json.loads(told)
    assert [step["status"] for step in shown["steps"]] == [200, 200, 200, 200, 202, 400]
    assert shown["points"] == 100
    assert len(shown["profile"]["records"]) == 4
    assert "achievement.granted" in [event["action"] for event in shown["story"]]


def test_the_demo_serves_a_shop_until_it_is_told_to_end_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    demo = start(tmp_path, "demo", "--serve", "--people", "60")
    read_until(demo, "Ctrl-C")
    demo.send_signal(signal.SIGTERM)
    told, _ = demo.communicate(timeout=30)
    assert demo.returncode == 0
    assert told.startswith("console  http://127.0.0.1:")
    assert [line.split()[2:] for line in told.splitlines() if line.startswith("token")] == [
        ["grace,", "admin"],
        ["omar,", "steward"],
        ["nadia,", "viewer"],
    ]
    assert not [*tmp_path.iterdir()]


def test_serve_ends_with_2_beside_another_master_secret(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SETTINGS.format(port=0))
    made = start(tmp_path, "db", "migrate")
    made.communicate(timeout=30)
    (tmp_path / "gateway.db.secret").write_text("0" * 64)
    refused = start(tmp_path, "serve")
    _, said = refused.communicate(timeout=30)
    assert (made.returncode, refused.returncode) == (0, 2)
    assert said.startswith(
        "gateway: server.secret_file: the master secret in gateway.db.secret is not the one"
    )
