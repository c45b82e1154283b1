"""One serving process, for the process that started it."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

TICK_SECONDS = 10.0
_TICKS_OF_SILENCE = 4
_SIGN_OF_LIFE_MICROSECONDS = int(3 * TICK_SECONDS * 1_000_000)
_LONGEST_NOTICE = 4096


class Child:
    """`start` makes one. It reports by sd_notify(3), as to systemd. It is watched by ticks rather than by the clock, so that a
    machine that slept does not make a living child look dead."""

    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket, started: float) -> None:
        self.started = started
        self._process = process
        self._line = line
        self._ready = asyncio.Event()
        self._silent = 0
        asyncio.get_running_loop().add_reader(line.fileno(), self._hear)
        self._ended = asyncio.create_task(self._wait())

    @classmethod
    async def start(cls, command: Sequence[str], passed: Sequence[int], notices: Path) -> Self:
        """`notices` is a path that nothing uses yet, for the socket on which the child reports."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        line.bind(str(notices))
        process = await asyncio.create_subprocess_exec(
            *command, pass_fds=passed, env=_environment(os.environ, notices)
        )
        return cls(process, line, asyncio.get_running_loop().time())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._ended.done()

    async def is_ready(self) -> bool:
        """Whether it takes calls; False if it ended instead."""
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait([ready, self._ended], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        return self._ready.is_set()

    async def ended(self) -> int:
        """Its exit code; below 0 is the signal that ended it."""
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def tick(self) -> None:
        """Once every `TICK_SECONDS`. A child that was ready and is silent for several ticks hangs, and is killed."""
        self._silent += self._ready.is_set()
        if self._silent >= _TICKS_OF_SILENCE:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            lines = self._line.recv(_LONGEST_NOTICE).split(b"\n")
            self._silent = 0
            if b"READY=1" in lines:
                self._ready.set()

    async def _wait(self) -> int:
        code = await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._line.fileno())
        self._line.close()
        return code


def _environment(own: Mapping[str, str], notices: Path) -> dict[str, str]:
    return {**own, "NOTIFY_SOCKET": str(notices), "WATCHDOG_USEC": str(_SIGN_OF_LIFE_MICROSECONDS)}
