"""Tiers: the level that a score reaches."""

from collections.abc import Iterable

from gateway.config import Tier


def tier_of(tiers: Iterable[Tier], score: int) -> Tier | None:
    """The highest tier that `score` reaches, None below the first. `tiers` must be in ascending order, which the settings
    ensure."""
    reached = None
    for tier in tiers:
        if score < tier.min_progress:
            break
        reached = tier
    return reached
