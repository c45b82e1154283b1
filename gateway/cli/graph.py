"""A profile as a tree: its records, and below each its identifiers with the rule that joined by them."""

from collections.abc import Iterator
from typing import Any

from gateway.cli.output import Row, plain, say
from gateway.plural import counted


def print_graph(graph: Row) -> None:
    say(f"{plain(graph['person'])} ({graph['profile']}), {counted(graph['record_count'], 'record')}")
    keys = {(one["type"], one["value"]): one for one in graph["identifiers"]}
    edges: dict[str, list[Row]] = {}
    for edge in graph["edges"]:
        edges.setdefault(edge["record"], []).append(edge)
    for record, is_last in _with_last(graph["records"]):
        say(f"{'└─' if is_last else '├─'} {_record(record)}")
        for edge, ends in _with_last(edges.get(record["id"], [])):
            stem = "   " if is_last else "│  "
            say(f"{stem}{'└─' if ends else '├─'} {_edge(edge, keys[edge['type'], edge['value']])}")
    more = graph["record_count"] - len(graph["records"])
    if more:
        say(f"and {counted(more, 'record')} more")
    for pin in graph["pins"]:
        say(f"pinned by {plain(pin['actor'])}: {' and '.join(pin['records'])} ({pin['kind']})")


def _with_last(rows: list[Any]) -> Iterator[tuple[Any, bool]]:
    return ((row, place == len(rows)) for place, row in enumerate(rows, 1))


def _record(record: Row) -> str:
    by = f", by rule {plain(record['rule'])}" if record["rule"] else ""
    customer = plain(f"{record['id_space']}:{record['customer_id']}")
    return f"{customer}  {record['id']}  {counted(record['points'], 'point')}, since {record['since']}{by}"


def _edge(edge: Row, key: Row) -> str:
    remarks = [f"joined by rule {plain(edge['rule'])}"] if edge["rule"] else []
    remarks += [name for name in ("verified", "blocked", "retired") if edge[name]]
    if key["state"] not in ("normal", "blocked"):
        remarks.append(key["state"])
    if key["records"] > 1:
        remarks.append(f"on {counted(key['records'], 'record')}")
    told = f" ({', '.join(remarks)})" if remarks else ""
    return f"{edge['type']} {plain(edge['value'])}{told}"
