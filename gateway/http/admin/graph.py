"""A profile as a graph: its records, their identifiers, and an edge for each observation, with the rule that joined by it."""

import msgspec

from gateway.audit.event import Action
from gateway.errors import Refusal
from gateway.http.admin.listing import MOST, Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.people import people
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.http.services import Services
from gateway.ids import show
from gateway.model import CustomerRecord
from gateway.store import Store
from gateway.store.queries import graph as queries
from gateway.store.queries import past, person
from gateway.store.queries.profiles import Balance, Overview, load, survivor_of
from rules.identifier import Identifier
from rules.ruleset import RuleSet

Joined = dict[tuple[int, Identifier], str]
"""The rule that joined by an observation."""


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
    """The oldest 200 records of a profile with what is seen on them; `record_count` has all records."""

    profile: str
    person: str
    record_count: int
    records: list[RecordNode]
    identifiers: list[IdentifierNode]
    edges: list[EdgeView]
    pins: list[PinEdge]


async def show_graph(call: Call[Query]) -> GraphView:
    """An absorbed id gives the surviving profile."""
    store, services = call.services.store, call.services
    number = await survivor_of(store, call.id("prf"))
    overview = await load(store, number) if number is not None else None
    if overview is None:
        raise Refusal("not_found", "there is no such profile; it may have been erased")
    records = overview.records[:MOST]
    arrived, joined = await _history(services, overview)
    numbers = [record.record_id for record in records]
    named = await people(services, [overview.profile_id])
    return GraphView(
        show("prf", overview.profile_id),
        named.get(overview.profile_id, ""),
        len(overview.records),
        [_record(services, record, overview, arrived) for record in records],
        await _identifiers(store, numbers),
        [edge for record in records for edge in _edges(record, joined)],
        [
            PinEdge(
                [show("rec", pin.record_a), show("rec", pin.record_b)],
                pin.kind,
                pin.actor,
                shown_or_none(pin.until),
            )
            for pin in (await person.pins(store, numbers))[:MOST]
        ],
    )


async def _history(services: Services, overview: Overview) -> tuple[dict[int, tuple[str, int]], Joined]:
    """By which rule each record came and when, and by which observations."""
    held = {
        record.record_id: {one for one, seen in record.observations.items() if not seen.blocked}
        for record in overview.records
    }
    holders: dict[Identifier, list[int]] = {}
    for number, identifiers in held.items():
        for one in identifiers:
            holders.setdefault(one, []).append(number)
    there: dict[int, set[Identifier]] = {}
    arrived: dict[int, tuple[str, int]] = {}
    joined: Joined = {}
    told: set[Identifier] = set()
    for step in await past.steps(services.store, overview.profile_id):
        coming = {one: held[one] for one in step.records if one in held}
        bringing = set().union(*coming.values())
        here = there.setdefault(step.profile_id, set())
        rule, shared = _joining(services.env.rules, step.rule, bringing, here)
        for one in shared:  # who held it before is marked once, so that a step costs what it brings
            for number in coming if one in told else holders[one]:
                if one in held[number] and (number in coming or number in arrived):
                    joined.setdefault((number, one), rule)
        told |= shared
        here |= bringing
        arrived |= dict.fromkeys(coming, (step.rule, step.at))
    return arrived, joined


def _joining(
    rules: RuleSet, name: str, coming: set[Identifier], here: set[Identifier]
) -> tuple[str, set[Identifier]]:
    """The rule in use by which the two sides agree, and in which identifiers. Where one request joins several profiles, the log
    names the rule of the best match for all of them, so others are tried behind it."""
    if all(rule.name != name for rule in rules.rules):
        return "", set()
    for rule in sorted(rules.rules, key=lambda rule: rule.name != name):
        shared = {one for one in coming & here if one.type in rule.all_of}
        if rule.outcome == "merge" and {one.type for one in shared} == {*rule.all_of}:
            return rule.name, shared
    return "", set()


def _record(
    services: Services, record: CustomerRecord, overview: Overview, arrived: dict[int, tuple[str, int]]
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


async def _identifiers(store: Store, records: list[int]) -> list[IdentifierNode]:
    return [
        IdentifierNode(
            *one.identifier,
            "blocked" if one.blocked and one.state == "normal" else one.state,
            None if one.owner is None else show("prf", one.owner),
            one.holders,
        )
        for one in await queries.keys(store, records)
    ]


OPERATIONS = (
    Operation(
        method="GET",
        path="/profiles/{id}/graph",
        handler=show_graph,
        role="viewer",
        reads=Action.CUSTOMER_VIEWED,
        summary="A profile's records and identifiers, with an edge for each observation and the rule that joined by it",
        answer=GraphView,
    ),
)
