"""What a terminal, a pipe and a program get to see of a command."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import output, program
from gateway.cli.lazy import Lazy
from gateway.cli.output import Columns, plain, print_rows
from gateway.plural import counted
from tests.support.processes import preloaded

SETTINGS = """
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[store]
url = "sqlite:///gateway.db"
min_free_disk = "0B"
[[channel]]
name = "web"
"""
GATEWAY = (sys.executable, "-m", "gateway")
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def new_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("new_shop")
    (where / "config.toml").write_text(SETTINGS)
    _run(where, "db", "migrate")
    return where


@pytest.fixture
def shop(new_shop: Path, tmp_path: Path) -> Path:
    """A directory with a database in it."""
    shutil.copytree(new_shop, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _run(where: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = preloaded.run(words, where, _environment())
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def _environment(columns: int = 80) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": str(columns), "TERM": "xterm"}


def _on_terminal(where: Path, *words: str, columns: int = 80, typed: bytes = b"") -> tuple[int, str]:
    """Exit code, and everything that the terminal showed. `typed` is typed once, at the question."""
    process, terminal = pty.fork()
    if not process:
        os.chdir(where)
        os.execve(sys.executable, (*GATEWAY, *words), _environment(columns))
    shown, asked = b"", False
    while select.select([terminal], [], [], 60)[0]:
        try:
            shown += os.read(terminal, 1 << 16)
        except OSError:
            break
        if typed and b"[y/N]" in shown and not asked:
            os.write(terminal, typed)
            asked = True
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode().replace("\r\n", "\n")


# ---- the command line itself ----


@pytest.mark.parametrize(("name", "lazy"), program.COMMANDS.items())
def test_every_command_of_the_list_is_there_and_has_a_line_about_it(name: str, lazy: Lazy) -> None:
    assert callable(lazy.load()), name
    assert re.fullmatch(r"[A-Z][^.]{9,60}\.", lazy.summary)


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert re.fullmatch(r"gateway \d+\.\d+\.\d+\S*\n", _run(tmp_path, "--version").stdout)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["keys", "--help"], ["erase", "--help"], ["db", "--help"]]
)
def test_help_loads_no_server_and_no_store(words: list[str]) -> None:
    """That would take longer than answering."""
    script = f"import sys; from gateway.cli import run; run({words!r}); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"aiohttp", "aiosqlite", "asyncpg", "gateway.app", "rich.progress"} & set(
        loaded.stderr.split()
    )


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("gateway.app.opening", {"gateway.http.public", "joserfc"}),
        ("gateway.processes.read_rows", {"aiohttp", "gateway.store", "structlog"}),
    ],
)
def test_a_command_and_the_process_that_reads_rows_load_only_what_they_use(
    module: str, spared: set[str]
) -> None:
    """An import pays for both each time that it starts."""
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not spared & set(loaded.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown_for_a_shell(shop: Path, shell: str) -> None:
    done = subprocess.run(
        GATEWAY,
        cwd=shop,
        env={**_environment(), "_GATEWAY_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "gateway" in done.stdout


# ---- errors for programs ----


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["profile", "show", "prf_0000000000000001"], 1),
        (["profile", "show", "nonsense"], 1),
        (["keys", "new", "--channel", "fax"], 1),
        (["keys", "new"], 2),
        (["keys", "list", "--limit", "0"], 2),
        (["keys", "nonsense"], 2),
        (["merge", "one"], 2),
        (["erase", "prf_0000000000000001"], 2),
        (["audit", "query", "--since", "soon"], 2),
        (["audit", "query", "--config", "nowhere.toml"], 2),
        (["rules", "check", "nowhere.toml"], 2),
        (["deliveries", "list", "--state", "lost"], 2),
    ],
)
def test_an_error_is_json_where_json_was_asked_for(shop: Path, words: list[str], code: int) -> None:
    done = _run(shop, *words, "--json", code=code)
    error = json.loads(done.stderr)["error"]
    assert error["exit_code"] == code
    assert error["code"]
    assert error["message"] == "\n".join(error["problems"])
    assert not done.stdout


def test_a_reader_that_closes_the_pipe_early_is_no_error(shop: Path) -> None:
    for command in ("audit export", "audit query --json", "audit query", "rules list", "--help", "check"):
        script = (
            f"set -o pipefail; {' '.join(GATEWAY)} {command} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=shop,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (command, done.stdout, done.stderr) == (command, "0\n", "")


_STREAMS = {
    "a full disk": (">/dev/full", 1),
    "a full disk for messages too": (">/dev/full 2>/dev/full", 1),
    "closed": (">&-", 0),
    "closed as all others are": ("<&- >&- 2>&-", 0),
    "a closed pipe for messages too": ("2>&1 | true", 0),
    "a closed pipe": ("2>messages | true", 0),
}


@pytest.mark.parametrize(("redirected", "done"), _STREAMS.values(), ids=_STREAMS)
def test_the_exit_code_tells_what_happened_wherever_the_output_goes(
    shop: Path, redirected: str, done: int
) -> None:
    """`done` is the code of a command that succeeds. A full disk is a failure; a reader that has read enough is none."""
    (shop / "wrong.toml").write_text("version = 1")
    commands = {
        "keys list --json": done,
        "audit export": done,
        "--help": done,
        "keys": 2,
        "nonsense": 2,
        "check --config nowhere.toml": 2,
        "check --config wrong.toml": 2,
        "rules check wrong.toml": 2,
    }
    program = " ".join(GATEWAY)
    lines = [f"{program} {words} {redirected}; echo ${{PIPESTATUS[0]}} >>codes" for words in commands]
    ran = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=shop,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    codes = [int(code) for code in (shop / "codes").read_text().split()]
    assert dict(zip(commands, codes, strict=True)) == commands
    assert not re.findall("Traceback|ignored in", ran.stdout + ran.stderr)


def test_a_closed_output_is_not_written_into_the_next_file_that_is_opened(shop: Path) -> None:
    before = (shop / "config.toml").read_bytes()
    for words in ("init --config fresh.toml", "db backup --to copy.db", "db check"):
        line = f"{' '.join(GATEWAY)} {words} <&- >&- 2>&-"
        subprocess.run(["bash", "-c", line], cwd=shop, env=_environment(), timeout=60, check=True)
    assert (shop / "config.toml").read_bytes() == before
    assert (shop / "fresh.toml").read_text().startswith("#")
    assert (shop / "copy.db").read_bytes().startswith(b"SQLite format 3\0")


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_a_terminal_of_any_encoding_shows_every_character(shop: Path, encoding: str) -> None:
    """What it does not have is written as in JSON."""
    text = "Zoë 王小明 \U0001f600"
    rules = _run(shop, "rules", "show", "preset-email-or-mobile-1").stdout
    (shop / "rules.toml").write_text(re.sub("(?m)^version = .*", 'version = "v"', f"# {text}\n{rules}"))
    _run(shop, "rules", "apply", "rules.toml", "--json")
    shown = subprocess.run(
        [*GATEWAY, "rules", "show", "v", "--json"],
        cwd=shop,
        env={**_environment(), "PYTHONIOENCODING": encoding},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    ).stdout.decode(encoding)
    assert text in json.loads(shown)["text"]


# ---- what cannot be taken back ----

FINAL = [
    ("erase", "prf_0000000000000001"),
    ("deliveries", "discard", "dlv_0000000000000001"),
    ("deliveries", "discard", "--all", "dead"),
    ("deliveries", "retry", "--all", "held"),
    ("achievements", "retry", "--all", "failed"),
    ("merges", "undo", "--rule", "email", "--reason", "a broken rule"),
    ("review", "answer-all", "accept", "--rule", "email"),
    ("keys", "revoke", "abc"),
    ("db", "new-secret"),
    ("db", "scrub"),
]


@pytest.mark.parametrize("words", FINAL, ids=" ".join)
def test_an_irreversible_command_needs_a_terminal_or_yes(shop: Path, words: tuple[str, ...]) -> None:
    assert "add --yes" in _run(shop, *words, code=2).stderr


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04", b"\x03"])
def test_a_question_that_is_not_answered_with_yes_changes_nothing(shop: Path, answer: bytes) -> None:
    code, shown = _on_terminal(shop, "keys", "revoke", "abc", typed=answer)
    assert "Revoke abc?" in shown
    assert code != 0
    assert "key_unknown" not in shown


def test_a_question_that_is_answered_with_yes_is_carried_out(shop: Path) -> None:
    issued = json.loads(_run(shop, "keys", "new", "--channel", "web", "--json").stdout)
    code, shown = _on_terminal(shop, "keys", "revoke", issued["id"], typed=b"y\n")
    assert (code, f"{issued['id']} is revoked" in shown) == (0, True)


# ---- tables ----


def test_an_id_is_whole_on_any_terminal(shop: Path) -> None:
    issued = json.loads(_run(shop, "keys", "new", "--channel", "web", "--json").stdout)
    events = json.loads(_run(shop, "audit", "query", "--json").stdout)["items"]
    assert events
    for columns in (20, 80, 200):
        _, keys = _on_terminal(shop, "keys", "list", columns=columns)
        _, log = _on_terminal(shop, "audit", "query", columns=columns)
        assert issued["id"] in keys
        for event in events:
            for name in ("at", "action", "object", "request_id"):
                assert not event[name] or re.search(rf"(^|\s){re.escape(event[name])}(\s|$)", log), name


HOSTILE = [
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\here",
    "\x9b31m",
    "a\rb",
    "a\nb",
    "\u202eevil",
    "[bold]x[/]",
    "[link=http://evil.example]x[/link]",
    "[/]",
    ":boom:",
    "\ud800",
    "\x00",
    "\ufeff",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_value_is_shown_as_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    columns: Columns = {"id": "id", "value": "value"}
    print_rows([{"id": "one", "value": text}], columns)
    heading, row, *rest = capsys.readouterr().out.split("\n")
    assert rest == [""]
    assert row.startswith("one ")
    assert not [mark for mark in row if unicodedata.category(mark) in ("Cc", "Cs") or mark in "\u202e\ufeff"]
    assert text in row or not text.isprintable()
    assert heading.startswith("id")


@given(st.text(st.characters()))
def test_control_sequences_are_removed_from_texts(text: str) -> None:
    shown = plain(text)
    assert not [mark for mark in shown if unicodedata.category(mark) in ("Cc", "Cs", "Zl", "Zp")]
    shown.encode()


@given(
    st.dictionaries(st.text(), st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
)
def test_json_keeps_its_meaning_when_it_is_made_safe(value: dict[str, object]) -> None:
    text = "".join(_printed(value))
    assert json.loads(text) == value
    assert not [mark for mark in text if unicodedata.category(mark) == "Cc" and mark != "\n"]


def _printed(value: object) -> Iterator[str]:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        output.print_json(value)
        yield out.getvalue()


@pytest.mark.parametrize(
    ("number", "thing", "words"),
    [
        (0, "row", "0 rows"),
        (1, "row", "1 row"),
        (2, "row", "2 rows"),
        (1, "delivery", "1 delivery"),
        (2, "delivery", "2 deliveries"),
        (9, "day", "9 days"),
        (12345, "event", "12,345 events"),
    ],
)
def test_counts_have_plurals(number: int, thing: str, words: str) -> None:
    assert counted(number, thing) == words


TRICKS = "\x9b31m\x1b]0;title\x07\u202e"
"""JSON by itself escapes a part of it."""


def test_neither_a_file_nor_a_customer_can_control_the_terminal(shop: Path) -> None:
    table = f"customerId,email,note,{TRICKS}\nann,ann@x.eg,{TRICKS},1\nbob,bob@x.eg,,2\n"
    (shop / "people.csv").write_text(table, encoding="utf-8")
    words = ("import", "people.csv", "--channel", "web", "--map", "custom.note=note")
    code, table = _on_terminal(shop, *words, typed=b"y\n")
    assert code == 0, table
    ann, bob = (
        json.loads(_run(shop, "profile", "find", "--customer-id", name, "--json").stdout)["items"][0]["id"]
        for name in ("ann", "bob")
    )
    _run(shop, "merge", ann, bob, "--reason", TRICKS)
    _, person = _on_terminal(shop, "export", ann)
    _, log = _on_terminal(shop, "audit", "export")
    assert "\x9b31m" in _run(shop, "audit", "export").stdout
    for shown in (table, person, log):
        assert "\\u009b31m" in shown
        assert not {"\x9b", "\x07", "\u202e", "\x1b]"} & {
            shown[at : at + size] for at in range(len(shown)) for size in (1, 2)
        }


def test_the_database_is_written_anew(shop: Path) -> None:
    assert json.loads(_run(shop, "db", "scrub", "--yes", "--json").stdout) == {"left": []}
