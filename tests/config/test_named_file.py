"""The settings and the files that they name are read to an end, whatever stands under the name."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from gateway.app.factories import seed_rules
from gateway.config import ConfigError, load
from gateway.config.master_secret import open_box
from gateway.config.named_file import text_of
from rules.language.parse import preset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def a_directory(path: Path) -> None:
    path.mkdir()


def a_pipe_without_a_writer(path: Path) -> None:
    os.mkfifo(path, 0o600)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def an_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_very_large_file(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


OTHERS = {
    a_directory: "it is a directory",
    a_pipe_without_a_writer: "it is a pipe, not a file",
    a_socket: "it is a socket, not a file",
    an_endless_device: "it is a device, not a file",
    a_very_large_file: "it is larger than 16 MiB",
}


def settings(path: Path) -> None:
    load(path, {})


def key(path: Path) -> None:
    place = path.with_name("config.toml")
    place.write_text(f'[[channel]]\nname = "web"\napi_key_file = "{path}"')
    load(place, {})


def rules(path: Path) -> None:
    place = path.with_name("config.toml")
    place.write_text(f'[rules]\nseed = "{path}"')
    seed_rules(load(place, {}))


def master_secret(path: Path) -> None:
    place = path.with_name("config.toml")
    place.write_text(f'[server]\nsecret_file = "{path}"')
    open_box(load(place, {}), make=False)


def database(path: Path) -> None:
    place = path.with_name("config.toml")
    place.write_text(f'[store]\nurl = "sqlite:///{path}"')
    load(place, {})


@pytest.mark.parametrize("other", [one for one in OTHERS if one is not a_very_large_file])
def test_a_database_that_is_no_file_is_a_mistake_in_the_settings(
    tmp_path: Path, other: Callable[[Path], None]
) -> None:
    path = tmp_path / "named"
    other(path)
    with pytest.raises(
        ConfigError, match=r"store.url: .*named cannot be a database: it is a .*; name a file"
    ):
        database(path)


@pytest.mark.parametrize("read", [settings, key, rules], ids=lambda read: read.__name__)
@pytest.mark.parametrize(("other", "why"), OTHERS.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_no_file_of_a_sensible_size_is_refused_with_the_reason(
    tmp_path: Path, read: Callable[[Path], None], other: Callable[[Path], None], why: str
) -> None:
    path = tmp_path / "named"
    other(path)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert f"cannot be read ({why})" in caught.value.problems[0]


@pytest.mark.parametrize("other", [one for one in OTHERS if one is not a_very_large_file])
def test_a_master_secret_that_is_no_file_is_refused(tmp_path: Path, other: Callable[[Path], None]) -> None:
    path = tmp_path / "named"
    other(path)
    with pytest.raises(ConfigError, match=r"named cannot be read \(it is a "):
        master_secret(path)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_key_is_read_from_a_file_of_any_editor(tmp_path: Path, start: str, ending: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(f"{start}web-api-key-0123456789{ending}".encode())
    place = tmp_path / "config.toml"
    place.write_text(f'[[channel]]\nname = "web"\napi_key_file = "{path}"')
    found = load(place, {}).channels[0].api_key
    assert found is not None
    assert found.matches("web-api-key-0123456789")


@pytest.mark.parametrize("setting", ["rules.seed", "channel.api_key_file", "server.secret_file"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, setting: str) -> None:
    table, _, name = setting.partition(".")
    text = {"channel": '[[channel]]\nname = "web"'}.get(table, f"[{table}]")
    place = tmp_path / "config.toml"
    place.write_text(f'{text}\n{name} = "a\\u0000b"')
    with pytest.raises(ConfigError, match="a NUL"):
        load(place, {})


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "mounted").write_text(preset("retail"))
    (tmp_path / "named").symlink_to("mounted")
    assert text_of(tmp_path / "named") == preset("retail")
    rules(tmp_path / "named")
