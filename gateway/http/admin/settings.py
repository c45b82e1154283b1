"""The settings in use, without secrets."""

from typing import Any

import msgspec

from gateway.config.change import comparable
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation


class SettingsView(msgspec.Struct):
    """By table. A secret is replaced by a short mark under the admin token. Two different values have different marks."""

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
