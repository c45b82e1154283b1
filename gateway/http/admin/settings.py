"""The settings in use, without secrets."""

from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from gateway.config import Config
from gateway.config.change import comparable, sources
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.services import Services


class SettingsView(msgspec.Struct):
    """`settings` are by table. A secret is replaced by a short mark under the admin token. Two different values have different
    marks. `sources` say by dotted name where each value comes from: `default`, `file` (the settings file), or for a secret `env
    NAME`, `file PATH` or `hash`."""

    settings: dict[str, Any]
    sources: dict[str, str]


@dataclass(slots=True)
class MaskedSettings:
    """The settings as they are shown, masked once for each configuration that is loaded."""

    _config: Config | None = None
    _view: SettingsView | None = None

    def of(self, services: Services) -> SettingsView:
        if self._view is None or self._config is not services.config:
            self._config = config = services.config
            self._view = SettingsView(comparable(config, services.admin_token.encode()), sources(config))
        return self._view


MASKED_SETTINGS = web.AppKey("masked_settings", MaskedSettings)


async def show_settings(call: Call[Query]) -> SettingsView:
    return call.request.app[MASKED_SETTINGS].of(call.services)


OPERATIONS = (
    Operation(
        method="GET",
        path="/settings",
        handler=show_settings,
        role="admin",
        summary="The settings in use, with the source of each; a secret is shown as a mark only",
        answer=SettingsView,
    ),
)
