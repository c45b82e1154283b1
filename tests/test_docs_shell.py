"""The shell blocks of pages do what the text says, pasted into bash; those of the README and the quickstart into zsh too."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHELLS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i", "-s"]}


@pytest.fixture
def checkout(tmp_path: Path, unused_tcp_port_factory: Callable[[], int]) -> Iterator[tuple[Path, int]]:
    """A directory that looks like a checkout, where `make run` serves; and the public port."""
    public, admin = unused_tcp_port_factory(), unused_tcp_port_factory()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    moved = example.replace("127.0.0.1:8080", f"127.0.0.1:{public}").replace(
        "127.0.0.1:8081", f"127.0.0.1:{admin}"
    )
    (tmp_path / "config.example.toml").write_text(moved, encoding="utf-8")
    process = subprocess.Popen(
        ["make", "--assume-old", ".venv/running", "run"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        said = "".join(iter(process.stderr.readline, "Try it:\n"))
        assert str(public) in said
        yield tmp_path, public
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


_GATEWAY = 'gateway() { .venv/bin/gateway "$@" --config config.example.toml; }\n'
"""The command by the name that it has outside a checkout, for the gateway that serves."""


def _pasted(shell: str, page: str, checkout: tuple[Path, int], before: str = "") -> str:
    """What an interactive shell prints when the page's blocks are pasted into it."""
    directory, port = checkout
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S)
    script = before + "".join(block for block in blocks if not block.startswith("make "))
    ended = subprocess.run(
        SHELLS[shell],
        cwd=directory,
        env=os.environ | {"HOME": str(directory), "TERM": "dumb", "COLUMNS": "200", "PS1": "", "PS2": ""},
        input=script.replace("127.0.0.1:8080", f"127.0.0.1:{port}") + '\necho "the last one: $?"\nexit\n',
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=100,
        check=False,
    )
    assert "the last one: 0" in ended.stdout, ended
    assert not re.search(r"not found|no match|^curl: |^error|Traceback", ended.stderr, flags=re.M), (
        ended.stderr
    )
    return ended.stdout


def _statuses(output: str) -> list[str]:
    return re.findall(r"HTTP/1\.1 (\d+)", output)


def _decisions(output: str) -> list[str]:
    return re.findall(r"X-Gateway-Decision: (\w+)", output)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_readme_shows_a_merge(shell: str, checkout: tuple[Path, int]) -> None:
    output = _pasted(shell, "README.md", checkout)
    assert _statuses(output) == ["200", "200", "200", "202", "400"]
    assert _decisions(output)[:3] == ["created", "created", "merged"]
    assert re.search(r"^prf_\w+ +web:c-17, pos:4711 ", output, flags=re.M)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_quickstart_does_what_it_says(shell: str, checkout: tuple[Path, int]) -> None:
    output = _pasted(shell, "docs/quickstart.md", checkout)
    assert "4 customer ids, 1 merge" in output
    assert _statuses(output) == ["200", "200", "200", "202", "400"]
    assert _decisions(output)[:3] == ["created", "created", "merged"]
    assert "can't send this action multiple times" in output
    assert re.search(r"^prf_\w+ +web:w-20, pos:t-20 ", output, flags=re.M)
    assert re.search(r"identity\.merged .* rule:\w+", output)


def test_the_rules_tutorial_does_what_it_says(checkout: tuple[Path, int]) -> None:
    output = _pasted("bash", "docs/guides/rules-tutorial.md", checkout, _GATEWAY)
    assert re.findall(r"^(\S+) +(yes|no) +\d{4}-", output, flags=re.M) == [
        ("preset-email-or-mobile-1", "yes"),
        ("my-rules-1", "yes"),
        ("preset-email-or-mobile-1", "no"),
    ]
    assert "rule set preset-email-or-mobile-1 is active now" in output
    assert re.search(r"^\+201001234567 ", output, flags=re.M)


def test_the_page_about_backups_makes_one(checkout: tuple[Path, int]) -> None:
    output = _pasted("bash", "docs/operations/backup-restore-upgrade.md", checkout, _GATEWAY)
    assert re.search(r"^backup\.db holds the database, .* and was verified$", output, flags=re.M)
    assert re.search(r"^the audit log is intact", output, flags=re.M)
    assert (checkout[0] / "backup.db").exists()
