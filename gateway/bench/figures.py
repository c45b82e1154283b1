"""Figures: one value for each round, reduced to median and spread, with its target. Pure."""

import random
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec


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
    def met(self) -> bool | None:
        """Whether the figure meets its target; None without a target. The better quartile counts, because one noisy round
        proves nothing."""
        if self.target is None:
            return None
        if self.target.sense == "at least":
            return self.spread.upper_quartile >= self.target.limit
        return self.spread.lower_quartile <= self.target.limit
