"""From settings to an open store with its pipeline and everything that the listeners need, and the orderly end of all that; for
`gateway serve`, and for a command that finds no gateway running."""

import contextlib
import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import structlog

from gateway.anchor.worker import Anchor
from gateway.app.broken_store import end_command
from gateway.app.factories import make_services, make_store, seed_rules
from gateway.app.shared_state import readable, refresh
from gateway.clock import SystemClock
from gateway.config import Config, ConfigError
from gateway.config.master_secret import open_box, other_secret, secret_path
from gateway.errors import StoreBroken, StoreUnavailable
from gateway.http.services import Services
from gateway.model import Caller, ForgetAgain, StoredRuleSet, StoreRules
from gateway.sqlite_library import sqlite3
from gateway.store import Store
from gateway.store.gateway_reads import active_rules, is_signed_with
from gateway.store.migrations import pending
from gateway.store.sqlite.schema import applied_steps
from gateway.telemetry.telemetry import Telemetry
from gateway.upstream.client import Upstream
from gateway.usecases.deliver import UPSTREAM

_log = structlog.get_logger("app")
_ITSELF = Caller("", "", "gateway", "", "gateway")


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
    clock: SystemClock | None = None,
) -> AsyncGenerator[Services]:
    """An open store with its pipeline and everything that the listeners need, without workers or listeners; `alone` is the store's.
    Raises ConfigError if the database was written with another master secret, or its secret is missing, unless `any_secret`.
    Without `makes_secret`, a new database gets no secret; without `begins`, it gets no rule set. Erasures that a restored database
    has not seen are carried out; without `forgets`, they are an error. `clock` is instead of the machine's."""
    clock = clock or SystemClock(config.clock.believe_after)
    box = open_box(config, make=makes_secret and (any_secret or _may_be_new(config)))
    checkpoint_key = box.key("audit checkpoint")
    store = make_store(config, clock, checkpoint_key, on_broken=on_broken, alone=alone)
    await store.open()
    try:
        if not (any_secret or await is_signed_with(store, checkpoint_key)):
            if box.is_new:
                secret_path(config).unlink()
            raise other_secret(config)
        if not (forgets or any_secret):
            await _refuse_to_remember(store)
        active = await active_rules(store)
        rules = readable(active) if active is not None else seed_rules(config)
        services = make_services(config, store, clock, box, rules, telemetry)
        services.pipeline.start()
        try:
            await services.timekeeper.begin()
            if active is None and begins:
                await _seed(services)
            if forgets:
                await _forget_again(services)
            await refresh(services)
            async with _connected(services):
                yield services
        finally:
            await services.row_reader.close()
            await services.pipeline.stop()
            with contextlib.suppress(StoreUnavailable, StoreBroken):
                await services.activity.store_counts()
            if begins:
                await _seal(store, services.anchor)
    finally:
        await store.close()


async def _seal(store: Store, anchor: Anchor | None) -> None:
    """The log's end is signed, and its signature copied to the anchor. What cannot be copied now, the next start copies."""
    await store.seal()
    if anchor is not None:
        with contextlib.suppress(StoreUnavailable):
            await anchor.step()


@contextlib.asynccontextmanager
async def _connected(services: Services) -> AsyncGenerator[None]:
    """In forward mode, the upstream's client while the gateway runs."""
    if services.config.gateway.mode != "forward":
        yield
        return
    metrics = services.telemetry.metrics
    services.upstream = Upstream(
        services.config.upstream,
        services.clock,
        services.env.random_between,
        metrics.calls.note_upstream,
        lambda ends_at: metrics.deliveries.certificate_ends.labels(UPSTREAM).set(ends_at),
    )
    await services.upstream.open()
    try:
        yield
    finally:
        await services.upstream.close()


async def _seed(services: Services) -> None:
    """The database's first rule set. With it comes the signature by which a start with another master secret is recognised."""
    rules = services.env.rules
    row = StoredRuleSet(rules.version, rules.sha256, rules.text, "seed", services.clock.now())
    await services.pipeline.submit(StoreRules(_ITSELF, row, activate=True))


async def replace_secret(services: Services, caller: Caller) -> int:
    """Use this process's master secret instead of the one with which the database was written. Returns how many checkpoints were
    dropped."""
    dropped = await services.store.rotate_secret(caller.actor)
    _log.warning(
        "secret_replaced", checkpoints_dropped=dropped, hint="keys of gateway keys new have to be made again"
    )
    return dropped


@contextlib.asynccontextmanager
async def offline(config: Config, *, changes: bool, any_secret: bool = False) -> AsyncGenerator[Services]:
    """The gateway without listeners, for a command that finds no gateway running. A command that `changes` things may begin a new
    database. One that only reads creates nothing: no file, no secret, no schema. Raises AlreadyRunning, and ConfigError if
    something is missing."""
    if not changes:
        _refuse_to_begin(config.store.sqlite_path)
    telemetry = quiet()
    try:
        async with running(
            config,
            telemetry=telemetry,
            on_broken=end_command,
            alone=True,
            any_secret=any_secret,
            makes_secret=any_secret or (changes and config.store.sqlite_path is not None),
            begins=changes,
            forgets=False,
        ) as services:
            yield services
    finally:
        telemetry.close()


def quiet() -> Telemetry:
    """Without a log: a command says what matters itself, and its output may be JSON."""
    return Telemetry(level="error", path=os.devnull, log_requests=False)


def _may_be_new(config: Config) -> bool:
    """Whether the database has no master secret yet. For one on a server, that cannot be told from here."""
    path = config.store.sqlite_path
    return path is None or not Path(path).exists() or not _steps_of(path)


def _steps_of(path: str) -> dict[int, str]:
    """The schema steps of the SQLite file. Raises FileNotFoundError, and ConfigError for a file of another kind."""
    try:
        return applied_steps(Path(path))
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname != "SQLITE_NOTADB":
            raise
        problem = f"store.url: {path} is not a SQLite database; name another file, or restore a backup"
        raise ConfigError((problem,)) from None


async def _refuse_to_remember(store: Store) -> None:
    """Raises ConfigError for a restored database that has not seen later erasures."""
    lacking = len(await store.erasures_lacking())
    if lacking:
        count = "1 erasure is" if lacking == 1 else f"{lacking} erasures are"
        problem = (
            f"store.url: the database was restored from a backup, and {count} newer than that;"
            " start the gateway, which carries them out before it serves: gateway serve"
        )
        raise ConfigError((problem,))


async def _forget_again(services: Services) -> None:
    """Carry out erasures that a restored database has not seen, before anything is served from it."""
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
    """Raises ConfigError if opening the SQLite file at `path` would create it, or change its schema."""
    if path is None:
        return
    try:
        missing = pending(_steps_of(path))
    except FileNotFoundError:
        problem = f"{path}: there is no database yet; start the gateway, or run: gateway db migrate"
        raise ConfigError((problem,)) from None
    if missing:
        problem = f"{path}: its schema is of an earlier version of the gateway; run: gateway db migrate"
        raise ConfigError((problem,))
