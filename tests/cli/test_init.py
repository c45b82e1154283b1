"""`gateway init`: settings of one's own to begin with."""

import re
import stat
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from gateway.cli.init import settings_of
from gateway.cli.program import run
from gateway.config import load

EXAMPLE = (Path(__file__).parents[2] / "config.example.toml").read_text()


def test_the_example_in_the_package_is_the_one_beside_the_readme() -> None:
    assert files("gateway").joinpath("config.example.toml").read_text("utf-8") == EXAMPLE


def test_it_differs_from_the_example_in_its_keys_and_in_nothing_else() -> None:
    def without_keys(text: str) -> dict[str, object]:
        settings = tomllib.loads(text)
        for channel in settings["channel"]:
            assert len(channel.pop("api_key")) != len(channel.pop("secret_key"))
        return settings

    written = settings_of(EXAMPLE)
    assert "example-" not in written
    assert "an example" not in written
    assert without_keys(written) == without_keys(EXAMPLE)
    assert not re.search(r" +$", written, flags=re.M)


def test_its_keys_are_fresh_and_each_is_its_own() -> None:
    keys = [
        re.findall(r'^(?:api|secret)_key = "(gw_[^"]+)"', settings_of(EXAMPLE), flags=re.M) for _ in range(2)
    ]
    assert [len(found) for found in keys] == [8, 8]
    assert len({*keys[0], *keys[1]}) == 16


def test_only_its_owner_can_read_it_and_it_loads(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert run(["init", "--config", str(path)]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [channel.name for channel in load(path, {}).channels] == ["web", "mobile", "pos", "callcenter"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_an_existing_file_is_left_unchanged(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, other = tmp_path / "config.toml", tmp_path / "other"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(other)
    assert run(["init", "--config", str(path)]) == 1
    assert f"{path}: exists already" in capsys.readouterr().err
    assert not other.exists()
    assert path.is_symlink() or path.read_text() == "mine"


@pytest.mark.parametrize("kind", ["missing", "file", "link to nothing"])
def test_a_directory_that_is_not_there_is_named(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "etc"
    if kind == "file":
        directory.touch()
    elif kind == "link to nothing":
        directory.symlink_to("nowhere")
    before = list(tmp_path.iterdir())
    assert run(["init", "--config", str(directory / "config.toml")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"gateway: {directory / 'config.toml'}: cannot be written ({directory}: ")
    assert said.endswith("; create the directory, or name another file with --config\n")
    assert list(tmp_path.iterdir()) == before
