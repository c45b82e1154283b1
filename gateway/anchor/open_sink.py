"""Opens the sink that `[audit] anchor` names."""

from collections.abc import Callable
from pathlib import Path

from gateway.anchor.file import AnchorFile
from gateway.anchor.sink import AnchorSink
from gateway.anchor.webhook import AnchorWebhook
from gateway.clock import Clock
from gateway.config import Config, Webhook
from gateway.store import Store
from gateway.upstream.limiter import RandomBetween


def open_sink(
    config: Callable[[], Config], store: Store, clock: Clock, random_between: RandomBetween
) -> AnchorSink:
    """`config` returns the current settings. A reload does not change their `[audit] anchor`."""
    kind, _, name = config().audit.anchor.partition(":")
    if kind == "file":
        return AnchorFile(Path(name))

    def webhook() -> Webhook:
        return next(one for one in config().webhooks if one.name == name)

    return AnchorWebhook(name, webhook, store, clock, random_between)
