"""A file about people that a command writes."""

import contextlib
import os
from pathlib import Path

import pytest

from gateway.cli.failure import Failure
from gateway.cli.private_file import private_file


def test_it_is_its_owners_only_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("of last week")
    path.chmod(0o644)
    with private_file(path) as file:
        file.write("ann")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("ann", 0o600)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_half_a_file_is_not_left_behind(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "people.csv"
    with contextlib.suppress(error), private_file(path) as file:
        file.write("ann")
        raise error
    assert not path.exists()


def test_a_full_disk_is_named() -> None:
    with pytest.raises(Failure, match="/dev/full: No space left"), private_file(Path("/dev/full")) as file:
        file.write("ann")
    assert os.path.exists("/dev/full")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "people.csv").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Failure, match="is a link"), private_file(tmp_path / "people.csv"):
        pass
    assert not (tmp_path / "elsewhere").exists()
