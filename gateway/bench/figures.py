"""Figures: one value for each round, reduced to median and spread, with its target. Pure."""

import random
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

Verdict = Literal["met", "missed", "too noisy to say"]


class Spread(NamedTuple):
    median: float
    low: float
    high: float
    lower_quartile: float
    upper_quartile: float


def quantile(ordered: Sequence[float], q: float) -> float:
    """The q-quantile (0..1) of values in ascending order, linear between neighbours."""
    at = q * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def spread(values: Sequence[float]) -> Spread:
    ordered = sorted(values)
    return Spread(
        quantile(ordered, 0.5), ordered[0], ordered[-1], quantile(ordered, 0.25), quantile(ordered, 0.75)
    )


def ratios(of: Sequence[float], base: Sequence[float]) -> list[float]:
    """Ratios of each round, so that a slow minute of the machine affects both sides equally."""
    return [one / other for one, other in zip(of, base, strict=True)]


def differences(of: Sequence[float], base: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(of, base, strict=True)]


def poisson(rate: float, seconds: float, rng: random.Random) -> Iterator[float]:
    """Arrival times in [0, seconds), independent of one another, `rate` a second on average."""
    at = rng.expovariate(rate)
    while at < seconds:
        yield at
        at += rng.expovariate(rate)


class Target(msgspec.Struct, frozen=True):
    """`goal` is the aim; only `limit` is enforced."""

    sense: Literal["at least", "at most"]
    limit: float
    goal: float | None = None

    def verdict(self, spread: Spread) -> Verdict:
        """The median's, if the quartiles are on its side of the limit. Otherwise another run may say the opposite."""
        quartiles = (spread.lower_quartile, spread.upper_quartile)
        at_least = self.sense == "at least"
        sides = {value >= self.limit if at_least else value <= self.limit for value in quartiles}
        if len(sides) > 1:
            return "too noisy to say"
        return "met" if sides.pop() else "missed"


class Figure(msgspec.Struct, frozen=True):
    """One published number: `values` holds every round, in order. `note` says what limits its validity."""

    name: str
    unit: str
    values: list[float]
    target: Target | None = None
    note: str = ""

    @property
    def spread(self) -> Spread:
        return spread(self.values)

    @property
    def verdict(self) -> Verdict | None:
        """None without a target."""
        return self.target.verdict(self.spread) if self.target else None
