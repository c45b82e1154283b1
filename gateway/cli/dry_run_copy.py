"""A temporary copy of the database for a dry run: complete, separate from the running gateway, and deleted afterwards."""

import contextlib
from collections.abc import Generator
from pathlib import Path

from msgspec.structs import replace

from gateway.cli.failure import Failure
from gateway.config import Address, Config
from gateway.config.master_secret import secret_path
from gateway.sqlite_library import sqlite3
from gateway.store.sqlite.wiping import copy_directory


@contextlib.contextmanager
def copied(config: Config) -> Generator[Config]:
    """The configuration of a gateway without a public port, over a copy of this one's database. The copy is beside the
    original, where there is room for it and other users cannot read it."""
    original = config.store.sqlite_path
    if original is None:
        raise Failure("store.url: a dry run is for SQLite; try the import on a copy of the database")
    source = Path(original)
    with copy_directory(source) as directory:
        copy = directory / "gateway.db"
        if source.exists():
            _copy(source, copy)
        secret_file = str(secret_path(config)) if source.exists() else f"{copy}.secret"
        yield replace(
            config,
            server=replace(config.server, admin_listen=Address("127.0.0.1", 0), secret_file=secret_file),
            store=replace(config.store, url=f"sqlite:///{copy}"),
        )


def _copy(source: Path, copy: Path) -> None:
    try:
        connection = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
        with contextlib.closing(connection):
            connection.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as error:
        raise Failure(f"{source}: cannot be copied for the dry run ({error})") from None
