"""The loyalty program's decisions: whether a profile may earn a campaign now, what it is worth, and which tier a score reaches.
Pure: no I/O, no clock, no randomness, no await. Times are integer milliseconds UTC that the caller passes in."""

from gateway.loyalty.eligibility import Needs, Reason, Standing, judge, needs
from gateway.loyalty.period import period_around
from gateway.loyalty.reward import SEED_BYTES, Reward, reward
from gateway.loyalty.tier import tier_of

__all__ = [
    "SEED_BYTES",
    "Needs",
    "Reason",
    "Reward",
    "Standing",
    "judge",
    "needs",
    "period_around",
    "reward",
    "tier_of",
]
