"""The audit log, live: events as they happen, filtered as in a query."""

import msgspec
from aiohttp import web

from gateway.clock import SECOND
from gateway.http.admin.audit import AuditFilters, EventView, event_id, viewer, wanted_events
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.streams import Frame, stream
from gateway.http.services import Services
from gateway.ids import earliest, show
from gateway.store.queries import audit as queries
from gateway.store.queries.audit import WantedEvents

_AT_ONCE = 100
_SETTLED_AFTER = SECOND
"""Gateways that share a database commit in another order than that of the ids."""
_BEHIND = 30 * SECOND
_encode = msgspec.json.Encoder().encode


class EventGap(msgspec.Struct):
    """Events were left out, because more happened than can be sent: those behind `after` up to `before`."""

    after: str
    before: str


async def follow_audit(call: Call[AuditFilters]) -> web.StreamResponse:
    """It begins behind `Last-Event-ID` or `after`, or at `since`, or else now."""
    wanted = await wanted_events(call)
    told = call.request.headers.get("Last-Event-ID", "")
    if told:
        wanted.after = event_id("Last-Event-ID", told)
    elif wanted.after is None and wanted.since is None:
        wanted.after = await queries.newest_event(call.services.store)
    return await stream(call, _Following(call, wanted).news)


async def place_of_a_page(services: Services) -> str:
    """What a page that is read from now on gives as `after`, to miss nothing. Where gateways share a database, a page may lack
    events of the last moment; these come again."""
    newest = await queries.newest_event(services.store)
    if services.config.store.sqlite_path is None:
        newest = min(newest, earliest(services.clock.now() - _SETTLED_AFTER))
    return show("evt", newest)


class _Following:
    """`is_live`: it has come to the newest event before, so that what it misses now is no history."""

    def __init__(self, call: Call[AuditFilters], wanted: WantedEvents) -> None:
        self._call, self._wanted = call, wanted
        self._is_shared = call.services.config.store.sqlite_path is None
        self._is_live = False

    async def news(self) -> list[Frame]:
        services, wanted = self._call.services, self._wanted
        now = services.clock.now()
        if self._is_shared:
            wanted.until = now - _SETTLED_AFTER
        links = await queries.events(services.store, wanted, None, _AT_ONCE, newest_first=False)
        if not links:
            self._is_live = True
            return []
        view = await viewer(self._call, links)
        wanted.after = links[-1].event.event_id
        frames = [_frame(view(link)) for link in links]
        if len(links) < _AT_ONCE:
            self._is_live = True
        elif self._is_live and now - links[-1].event.at > _BEHIND:
            frames.append(await self._skip(wanted.after))
        return frames

    async def _skip(self, after: int) -> Frame:
        self._wanted.after = newest = await queries.newest_event(self._call.services.store)
        gap = EventGap(show("evt", after), show("evt", newest))
        return Frame("gap", _encode(gap), gap.before)


def _frame(event: EventView) -> Frame:
    return Frame("audit", _encode(event), event.id)


OPERATIONS = (
    Operation(
        method="GET",
        path="/audit/stream",
        handler=follow_audit,
        role="viewer",
        summary="Audit events as they happen, oldest first; a `gap` names what was left out",
        query=AuditFilters,
        answer=EventView,
        live=True,
        refusals=("too_many_listeners", "too_many_own_listeners"),
    ),
)
