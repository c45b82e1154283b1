"""A real PostgreSQL for the tests: a server of its own on a socket of its own, and a fresh database for each test that asks."""

import io
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

OLDEST = 15
_TABLES = "SELECT schemaname || '.' || relname FROM pg_stat_user_tables WHERE relname <> 'schema_version'"
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum_naptime": "10s",
    "log_min_messages": "fatal",
}


@dataclass(slots=True, frozen=True)
class Programs:
    """The server's programs and the user that they run as: PostgreSQL refuses to run as root."""

    directory: Path
    user: str | None

    def run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.directory / program), *arguments],
            user=self.user,
            group=pwd.getpwnam(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}"
        return done.stdout


def programs() -> Programs:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    here = shutil.which("initdb")
    directory = found[-1].parent if found else Path(here).parent if here else None
    assert directory is not None, (
        f"PostgreSQL {OLDEST} or newer is missing; `make test` says how to install it"
    )
    return Programs(directory, _unprivileged() if os.geteuid() == 0 else None)


def _unprivileged() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class PostgresServer:
    """`url(name)` leads to a database; `fresh()` makes one without a schema, `empty()` gives the common one without rows."""

    def __init__(self, programs: Programs, directory: Path) -> None:
        self.programs = programs
        self.directory = directory
        self.data = directory / "data"
        self._numbers = itertools.count(1)
        self._common = ""

    def make(self) -> None:
        """Its data directory, once."""
        words = (
            "-D",
            str(self.data),
            "-U",
            "gateway",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-A",
            "trust",
        )
        self.programs.run("initdb", *words)

    def start(self, **settings: str) -> None:
        given = {**_SETTINGS, **settings, "unix_socket_directories": str(self.directory)}
        options = " ".join(f"-c {name}='{value}'" for name, value in given.items())
        log = str(self.directory / "log")
        self.programs.run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self.programs.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def url(self, database: str) -> str:
        return f"postgresql://gateway@/{database}?host={self.directory}"

    def fresh(self, options: str = "") -> str:
        """The name of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} {options}")
        return name

    async def empty(self) -> str:
        """The same database, emptied each time: far quicker than a new one. The test before must have closed it."""
        if not self._common:
            self._common = self.fresh()
        connection = await asyncpg.connect(self.url(self._common))
        try:
            tables = await connection.fetch(_TABLES)
            await connection.execute(";".join(["SELECT", *(f"DELETE FROM {name}" for (name,) in tables)]))
        finally:
            await connection.close()
        return self._common

    async def rows(self) -> dict[str, bytes]:
        """What the common database holds, table by table, for `fill`."""
        connection = await asyncpg.connect(self.url(self._common))
        try:
            held: dict[str, bytes] = {}
            for (name,) in await connection.fetch(_TABLES):
                data = io.BytesIO()
                schema, _, table = name.partition(".")
                found = await connection.copy_from_table(
                    table, schema_name=schema, output=data, format="binary"
                )
                if found != "COPY 0":
                    held[name] = data.getvalue()
            return held
        finally:
            await connection.close()

    async def fill(self, rows: Mapping[str, bytes]) -> None:
        """Put rows into the common database, which is empty; a copy of a database takes several times as long."""
        connection = await asyncpg.connect(self.url(self._common))
        try:
            for name, data in rows.items():
                schema, _, table = name.partition(".")
                await connection.copy_to_table(
                    table, schema_name=schema, source=io.BytesIO(data), format="binary"
                )
        finally:
            await connection.close()

    def sql(self, statement: str, database: str = "postgres") -> str:
        place = ("-h", str(self.directory), "-U", "gateway", "-d", database)
        return self.programs.run("psql", *place, "-v", "ON_ERROR_STOP=1", "-qAtc", statement)


@contextmanager
def serving_postgres(**settings: str) -> Iterator[PostgresServer]:
    """A server with fsync on, for as long as the block lasts."""
    found = programs()
    directory = Path(tempfile.mkdtemp(prefix="gw-pg-"))
    if found.user:
        shutil.chown(directory, found.user)
    server = PostgresServer(found, directory)
    try:
        server.make()
        server.start(**settings)
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(directory)
