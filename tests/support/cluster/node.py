"""One machine of the cluster: etcd, Patroni, and the PostgreSQL that Patroni runs. Each has a directory of its own, by which its
processes are found."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from tests.support.cluster.network import Network
from tests.support.postgresql import Programs

NAMES = ("a", "b", "c")
DEPLOY = Path(__file__).parents[3] / "deploy" / "patroni"
POSTGRES_PORT, PATRONI_PORT = 5432, 8008
PASSWORD = "only-for-the-tests"
_EXAMPLES = ("10.0.0.21", "10.0.0.22", "10.0.0.23")
_MEGABYTES = 1500
_MEGABYTE = 1 << 20
_SECONDS = 2.0

Part = Literal["etcd", "patroni", "postgres"]
PARTS: tuple[Part, ...] = ("etcd", "patroni", "postgres")


def installed(program: str) -> str:
    """Debian's, not one of the test's own environment."""
    found = shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin")
    assert found is not None, f"{program} is missing; `make test` says how to install it"
    return found


def written_for(text: str, network: Network, node: int, changes: dict[str, str]) -> str:
    """An example for the first machine, as it is written on another one. A line that names all machines is the same on each."""
    for written, real in changes.items():
        assert written in text, written
        text = text.replace(written, real)
    lines = [
        line if _EXAMPLES[1] in line else line.replace(_EXAMPLES[0], _EXAMPLES[node])
        for line in text.splitlines()
    ]
    text = "\n".join(lines) + "\n"
    for written, real in zip(_EXAMPLES, network.addresses, strict=True):
        text = text.replace(written, real)
    return text


class Node:
    """`directory` is its disk: as root one of its own, which can be filled."""

    def __init__(self, programs: Programs, network: Network, number: int, directory: Path) -> None:
        self.number = number
        self.name = NAMES[number]
        self.address = network.addresses[number]
        self.directory = directory
        self._programs = programs
        self._network = network
        self._user = programs.user
        self._said_before_it_was_full = 0

    # ---- what it runs ----

    def set_up(self) -> None:
        self.directory.mkdir()
        if self._user:
            options = f"size={_MEGABYTES}m,uid={self._user},mode=0700"
            subprocess.run(("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.directory)), check=True)
        for part in PARTS:
            (self.directory / part).mkdir(mode=0o700)
            if self._user:
                shutil.chown(self.directory / part, self._user)

    def tear_down(self) -> None:
        for part in PARTS:
            self.kill(part)
        if self._user:
            subprocess.run(("umount", "--lazy", str(self.directory)), check=True)

    def start_etcd(self) -> None:
        changes = {
            "ETCD_NAME=a": f"ETCD_NAME={self.name}",
            "/var/lib/etcd/loyalty": str(self._place("etcd") / "data"),
        }
        text = written_for((DEPLOY / "etcd.env").read_text(), self._network, self.number, changes)
        variables = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))
        self._start("etcd", [installed("etcd")], variables)

    def start_patroni(self) -> None:
        self.config.write_text(
            written_for(
                (DEPLOY / "patroni.yaml").read_text(),
                self._network,
                self.number,
                {
                    "name: a\n": f"name: {self.name}\n",
                    "/var/lib/postgresql/loyalty": str(self._place("postgres")),
                    "/usr/lib/postgresql/15/bin": str(self._programs.directory),
                    "/var/run/postgresql": str(self._place("patroni")),
                    "10.0.0.0/24": self._network.subnet,
                    "mode: automatic": 'mode: "off"',
                },
            )
        )
        passwords = {"PATRONI_SUPERUSER_PASSWORD": PASSWORD, "PATRONI_REPLICATION_PASSWORD": PASSWORD}
        self._start("patroni", [*self._python, "-m", "patroni", str(self.config)], passwords)

    def control(self, *words: str) -> None:
        """`patronictl …`, as an operator types it there."""
        command = [*self._python, "-c", "from patroni.ctl import ctl; ctl()", "-c", str(self.config), *words]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def _python(self) -> list[str]:
        """Debian's, with PyPI's Patroni."""
        return ["env", f"PYTHONPATH={self.directory.parent / 'python'}", installed("python3")]

    @property
    def config(self) -> Path:
        return self._place("patroni") / "config.yml"

    def _start(self, part: Part, command: list[str], variables: dict[str, str]) -> None:
        as_user = ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--init-groups"]
        with self._log(part).open("ab") as log:
            subprocess.Popen(
                self._network.on(self.number, [*(as_user if self._user else []), *command]),
                cwd=self._place(part),
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self._place(part)), **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _log(self, part: Part) -> Path:
        return self.directory.parent / f"{self.name}-{part}.log"

    def _place(self, part: Part) -> Path:
        return self.directory / part

    # ---- what happens to it ----

    def kill(self, *parts: Part) -> None:
        """Back when nothing of them is left, children included."""
        while found := [pid for part in parts for pid in self._processes(part)]:
            _signal(found, signal.SIGKILL)

    def freeze(self, *parts: Part) -> None:
        for part in parts:
            _signal(self._processes(part), signal.SIGSTOP)

    def thaw(self, *parts: Part) -> None:
        for part in parts:
            _signal(self._processes(part), signal.SIGCONT)

    def fill(self) -> None:
        """Its disk is full."""
        self._said_before_it_was_full = self._log("patroni").stat().st_size
        with (self.directory / "full").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(_MEGABYTE)):
                pass

    def clear(self) -> None:
        (self.directory / "full").unlink()

    def _processes(self, part: Part) -> Iterator[int]:
        """Those that work in its directory."""
        place = str(self._place(part))
        for process in filter(lambda entry: entry.name.isdigit(), Path("/proc").iterdir()):
            with contextlib.suppress(OSError):  # it has ended
                if (process / "cwd").readlink() == Path(place):
                    yield int(process.name)

    # ---- what it says ----

    def seen(self) -> list[dict[str, Any]]:
        """The cluster's members, as this machine's Patroni sees them; none while it does not answer."""
        return self._ask("cluster").get("members", [])

    def is_primary(self) -> bool:
        """What HAProxy asks."""
        return bool(self._ask("primary"))

    def has_noticed_the_full_disk(self) -> bool:
        said = self._log("patroni").read_bytes()[self._said_before_it_was_full :]
        return b"No space left on device" in said

    def is_failsafe(self) -> bool:
        """It stays primary though etcd does not answer."""
        return self._ask("patroni").get("failsafe_mode_is_active", False)

    def _ask(self, path: str) -> dict[str, Any]:
        url = f"http://{self.address}:{PATRONI_PORT}/{path}"
        with (
            contextlib.suppress(OSError, ValueError, http.client.HTTPException),
            urllib.request.urlopen(url, timeout=_SECONDS) as answer,
        ):
            return json.load(answer)
        return {}


def _signal(pids: Iterator[int] | list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
