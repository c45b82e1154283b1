"""The gateway's own secrets, all derived from one master secret, so that there is one thing to keep and to back up.

The master secret comes from the settings, else from a file beside the database that is made at the first start (0600).
"""

import contextlib
import errno
import hashlib
import hmac
import os
import re
import secrets
import stat
from functools import lru_cache
from pathlib import Path

from gateway.config import Config, ConfigError

_MASTER_BYTES = 32
_FILE_LIMIT = 4096
_WITHOUT_A_FILE = "gateway"
"""What the secret's file is named after in the working directory, when the database is not a file."""
_DERIVED = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PUBLISHED = frozenset({"3c9d4cd803a39c4e1ef349bd034be588a210f69c35959896f9b0ff818955ea43"})
"""SHA-256 of master secrets that have been public (SECURITY.md): anyone can derive the keys they protect."""


class SecretBox:
    """Keys for each purpose, by HMAC-SHA256 of the purpose under the master secret. `is_new`: it was made just now."""

    def __init__(self, master: bytes, *, is_new: bool = False) -> None:
        self._master = master
        self.is_new = is_new

    def key(self, purpose: str) -> bytes:
        return hmac.digest(self._master, purpose.encode(), hashlib.sha256)


def admin_token(config: Config, box: SecretBox | None = None) -> str:
    """The bearer token of the admin listener: the configured one, else one that only this machine can derive. Raises ConfigError
    when there is neither a token nor a secret; without `box` it is opened here."""
    token = config.server.admin_token
    if token is not None:
        return token.reveal()
    return (box or open_box(config, make=False)).key("admin token").hex()


@lru_cache(maxsize=4)
def proving_key(token: str) -> bytes:
    """What the admin listener proves with that it is the one, before it is told the token. A token that a person may have made up
    is stretched, so that it cannot be guessed from proofs."""
    if not _DERIVED.fullmatch(token):
        return hashlib.scrypt(token.encode(), salt=b"gateway admin listener", n=1 << 14, r=8, p=1, dklen=32)
    return hmac.digest(token.encode(), b"admin listener", hashlib.sha256)


def proof(key: bytes, challenge: str, host: str, port: int) -> str:
    """The answer to a challenge by whoever listens on an address: a listener elsewhere, asked in its place, would give another."""
    return hmac.digest(key, f"{challenge} {host} {port}".encode(), hashlib.sha256).hex()


def open_box(config: Config, *, make: bool) -> SecretBox:
    """The box of this database. `make`: write a new secret file when there is none. Raises ConfigError for an unusable file, and
    for a missing one that may not be made."""
    if config.server.secret is not None:
        setting = f"server.secret ({config.server.secret.source})"
        return SecretBox(_private(config.server.secret.reveal().encode(), setting))
    path = secret_path(config)
    is_new = not path.exists()
    if is_new and not make:
        raise ConfigError((_missing(config, path),))
    if is_new:
        _make(path)
    return SecretBox(
        _private(_read(path, named=bool(config.server.secret_file)), f"server.secret_file: {path}"),
        is_new=is_new,
    )


def secret_path(config: Config) -> Path:
    """Where the master secret is, unless the settings have it: the named file, else one beside the database."""
    return Path(config.server.secret_file or f"{config.store.sqlite_path or _WITHOUT_A_FILE}.secret")


def _missing(config: Config, path: Path) -> str:
    if config.store.sqlite_path is not None and not Path(config.store.sqlite_path).exists():
        return f"{config.store.sqlite_path}: there is no database yet; start the gateway, or run: gateway db migrate"
    return (
        f"server.secret_file: the master secret {path} is missing; restore the one that was kept with the database's backup."
        " If the database is new, start the gateway once, which makes it."
        " Only if the secret is lost for good: gateway db new-secret"
    )


def other_secret(config: Config) -> ConfigError:
    """What to do about a database whose newest checkpoint was signed with another master secret, or was altered."""
    if config.server.secret is not None:
        here = f"server.secret: the master secret ({config.server.secret.source})"
    else:
        here = f"server.secret_file: the master secret in {secret_path(config)}"
    problem = (
        f"{here} is not the one that this database was written with, or the audit log's newest checkpoint was altered;"
        " give all gateways of a database the one secret, or restore the one that was kept with the backup."
        " Only if it is lost for good: gateway db new-secret"
    )
    return ConfigError((problem,))


def _private(master: bytes, where: str) -> bytes:
    if hashlib.sha256(master).hexdigest() in _PUBLISHED:
        problem = (
            f"{where} is a master secret that was published with the gateway's source code, so it protects nothing;"
            " stop all gateways of the database, put a new secret there (openssl rand -hex 32), run"
            " gateway db new-secret, then make new channel keys; SECURITY.md has the steps"
        )
        raise ConfigError((problem,))
    return master


def _read(path: Path, *, named: bool) -> bytes:
    """A file that other users of the machine can open is refused; the owner's group may read it, never write it. A link is followed
    only where the settings name it, as a mounted secret may be one."""
    try:
        opened = os.open(path, os.O_RDONLY | (0 if named else os.O_NOFOLLOW))
    except OSError as error:
        why = (
            "is a link, which is followed only where server.secret_file names it"
            if error.errno == errno.ELOOP
            else f"cannot be read ({error.strerror})"
        )
        raise ConfigError((f"server.secret_file: {path} {why}",)) from None
    with os.fdopen(opened, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        content = file.read(_FILE_LIMIT)
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        problem = (
            f"server.secret_file: {path} has mode {mode:04o}, so other users can get at the master secret;"
            f" run: chmod 600 {path}"
        )
        raise ConfigError((problem,))
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if len(text) < 2 * _MASTER_BYTES:
        raise ConfigError((f"server.secret_file: {path} holds no secret; restore it from the backup",))
    return text.encode()


def _make(path: Path) -> None:
    """Of two processes the first wins."""
    with contextlib.suppress(FileExistsError):
        write_new(path, secrets.token_hex(_MASTER_BYTES) + "\n")


def write_new(path: Path, text: str) -> None:
    """A file for its owner only, written aside, then linked: it is there whole or not at all. Raises FileExistsError where
    there is one of that name."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
