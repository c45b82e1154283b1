"""The identity graph of a person as a picture: records on the left, identifiers on the right, an edge for each observation. Only
places are computed here; the template draws them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MOST = 30
"""Nodes on each side of a picture. The table beside it has all of them."""
WIDTH, _LEFT, _RIGHT, _NODE, _STEP, _TOP = 860, 20, 540, 300, 46, 44


@dataclass(frozen=True, slots=True)
class Node:
    """`note` is the second line. `powerless`: an identifier that joins no profiles."""

    key: str
    label: str
    note: str
    href: str
    powerless: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """`kind`: `joined` if a rule joined by it, `powerless` if it joins nothing, otherwise empty."""

    source: str
    target: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    node: Node
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """`lines` are the edges and `arcs` the pins, each with its kind and path. `left_out` nodes had no room."""

    height: int
    nodes: list[Placed]
    lines: list[tuple[str, str]]
    arcs: list[tuple[str, str]]
    left_out: int
    width: int = WIDTH
    node_width: int = _NODE
    columns: tuple[int, int] = field(default=(_LEFT, _RIGHT))


def draw(
    records: Sequence[Node],
    identifiers: Sequence[Node],
    edges: Iterable[Edge],
    pins: Iterable[tuple[str, str, str]],
) -> Picture:
    """`pins` are pairs of records, each with its kind."""
    edges = list(edges)
    kept = records[:MOST]
    right = _near(identifiers, kept, edges)[:MOST]
    placed = {node.key: Placed(node, _LEFT, _TOP + n * _STEP) for n, node in enumerate(kept)}
    placed |= {node.key: Placed(node, _RIGHT, _TOP + n * _STEP) for n, node in enumerate(right)}
    lines = [
        (edge.kind, _line(placed[edge.source], placed[edge.target]))
        for edge in sorted(edges, key=lambda edge: edge.kind == "joined")
        if edge.source in placed and edge.target in placed
    ]
    arcs = [(kind, _arc(placed[a], placed[b])) for a, b, kind in pins if a in placed and b in placed]
    rows = max(len(kept), len(right), 1)
    left_out = len(records) + len(identifiers) - len(placed)
    return Picture(_TOP + rows * _STEP, list(placed.values()), lines, arcs, left_out)


def _near(identifiers: Sequence[Node], records: Sequence[Node], edges: Iterable[Edge]) -> list[Node]:
    """Identifiers beside their records, so that few lines cross."""
    places = {node.key: place for place, node in enumerate(records)}
    heights: dict[str, list[int]] = {}
    for edge in edges:
        if edge.source in places:
            heights.setdefault(edge.target, []).append(places[edge.source])
    return sorted(identifiers, key=lambda node: _middle(heights, node.key))


def _middle(heights: Mapping[str, Sequence[int]], key: str) -> float:
    found = heights.get(key)
    return sum(found) / len(found) if found else float("inf")


def _line(source: Placed, target: Placed) -> str:
    start, end = source.x + _NODE, target.x
    return f"M{start} {source.y}C{start + 100} {source.y} {end - 100} {target.y} {end} {target.y}"


def _arc(one: Placed, other: Placed) -> str:
    out = max(4, one.x - 14)
    return f"M{one.x} {one.y}C{out} {one.y} {out} {other.y} {other.x} {other.y}"
