"""The settings in use, without secrets."""

from typing import Any

import msgspec

from gateway.config.change import comparable, sources
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation


class SettingsView(msgspec.Struct):
    """`settings` are by table. A secret is replaced by a short mark under the admin token. Two different values have different
    marks. `sources` say by dotted name where each value comes from: `default`, `file` (the settings file), or for a secret `env
    NAME`, `file PATH` or `hash`."""

    settings: dict[str, Any]
    sources: dict[str, str]


async def show_settings(call: Call[Query]) -> SettingsView:
    config = call.services.config
    return SettingsView(comparable(config, call.services.admin_token.encode()), sources(config))


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
