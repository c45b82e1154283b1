"""What is made of the settings before anything is opened: the store, and the rule set of a fresh database."""

from collections.abc import Callable
from pathlib import Path

from gateway.clock import Clock
from gateway.config import Config, ConfigError
from gateway.errors import DriverMissing, StoreBroken
from gateway.store import Store
from gateway.store.maintain import Kept
from gateway.store.sqlite import SqliteStore
from rules.language.parse import parse, preset
from rules.language.problems import describe
from rules.ruleset import RuleSet


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
    kept = Kept(
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
        one_coordinator=config.store.one_coordinator,
    )
