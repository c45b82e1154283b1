"""Which master secrets a gateway starts with."""

import hashlib
from pathlib import Path

import pytest

from gateway.config import ConfigError, load, master_secret

_PUBLISHED = "5a" * 32


@pytest.fixture(autouse=True)
def _published(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256(_PUBLISHED.encode()).hexdigest()
    monkeypatch.setattr(master_secret, "_PUBLISHED", master_secret._PUBLISHED | {digest})


def _open(tmp_path: Path, variables: dict[str, str] | None = None) -> master_secret.SecretBox:
    file = tmp_path / "config.toml"
    setting = '[server]\nsecret_env = "MASTER"\n' if variables else ""
    file.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/gateway.db"\n{setting}')
    return master_secret.open_box(load(file, variables or {}), make=True)


def test_a_new_secret_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    assert _open(tmp_path).is_new
    assert (tmp_path / "gateway.db.secret").stat().st_mode & 0o777 == 0o600
    assert not _open(tmp_path).is_new


def test_the_secret_that_was_once_in_the_repository_is_known_by_its_digest() -> None:
    assert "3c9d4cd803a39c4e1ef349bd034be588a210f69c35959896f9b0ff818955ea43" in master_secret._PUBLISHED


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "  \n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_published_secret_in_a_file_is_refused(tmp_path: Path, ending: str, encoding: str) -> None:
    path = tmp_path / "gateway.db.secret"
    path.write_bytes((_PUBLISHED + ending).encode(encoding))
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"gateway\.db\.secret is a master secret that was published"):
        _open(tmp_path)


def test_a_published_secret_from_the_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"env MASTER.* was published.*SECURITY\.md"):
        _open(tmp_path, {"MASTER": _PUBLISHED})


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o640 | 0o020, 0o602, 0o601, 0o777])
def test_a_secret_that_other_users_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    _open(tmp_path)
    path = tmp_path / "gateway.db.secret"
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}.*chmod 600"):
        _open(tmp_path)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_secret_of_its_owner_and_their_group_is_taken(tmp_path: Path, mode: int) -> None:
    _open(tmp_path)
    (tmp_path / "gateway.db.secret").chmod(mode)
    assert not _open(tmp_path).is_new


@pytest.mark.parametrize("content", [b"", b"short", "ü".encode() * 64, b"\xff" * 64, b"\0"])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gateway.db.secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no secret; restore it from the backup"):
        _open(tmp_path)
