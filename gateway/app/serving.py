"""Serving: both listeners and the workers, from the first signal to an orderly stop without losing anything.

A stop takes these steps: take no new connections, finish the calls in flight, let the workers finish their step, drain the
pipeline, note the stop, close the store.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any

import structlog
import uvloop
from aiohttp import web

from gateway.app.broken_store import exit_at_once
from gateway.app.exporting import exporting, make_encoder
from gateway.app.factories import make_telemetry
from gateway.app.inherited import BACKLOG, Inherited
from gateway.app.listen_errors import cannot_listen
from gateway.app.opening import running
from gateway.app.reload import Reloader
from gateway.app.service_manager import ServiceManager
from gateway.app.workers import Workers
from gateway.audit.event import Action
from gateway.clock import SECOND
from gateway.config import Address, Config
from gateway.http import admin, public
from gateway.http.connection_limit import ConnectionLimit
from gateway.http.console import add_console
from gateway.http.services import Services
from gateway.http.upgrades import WithoutUpgrades
from gateway.model import Caller, NoteEvent
from gateway.store.gateway_reads import newest_link

_log = structlog.get_logger("app")
_ITSELF = Caller("", "", "gateway", "", "gateway")
_LONGEST_LINE = 8190
_LINGER_SECONDS = 1.0
"""How long the rest of a refused body is still read, so that its sender sees the refusal and not a reset."""
_NEWCOMER_SECONDS = 0.5
"""How long a connection that was taken just before the stop may take to send its request."""
Announce = Callable[[Config, str, str], None]


def serve(read: Callable[[], Config], announce: Announce, inherited: Inherited | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. The settings are read now, and again at each SIGHUP. `announce` gets them
    and both listeners' URLs once calls are taken. What is `inherited` replaces the settings' addresses."""
    return uvloop.run(_serve(read(), read, announce, inherited))


async def _serve(
    config: Config, read: Callable[[], Config], announce: Announce, inherited: Inherited | None
) -> int:
    make_encoder(config)  # raises before anything is made
    telemetry = make_telemetry(config, log_requests=config.log.requests)
    stop, reload = asyncio.Event(), asyncio.Event()
    failures: list[str] = []

    def end(reason: str) -> None:
        failures.append(reason)
        stop.set()

    def hang_up() -> None:
        telemetry.reopen_log()
        reload.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    if inherited is not None:
        _stop_with(inherited.lifeline, stop)
    try:
        async with running(config, telemetry=telemetry, on_broken=exit_at_once) as services:
            manager = ServiceManager(os.environ)
            reloader = Reloader(services, read, reload, manager)
            await _serve_until(stop, services, reloader, manager, announce, end, inherited)
    finally:
        telemetry.close()
    return 1 if failures else 0


def _stop_with(lifeline: int, stop: asyncio.Event) -> None:
    """Stop when the other end of the pipe is closed, as it is when the process that holds it ends."""
    loop = asyncio.get_running_loop()

    def cut() -> None:
        loop.remove_reader(lifeline)
        stop.set()

    loop.add_reader(lifeline, cut)


async def _serve_until(
    stop: asyncio.Event,
    services: Services,
    reloader: Reloader,
    manager: ServiceManager,
    announce: Announce,
    end: Callable[[str], None],
    inherited: Inherited | None,
) -> None:
    async with listening(services, on_death=end, inherited=inherited) as (public_url, admin_url):
        _calm_garbage_collector()
        announce(services.config, public_url, admin_url)
        _log.info("gateway_started", public=public_url, admin=admin_url)
        manager.ready()
        reloads = asyncio.create_task(reloader.run(), name="reload")
        reloads.add_done_callback(lambda _: stop.is_set() or end("reload"))
        watching = asyncio.create_task(manager.watch(services.store.probe), name="watchdog")
        await stop.wait()
        manager.stopping()
        reloads.cancel()
        await asyncio.wait([reloads])
        _log.info("gateway_stopping")
    watching.cancel()


@contextlib.asynccontextmanager
async def listening(
    services: Services, *, on_death: Callable[[str], None], inherited: Inherited | None = None
) -> AsyncGenerator[tuple[str, str]]:
    """Both listeners and the workers, from the note of the start to the note of the stop; yields the listeners' URLs."""
    server = services.config.server
    previous = await newest_link(services.store)
    started = NoteEvent(_ITSELF, Action.GATEWAY_STARTED, {"previous": previous} if previous else {})
    await services.pipeline.submit(started)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(exporting(services, inherited))
        workers = Workers(services, on_death)
        stack.push_async_callback(services.pipeline.submit, NoteEvent(_ITSELF, Action.GATEWAY_STOPPED))
        options, grace = _options(services.config), server.shutdown_grace / 1000
        for_channels, for_operators = inherited.listeners() if inherited else (None, None)
        pages = admin.build(services)
        add_console(pages)
        operators = web.AppRunner(pages, shutdown_timeout=grace)
        plain = partial(WithoutUpgrades, loop=asyncio.get_running_loop(), **options)
        operator = await _listen(operators, services, for_operators or server.admin_listen, stack, plain)
        stack.push_async_callback(workers.stop)
        channels = web.ServerRunner(public.build(services, **options), shutdown_timeout=grace)
        unread = server.body_timeout / SECOND
        public_url = await _listen(channels, services, for_channels or server.listen, stack, unread=unread)
        workers.start()
        yield public_url, operator


def _options(config: Config) -> dict[str, Any]:
    """Options of aiohttp's request handler, for both listeners."""
    return {
        "access_log": None,
        "auto_decompress": False,
        "keepalive_timeout": config.server.header_timeout / 1000,
        "lingering_time": _LINGER_SECONDS,
        "max_field_size": _LONGEST_LINE,
        "max_line_size": _LONGEST_LINE,
    }


async def _listen(
    runner: web.BaseRunner,
    services: Services,
    place: Address | socket.socket,
    stack: contextlib.AsyncExitStack,
    connection: Callable[[web.Server], web.RequestHandler] = lambda server: server(),
    *,
    unread: float | None = None,
) -> str:
    """Take calls on an address or a listening socket until the stack unwinds. Returns the URL, with the actual port. `connection`
    makes the protocol of each connection; `unread` is that of `ConnectionLimit`."""
    server = services.config.server
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    assert runner.server is not None  # noqa: S101 - set up above
    connections = ConnectionLimit(
        partial(connection, runner.server),
        limit=server.max_connections,
        limit_per_ip=server.max_connections_per_ip,
        trusted=lambda: services.config.server.trusted_proxies,
        time=asyncio.get_running_loop().time,
        unread=unread,
    )
    try:
        listener = await _server(connections, place)
    except OSError as error:
        raise cannot_listen(place, error) from None
    stack.push_async_callback(connections.hear_newcomers, _NEWCOMER_SECONDS)
    stack.callback(listener.close)
    host, port = listener.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _server(connections: ConnectionLimit, place: Address | socket.socket) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if isinstance(place, socket.socket):
        return await loop.create_server(connections, sock=place, backlog=BACKLOG)
    return await loop.create_server(connections, place.host, place.port, backlog=BACKLOG)


def _calm_garbage_collector() -> None:
    """Objects that live as long as the process are hidden from the collector, which then runs rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
