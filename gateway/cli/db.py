"""`gateway db`: backup, health, schema and move of the database."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.admin_client import Admin, ask, running_at
from gateway.cli.audit import print_verdict
from gateway.cli.db_clock import clock, warn
from gateway.cli.db_copy import copy
from gateway.cli.db_file import opened
from gateway.cli.db_probe import probe
from gateway.cli.db_scrub import scrub
from gateway.cli.db_secret import new_secret
from gateway.cli.failure import DONE, MISUSED, REFUSED, Failure
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, group, settings
from gateway.cli.output import note, print_json, say
from gateway.clock import SystemClock
from gateway.config import Config
from gateway.config.urls import store_url_text
from gateway.plural import counted
from gateway.sqlite_library import VERSION, sqlite3

app = group("Back up, check, migrate and move the database.")
app.command()(clock)
app.command()(copy)
app.command()(new_secret)
app.command()(probe)
app.command()(scrub)


@app.command()
def backup(
    to: Annotated[Path, typer.Option("--to", help="A new file.")],
    config: ConfigFile = DEFAULT_CONFIG,
    json: AsJson = False,
) -> None:
    """Copy the SQLite file and verify the copy. The gateway may be running."""
    from gateway.store.backups import note_backup, stamp_of

    source, began = _database(settings(config)), SystemClock().now()
    if to == stamp_of(source):
        raise Failure(f"{to}: is where the time of the last backup is kept; give another name", MISUSED)
    try:
        _copy(source, to)
    except sqlite3.Error as error:
        raise Failure(f"{source}: cannot be copied ({error}); nothing was kept") from None
    try:
        note_backup(source, began)
    except OSError as error:
        note(
            f"{stamp_of(source)}: cannot be written ({error.strerror}); the gateway does not know of this backup"
        )
    if json:
        print_json({"backup": str(to), "bytes": to.stat().st_size})
    else:
        say(f"{to} holds the database, {counted(to.stat().st_size, 'byte')}, and was verified")
    note(
        "keep the master secret with it (server.secret, or the .secret file): without it, keys and digests are lost"
    )


@app.command()
def check(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Check the SQLite file's structure and the audit log's chain; exit 1 if one of them is damaged."""
    loaded = settings(config)
    if loaded.store.sqlite_path is not None:
        source, found = loaded.store.sqlite_path, _damage(_database(loaded))
        if found:
            if json:
                print_json({"ok": False, "integrity": found, "audit": None})
            raise Failure(f"{source}: the file is damaged ({found[0]}); restore a backup")
        healthy = f"{source}: the file's structure is sound (read with SQLite {VERSION})"
    else:
        healthy = "to check PostgreSQL's own files, use its tool pg_amcheck"

    async def verified(admin: Admin) -> Any:
        return await admin.get("/audit/verify"), await admin.get("/clock")

    verdict, time = ask(config, verified)
    if not json:
        say(healthy)
        warn(time)
        print_verdict(verdict, as_json=False)
        return
    print_json({"ok": verdict["ok"], "integrity": ["ok"], "audit": verdict, "clock": time})
    raise typer.Exit(DONE if verdict["ok"] else REFUSED)


@app.command()
def migrate(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Bring the schema up to date, as a gateway does when it starts."""
    from gateway.store.migrations import all_migrations

    loaded = settings(config)
    asyncio.run(_open_once(loaded))
    version = max(step.version for step in all_migrations())
    if json:
        print_json({"schema_version": version})
    else:
        name = loaded.store.sqlite_path or store_url_text(loaded.store.url)
        say(f"{name}: the schema is at version {version}, up to date")


async def _open_once(config: Config) -> None:
    """Opening a SQLite file migrates it. A gateway that runs on the file has done so, unless it is of an earlier version. On a
    server only the schema is changed, which needs no secret; the gateways that serve from it start the remaining work."""
    from gateway.app.factories import make_store
    from gateway.app.opening import offline, quiet
    from gateway.store.migrations import pending
    from gateway.store.sqlite.schema import applied_steps

    path = config.store.sqlite_path
    if path is None:
        telemetry = quiet()
        store = make_store(config, SystemClock(), b"")
        await store.open()
        await store.close()
        telemetry.close()
        return
    if await running_at(config) is None:
        async with offline(config, changes=True):
            pass
        return
    applied = applied_steps(Path(path))
    if pending(applied):
        raise Failure(
            f"{path}: a gateway of an earlier version serves from it, at schema {max(applied)}; stop it, then run this again"
        )


def _database(config: Config) -> Path:
    path = config.store.sqlite_path
    if path is None:
        raise Failure(
            "store.url: this command is for SQLite; back up PostgreSQL with pg_dump or pg_basebackup"
        )
    return Path(path)


def _copy(source: Path, to: Path) -> None:
    """Reserves the name first, so that no existing file is ever overwritten. The copy gets the name once it is complete."""
    if not source.exists():
        raise Failure(f"{source}: there is no database yet; start the gateway or run: gateway db migrate")
    if not to.name:
        raise Failure(f"{to}: is a directory; name a file in it", MISUSED)
    partial = to.with_name(f"{to.name}.partial")
    try:
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise Failure(f"{to}: exists already; give a new name") from None
    except OSError as error:
        raise Failure(f"{to}: cannot be written ({error.strerror})") from None
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with opened(source, "mode=ro") as connection:
            connection.execute("VACUUM INTO ?", (str(partial),))
        _verify(partial)
        _sync(partial)
        partial.replace(to)
        _sync(to.parent)
    except BaseException:
        to.unlink(missing_ok=True)
        partial.unlink(missing_ok=True)
        raise


def _verify(copy: Path) -> None:
    with opened(copy, "mode=ro&immutable=1") as connection:
        if found := _problems(connection, "quick_check"):
            raise Failure(
                f"{copy}: the copy is damaged ({found[0]}); check the database with: gateway db check"
            )


def _damage(source: Path) -> list[str]:
    with opened(source, "mode=ro") as connection:
        return _problems(connection, "integrity_check")


def _problems(connection: sqlite3.Connection, pragma: str) -> list[str]:
    try:
        rows = [text for (text,) in connection.execute(f"PRAGMA {pragma}")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if rows == ["ok"] else rows


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
