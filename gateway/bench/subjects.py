"""The processes that are measured: each on a free port of 127.0.0.1, on the servers' CPU, stopped when its
block ends."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.bench.children import CLIENTS, SERVERS
from gateway.bench.config import ENVIRONMENT, configuration
from gateway.bench.database import Database
from gateway.bench.errors import BenchError
from gateway.bench.nginx import LARGE_BYTES, platform_nginx, proxy_nginx

_PYTHON = [sys.executable, "-m"]
READY_SECONDS = 60.0
STOP_SECONDS = 60.0


class Subject(NamedTuple):
    """A server that answers. `ready` is the seconds from its start to its first 200 on /healthz; `admin_port` is 0 for those that
    are no gateway."""

    name: str
    port: int
    pid: int
    ready: float
    admin_port: int = 0


@contextmanager
def bare(directory: Path) -> Generator[Subject]:
    port = free_port()
    with _running("bare", [*_PYTHON, "gateway.bench.bare", str(port)], port, directory) as subject:
        yield subject


@contextmanager
def direct(directory: Path, database: Database, people: int) -> Generator[Subject]:
    """The service that one would write instead, over an empty database."""
    port = free_port()
    command = [*_PYTHON, "gateway.bench.peer_direct", str(port), database.url, str(people)]
    with _running("direct", command, port, directory) as subject:
        yield subject


@contextmanager
def bare_proxy(directory: Path, upstream: Subject) -> Generator[Subject]:
    port = free_port()
    command = [*_PYTHON, "gateway.bench.bare_proxy", str(port), str(upstream.port)]
    with _running("bare proxy", command, port, directory) as subject:
        yield subject


@contextmanager
def platform(directory: Path) -> Generator[Subject]:
    """nginx in the platform's place, on the load's CPU: a short JSON to every call, and a large file at `LARGE`."""
    port = free_port()
    with (directory / "large").open("wb") as large:
        large.truncate(LARGE_BYTES)
    with _nginx("platform", platform_nginx(directory, port), port, directory, CLIENTS) as subject:
        yield subject


@contextmanager
def nginx_proxy(directory: Path, upstream: Subject) -> Generator[Subject]:
    """nginx as a reverse proxy on the servers' CPU."""
    port = free_port()
    with _nginx("nginx", proxy_nginx(directory, port, upstream.port), port, directory) as subject:
        yield subject


@contextmanager
def _nginx(
    name: str, configuration: str, port: int, directory: Path, cpus: set[int] = SERVERS
) -> Generator[Subject]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise BenchError("nginx is missing; `make bench` installs it, or: sudo apt-get install nginx")
    config = directory / f"{name}.conf"
    config.write_text(configuration)
    command = [program, "-p", str(directory), "-c", str(config), "-e", "stderr"]
    with _running(name, command, port, directory, cpus) as subject:
        yield subject


@contextmanager
def gateway(
    directory: Path,
    database: Database,
    *,
    campaigns: int,
    grant_delay: tuple[str, str] = ("1h", "2h"),
    name: str = "gateway",
    upstream: int | None = None,
    processes: int = 1,
    cpus: set[int] = SERVERS,
) -> Generator[Subject]:
    """The real gateway over `database` with the campaigns 1 … `campaigns`. The default delay keeps grants out of the
    window. Of several processes, `pid` is the one that started the others."""
    port, admin_port = free_port(), free_port()
    config = directory / f"{name}.toml"
    config.write_text(
        configuration(
            listen=port,
            admin_listen=admin_port,
            database=database.url,
            campaigns=campaigns,
            grant_delay=grant_delay,
            upstream=upstream,
        )
    )
    command = [*_PYTHON, "gateway", "serve", "--config", str(config), "--processes", str(processes)]
    with _running(name, command, port, directory, cpus) as subject:
        yield subject._replace(admin_port=admin_port)


@contextmanager
def _running(
    name: str, command: list[str], port: int, directory: Path, cpus: set[int] = SERVERS
) -> Generator[Subject]:
    output = directory / f"{name}.log"
    began = time.perf_counter()
    with output.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules, and Debian's nginx
            command,
            env=os.environ | ENVIRONMENT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    os.sched_setaffinity(process.pid, cpus)
    try:
        _await_ready(process, name, port, output)
        yield Subject(name, port, process.pid, time.perf_counter() - began)
    finally:
        _stop(process, name)


def _await_ready(process: subprocess.Popen[bytes], name: str, port: int, output: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _healthy(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"{name} did not start: {output.read_text()[-2000:]}")
        time.sleep(0.005)


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes], name: str) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired as late:
        process.kill()
        process.wait()
        raise BenchError(f"{name} did not stop within {STOP_SECONDS:.0f} s of SIGTERM") from late


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
