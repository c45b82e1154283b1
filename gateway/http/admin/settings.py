"""The settings that this gateway goes by, as far as they may be seen."""

from typing import Any

import msgspec

from gateway.config.change import comparable
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation


class SettingsView(msgspec.Struct):
    """By table. In place of a secret there is a short mark under the admin token, by which another value can be told from it."""

    settings: dict[str, Any]


async def show_settings(call: Call[Query]) -> SettingsView:
    return SettingsView(comparable(call.services.config, call.services.admin_token.encode()))


OPERATIONS = (
    Operation(
        method="GET",
        path="/settings",
        handler=show_settings,
        summary="The settings in use; a secret is shown as a mark only",
        answer=SettingsView,
    ),
)
