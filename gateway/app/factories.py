"""What the settings give: the store, the rule set of a new database, and the parts of a running gateway."""

import random
import secrets
from collections.abc import Callable
from pathlib import Path

from gateway.anchor.open_sink import open_sink
from gateway.anchor.worker import Anchor
from gateway.audit.pseudonym import Pseudonyms
from gateway.clock import SECOND, Clock, SystemClock, boot_id
from gateway.config import Config, ConfigError
from gateway.config.master_secret import SecretBox, admin_token
from gateway.config.named_file import PASSING, text_of
from gateway.errors import DriverMissing, StoreBroken
from gateway.http.keyring import KeyRing
from gateway.http.operator_tokens import OperatorTokens
from gateway.http.rows.process import RowReader
from gateway.http.services import Services
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.store.maintenance import KeepFor
from gateway.store.sqlite import SqliteStore
from gateway.telemetry.telemetry import Telemetry
from gateway.upstream.backlog import Backlog
from gateway.usecases.env import Env
from gateway.workers.activity import ActivityCounter
from gateway.workers.timekeeping import Timekeeper
from gateway.workers.verifications import Verifications
from rules.language.parse import parse, preset
from rules.language.problems import describe
from rules.ruleset import RuleSet


def seed_rules(config: Config) -> RuleSet:
    """The rule set of a new database. Raises ConfigError with every problem of the file."""
    name = config.rules.seed
    if name.startswith("preset:"):
        try:
            text = preset(name.removeprefix("preset:"))
        except ValueError as error:
            raise ConfigError((f"rules.seed: {error}",)) from None
    else:
        try:
            text = text_of(Path(name))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError((f"rules.seed: {name} cannot be read ({why}); check the path",)) from None
    parsed = parse(text)
    if not isinstance(parsed, RuleSet):
        raise ConfigError(tuple(f"rules.seed: {line}" for line in describe(parsed).splitlines()))
    if parsed.suggest.outcome == "merge":
        raise ConfigError(('rules.seed: [suggest] outcome = "merge" needs a plan first; begin with "ask"',))
    return parsed


def make_store(
    config: Config,
    clock: Clock,
    checkpoint_key: bytes,
    *,
    on_broken: Callable[[StoreBroken], None] = lambda _: None,
    alone: bool = False,
) -> Store:
    """The store for `store.url`, not opened yet. `alone`: no calls are served while it is open. Raises ConfigError if its driver is
    not installed."""
    every, most = config.audit.checkpoint, config.audit.checkpoint_events
    ages = config.retention
    kept = KeepFor(
        ages.deliveries,
        ages.import_lists,
        ages.reviews,
        ages.achievements,
        ages.ledger_details,
        ages.activity,
    )
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
        connections=config.store.connections,
        one_coordinator=config.store.one_coordinator,
    )


def make_telemetry(config: Config, *, log_requests: bool) -> Telemetry:
    """With the log file of the settings. Raises ConfigError if it cannot be written, and OSError if it may be able to be soon."""
    try:
        return Telemetry(
            level=config.log.level,
            path=config.log.file,
            log_requests=log_requests,
            longest=config.upstream.total_timeout / SECOND,
        )
    except OSError as error:
        if error.errno in PASSING:
            raise
        problem = (
            f"log.file: {config.log.file}: cannot be written ({error.strerror});"
            " name a file in a directory that exists, and in which the gateway may write"
        )
        raise ConfigError((problem,)) from None


def make_services(
    config: Config, store: Store, clock: SystemClock, box: SecretBox, rules: RuleSet, telemetry: Telemetry
) -> Services:
    """The pipeline and everything that the listeners need, around an open store; nothing of it runs yet."""
    env = Env.of(config, rules, Pseudonyms(box.key("pseudonyms")), _random_between(), secrets.token_bytes)
    activity = ActivityCounter(store)
    pipeline = Pipeline(
        store,
        env,
        queue_limit=config.store.queue_limit,
        batch_limit=config.store.batch_limit,
        observe=telemetry.metrics.batches.note,
        count=activity.note_happened,
    )
    telemetry.metrics.batches.waiting.set_function(lambda: pipeline.waiting)
    shared_token, checkpoint_key = admin_token(config, box), box.key("audit checkpoint")
    services = Services(
        config,
        store,
        pipeline,
        KeyRing(config.channels, box.key("channel keys")),
        OperatorTokens(shared_token, box.key("operators")),
        env,
        RowReader(env),
        clock,
        Timekeeper(clock, store, pipeline, telemetry.metrics, boot_id()),
        telemetry,
        activity,
        admin_token=shared_token,
        checkpoint_key=checkpoint_key,
        backlog=Backlog(config.upstream.queue_limit),
        verifications=Verifications(store, checkpoint_key, telemetry.metrics.audit),
    )
    if config.audit.anchor:
        sink = open_sink(lambda: services.config, store, clock, env.random_between)
        services.anchor = Anchor(sink, store, clock, telemetry.metrics)
    return services


def _random_between() -> Callable[[int, int], int]:
    chance = random.Random(secrets.randbits(128))  # noqa: S311 - only spreads due times
    return lambda low, high: low + int(chance.random() * (high - low + 1))
