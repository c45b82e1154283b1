"""Two PostgreSQL servers that really replicate and really fail over, and a wire in front of them that can be cut."""

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.support.postgresql import Programs, programs

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "wal_level": "replica",
    "max_wal_senders": "5",
    "hot_standby": "on",
    "log_min_messages": "fatal",
    "fsync": "on",
}
_STANDBY = "standby"


class Member:
    """One server of the cluster."""

    def __init__(self, programs: Programs, directory: Path, name: str) -> None:
        self.data = directory / name
        self.port = _free_port()
        self._programs = programs
        self._directory = directory
        self._log = str(directory / f"{name}.log")

    def start(self) -> None:
        given = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": str(self._directory)}
        options = " ".join(f"-c {name}='{value}'" for name, value in given.items())
        self._programs.run("pg_ctl", "-D", str(self.data), "-l", self._log, "-w", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash: nothing more is written, and clients are not told."""
        with contextlib.suppress(AssertionError):  # one that is down already
            self._programs.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def promote(self) -> None:
        self._programs.run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def sql(self, statement: str, database: str = "postgres") -> str:
        place = ("-h", str(self._directory), "-p", str(self.port), "-U", "gateway", "-d", database)
        return self._programs.run("psql", *place, "-v", "ON_ERROR_STOP=1", "-qAtc", statement).strip()


class Cluster:
    """A primary whose commits wait for its standby. `url` names both."""

    def __init__(self, programs: Programs, directory: Path) -> None:
        self.primary = Member(programs, directory, "primary")
        self.standby = Member(programs, directory, _STANDBY)
        self._programs = programs

    def start(self) -> None:
        self._programs.run(
            "initdb",
            "--no-sync",
            "-D",
            str(self.primary.data),
            "-U",
            "gateway",
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
        )
        self.primary.start()
        source = f"host=127.0.0.1 port={self.primary.port} user=gateway application_name={_STANDBY}"
        self._programs.run("pg_basebackup", "-D", str(self.standby.data), "-d", source, "-R", "-X", "stream")
        self.standby.start()
        self.wait_for_standby(True)

    def wait_for_standby(self, wanted: bool) -> None:
        """Let every commit wait for the standby, or for none; returns when it is so."""
        member = self.primary
        member.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{_STANDBY if wanted else ''}'")
        member.sql("SELECT pg_reload_conf()")

    def fail_over(self) -> None:
        """The primary crashes, and the standby takes its place; it has no standby of its own then."""
        self.primary.stop()
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        self.wait_for_standby(False)

    def stop(self) -> None:
        self.primary.stop()
        self.standby.stop()

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in (self.primary, self.standby))
        return f"postgresql://gateway@{hosts}/postgres?target_session_attrs=primary"


@contextmanager
def replicated() -> Iterator[Cluster]:
    found = programs()
    directory = Path(tempfile.mkdtemp(prefix="gw-cluster-"))
    if found.user:
        shutil.chown(directory, found.user)
    cluster = Cluster(found, directory)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(directory)


class Wire:
    """What connects a gateway to a server: it can be led to another one, and cut so that nothing comes and nothing ends."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = 0
        self.connections = 0
        self._through = asyncio.Event()
        self._through.set()

    def cut(self) -> None:
        self._through.clear()

    def mend(self) -> None:
        self._through.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._through.wait()
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ways = [
            asyncio.create_task(self._pass_on(reader, there_writer)),
            asyncio.create_task(self._pass_on(there_reader, writer)),
        ]
        with contextlib.suppress(asyncio.CancelledError):  # the test is over
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, there_writer):
            end.transport.abort()
        for way in ways:
            way.cancel()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                await self._through.wait()
                writer.write(piece)
                await writer.drain()


@asynccontextmanager
async def wired(port: int) -> AsyncGenerator[Wire]:
    wire = Wire(port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        wire.mend()
        server.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
