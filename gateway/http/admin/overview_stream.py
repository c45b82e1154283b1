"""The overview, live: made once every 10 seconds for all who listen."""

from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.overview import Overview, overview_of
from gateway.http.admin.streams import Frame, Shared, stream
from gateway.http.admin.times import When, read, shown_or_none
from gateway.http.services import Services

_GOOD_FOR = 10.0
OVERVIEW = web.AppKey("overview", Shared[Overview])
_encode = msgspec.json.Encoder().encode


def shared_overview(services: Services) -> Shared[Overview]:
    return Shared(partial(overview_of, services), _GOOD_FOR)


class OverviewQuery(Query, kw_only=True):
    after: Annotated[
        When, Meta(description="the `now` of an overview that is known: it begins with a later one")
    ] = ""


async def follow_overview(call: Call[OverviewQuery]) -> web.StreamResponse:
    shared, sent = call.request.app[OVERVIEW], 0.0
    known = shown_or_none(read("after", call.query.after, call.services.clock.now())) or ""

    async def news() -> list[Frame]:
        nonlocal sent
        made, overview = await shared.get()
        if made == sent or overview.now <= known:
            return []
        sent = made
        return [Frame("overview", _encode(overview))]

    return await stream(call, news)


OPERATIONS = (
    Operation(
        method="GET",
        path="/overview/stream",
        handler=follow_overview,
        role="viewer",
        summary="The overview, again every 10 seconds",
        query=OverviewQuery,
        answer=Overview,
        live=True,
        refusals=("too_many_listeners", "too_many_own_listeners"),
    ),
)
