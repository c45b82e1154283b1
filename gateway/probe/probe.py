"""`probe`: five races of the gateway's own commands, and two of the engine alone, in a schema of their own."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise

import msgspec

from gateway.clock import Clock
from gateway.errors import CommandFailed, GatewayError, StoreUnavailable
from gateway.probe.races import RACES
from gateway.probe.side import Side
from gateway.store.postgres.scratch import inside, scratch_schema, skewed_insert, skewed_update

_SKEWS: dict[str, Callable[[str, str, int], Awaitable[bool]]] = {
    "write skew: two updates": skewed_update,
    "write skew: two inserts": skewed_insert,
}
TRIALS = (*RACES, *_SKEWS)
Progress = Callable[[str, int], None]


class Unusable(GatewayError):
    """The database cannot be tried at all; the text says why."""


class RaceResult(msgspec.Struct, frozen=True):
    """How often one race was run, and in how many rounds an end came about that no order of the two explains."""

    race: str
    rounds: int
    violations: int


class Findings(msgspec.Struct, frozen=True):
    """`repeats`: commands that the engine refused for good, so that they were sent again."""

    held: tuple[RaceResult, ...]
    repeats: int

    @property
    def is_sound(self) -> bool:
        return not any(one.violations for one in self.held)


async def probe(urls: Sequence[str], clock: Clock, rounds: int, progress: Progress) -> Findings:
    """Race gateways against each other, one for each URL and at least two; neighbours race in turn. Each URL leads to one node
    of the same database. Raises Unusable."""
    schema = f"gateway_probe_{secrets.token_hex(4)}"
    key = secrets.token_bytes(32)
    nodes = [inside(url, schema) for url in (urls if len(urls) > 1 else [*urls, *urls])]
    pairs = [*pairwise(nodes), *([(nodes[-1], nodes[0])] if len(nodes) > 2 else [])]
    try:
        async with scratch_schema(urls[0], schema), AsyncExitStack() as stack:
            sides = [await stack.enter_async_context(Side(node, clock, key)) for node in nodes]
            opponents = [*pairwise(sides), *([(sides[-1], sides[0])] if len(sides) > 2 else [])]
            held = [await _race(name, opponents, rounds, progress) for name in RACES]
            held += [await _skew(name, pairs, rounds, progress) for name in _SKEWS]
            return Findings(tuple(held), sum(side.repeats for side in sides))
    except StoreUnavailable as error:
        raise Unusable(str(error)) from error


async def _race(
    name: str, opponents: Sequence[tuple[Side, Side]], rounds: int, progress: Progress
) -> RaceResult:
    violations = 0
    for number in range(rounds):
        one, other = opponents[number % len(opponents)]
        try:
            violations += not await RACES[name](one, other, f"{name.replace(' ', '-')}-{number}")
        except CommandFailed:  # a use case met rows that contradict each other
            violations += 1
        progress(name, 1)
    return RaceResult(name, rounds, violations)


async def _skew(name: str, pairs: Sequence[tuple[str, str]], rounds: int, progress: Progress) -> RaceResult:
    violations = 0
    for number in range(1, rounds + 1):
        violations += not await _SKEWS[name](*pairs[number % len(pairs)], number)
        progress(name, 1)
    return RaceResult(name, rounds, violations)
