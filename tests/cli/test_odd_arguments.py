"""Whatever stands on the command line or in the settings, a command ends with a line that says what is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gateway.cli import run

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
{server}
[store]
url = "{url}"
min_free_disk = "0B"
[log]
file = "gateway.log"
[[channel]]
name = "web"
{more}
"""
ODD = ["\udcff", "", "-", "\x1b[31m", "9" * 400, "=1", "../..", "http://[::1", "\u202e", "%zz", "x" * 70_000]
COMMANDS = [
    ("profile", "find"), ("profile", "show"), ("profile", "merge", "prf_1"), ("keys", "revoke", "--yes"),
    ("keys", "new", "--channel"),
    ("audit", "query", "--since"), ("audit", "query", "--action"), ("audit", "export", "--to"), ("db", "backup", "--to"),
    ("db", "copy", "--from", "gateway.db", "--to"), ("db", "copy", "--to", "postgresql://h/d", "--from"), ("rules", "check"),
    ("rules", "activate"), ("import", "--channel", "web"), ("import", "x.csv", "--channel"), ("erase", "--yes"), ("lists", "add"),
    ("deliveries", "list", "--state"), ("duplicates", "--reason"), ("check", "--config"),
]  # fmt: skip
URLS = [
    "http://[::1", "http://h:99999", "http://h:x", "http://", "http:///p", "//h", "h", "http://a b/", "http://%zz/", "http://h\\u0000/",
    "http://[::1]x/", "http://[v1.a]/", "http://\\ud800/".replace("\\ud800", "\u2028"), "http://xn--/", "http://u:p@h/", "http://h/?q",
]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    assert run(["db", "migrate"]) == 0
    capsys.readouterr()
    return tmp_path


def write(where: Path, *, url: str = "sqlite:///gateway.db", server: str = "", more: str = "") -> None:
    (where / "config.toml").write_text(SETTINGS.format(url=url, server=server, more=more))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_odd_argument_is_an_error_and_no_traceback(
    shop: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    for text in ODD:
        code = run([*command, text])
        said = capsys.readouterr()
        assert code in (0, 1, 2)
        assert "Traceback" not in said.err
        assert not {"\x1b", "\u202e", "\udcff"} & set(said.out + said.err)
        assert code == 0 or said.err.strip()


@pytest.mark.parametrize("text", ["", ".", ".."])
@pytest.mark.parametrize(
    "command",
    [("profile", "show"), ("undo", "--reason", "x"), ("erase", "--yes"), ("rules", "show")],
    ids=" ".join,
)
def test_an_id_that_would_be_another_path_is_not_sent(
    shop: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], text: str
) -> None:
    assert run([*command, text]) == 2
    assert f'"{text}": is not an id or a name' in capsys.readouterr().err


def test_a_log_file_that_cannot_be_written_is_a_mistake_in_the_settings(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """systemd does not start a gateway again that ends with 2."""
    for name in ("nowhere/gateway.log", "."):
        text = (shop / "config.toml").read_text()
        (shop / "other.toml").write_text(text.replace('file = "gateway.log"', f'file = "{name}"'))
        assert run(["serve", "--config", "other.toml"]) == 2
        assert f"log.file: {name}: cannot be written (" in capsys.readouterr().err


@pytest.mark.parametrize("url", URLS)
def test_a_malformed_address_in_the_settings_is_an_error_and_no_traceback(
    shop: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    keys = 'api_key = "platform-api-key-0123456789"\nsecret_key = "platform-secret-key-0123456789"'
    for more in (
        f'[gateway]\nmode = "forward"\n[upstream]\nbase_url = "{url}"\n{keys}',
        f'[[webhook]]\nname = "crm"\nurl = "{url}"\nsecret = "0123456789abcdef0123456789abcdef"\nevents = ["*"]',
    ):
        write(shop, more=more)
        code = run(["check"])
        said = capsys.readouterr()
        assert code in (0, 2)
        assert code == 0 or said.err.strip()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://[::1",
        "postgresql://h:99999/d",
        "postgresql://h:x/d",
        "sqlite:",
        "sqlite:///",
        "x",
        "",
        "sqlite:///a\\u0000b",
        "postgresql://h,[::1/d",
        "postgresql://u:p@h:x/d",
    ],
)
def test_a_malformed_store_is_an_error(shop: Path, capsys: pytest.CaptureFixture[str], url: str) -> None:
    write(shop, url=url)
    for command in (["keys", "list"], ["db", "migrate"]):
        assert run(command) in (1, 2)
        assert capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    "secret",
    ["s\u00e9cret-secret-secret-secret-secret-1", "\udcff" * 40, "\u202e" * 40, "sh0rt", "\u0661" * 40],
)
def test_a_secret_that_is_no_ascii_is_an_error(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    for variable in ("GATEWAY_SECRET", "GATEWAY_ADMIN_TOKEN"):
        monkeypatch.setenv(variable, secret)
        for command in (["check"], ["keys", "list"], ["audit", "verify"], ["admin-token"]):
            assert run(command) == 2
            said = capsys.readouterr().err
            assert said.strip()
            assert secret not in said
        monkeypatch.delenv(variable)


@pytest.mark.parametrize("path", ["/nowhere/gateway.db", "config.toml/gateway.db"])
def test_a_database_in_a_directory_that_is_not_there_is_an_error_with_a_remedy(
    shop: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    write(shop, url=f"sqlite:///{path}")
    for command in (["db", "migrate"], ["serve"]):
        assert run(command) == 2
        said = capsys.readouterr().err
        assert f"{path}.secret cannot be written ({path.removesuffix('/gateway.db')}: " in said
        assert "needs a directory that exists" in said


def test_a_user_without_a_name_can_run_commands(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that runs as any number."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 1_000_770_000)
    assert run(["keys", "new", "--channel", "web"]) == 0
    capsys.readouterr()
    assert run(["audit", "query", "--action", "key.*", "--json"]) == 0
    assert "1000770000" in capsys.readouterr().out


def test_a_place_for_temporary_files_with_a_very_long_name_is_an_error_that_says_so(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = shop / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    assert run(["keys", "list"]) == 1
    assert "path too long" in capsys.readouterr().err


# ---- links ----


def points_elsewhere(link: Path) -> Path:
    target = link.with_name("target")
    target.write_text("precious")
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    return target


@pytest.mark.parametrize(
    "name", ["gateway.db.lock", "gateway.db.secret", "export.jsonl", "copy.db", "copy.db.partial"]
)
def test_a_file_that_the_gateway_writes_is_no_link(
    shop: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    target = points_elsewhere(shop / name)
    run(["audit", "export", "--to", "export.jsonl"])
    run(["db", "backup", "--to", "copy.db"])
    run(["keys", "list"])
    assert "Traceback" not in capsys.readouterr().err
    assert target.read_text() == "precious"


def test_a_secret_that_the_settings_name_may_be_a_link_and_so_may_the_settings(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "gateway.db.secret").rename(shop / "mounted")
    (shop / "named").symlink_to(shop / "mounted")
    write(shop, server='secret_file = "named"')
    (shop / "config.toml").rename(shop / "real.toml")
    os.symlink(shop / "real.toml", shop / "config.toml")
    assert run(["keys", "list"]) == 0
    write(shop)
    (shop / "gateway.db.secret").symlink_to(shop / "mounted")
    capsys.readouterr()
    assert run(["keys", "list"]) == 2
    assert "is a link" in capsys.readouterr().err
