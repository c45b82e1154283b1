"""From a path to its operation. A path leads to exactly one place: words of a template win over parameters, and a parameter is
passed on as it was sent, still percent-encoded."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, get_args

from gateway.http.gameball import older_versions
from gateway.http.gameball.older_versions import ANY_OLDER, INSTALLED, OLDER
from gateway.http.gameball.operations import (
    ANY,
    BOT_SETTINGS,
    DOCUMENTED,
    OUTSIDE,
    UNLISTED,
    VERSIONS,
    Operation,
    Version,
)

_VERSION: Final = re.compile(r"v(\d{1,3})(?:\.(\d{1,3}))?")
_DISGUISED: Final = re.compile(r"%(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|2[DdEe]|5[Ff]|7[Ee])")
"""Escapes of characters that need none: some servers decode them and others do not, and they must not disguise a word."""
_BEFORE_AN_ID: Final = frozenset({"customer", "customers", "player", "players"})
_ID_AT: Final = (5,)
"""The customer id's place among a path's segments, in every template that has one: /api/VERSION/integrations/customers/ID."""


class Place(NamedTuple):
    """The operations at a path, by method, and the values of its parameters. `id_at`: which segments of the path are customer
    ids."""

    version: Version
    operations: Mapping[str, Operation]
    parameters: tuple[str, ...]
    id_at: tuple[int, ...] = ()

    def operation(self, method: str) -> Operation | None:
        """HEAD is GET without the body."""
        return self.operations.get("GET" if method == "HEAD" else method) or self.operations.get(ANY)

    @property
    def allow(self) -> str:
        heads = ("HEAD",) if "GET" in self.operations else ()
        return ", ".join(sorted((*self.operations, *heads)))


class _Node:
    """One place in the tree of paths: what may follow it, and the operations that end here."""

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
        self, segments: Sequence[str], taken: tuple[str, ...] = (), *, fold: bool = False
    ) -> Iterator[tuple["_Node", tuple[str, ...]]]:
        """With `fold`, words match in any case."""
        if not segments:
            if self.operations:
                yield self, taken
            return
        head, *rest = segments
        word = head.lower() if fold else head
        if word in self.words:
            yield from self.words[word].ends(rest, taken, fold=fold)
        if self.parameter is not None and head:
            yield from self.parameter.ends(rest, (*taken, head), fold=fold)


_ROOT, _OLDER_ROOT = _Node(), _Node()
for _operation in (*DOCUMENTED, *OUTSIDE):
    _ROOT.add(_operation.path.split("/")[1:], _operation)
for _operation in OLDER:
    _OLDER_ROOT.add(_operation.path.removeprefix(older_versions.BELOW).split("/")[1:], _operation)


def find(path: str) -> Place | None:
    """The place of `path`, given without its query and percent-encoded. `/customers/social-challenges` is never a customer."""
    match segments := path.split("/"):
        case ["", "api", version, "integrations", *rest] if version in VERSIONS:
            end = next(_ROOT.ends(rest), None)
            return Place(VERSIONS[version], end[0].operations, end[1], _ID_AT) if end else None
        case ["", "api", "v1.0", "Bots", "BotSettings"]:
            return Place("v1.0", {BOT_SETTINGS.method: BOT_SETTINGS}, ())
        case ["", "api", "v1.0", "Bots", "Task"]:
            return Place("v1.0", {INSTALLED.method: INSTALLED}, ())
        case ["", "api", *rest]:
            return _find_older(segments, rest)
        case _:
            return _find_older(segments, segments[1:])  # the .NET library leaves out /api


def find_unlisted(path: str) -> Place | None:
    """The place of a path of the platform's API that is in no table; None for paths that are not clearly in its API."""
    match segments := path.split("/"):
        case ["", "api", version, _, *_] if segments[-1] and (number := _version(version)):
            return _by_name(number, {ANY: UNLISTED}, segments)
        case _:
            return None


def _find_older(segments: Sequence[str], rest: Sequence[str]) -> Place | None:
    match rest:
        case [version, word, first, *more] if word.lower() == "integrations" and first:
            number = older_versions.VERSIONS.get(version.lower())
        case _:
            return None
    if number is None:
        return None
    end = next(_OLDER_ROOT.ends([first, *more], fold=True), None)
    if end is None:
        return _by_name(number, {ANY: ANY_OLDER}, segments)
    operations = {ANY: ANY_OLDER, **end[0].operations}
    named = any(operation.named.path for operation in end[0].operations.values())
    return _place(number, operations, segments, (len(segments) - len(more),) if named else ())


def _by_name(version: Version, operations: Mapping[str, Operation], segments: Sequence[str]) -> Place | None:
    """The segment after a word for customers is a customer id."""
    id_at = tuple(
        place
        for place, segment in enumerate(segments)
        if segment and place and segments[place - 1].lower() in _BEFORE_AN_ID
    )
    return _place(version, operations, segments, id_at)


def _place(
    version: Version, operations: Mapping[str, Operation], segments: Sequence[str], id_at: tuple[int, ...]
) -> Place | None:
    if any(_DISGUISED.search(text) for place, text in enumerate(segments) if place not in id_at):
        return None
    return Place(version, operations, tuple(segments[place] for place in id_at), id_at)


def _version(text: str) -> Version | None:
    """The newest known version that is not newer than this one."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    number = (int(found[1]), int(found[2] or 0))
    known = [one for one in get_args(Version) if tuple(map(int, one[1:].split("."))) <= number]
    return known[-1] if known else None
