"""A profile as a graph: its records, their identifiers, and an edge for each observation, with the rule that joined by it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.audit.event import Action
from gateway.errors import Refusal
from gateway.http.admin.joining import Joined, joining
from gateway.http.admin.listing import MOST, NEWEST, Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.profiles import past_overview
from gateway.http.admin.times import Time, When, shown, shown_or_none
from gateway.http.admin.times import read as read_time
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import CustomerRecord
from gateway.store import Store
from gateway.store.queries import graph as queries
from gateway.store.queries import person_data
from gateway.store.queries.profiles import Balance, ProfileOverview, load, survivor_of
from rules.identifier import Identifier


class RecordNode(msgspec.Struct):
    """A record with the channels of its id space. `rule` brought it onto the profile, `since` when."""

    id: str
    id_space: str
    channels: list[str]
    customer_id: str
    points: int
    rule: str
    since: Time


class IdentifierNode(msgspec.Struct):
    """An identifier of the profile. `state` is `normal`, `generic`, `shared` or `blocked`; only a normal one joins profiles.
    `owner` is the profile that it leads to. `records` are all that hold it, also on other profiles."""

    type: str
    value: str
    state: str
    owner: str | None
    records: int


class EdgeView(msgspec.Struct):
    """An observation. `rule` joined records by it, "" where no rule did. A blocked or retired one joins nothing."""

    record: str
    type: str
    value: str
    rule: str
    verified: bool
    blocked: bool
    retired: bool
    source: str
    first_seen: Time
    last_seen: Time


class PinEdge(msgspec.Struct):
    """A person's decision about a record of this profile and another one, which may be on another profile."""

    records: list[str]
    kind: str
    actor: str
    until: Time | None


class GraphView(msgspec.Struct):
    """The oldest 200 records of a profile with what is seen on them; `record_count` has all records.

    `at` is the moment that was asked for; None: now. Records, edges and rules are those of then; states, owners and numbers of
    records of identifiers are today's, and pins are those that were set by then and still stand."""

    profile: str
    person: str
    record_count: int
    records: list[RecordNode]
    identifiers: list[IdentifierNode]
    edges: list[EdgeView]
    pins: list[PinEdge]
    at: Time | None


class GraphQuery(Query, kw_only=True):
    at: Annotated[When, Meta(description="as it was at this moment")] = ""


async def show_graph(call: Call[GraphQuery]) -> GraphView:
    """An absorbed id gives the surviving profile."""
    store, services = call.services.store, call.services
    at = read_time("at", call.query.at, services.clock.now())
    until = NEWEST if at is None else at
    overview = await _overview(call) if at is None else await past_overview(call, at)
    records = overview.records[:MOST]
    arrived, joined = await joining(services, overview, until)
    numbers = [record.record_id for record in records]
    named = await people(services, [overview.profile_id])
    return GraphView(
        show("prf", overview.profile_id),
        named.get(overview.profile_id, ""),
        overview.total.records,
        [_record(services, record, overview, arrived) for record in records],
        await _identifiers(store, numbers, {edge for record in records for edge in record.observations}),
        [edge for record in records for edge in _edges(record, joined)],
        [
            PinEdge(
                [show("rec", pin.record_a), show("rec", pin.record_b)],
                pin.kind,
                pin.actor,
                shown_or_none(pin.until),
            )
            for pin in (await person_data.pins(store, numbers))[:MOST]
            if pin.created_at <= until
        ],
        shown_or_none(at),
    )


async def _overview(call: Call[GraphQuery]) -> ProfileOverview:
    number = await survivor_of(call.services.store, call.id("prf"))
    overview = await load(call.services.store, number, MOST) if number is not None else None
    if overview is None:
        raise Refusal("not_found", "there is no such profile; it may have been erased")
    return overview


def _record(
    services: Services, record: CustomerRecord, overview: ProfileOverview, arrived: dict[int, tuple[str, int]]
) -> RecordNode:
    rule, since = arrived.get(record.record_id, ("", record.created_at))
    return RecordNode(
        show("rec", record.record_id),
        record.id_space,
        [channel.name for channel in services.config.channels if channel.id_space == record.id_space],
        record.customer_id,
        overview.earned.get(record.record_id, Balance()).points,
        rule,
        shown(since),
    )


def _edges(record: CustomerRecord, joined: Joined) -> list[EdgeView]:
    return [
        EdgeView(
            show("rec", record.record_id),
            *seen.identifier,
            joined.get((record.record_id, seen.identifier), ""),
            seen.verified,
            seen.blocked,
            seen.retired,
            seen.source,
            shown(seen.first_seen),
            shown(seen.last_seen),
        )
        for seen in record.observations.values()
    ]


async def _identifiers(store: Store, records: list[int], held: set[Identifier]) -> list[IdentifierNode]:
    return [
        IdentifierNode(
            *one.identifier,
            "blocked" if one.blocked and one.state == "normal" else one.state,
            None if one.owner is None else show("prf", one.owner),
            one.holders,
        )
        for one in await queries.keys(store, records)
        if one.identifier in held
    ]


OPERATIONS = (
    Operation(
        method="GET",
        path="/profiles/{id}/graph",
        handler=show_graph,
        role="viewer",
        reads=Action.CUSTOMER_VIEWED,
        summary="A profile's records and identifiers, with an edge for each observation and the rule that joined by it",
        query=GraphQuery,
        answer=GraphView,
    ),
)
