"""What systemd hears over its socket."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app.service_manager import ServiceManager
from gateway.errors import StoreUnavailable


class Systemd:
    """Its end of the socket, named by a path or in the abstract name space."""

    def __init__(self, name: str) -> None:
        self.environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000"}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        self._socket.settimeout(30)

    def hears(self) -> list[str]:
        return self._socket.recv(4096).decode().splitlines()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    end = Systemd(f"{tmp_path}/notify" if request.param == "path" else f"@{tmp_path}/notify")
    yield end
    end.close()


def test_each_state_change_is_sent(systemd: Systemd) -> None:
    manager = ServiceManager(systemd.environment)
    before = time.monotonic_ns() // 1_000
    manager.ready()
    manager.reloading()
    manager.stopping()
    assert systemd.hears() == ["READY=1"]
    said, when = systemd.hears()
    assert said == "RELOADING=1"
    assert before <= int(when.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1_000
    assert systemd.hears() == ["STOPPING=1"]


async def test_a_gateway_that_hangs_sends_no_watchdog_signal(systemd: Systemd) -> None:
    """One whose store refuses writes does: a restart would not help."""
    manager, hangs, asked = ServiceManager(systemd.environment), asyncio.Event(), 0

    async def probe() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise StoreUnavailable("the disk is full")
        if asked == 3:
            hangs.set()
            await asyncio.Event().wait()

    watching = asyncio.create_task(manager.watch(probe))
    await hangs.wait()
    manager.stopping()
    watching.cancel()
    assert [systemd.hears() for _ in range(3)] == [["WATCHDOG=1"], ["WATCHDOG=1"], ["STOPPING=1"]]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "1000"},
        {"NOTIFY_SOCKET": "/nowhere/notify"},
        {"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": ""},
    ],
)
async def test_without_a_notify_socket_nothing_is_sent(environment: dict[str, str]) -> None:
    manager = ServiceManager(environment)
    manager.ready()
    manager.stopping()

    async def probe() -> None:
        raise AssertionError

    await manager.watch(probe)
