"""The gateway as a separate process, as an operator starts it, and the faults that can happen to a process."""

import http.client
import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import gateway.__main__
from tests.support.processes.preloaded import Preloaded

ADMIN_TOKEN = "admin-token-0123456789"
API_KEY = "web-api-key-0123456789"
SECRET_KEY = "web-secret-key-0123456789"
GATEWAY = (gateway.__main__.__file__,)
KNOWN_CAMPAIGNS = range(1, 41)
"""Campaigns that exist; any other number is accepted as well, and ignored when it is due."""
READY_SECONDS = 90.0
_POLL = 0.01
_FIXED = f"""
[[channel]]
name = "web"
default_region = "EG"
api_key = "{API_KEY}"
secret_key = "{SECRET_KEY}"
""" + "".join(
    f'[[campaign]]\nid = {number}\nname = "Campaign {number}"\npoints = {number}\nmax_achievements = 0\n'
    for number in KNOWN_CAMPAIGNS
)

Settings = Mapping[str, Mapping[str, object]]


class Process:
    """A gateway with its own directory, ports and database; `settings` are tables over its configuration.

    It can be started again after each end, on the same ports and the same database. `place` is where that is: a file, or a
    PostgreSQL URL. `launcher` is a script that stands in for the `gateway` command, with its first arguments; `options` follow
    those of `serve`.
    """

    def __init__(
        self,
        directory: Path,
        settings: Settings | None = None,
        launcher: Sequence[str] = GATEWAY,
        options: Sequence[str] = (),
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.port, self.admin_port = _free_ports(2)
        self.log = directory / "gateway.log"
        self.output = directory / "output.txt"
        self.config = directory / "config.toml"
        self._directory = directory
        self._launcher = tuple(launcher)
        self._options = tuple(options)
        self._child: Preloaded | None = None
        url = str((settings or {}).get("store", {}).get("url", ""))
        in_file = (
            Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else directory / "gateway.db"
        )
        self.database = in_file
        self.place: Path | str = url if url.startswith("postgresql:") else in_file
        self.config.write_text(_toml(self._tables(settings or {})) + _FIXED)

    def _tables(self, settings: Settings) -> Settings:
        defaults: Settings = {
            "server": {
                "listen": f"127.0.0.1:{self.port}",
                "admin_listen": f"127.0.0.1:{self.admin_port}",
            },
            "store": {"url": f"sqlite:///{self.database}", "min_free_disk": "0B"},
            "achievements": {"grant_delay": ["0s", "2s"]},
            "log": {"file": str(self.log)},
            "limits": {"failures_per_minute": 0},
        }
        return {**settings, **{name: {**table, **settings.get(name, {})} for name, table in defaults.items()}}

    # ---- life ----

    def start(self) -> "Process":
        """Start it and wait until both listeners answer."""
        self.launch()
        deadline = time.monotonic() + READY_SECONDS
        for port in (self.admin_port, self.port):
            while not _answers(port):
                assert self._child is not None
                assert self._child.poll() is None, f"it ended while starting:\n{self.output.read_text()}"
                assert time.monotonic() < deadline, "it did not become ready"
                time.sleep(_POLL)
        return self

    def launch(self) -> None:
        """Start it and wait for nothing."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
        environment["GATEWAY_ADMIN_TOKEN"] = ADMIN_TOKEN
        script, *words = [*self._launcher, "serve", "--config", str(self.config), *self._options]
        self._child = Preloaded(script, words, self._directory, environment, self.output)

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def wait(self, seconds: float = 30.0) -> int:
        """The exit code, once it ended by itself."""
        assert self._child is not None
        return self._child.wait(seconds)

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    # ---- what happens to it ----

    def kill(self) -> None:
        """`kill -9`: no handler runs, nothing is flushed. Does nothing to one that already ended."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.terminate()
        return self.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        os.kill(self.pid, number)


Launch = Callable[..., Process]


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _free_ports(count: int) -> list[int]:
    """Ports below those that the system hands to clients: a client can never take one while the process is down."""
    found: list[int] = []
    while len(found) < count:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found


def _toml(tables: Settings) -> str:
    lines: list[str] = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines.extend(f"{key} = {json.dumps(value)}" for key, value in table.items())
    return "\n".join(lines)
