"""The loyalty program's own judgements: may this profile earn this campaign now, what is it worth, which tier
is a score. Pure: no I/O, no clock, no randomness, nothing awaits; times are integer milliseconds UTC that the
caller passes in."""

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
