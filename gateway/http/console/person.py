"""The page of one person: the graph, what is known and from which record, and what happened."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from gateway.http.admin.audit import HistoryQuery
from gateway.http.admin.graph import EdgeView, GraphQuery, GraphView, show_graph
from gateway.http.admin.pins import list_pins
from gateway.http.admin.profiles import ProfileDetail, ProfileQuery, profile_history, show_profile
from gateway.http.admin.record_filter import OfRecordsQuery
from gateway.http.admin.splits import list_splits
from gateway.http.console.graph import MOST, Edge, Node, Picture, draw
from gateway.http.console.timeline import told
from gateway.http.console.visit import Visit
from gateway.model.names import full_name
from rules.attributes import CUSTOM

_ROWS = 15
"""Merges, and pins. Of records, the table has as many as the picture; a person with more of them is shown with the oldest."""
_EVENTS = 30


async def show_person(visit: Visit) -> web.Response:
    """The person now, or with `at` in the address as they were at a moment."""
    asked = visit.query(ProfileQuery)
    person = await visit.ask(show_profile, asked)
    if person.at is not None:
        return await _then(visit, person, asked.at)
    pins = await visit.ask(list_pins, OfRecordsQuery(profile=person.id, limit=_ROWS))
    history = await visit.ask(profile_history, visit.query(HistoryQuery, limit=_EVENTS))
    name = full_name(person.attributes)
    return visit.page(
        "person.html",
        section="find",
        title=name or visit.text("person", "unnamed"),
        json=f"/profiles/{person.id}",
        person=person,
        pins=pins.items,
        more_pins=pins.next is not None,
        splits=(await visit.ask(list_splits, OfRecordsQuery(profile=person.id, limit=_ROWS))).items,
        merges=person.merges[: -_ROWS - 1 : -1],
        records=person.records[:MOST],
        attributes=shown_values(person),
        readable=readable,
        graph=picture(await visit.ask(show_graph, GraphQuery())),
        history=history,
        events=[told(event) for event in history.items],
    )


async def _then(visit: Visit, person: ProfileDetail, asked: str) -> web.Response:
    """Without what can be done, because that changes the person as they are now."""
    return visit.page(
        "person_then.html",
        section="find",
        title=full_name(person.attributes) or visit.text("person", "unnamed"),
        json=f"/profiles/{person.id}?{urlencode({'at': asked})}",
        person=person,
        records=person.records[:MOST],
        attributes=shown_values(person),
        readable=readable,
        graph=picture(await visit.ask(show_graph, GraphQuery(at=asked))),
    )


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One value of an attribute, with the customer ids of the records that say it."""

    value: str
    wins: bool
    by: list[str]


def shown_values(person: ProfileDetail) -> dict[str, list[ShownValue]]:
    """Every value of each attribute, the one that the profile has first."""
    records = {record.id: f"{record.id_space}:{record.customer_id}" for record in person.records}
    found: dict[str, dict[tuple[bool, str], list[str]]] = {}
    for one in person.values:
        key = (not one.wins, readable(one.value))
        found.setdefault(shorter(one.name), {}).setdefault(key, []).append(records[one.record])
    return {
        name: [ShownValue(value, not loses, by) for (loses, value), by in sorted(values.items())]
        for name, values in found.items()
    }


def shorter(name: str) -> str:
    """An attribute's name as channels write it."""
    return name.removeprefix(CUSTOM)


def readable(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def picture(graph: GraphView) -> Picture:
    """Records of one channel stand together."""
    states = {(one.type, one.value): one.state for one in graph.identifiers}
    records = sorted(graph.records, key=lambda record: (record.channels, record.id_space, record.since))
    return draw(
        [
            Node(one.id, one.customer_id, ", ".join(one.channels) or one.id_space, f"#{one.id}")
            for one in records
        ],
        [
            Node(_key(one.type, one.value), one.value, one.type, "", one.state != "normal")
            for one in graph.identifiers
        ],
        [
            Edge(edge.record, _key(edge.type, edge.value), _kind(edge, states[edge.type, edge.value]))
            for edge in graph.edges
            if (edge.type, edge.value) in states
        ],
        [(pin.records[0], pin.records[1], pin.kind) for pin in graph.pins],
    )


def _key(kind: str, value: str) -> str:
    return f"{kind} {value}"


def _kind(edge: EdgeView, state: str) -> str:
    if edge.rule:
        return "joined"
    return "powerless" if edge.blocked or edge.retired or state != "normal" else ""
