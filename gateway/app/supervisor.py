"""`gateway serve --processes N`: several serving processes behind one address, on PostgreSQL.

The supervisor opens a public socket for each process (SO_REUSEPORT: the kernel spreads new connections over them) and keeps it open
while the process behind it is replaced. A new process takes connections from the same queue before the old one stops, so a rolling
restart refuses none. Process K has its own operators' listener, on the configured port + K - 1.

Work that only one process may do (grants, deliveries, housekeeping) is shared by leases in the database, as between machines.
"""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import structlog

from gateway.app.child import TICK_SECONDS, Child
from gateway.app.factories import make_telemetry
from gateway.app.inherited import BACKLOG, Inherited
from gateway.app.listen_errors import cannot_listen
from gateway.app.service_manager import ServiceManager
from gateway.config import Address, Config, ConfigError
from gateway.telemetry.telemetry import Telemetry

MOST = 64
_LIVED_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_log = structlog.get_logger("supervisor")
Command = Callable[[Inherited], Sequence[str]]


def supervise(config: Config, processes: int, command: Command) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. SIGHUP replaces one process after the other. `command` starts one. Raises
    ConfigError for a database that only one process may use, and for an address that is taken."""
    if config.store.sqlite_path is not None:
        raise ConfigError(("store.url: a SQLite file serves one process; use PostgreSQL, or --processes 1",))
    telemetry = make_telemetry(config, log_requests=False)
    try:
        return asyncio.run(_supervise(config, processes, command, telemetry))
    finally:
        telemetry.close()


async def _supervise(config: Config, processes: int, command: Command, telemetry: Telemetry) -> int:
    with tempfile.TemporaryDirectory(prefix="gateway-") as directory:
        supervisor = Supervisor(config, processes, command, Path(directory), telemetry)
        try:
            return await supervisor.run()
        finally:
            supervisor.close()


@dataclass(slots=True)
class _Place:
    """Where one process serves. Its public socket is closed while no process is expected soon, so that the kernel sends its
    connections to the others."""

    number: int
    admin: socket.socket
    public: socket.socket | None = None
    child: Child | None = None
    failures: int = 0
    exchanging: asyncio.Lock = field(default_factory=asyncio.Lock)


class Supervisor:
    """`run` once, then `close`. `directory` is an empty one of its own."""

    def __init__(
        self, config: Config, processes: int, command: Command, directory: Path, telemetry: Telemetry
    ) -> None:
        self._command = command
        self._directory = directory
        self._telemetry = telemetry
        self._manager = ServiceManager(os.environ)
        self._stop, self._roll = asyncio.Event(), asyncio.Event()
        self._lifeline, self._end_of_life = os.pipe()
        self._names = count()
        self._children: set[Child] = set()
        server = config.server
        first = _listener(server.listen, shared=True)
        self._address = Address(server.listen.host, first.getsockname()[1])
        self._places = [
            _Place(number, _listener(_nth(server.admin_listen, number), shared=False))
            for number in range(1, processes + 1)
        ]
        self._places[0].public = first

    def close(self) -> None:
        for place in self._places:
            for listener in filter(None, (place.public, place.admin)):
                listener.close()
        os.close(self._lifeline)
        os.close(self._end_of_life)

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._roll.set)
        if not await self._start_all():
            return await self._stop_all()
        self._manager.ready()
        tasks = [asyncio.create_task(self._keep(place)) for place in self._places]
        tasks += [asyncio.create_task(duty()) for duty in (self._roll_when_asked, self._tick, self._watchdog)]
        await self._stop.wait()
        self._manager.stopping()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await self._stop_all()

    async def _start_all(self) -> bool:
        for place in self._places:
            place.child = await self._start(place)
        started = asyncio.gather(*(place.child.is_ready() for place in self._places if place.child))
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait([asyncio.ensure_future(started), stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        return started.done() and all(started.result())

    async def _stop_all(self) -> int:
        for child in self._children:
            child.terminate()
        codes = [await child.ended() for child in self._children]
        return next((code if code > 0 else 1 for code in codes if code), 0)

    async def _start(self, place: _Place) -> Child:
        place.public = place.public or _listener(self._address, shared=True)
        given = Inherited(place.number, place.public.fileno(), place.admin.fileno(), self._lifeline)
        passed = (given.public, given.admin, given.lifeline)
        child = await Child.start(
            self._command(given), passed, self._directory / f"{next(self._names)}.notices"
        )
        self._children.add(child)
        _log.info("child_started", process=place.number, pid=child.pid)
        return child

    async def _keep(self, place: _Place) -> None:
        """Replace the process whenever it ends by itself."""
        while child := place.child:
            code = await child.ended()
            self._children.discard(child)
            async with place.exchanging:
                if place.child is child:
                    _log.warning("child_ended", process=place.number, pid=child.pid, code=str(code))
                    place.child = await self._replacement(place, child)

    async def _replacement(self, place: _Place, child: Child) -> Child:
        while True:
            lived = asyncio.get_running_loop().time() - child.started
            place.failures = 0 if lived >= _LIVED_SECONDS else place.failures + 1
            if pause := pause_after(place.failures):
                if place.public is not None:
                    place.public.close()
                    place.public = None
                await asyncio.sleep(pause)
            child = await self._start(place)
            place.child = child
            if await child.is_ready():
                return child
            self._children.discard(child)

    async def _roll_when_asked(self) -> None:
        while True:
            await self._roll.wait()
            self._roll.clear()
            self._telemetry.reopen_log()
            self._manager.reloading()
            for place in self._places:
                async with place.exchanging:
                    if not await self._exchange(place):
                        _log.error(
                            "rolling_restart_stopped",
                            process=place.number,
                            hint="the new process did not start, so the old ones stay; its own log lines say why",
                        )
                        break
            self._manager.ready()

    async def _exchange(self, place: _Place) -> bool:
        """Whether a new process serves and the old one has ended."""
        old, new = place.child, await self._start(place)
        if not await new.is_ready():
            self._children.discard(new)
            return False
        place.child = new
        if old is not None:
            old.terminate()
            await old.ended()
        return True

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for place in self._places:
                if place.child is not None:
                    place.child.tick()

    async def _watchdog(self) -> None:
        await self._manager.watch(_alive)


async def _alive() -> None:
    """A sign of life for systemd: it is sent only while the supervisor's event loop runs."""


def pause_after(failures: int) -> float:
    """Seconds to wait before restarting a process that ended within a minute of its start, so many times in a row. After the first
    failure, it restarts at once."""
    return 0.0 if failures <= 1 else min(_FIRST_PAUSE * 2 ** min(failures - 2, 10), _LONGEST_PAUSE)


def _nth(address: Address, number: int) -> Address:
    """Port 0 takes any free port, for each process."""
    return Address(address.host, address.port and address.port + number - 1)


def _listener(address: Address, *, shared: bool) -> socket.socket:
    """A listening socket that processes started from here may inherit. Raises ConfigError."""
    try:
        ((family, kind, protocol, _, place), *_) = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(place)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise cannot_listen(address, error) from None
    return listener
