"""The audit log: filtered pages, and the whole result as a stream of lines."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.audit.chain import Link
from gateway.audit.event import Action, AuditEvent, words_hmac
from gateway.audit.pseudonym import Pseudonyms
from gateway.errors import Refusal
from gateway.http.admin.download import download, wanted_form
from gateway.http.admin.listing import (
    MOST,
    USUAL,
    Id,
    Limit,
    Page,
    Query,
    page,
    read_cursor,
    refuse_unknown,
)
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, When, read, shown
from gateway.ids import read as read_id
from gateway.ids import show
from gateway.store import Store
from gateway.store.queries import audit as queries
from gateway.store.queries.audit import WantedEvents
from gateway.store.queries.profiles import ids_leading_to, survivor_of

_encode_line = msgspec.json.Encoder().encode


Most = Annotated[Limit | None, Meta(description="as a file: all of them unless given")]
Order = Annotated[Literal["asc", "desc"], Meta(description="desc: newest first")]


class HistoryQuery(Query, kw_only=True):
    limit: Most = None
    cursor: str = ""
    order: Order = "desc"


class AuditFilters(Query, kw_only=True):
    since: When = ""
    until: When = ""
    action: Annotated[str, Meta(description="exact, or a prefix such as identity.*")] = ""
    channel: str = ""
    actor: str = ""
    profile: Annotated[
        str, Meta(description="prf_…; finds the events of every id that leads to the same profile")
    ] = ""
    object: Annotated[str, Meta(description="ach_…, rec_…, a key id or a rule set version")] = ""
    request_id: str = ""
    outcome: str = ""
    after: Annotated[str, Meta(description="evt_…; only events after this one")] = ""


class AuditQuery(AuditFilters, kw_only=True):
    limit: Most = None
    cursor: str = ""
    order: Order = "desc"


class EventView(msgspec.Struct):
    """`chain`, `seq` and `hash` place the event in its writer's chain."""

    id: str
    at: Time
    action: str
    outcome: str
    channel: str
    actor: str
    profile: str
    object: str
    request_id: str
    reason: str
    detail: msgspec.Raw
    words: msgspec.Raw
    chain: str
    seq: int
    hash: str


class _Signed(msgspec.Struct):
    words: str = ""


async def query_audit(call: Call[AuditQuery]) -> Page[EventView] | web.StreamResponse:
    query = call.query
    answer = await event_page(call, await wanted_events(call))
    if isinstance(answer, Page) and not answer.items and not query.cursor:
        await _refuse_unknown_values(call)
    return answer


async def wanted_events(call: Call[Any]) -> WantedEvents:
    """What the filters of a query ask for. Raises Refusal."""
    query, now = call.query, call.services.clock.now()
    _check_action(query.action)
    return WantedEvents(
        since=read("since", query.since, now),
        until=read("until", query.until, now),
        action=query.action,
        outcome=query.outcome,
        channel=query.channel,
        actor=query.actor,
        profiles=await _family(call.services.store, query.profile) if query.profile else None,
        object=query.object,
        request_id=query.request_id,
        after=event_id("after", query.after) if query.after else None,
    )


def _check_action(action: str) -> None:
    actions = [one.value for one in Action]
    if action.endswith("*") and any(one.startswith(action[:-1]) for one in actions):
        return
    if action:
        refuse_unknown("action", action, {*actions, *(f"{one.partition('.')[0]}.*" for one in actions)})


async def _refuse_unknown_values(call: Call[AuditQuery]) -> None:
    """Runs after an empty result: a value that no event has ever had is probably a typing error."""
    query, channels = call.query, {channel.name for channel in call.services.config.channels}
    for name in ("channel", "outcome", "actor"):
        value = getattr(query, name)
        if value and value not in channels and not await queries.any_with(call.services.store, name, value):
            if name == "channel":
                refuse_unknown(name, value, channels)
            raise Refusal(
                "bad_parameter", f"{name}: no event has the value {value[:50]!a}; check how it is written"
            )


async def event_page(call: Call[Any], wanted: WantedEvents) -> Any:
    """One page of events, or all of them as a file if the caller accepts that."""
    query, store = call.query, call.services.store
    newest_first = query.order == "desc"
    place = read_cursor(query.cursor, Id, None)
    if form := wanted_form(call):
        return await download(call, form, EventView, _parts(call, wanted, place, newest_first=newest_first))
    limit = query.limit or USUAL
    found = await queries.events(store, wanted, place, limit + 1, newest_first=newest_first)
    view = await viewer(call, found)
    return page(found, limit, view, lambda link: link.event.event_id)


async def events_of(call: Call[Any], profiles: list[str]) -> list[EventView]:
    """All events about these profiles, oldest first."""
    wanted, store, place = WantedEvents(profiles=profiles), call.services.store, 0
    found: list[EventView] = []
    while some := await queries.events(store, wanted, place, MOST, newest_first=False):
        view = await viewer(call, some)
        found += map(view, some)
        place = some[-1].event.event_id
    return found


async def viewer(call: Call[Any], found: list[Link]) -> Callable[[Link], EventView]:
    """Renders each of the found events, with its words."""
    kept = await queries.words(call.services.store, found)
    return lambda link: _event_view(link, kept.get(link.event.event_id), call.services.env.pseudonyms)


def _words(event: AuditEvent, text: str | None, pseudonyms: Pseudonyms) -> msgspec.Raw:
    """Null for erased words, and for words that were never said. Words that differ from the HMAC in the log are marked."""
    if text is None:
        return msgspec.Raw(b"null")
    signed = msgspec.json.decode(event.detail, type=_Signed).words
    if words_hmac(pseudonyms, event.event_id, text) != signed:
        return msgspec.Raw(_encode_line(msgspec.json.decode(text, type=dict[str, Any]) | {"unproven": True}))
    return msgspec.Raw(text.encode())


def _event_view(link: Link, words: str | None, pseudonyms: Pseudonyms) -> EventView:
    event = link.event
    return EventView(
        show("evt", event.event_id),
        shown(event.at),
        event.action,
        event.outcome,
        event.channel,
        event.actor,
        event.profile,
        event.object,
        event.request_id,
        event.reason,
        msgspec.Raw(event.detail.encode() or b"{}"),
        _words(event, words, pseudonyms),
        link.chain,
        link.seq,
        link.hash.hex(),
    )


async def _parts(
    call: Call[Any], wanted: WantedEvents, place: int | None, *, newest_first: bool
) -> AsyncIterator[list[EventView]]:
    left: int | None = call.query.limit
    while left is None or left > 0:
        size = MOST if left is None else min(MOST, left)
        links = await queries.events(call.services.store, wanted, place, size, newest_first=newest_first)
        if links:
            yield [*map(await viewer(call, links), links)]
            place = links[-1].event.event_id
        if len(links) < size:
            break
        left = None if left is None else left - len(links)


async def _family(store: Store, profile: str) -> list[str]:
    """The ids under which events of this profile were written. A text that is not an id finds nothing."""
    number = read_id("prf", profile)
    if number is None:
        raise Refusal("bad_parameter", "profile: is not a profile id; write prf_ and 16 hexadecimal digits")
    members = await ids_leading_to(store, await survivor_of(store, number) or number)
    return [show("prf", member) for member in {number, *members}]


def event_id(name: str, text: str) -> int:
    number = read_id("evt", text)
    if number is None:
        raise Refusal("bad_parameter", f"{name}: is not an event id; write evt_ and 16 hexadecimal digits")
    return number


OPERATIONS = (
    Operation(
        method="GET",
        path="/audit",
        handler=query_audit,
        role="viewer",
        summary="Audit events, newest first; with Accept: application/x-ndjson or text/csv all of them, as a file",
        query=AuditQuery,
        answer=Page[EventView],
        streams=True,
        csv=True,
        refusals=("bad_cursor",),
    ),
)
