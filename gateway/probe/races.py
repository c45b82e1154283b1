"""Five races between two gateways of one database. In each, only some ends are possible if transactions are serializable, and
a store that merely locks rows, or sees conflicts on one node only, lets another end happen.

A race makes customers of its own, whose ids begin with `name`, so races do not disturb each other.
"""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.probe.side import Side

Race = Callable[[Side, Side, str], Awaitable[bool]]
"""Whether the end was a possible one."""


async def same_identifier(one: Side, other: Side, name: str) -> bool:
    """Two customers with one new e-mail arrive at the same moment: they are one person."""
    email = f"{name}@probe.example"
    profiles = await asyncio.gather(one.customer(f"{name}-a", email), other.customer(f"{name}-b", email))
    return len({await one.live(profile) for profile in profiles}) == 1


async def same_achievement(one: Side, other: Side, name: str) -> bool:
    """One customer achieves one campaign twice at the same moment: the second is a duplicate."""
    await one.customer(name)
    return sorted(await asyncio.gather(one.achieve(name), other.achieve(name))) == ["Accepted", "Duplicate"]


async def opposite_merges(one: Side, other: Side, name: str) -> bool:
    """A is merged with B while B is merged with A: one of the two is left."""
    a, b = [await one.customer(f"{name}-{letter}") for letter in "ab"]
    await asyncio.gather(one.merge(a, b), other.merge(b, a))
    left = {await one.live(profile) for profile in (a, b)}
    return len(left) == 1 and left <= {a, b}


async def chained_merges(one: Side, other: Side, name: str) -> bool:
    """A is merged with B while B is merged with C: all three are one."""
    a, b, c = [await one.customer(f"{name}-{letter}") for letter in "abc"]
    await asyncio.gather(one.merge(a, b), other.merge(b, c))
    left = {await one.live(profile) for profile in (a, b, c)}
    return len(left) == 1 and left <= {a, b, c}


async def merge_beside_achievement(one: Side, other: Side, name: str) -> bool:
    """A is merged with B while B achieves a campaign: afterwards it counts for both of them."""
    a, b = [await one.customer(f"{name}-{letter}") for letter in "ab"]
    await asyncio.gather(one.merge(a, b), other.achieve(f"{name}-b"))
    again = [await side.achieve(f"{name}-{letter}") for side in (one, other) for letter in "ab"]
    return set(again) == {"Duplicate"}


RACES: dict[str, Race] = {
    "the same new identifier": same_identifier,
    "the same achievement": same_achievement,
    "merges in opposite directions": opposite_merges,
    "chained merges": chained_merges,
    "a merge beside an achievement": merge_beside_achievement,
}
