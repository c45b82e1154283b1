"""The gateway's side of `gateway.processes.read_rows`: started at the first chunk, asked chunk by chunk, ended when none came for a
while."""

import asyncio
import contextlib
import sys

import msgspec

from gateway.errors import Refusal
from gateway.http.rows.frames import LARGEST, LENGTH, Answer, Chunk, Settings, framed
from gateway.usecases.env import Env
from rules.normalize import Normalizer

_IDLE_SECONDS = 30.0
_PATIENCE_SECONDS = 60.0
_TRIES = 2
_decode = msgspec.json.Decoder(Answer).decode


class RowReader:
    """Rows read by a process of its own, by the rules and lists that are active at that moment."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._told: Normalizer | None = None
        self._ending: asyncio.TimerHandle | None = None

    async def read(self, chunk: Chunk) -> Answer:
        """One chunk after the other. A process that dies is replaced once; raises Refusal if that does not help either."""
        async with self._turn:
            for _ in range(_TRIES):
                with contextlib.suppress(EOFError, OSError, TimeoutError, msgspec.DecodeError):
                    return await self._asked(chunk)
        raise Refusal(
            "reading_failed",
            "the process that reads the rows ended twice over them; nothing was stored. Is there memory for it?",
        )

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _asked(self, chunk: Chunk) -> Answer:
        """After any failure, the next question must not get this one's answer."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                child = await self._started()
                answer = await self._exchange(child, chunk)
        except BaseException:
            await self._end()
            raise
        self._end_later()
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        if self._ending is not None:
            self._ending.cancel()
        if self._child is None or self._child.returncode is not None:
            self._told = None
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "gateway.processes.read_rows",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # a traceback may quote personal data
            )
        return self._child

    async def _exchange(self, child: asyncio.subprocess.Process, chunk: Chunk) -> Answer:
        assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018 - both are pipes
        env = self._env
        if self._told is not env.normalizer:
            child.stdin.write(framed(Settings(env.rules.text, env.own)))
            self._told = env.normalizer
        child.stdin.write(framed(chunk))
        await child.stdin.drain()
        (length,) = LENGTH.unpack(await child.stdout.readexactly(LENGTH.size))
        if length > LARGEST:
            raise EOFError
        return _decode(await child.stdout.readexactly(length))

    def _end_later(self) -> None:
        self._ending = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._kill)

    def _kill(self) -> None:
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()

    async def _end(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._kill()
        if self._child is not None:
            await self._child.wait()
            self._child = None
