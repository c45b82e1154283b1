"""Messages to systemd about the gateway that it started: ready, reloading, stopping, alive (sd_notify(3)). Without systemd, none
are sent."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Mapping

from gateway.errors import GatewayError

_PATIENCE_SECONDS = 1.0
_MICROSECONDS = 1_000_000
_SIGNS_IN_TIME = 3
"""Signs of life within the watchdog's time limit."""


class ServiceManager:
    """`environment` is the process's: `NOTIFY_SOCKET` and `WATCHDOG_USEC` come from systemd."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        microseconds = environment.get("WATCHDOG_USEC", "")
        self._every = int(microseconds) / _MICROSECONDS / _SIGNS_IN_TIME if microseconds.isdecimal() else 0.0

    def ready(self) -> None:
        self._tell("READY=1")

    def reloading(self) -> None:
        """To be followed by `ready`."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    async def watch(self, probe: Callable[[], Awaitable[None]]) -> None:
        """Give a sign of life each time that `probe` ends, even with an error that says what is wrong: a restart only helps a
        gateway that hangs. Returns at once if there is no watchdog."""
        while self._every and self._address:
            with contextlib.suppress(GatewayError):
                await probe()
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self._every)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE_SECONDS)
            line.sendto("\n".join(lines).encode(), self._address)
