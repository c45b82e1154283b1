"""Wiring: from settings to a running gateway, and back to rest without losing anything.

Stopping goes: take no new connections, finish the calls in flight, let the workers finish their step, drain the pipeline,
note the stop, close the store.
"""

import asyncio
import contextlib
import gc
import os
import random
import secrets
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import structlog
import uvloop
from aiohttp import web

from gateway.anchor.places import place_of
from gateway.anchor.worker import Anchor
from gateway.audit.event import Action
from gateway.audit.pseudonym import Pseudonyms
from gateway.clock import Clock, SystemClock
from gateway.config import Address, Config, ConfigError
from gateway.errors import DriverMissing, StoreBroken, StoreUnavailable
from gateway.http import admin, public
from gateway.http.connection_limit import ConnectionLimit
from gateway.http.keyring import KeyRing
from gateway.http.rows.process import Reading
from gateway.http.services import Services
from gateway.model import Caller, ForgetAgain, NoteEvent, StoredRuleSet, StoreRules
from gateway.pipeline import Pipeline
from gateway.reload import Reloader
from gateway.secrets_file import admin_token, open_box, other_secret, secret_path
from gateway.service_manager import ServiceManager
from gateway.store import Store
from gateway.store.maintain import Kept
from gateway.store.migrations import pending
from gateway.store.operations import active_rules, is_signed_with, newest_link
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite.schema import applied_steps
from gateway.telemetry import Telemetry
from gateway.timekeeping import Timekeeper
from gateway.upstream.backlog import Backlog
from gateway.upstream.client import Upstream
from gateway.usecases.env import Env
from gateway.workers import Workers, follow, readable
from rules.language.parse import parse, preset
from rules.language.problems import describe
from rules.ruleset import RuleSet

_log = structlog.get_logger("app")
_ITSELF = Caller("", "", "gateway", "", "gateway")
_EXIT_BROKEN = 70
_LONGEST_LINE = 8190
_LINGER_SECONDS = 1.0
"""How long the rest of a refused body is still read, so that its sender sees the refusal and not a reset."""
Announce = Callable[[Config, str, str], None]


# ---- building ----


def seed_rules(config: Config) -> RuleSet:
    """The rule set that a fresh database starts with. Raises ConfigError with every problem of the file."""
    name = config.rules.seed
    if name.startswith("preset:"):
        try:
            text = preset(name.removeprefix("preset:"))
        except ValueError as error:
            raise ConfigError((f"rules.seed: {error}",)) from None
    else:
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError((f"rules.seed: cannot read {name}: {type(error).__name__}",)) from None
    parsed = parse(text)
    if not isinstance(parsed, RuleSet):
        raise ConfigError(tuple(f"rules.seed: {line}" for line in describe(parsed).splitlines()))
    return parsed


def make_store(
    config: Config,
    clock: Clock,
    checkpoint_key: bytes,
    *,
    on_broken: Callable[[StoreBroken], None] = lambda _: None,
    alone: bool = False,
) -> Store:
    """The store behind `store.url`, not opened yet; `alone`: no calls are served beside what it is opened for. Raises
    ConfigError when its driver is not installed."""
    every, most = config.audit.checkpoint, config.audit.checkpoint_events
    ages = config.retention
    kept = Kept(ages.deliveries, ages.import_lists, ages.reviews)
    path = config.store.sqlite_path
    if path is not None:
        return SqliteStore(
            Path(path),
            clock,
            checkpoint_key=checkpoint_key,
            on_broken=on_broken,
            checkpoint_every=every,
            checkpoint_events=most,
            kept=kept,
            min_free_disk=config.store.min_free_disk,
            alone=alone,
        )
    try:
        from gateway.store.postgres import PostgresStore
    except ImportError:
        raise ConfigError((f"store.url: {DriverMissing()}",)) from None
    return PostgresStore(
        config.store.url,
        clock,
        checkpoint_key=checkpoint_key,
        checkpoint_every=every,
        checkpoint_events=most,
        kept=kept,
    )


@contextlib.asynccontextmanager
async def running(
    config: Config,
    *,
    telemetry: Telemetry,
    on_broken: Callable[[StoreBroken], None],
    alone: bool = False,
    any_secret: bool = False,
    makes_secret: bool = True,
    begins: bool = True,
    forgets: bool = True,
) -> AsyncGenerator[Services]:
    """An open store with its pipeline and everything that the listeners need, without workers or listeners; `alone` is
    the store's. Raises ConfigError for a database that was written with another master secret, or whose secret is missing,
    unless `any_secret` will do. Without `makes_secret` a new database's secret is not made either; without `begins` it gets
    no rule set. Erasures that a restored database has not seen are carried out; without `forgets` they are an error."""
    clock = SystemClock(config.clock.believe_after)
    box = open_box(config, make=makes_secret and (any_secret or _may_be_new(config)))
    checkpoint_key = box.key("audit checkpoint")
    store = make_store(config, clock, checkpoint_key, on_broken=on_broken, alone=alone)
    await store.open()
    try:
        known = any_secret or await is_signed_with(store, checkpoint_key)
        if not known:
            if box.is_new:
                secret_path(config).unlink()
            raise other_secret(config)
        if not (forgets or any_secret):
            await _refuse_to_remember(store)
        active = await active_rules(store)
        rules = readable(active) if active is not None else seed_rules(config)
        env = Env.of(config, rules, Pseudonyms(box.key("pseudonyms")), _random_between(), secrets.token_bytes)
        pipeline = Pipeline(
            store,
            env,
            queue_limit=config.store.queue_limit,
            batch_limit=config.store.batch_limit,
        )
        services = Services(
            config,
            store,
            pipeline,
            KeyRing(config.channels, box.key("channel keys")),
            env,
            Reading(env),
            clock,
            Timekeeper(clock, store, pipeline, telemetry.metrics),
            telemetry,
            admin_token=admin_token(config, box),
            checkpoint_key=checkpoint_key,
            backlog=Backlog(config.upstream.queue_limit),
        )
        if config.audit.anchor:
            place = place_of(lambda: services.config, store, clock, env.random_between)
            services.anchor = Anchor(place, store, clock, telemetry.metrics)
        pipeline.start()
        try:
            await services.timekeeper.begin()
            if active is None and begins:
                await _seed(services)
            if forgets:
                await _forget_again(services)
            await follow(services)
            async with _connected(services):
                yield services
        finally:
            await services.reading.close()
            await pipeline.stop()
            if begins:
                await _seal(services)
    finally:
        await store.close()


async def _seal(services: Services) -> None:
    """The log's end is signed, and its signature copied to the anchor; what could not be copied now, the next start copies."""
    await services.store.seal()
    if services.anchor is not None:
        with contextlib.suppress(StoreUnavailable):
            await services.anchor.step()


@contextlib.asynccontextmanager
async def _connected(services: Services) -> AsyncGenerator[None]:
    """In forward mode, the upstream's client for as long as the gateway runs."""
    if services.config.gateway.mode != "forward":
        yield
        return
    services.upstream = Upstream(services.config.upstream, services.clock, services.env.random_between)
    await services.upstream.open()
    try:
        yield
    finally:
        await services.upstream.close()


def _random_between() -> Callable[[int, int], int]:
    chance = random.Random(secrets.randbits(128))  # noqa: S311 - spreads due times, guards nothing
    return lambda low, high: low + int(chance.random() * (high - low + 1))


async def _seed(services: Services) -> None:
    """The database's first rule set. With it comes the signature that tells a start with another master secret from ours."""
    rules = services.env.rules
    row = StoredRuleSet(rules.version, rules.sha256, rules.text, "seed", services.clock.now())
    await services.pipeline.submit(StoreRules(_ITSELF, row, activate=True))


async def replace_secret(services: Services, caller: Caller) -> int:
    """Go on with this process's master secret, in place of the one that the database was written with; how many checkpoints
    were dropped."""
    dropped = await services.store.rotate_secret(caller.actor)
    _log.warning(
        "secret_replaced", checkpoints_dropped=dropped, hint="keys of gateway keys new are to be made anew"
    )
    return dropped


@contextlib.asynccontextmanager
async def offline(config: Config, *, changes: bool, any_secret: bool = False) -> AsyncGenerator[Services]:
    """The gateway's inside without listeners, for a command that finds no gateway running. A command that `changes` things may
    begin a new database; one that only reads makes nothing: no file, no secret, no schema. Raises AlreadyRunning, and
    ConfigError where something is missing."""
    if not changes:
        _refuse_to_begin(config.store.sqlite_path)
    telemetry = Telemetry(level="error", path=os.devnull, log_requests=False)
    try:
        async with running(
            config,
            telemetry=telemetry,
            on_broken=_end_command,
            alone=True,
            any_secret=any_secret,
            makes_secret=any_secret or (changes and config.store.sqlite_path is not None),
            begins=changes,
            forgets=False,
        ) as services:
            yield services
    finally:
        telemetry.close()


def _may_be_new(config: Config) -> bool:
    """Whether the database has no master secret yet; of one on a server that cannot be told from here."""
    path = config.store.sqlite_path
    return path is None or not Path(path).exists() or not applied_steps(Path(path))


async def _refuse_to_remember(store: Store) -> None:
    """Raises ConfigError for a restored database that has not seen erasures of later."""
    lacking = len(await store.erasures_lacking())
    if lacking:
        count = "1 erasure is" if lacking == 1 else f"{lacking} erasures are"
        problem = (
            f"store.url: the database was restored from a backup, and {count} newer than that;"
            " start the gateway, which carries them out before it serves: gateway serve"
        )
        raise ConfigError((problem,))


async def _forget_again(services: Services) -> None:
    """What a restored database has not seen of erasures, before anything is served from it."""
    store = services.store
    lacking = await store.erasures_lacking()
    for erasure in lacking:
        await services.pipeline.submit(ForgetAgain(_ITSELF, erasure))
    if lacking:
        _log.warning(
            "erasures_carried_out_again", erasures=len(lacking), hint="the database is a restored backup"
        )
    await store.keep_erasures_outside()


def _refuse_to_begin(path: str | None) -> None:
    """Raises ConfigError when opening the SQLite file at `path` would make it, or change its schema."""
    if path is None:
        return
    try:
        missing = pending(applied_steps(Path(path)))
    except FileNotFoundError:
        problem = f"{path}: there is no database yet; start the gateway, or run: gateway db migrate"
        raise ConfigError((problem,)) from None
    if missing:
        problem = f"{path}: its schema is of an earlier version of the gateway; run: gateway db migrate"
        raise ConfigError((problem,))


# ---- serving ----


def serve(read: Callable[[], Config], announce: Announce) -> int:
    """Run until SIGTERM or SIGINT; the exit code. The settings are read now, and again at each SIGHUP. `announce` is told them and
    both listeners' URLs once calls are taken."""
    return uvloop.run(_serve(read(), read, announce))


async def _serve(config: Config, read: Callable[[], Config], announce: Announce) -> int:
    telemetry = Telemetry(level=config.log.level, path=config.log.file, log_requests=config.log.requests)
    stop, reload = asyncio.Event(), asyncio.Event()
    failures: list[str] = []

    def end(reason: str) -> None:
        failures.append(reason)
        stop.set()

    def hang_up() -> None:
        _reopen_log(telemetry)
        reload.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    try:
        async with running(config, telemetry=telemetry, on_broken=_exit_at_once) as services:
            manager = ServiceManager(os.environ)
            reloader = Reloader(services, read, reload, manager)
            await _serve_until(stop, services, reloader, manager, announce, end)
    finally:
        telemetry.close()
    return 1 if failures else 0


def _reopen_log(telemetry: Telemetry) -> None:
    try:
        telemetry.writer.reopen()
    except OSError as error:
        _log.error("log_not_reopened", error=error.strerror)
    else:
        _log.info("log_reopened")


async def _serve_until(
    stop: asyncio.Event,
    services: Services,
    reloader: Reloader,
    manager: ServiceManager,
    announce: Announce,
    end: Callable[[str], None],
) -> None:
    async with listening(services, on_death=end) as (public_url, admin_url):
        _settle_garbage_collector()
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
    services: Services, *, on_death: Callable[[str], None]
) -> AsyncGenerator[tuple[str, str]]:
    """Both listeners and the workers, from the note of the start to the note of the stop; yields the listeners' URLs."""
    server = services.config.server
    previous = await newest_link(services.store)
    started = NoteEvent(_ITSELF, Action.GATEWAY_STARTED, {"previous": previous} if previous else {})
    await services.pipeline.submit(started)
    workers = Workers(services, on_death)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(services.pipeline.submit, NoteEvent(_ITSELF, Action.GATEWAY_STOPPED))
        options, grace = _options(services.config), server.shutdown_grace / 1000
        operators = web.AppRunner(admin.build(services), shutdown_timeout=grace, **options)
        operator = await _listen(operators, services, server.admin_listen, stack)
        stack.push_async_callback(workers.stop)
        channels = web.ServerRunner(public.build(services, **options), shutdown_timeout=grace)
        public_url = await _listen(channels, services, server.listen, stack)
        workers.start()
        yield public_url, operator


def _options(config: Config) -> dict[str, Any]:
    """What both listeners tell aiohttp's request handler."""
    return {
        "access_log": None,
        "auto_decompress": False,
        "keepalive_timeout": config.server.header_timeout / 1000,
        "lingering_time": _LINGER_SECONDS,
        "max_field_size": _LONGEST_LINE,
        "max_line_size": _LONGEST_LINE,
    }


async def _listen(
    runner: web.BaseRunner, services: Services, address: Address, stack: contextlib.AsyncExitStack
) -> str:
    """Take calls on `address` until the stack unwinds; the URL, with the port that was really taken."""
    server = services.config.server
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    assert runner.server is not None  # noqa: S101 - set up above
    connections = ConnectionLimit(
        runner.server,
        limit=server.max_connections,
        limit_per_ip=server.max_connections_per_ip,
        trusted=lambda: services.config.server.trusted_proxies,
        time=asyncio.get_running_loop().time,
    )
    try:
        listener = await asyncio.get_running_loop().create_server(
            connections, address.host, address.port, backlog=1024
        )
    except OSError as error:
        raise ConfigError(
            (f"server: cannot listen on {address}: {error.strerror}; is another process there?",)
        ) from None
    stack.callback(listener.close)
    host, port = listener.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _settle_garbage_collector() -> None:
    """What lives as long as the process is taken out of the collector's sight; it then runs rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def _exit_at_once(error: StoreBroken) -> None:
    """After an I/O error the process must not answer anything more: what the disk holds is decided at the next start."""
    _log.critical("store_broken", error=str(error))
    os._exit(_EXIT_BROKEN)


def _end_command(error: StoreBroken) -> None:
    sys.stderr.write(f"the database is broken ({error}); look at it with: gateway db check\n")
    sys.stderr.flush()
    _exit_at_once(error)
