"""The gateway's own secrets, all derived from one master secret, so that an operator has one thing to store and back up.

The master secret comes from the settings, or else from a file beside the database that is created at the first start (0600).
"""

import codecs
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

from gateway.config import Config, ConfigError, operator_token
from gateway.config.named_file import PASSING, opened
from gateway.new_file import write_new

_MASTER_BYTES = 32
_FILE_LIMIT = 4096
_WITHOUT_A_FILE = "gateway"
"""The name of the secret's file in the working directory, if the database is not a file."""
_DERIVED = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PUBLISHED = frozenset({"3c9d4cd803a39c4e1ef349bd034be588a210f69c35959896f9b0ff818955ea43"})
"""SHA-256 of master secrets that have been public (SECURITY.md): anyone can derive the keys they protect."""


class SecretBox:
    """Keys for each purpose, by HMAC-SHA256 of the purpose under the master secret. `is_new`: it was created just now."""

    def __init__(self, master: bytes, *, is_new: bool = False) -> None:
        self._master = master
        self.is_new = is_new

    def key(self, purpose: str) -> bytes:
        return hmac.digest(self._master, purpose.encode(), hashlib.sha256)


def admin_token(config: Config, box: SecretBox | None = None) -> str:
    """The bearer token of the admin listener: the configured one, or else one that only this machine can derive. Raises
    ConfigError if there is neither a token nor a secret. Without `box`, the secret is read here. An operator's own token in the
    settings is for commands, which then act as that operator; the listener's token is derived anyway."""
    token = config.server.admin_token
    if token is not None and operator_token.parsed(token.reveal()) is None:
        return token.reveal()
    return (box or open_box(config, make=False)).key("admin token").hex()


def command_token(config: Config) -> str:
    """The token that commands send. Raises as `admin_token` does."""
    token = config.server.admin_token
    return token.reveal() if token is not None else admin_token(config)


@lru_cache(maxsize=4)
def proving_key(token: str) -> bytes:
    """The key with which the admin listener proves its identity before a client sends the token. A token that a person may have
    chosen is stretched, so that it cannot be guessed from proofs."""
    if not _DERIVED.fullmatch(token):
        return hashlib.scrypt(token.encode(), salt=b"gateway admin listener", n=1 << 14, r=8, p=1, dklen=32)
    return hmac.digest(token.encode(), b"admin listener", hashlib.sha256)


def proof(key: bytes, challenge: str, host: str, port: int) -> str:
    """The answer to a challenge, bound to the address of the listener. If another program relays the challenge to a listener
    elsewhere, the answer differs."""
    return hmac.digest(key, f"{challenge} {host} {port}".encode(), hashlib.sha256).hex()


def open_box(config: Config, *, make: bool) -> SecretBox:
    """The box of this database. `make`: create a new secret file if there is none. Raises ConfigError for an unusable file, and
    for a missing one that may not be created."""
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
    """The path of the master secret, unless the settings hold it: the named file, or else one beside the database."""
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
    """The remedy for a database whose newest checkpoint was signed with another master secret, or was altered."""
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
    """Refuses a file that other users of the machine can open. The owner's group may read it but not write it. A link is
    followed only if the settings name it, because a mounted secret may be one."""
    try:
        descriptor = opened(path, 0 if named else os.O_NOFOLLOW)
    except OSError as error:
        why = (
            "is a link, which is followed only if server.secret_file names it"
            if error.errno == errno.ELOOP
            else f"cannot be read ({error.strerror})"
        )
        raise ConfigError((f"server.secret_file: {path} {why}",)) from None
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        content = file.read(_FILE_LIMIT)
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        problem = (
            f"server.secret_file: {path} has mode {mode:04o}, so other users can get at the master secret;"
            f" run: chmod 600 {path}"
        )
        raise ConfigError((problem,))
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if len(text) < 2 * _MASTER_BYTES:
        raise ConfigError((f"server.secret_file: {path} holds no secret; restore it from the backup",))
    return text.encode()


def _make(path: Path) -> None:
    """If two processes create it at once, the first wins."""
    try:
        with contextlib.suppress(FileExistsError):
            write_new(path, [secrets.token_hex(_MASTER_BYTES).encode(), b"\n"])
    except OSError as error:
        if error.errno in PASSING:
            raise
        problem = (
            f"server.secret_file: the master secret {path} cannot be written ({error.filename}: {error.strerror});"
            " the gateway keeps it beside the database, unless secret_file names another place, and needs a directory"
            " that exists and in which it may write"
        )
        raise ConfigError((problem,)) from None
