"""The export of spans while the gateway serves, if the settings name a collector."""

import asyncio
import contextlib
import os
import random
import secrets
import socket
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Final

from gateway.app.inherited import Inherited
from gateway.config import Config, ConfigError, TracingSettings
from gateway.http.services import Services
from gateway.model import AnyCommand
from gateway.telemetry.exporter import Exporter, SpanEncoder
from gateway.telemetry.tracing import Attributes, Outcome, Tracing

_LAST_SECONDS: Final = 3.0
"""How long a stop waits for the collector."""
_VERSION: Final = version("loyalty-identity-gateway")


def make_encoder(config: Config, inherited: Inherited | None = None) -> SpanEncoder | None:
    """None if nothing is exported. Raises ConfigError if the packages for it are not installed."""
    if not config.tracing.endpoint:
        return None
    try:
        from gateway.telemetry.otlp import Encoder
    except ImportError:
        needed = "needs the packages of the extra otlp; run: pip install 'loyalty-identity-gateway[otlp]'"
        raise ConfigError((f"tracing.endpoint: {needed}",)) from None
    return Encoder(_resource(config.tracing, inherited), _VERSION)


@contextlib.asynccontextmanager
async def exporting(services: Services, inherited: Inherited | None) -> AsyncGenerator[None]:
    """Calls are followed and their spans are sent. At the end, what waits is sent too, for a few seconds at most."""
    encoder, settings = make_encoder(services.config, inherited), services.config.tracing
    if encoder is None:
        yield
        return
    tracing = services.telemetry.tracing = _tracing(services)
    services.pipeline.follow = partial(_follow, tracing)
    exporter = Exporter(tracing, encoder, settings.endpoint, _headers(settings), settings.compression)
    services.followers.append(partial(_follower, tracing, exporter))
    sending = asyncio.create_task(exporter.run(), name="tracing")
    try:
        yield
    finally:
        exporter.stop()
        await asyncio.wait([sending], timeout=_LAST_SECONDS)
        sending.cancel()
        await asyncio.wait([sending])
        exporter.close()


def _tracing(services: Services) -> Tracing:
    spans = services.telemetry.metrics.spans

    def count(outcome: Outcome, spans_of_it: int) -> None:
        spans.labels(outcome).inc(spans_of_it)

    chance = random.Random(secrets.randbits(128))  # noqa: S311 - makes ids that are no secrets
    return Tracing(services.config.tracing.sample_ratio, count, chance)


def _follower(tracing: Tracing, exporter: Exporter, config: Config) -> Callable[[], None]:
    """Takes other settings over."""
    headers = _headers(config.tracing)

    def take_over() -> None:
        tracing.share, exporter.headers = config.tracing.sample_ratio, headers
        exporter.compression = config.tracing.compression

    return take_over


def _follow(tracing: Tracing, commands: Sequence[AnyCommand], seconds: float) -> None:
    """A batch was committed."""
    callers = [getattr(command, "caller", None) for command in commands]
    calls = [(caller.trace, caller.request_id) for caller in callers if caller is not None]
    tracing.note_commit(calls, len(commands), seconds)


def _headers(settings: TracingSettings) -> dict[str, str]:
    if settings.token is None:
        return {}
    name, _, scheme = settings.token_header.partition(": ")
    return {name: f"{scheme} {settings.token.reveal()}".lstrip()}


def _resource(settings: TracingSettings, inherited: Inherited | None) -> Attributes:
    """What tells this process apart from others."""
    found: dict[str, str | int] = {
        "service.name": settings.service_name,
        "service.version": _VERSION,
        "service.instance.id": str(uuid.uuid4()),
        "host.name": socket.gethostname(),
        "process.pid": os.getpid(),
    }
    if inherited is not None:
        found["gateway.process"] = inherited.number
    return found
