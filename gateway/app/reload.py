"""New settings for a running gateway. At SIGHUP the file is read again. Either all of it is taken over between two batches, or
nothing, and the log says why."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence

import structlog

from gateway.app.service_manager import ServiceManager
from gateway.audit.event import Action
from gateway.clock import SECOND
from gateway.config import Config, ConfigError
from gateway.config.change import Change, changes, comparable
from gateway.errors import MISTAKES, GatewayError
from gateway.http.services import Services
from gateway.model import Caller, NoteEvent
from gateway.usecases.env import Env

_log = structlog.get_logger("reload")
_ITSELF = Caller("", "", "gateway", "", "gateway")
_MOST_NAMED = 100
_AFTER_FAILURE = 2.0
_HINT = "all settings stay as they were"


class Reloader:
    """`run` reads the settings by `read` each time that `asked` is set. One reload ends before the next begins."""

    def __init__(
        self, services: Services, read: Callable[[], Config], asked: asyncio.Event, manager: ServiceManager
    ) -> None:
        self._services = services
        self._read = read
        self._asked = asked
        self._manager = manager
        self._untold: dict[str, None] = {}
        self._told(taken=True)

    async def run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AFTER_FAILURE if self._untold else None):
                    await self._asked.wait()
            if self._asked.is_set():
                self._asked.clear()
                self._manager.reloading()
                await self._reload()
                self._manager.ready()
            await self._write_down()

    async def _reload(self) -> None:
        try:
            names = await take_over(self._services, await asyncio.to_thread(self._read))
        except (
            GatewayError,
            OSError,
            RecursionError,
            *MISTAKES,
        ) as error:  # whatever is wrong with the file, the gateway continues unchanged
            for problem in _problems(error):
                _log.error("config_refused", problem=problem, hint=_HINT)
            self._told(taken=False)
            return
        self._told(taken=True)
        self._untold.update(dict.fromkeys(names))
        if names:
            _log.info("config_reloaded", settings=names[:_MOST_NAMED], count=len(names))
        else:
            _log.info("config_unchanged")

    async def _write_down(self) -> None:
        """The names of changed settings, in the audit log; repeated until it takes them."""
        if not self._untold:
            return
        names = list(self._untold)
        detail = {"settings": names[:_MOST_NAMED], "count": len(names)}
        try:
            await self._services.pipeline.submit(NoteEvent(_ITSELF, Action.CONFIG_RELOADED, detail))
        except GatewayError as error:
            _log.warning("config_reload_not_audited", error=type(error).__name__)
        else:
            self._untold.clear()

    def _told(self, *, taken: bool) -> None:
        metrics = self._services.telemetry.metrics
        metrics.reload.successful.set(taken)
        if taken:
            metrics.reload.taken_at.set(self._services.clock.now() / SECOND)


async def take_over(services: Services, config: Config) -> list[str]:
    """Use these settings from the next batch on. Returns the names of those that changed. Raises ConfigError, and changes none, if
    one of them can only change at a start. Everything that can fail is made before anything changes."""
    env, key = services.env, secrets.token_bytes(32)
    found = changes(comparable(services.config, key), comparable(config, key))
    _refuse_what_is_fixed(found)
    ready = [follower(config) for follower in services.followers]
    offered = Env.of(config, env.rules, env.pseudonyms, env.random_between, env.random_bytes)

    def change() -> None:
        services.config = config
        services.keyring.serve(config.channels)
        services.telemetry.use(level=config.log.level, log_requests=config.log.requests)
        env.offer_as(offered)
        for follow in ready:
            follow()

    await services.pipeline.between_batches(change)
    return [change.setting for change in found]


def _refuse_what_is_fixed(found: Sequence[Change]) -> None:
    """Raises ConfigError with the names of the settings that only a start can change."""
    fixed = [change.setting for change in found if not change.is_live]
    if fixed:
        raise ConfigError(
            tuple(
                f"{name}: cannot change while the gateway runs; restart it, or take the change back"
                for name in fixed
            )
        )


def _problems(error: Exception) -> Iterator[str]:
    if not isinstance(error, GatewayError):
        yield f"the settings cannot be used: {type(error).__name__}"
        return
    problems = error.problems if isinstance(error, ConfigError) else (str(error),)
    yield from problems[:_MOST_NAMED]
    if len(problems) > _MOST_NAMED:
        yield f"and {len(problems) - _MOST_NAMED} more; gateway check prints them all"
