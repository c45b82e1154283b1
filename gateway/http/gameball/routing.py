"""From a path to its operation. A path leads to exactly one place: words of a template win over parameters, and
what stands in a parameter's place is handed on as it was sent, still percent-encoded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.http.gameball.operations import (
    ANY,
    BOT_SETTINGS,
    DOCUMENTED,
    OUTSIDE,
    PLAYER,
    VERSIONS,
    Operation,
    Version,
)


class Place(NamedTuple):
    """The operations at a path, by method, and what stood in the places of its parameters."""

    version: Version
    operations: Mapping[str, Operation]
    parameters: tuple[str, ...]

    def operation(self, method: str) -> Operation | None:
        """HEAD is GET without the body."""
        return self.operations.get("GET" if method == "HEAD" else method) or self.operations.get(ANY)

    @property
    def allow(self) -> str:
        heads = ("HEAD",) if "GET" in self.operations else ()
        return ", ".join(sorted((*self.operations, *heads)))


class _Node:
    """One place of a path: what may follow it, and the operations that end here."""

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.operations: dict[str, Operation] = {}

    def add(self, segments: Sequence[str], operation: Operation) -> None:
        if not segments:
            self.operations[operation.method] = operation
            return
        head, *rest = segments
        if head.startswith("{"):
            self.parameter = self.parameter or _Node()
            self.parameter.add(rest, operation)
        else:
            self.words.setdefault(head, _Node()).add(rest, operation)

    def ends(
        self, segments: Sequence[str], taken: tuple[str, ...] = ()
    ) -> Iterator[tuple["_Node", tuple[str, ...]]]:
        if not segments:
            if self.operations:
                yield self, taken
            return
        head, *rest = segments
        if head in self.words:
            yield from self.words[head].ends(rest, taken)
        if self.parameter is not None and head:
            yield from self.parameter.ends(rest, (*taken, head))


_ROOT = _Node()
for _operation in (*DOCUMENTED, *OUTSIDE):
    _ROOT.add(_operation.path.split("/")[1:], _operation)


def find(path: str) -> Place | None:
    """The place of `path`, given without its query and percent-encoded. `/customers/social-challenges` is never a
    customer."""
    match path.split("/"):
        case ["", "api", version, "integrations", *rest] if version in VERSIONS:
            end = next(_ROOT.ends(rest), None)
            return Place(VERSIONS[version], end[0].operations, end[1]) if end else None
        case ["", "api", "v3.0", "integrations", "player", *rest]:
            return Place("v4.0", {ANY: PLAYER}, tuple(rest[:1]))
        case ["", "api", "v1.0", "Bots", "BotSettings"]:
            return Place("v4.0", {BOT_SETTINGS.method: BOT_SETTINGS}, ())
        case _:
            return None
