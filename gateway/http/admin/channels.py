"""The channels: who calls, how much, and when last."""

from collections.abc import Sequence

import msgspec

from gateway.clock import DAY, MINUTE, SECOND
from gateway.config import Channel
from gateway.http.admin.activity import ActivityCounts, counted
from gateway.http.admin.listing import ListQuery, Page, page, read_cursor
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown_or_none
from gateway.http.services import Services
from gateway.model import Activity, ChannelKey
from gateway.store.gateway_reads import shared_state
from gateway.store.queries.activity import activity_of_channels, last_calls

_RATE_OVER = 5


class ChannelView(msgspec.Struct):
    """`calls_a_minute` is the mean of the last 5 whole minutes. `silent_seconds` is how long ago the last call was, None if there
    was none. `today` counts since midnight (UTC). `keys` are issued pairs that are not revoked, `newest_key_at` is when the newest
    of them was issued; keys of the settings file are not among them."""

    name: str
    kind: str
    id_space: str
    trusted: bool
    calls_a_minute: float
    last_call: Time | None
    silent_seconds: int | None
    today: ActivityCounts
    keys: int
    newest_key_at: Time | None


async def list_channels(call: Call[ListQuery]) -> Page[ChannelView]:
    query, services = call.query, call.services
    after = read_cursor(query.cursor, str, "")
    names = sorted(channel.name for channel in services.config.channels if channel.name > after)
    chosen = set(names[: query.limit + 1])
    found = [channel for channel in services.config.channels if channel.name in chosen]
    views = await channel_views(services, sorted(found, key=lambda channel: channel.name))
    return page(views, query.limit, lambda view: view, lambda view: view.name)


async def channel_views(services: Services, channels: Sequence[Channel]) -> list[ChannelView]:
    now, store = services.clock.now(), services.store
    minute, day = now - now % MINUTE, now - now % DAY
    today = await activity_of_channels(store, day, day + DAY, DAY)
    recent = await activity_of_channels(store, minute - _RATE_OVER * MINUTE, minute, MINUTE)
    last = await last_calls(store)
    keys = [key for key in (await shared_state(store)).keys if key.revoked_at is None]
    return [
        _view(
            channel,
            now,
            last.get(channel.name),
            today.get(channel.name) or Activity(),
            recent.get(channel.name) or Activity(),
            [key for key in keys if key.channel == channel.name],
        )
        for channel in channels
    ]


def _view(
    channel: Channel,
    now: int,
    last: int | None,
    today: Activity,
    recent: Activity,
    keys: Sequence[ChannelKey],
) -> ChannelView:
    return ChannelView(
        channel.name,
        channel.kind,
        channel.id_space,
        channel.trusted,
        recent.calls / _RATE_OVER,
        shown_or_none(last),
        max(0, now - last) // SECOND if last is not None else None,
        ActivityCounts(**counted(today)),
        len(keys),
        shown_or_none(max((key.created_at for key in keys), default=None)),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/channels",
        handler=list_channels,
        role="viewer",
        summary="The channels of the settings, with their calls, their last call and their keys",
        query=ListQuery,
        answer=Page[ChannelView],
        refusals=("bad_cursor",),
    ),
)
